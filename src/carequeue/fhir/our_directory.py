"""The members of our organization, from the source's own directory.

In:  the directory resources (PractitionerRole, CareTeam, Organization, HealthcareService,
Practitioner) and `Us` from the profile. Out: references, and the list of people and teams to assign
to.
Why roles and not practitioners: one person may work for several organizations; the role places them
in ours. Not here: who we are (`store/profiles.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from carequeue.domain.items import Us
from carequeue.fhir import values
from carequeue.fhir.chart import Resource

_PARTNERS: Final = ("Organization", "HealthcareService")


def our_people(directory: Iterable[Resource], us: Us, base: str = "") -> frozenset[str]:
    """References of our people, roles, teams, services and sub-organizations."""
    known = [resource for resource in directory if isinstance(resource, dict)]
    organizations = _organizations(known, us, base)
    ours: set[str] = set(organizations)
    for resource in known:
        if _places(resource, base) & organizations:
            ours.add(own_reference(resource))
            if resource.get("resourceType") == "PractitionerRole":
                ours.add(values.reference(resource.get("practitioner"), base))
    return frozenset(ours - {"", us.organization})


def assignable(
    directory: Iterable[Resource], us: Us, base: str = ""
) -> tuple[tuple[str, str, bool], ...]:
    """(reference, name, is a team) of all to whom an item can be assigned, by name.

    Without teams that exist for one client only (CareTeam.subject), and without inactive roles.
    """
    known = {own_reference(part): part for part in directory if isinstance(part, dict)}
    ours = our_people(known.values(), us, base)
    people: dict[str, tuple[str, bool]] = {}
    for reference, resource in known.items():
        if resource.get("resourceType") == "PractitionerRole" and reference in ours:
            person = values.reference(resource.get("practitioner"), base)
            if person and resource.get("active") is not False:
                shown = values.text(resource, "practitioner.display")
                people[person] = (name_of(known.get(person)) or shown or person, False)
        team = resource.get("resourceType") == "CareTeam" and not resource.get("subject")
        if team and reference in ours | us.teams:
            people[reference] = (name_of(resource) or reference, True)
    for named in us.teams:
        people.setdefault(named, (name_of(known.get(named)) or named, True))
    if us.me:
        people[us.me] = (us.my_name or name_of(known.get(us.me)) or us.me, False)
    rows = ((reference, name, team) for reference, (name, team) in people.items())
    return tuple(sorted(rows, key=lambda row: (row[1].casefold(), row[0])))


def partners(directory: Iterable[Resource], us: Us, base: str = "") -> tuple[tuple[str, str], ...]:
    """(reference, name) of the organizations and services that are not ours, by name.

    Without inactive ones, and without payers: nobody refers a client to an insurance company.
    """
    known = [part for part in directory if isinstance(part, dict)]
    ours = our_people(known, us, base) | {us.organization}
    rows = []
    for resource in known:
        reference = own_reference(resource)
        outside = resource.get("resourceType") in _PARTNERS and reference not in ours
        payer = any(values.has_code(kind, "pay") for kind in values.objects(resource, "type"))
        name = name_of(resource)
        if outside and not payer and name and resource.get("active") is not False:
            rows.append((reference, name))
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
        own_reference(resource): values.reference(resource.get("partOf"), base)
        for resource in known
        if resource.get("resourceType") == "Organization"
    }
    ours = {us.organization} - {""}
    grown = True
    while grown:
        more = {child for child, parent in parents.items() if parent in ours} - ours
        ours |= more
        grown = bool(more)
    return frozenset(ours)


def _places(resource: Resource, base: str) -> set[str]:
    """The organizations in which the directory places a role, a team or a service."""
    kind = resource.get("resourceType")
    if kind == "PractitionerRole":
        return {values.reference(resource.get("organization"), base)}
    if kind == "CareTeam":
        owners = values.objects(resource, "managingOrganization")
        return {values.reference(owner, base) for owner in owners}
    if kind == "HealthcareService":
        return {values.reference(resource.get("providedBy"), base)}
    return set()
