"""Who belongs to our organization, from the source's own directory.

In:  the directory resources (PractitionerRole, CareTeam, Organization, HealthcareService,
Practitioner) and `Us` from the profile. Out: references, and the list of people and teams to assign
to.
Why roles and not practitioners: one person may work for several organizations; the role places them
in ours. Not here: who we are (`store/profiles.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from carequeue.domain.items import Us
from carequeue.fhir import values
from carequeue.fhir.chart import Resource


def our_people(directory: Iterable[Resource], us: Us, base: str = "") -> frozenset[str]:
    """References of our people, roles, teams, services and sub-organizations."""
    known = [each for each in directory if isinstance(each, dict)]
    organizations = _organizations(known, us, base)
    found: set[str] = set(organizations)
    for each in known:
        if _places(each, base) & organizations:
            found.add(own_reference(each))
            if each.get("resourceType") == "PractitionerRole":
                found.add(values.reference(each.get("practitioner"), base))
    return frozenset(found - {"", us.organization})


def assignable(
    directory: Iterable[Resource], us: Us, base: str = ""
) -> tuple[tuple[str, str, bool], ...]:
    """(reference, name, is a team) of all to whom an item can be assigned, by name.

    Without teams that exist for one client only (CareTeam.subject), and without inactive roles.
    """
    known = {own_reference(each): each for each in directory if isinstance(each, dict)}
    ours = our_people(known.values(), us, base)
    found: dict[str, tuple[str, bool]] = {}
    for reference, each in known.items():
        if each.get("resourceType") == "PractitionerRole" and reference in ours:
            person = values.reference(each.get("practitioner"), base)
            if person and each.get("active") is not False:
                shown = values.text(each, "practitioner.display")
                found[person] = (name_of(known.get(person)) or shown or person, False)
        team = each.get("resourceType") == "CareTeam" and not each.get("subject")
        if team and reference in ours | us.teams:
            found[reference] = (name_of(each) or reference, True)
    for named in us.teams:
        found.setdefault(named, (name_of(known.get(named)) or named, True))
    if us.me:
        found[us.me] = (us.my_name or name_of(known.get(us.me)) or us.me, False)
    rows = ((reference, name, team) for reference, (name, team) in found.items())
    return tuple(sorted(rows, key=lambda row: (row[1].casefold(), row[0])))


def own_reference(resource: Any) -> str:
    """`Type/id` of a resource itself, "" if it has no usable type or id."""
    kind, key = values.text(resource, "resourceType"), values.text(resource, "id")
    usable = values.TYPE.fullmatch(kind) and values.ID.fullmatch(key)
    return f"{kind}/{key}" if usable else ""


def name_of(resource: Any) -> str:
    """The name of a person, a team, an organization or a service as the queue shows it."""
    plain = values.text(resource, "name").strip()
    if plain:
        return values.squeeze(plain)
    family, given, words = values.human_name(values.get(resource, "name"))
    shown = words or f"{given} {family}".strip()
    return values.squeeze(shown or values.text(resource, "practitioner.display"))


def _organizations(known: list[Resource], us: Us, base: str) -> frozenset[str]:
    """Our organization and all that are part of it, at any depth; circles end."""
    parents = {
        own_reference(each): values.reference(each.get("partOf"), base)
        for each in known
        if each.get("resourceType") == "Organization"
    }
    found = {us.organization} - {""}
    grown = True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return frozenset(found)


def _places(resource: Resource, base: str) -> set[str]:
    """The organizations in which the directory places a role, a team or a service."""
    kind = resource.get("resourceType")
    if kind == "PractitionerRole":
        return {values.reference(resource.get("organization"), base)}
    if kind == "CareTeam":
        owners = values.objects(resource, "managingOrganization")
        return {values.reference(each, base) for each in owners}
    if kind == "HealthcareService":
        return {values.reference(resource.get("providedBy"), base)}
    return set()
