"""The members of our organization, from the source's own directory.

In:  the directory resources (PractitionerRole, CareTeam, Organization, HealthcareService,
Practitioner) and `Us` from the profile. Out: references, and the list of people and teams to assign
to, with who is away.
Why who is away or has left stays in the list: the record may be wrong, somebody has to cover their
work, and the person who assigns to them must see it. `availableTime` is not read: it says when a
role is usually there, not when a person is away.
Why roles and not practitioners: one person may work for several organizations; the role places them
in ours. Not here: who we are (`store/profiles.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from carequeue.domain.items import Us
from carequeue.fhir import values
from carequeue.fhir.chart import Resource

_PARTNERS: Final = ("Organization", "HealthcareService")


class TimeAway(NamedTuple):
    """Somebody who is away: until an instant, if the record says so; `left`: no longer active."""

    until: datetime | None = None
    left: bool = False


class Assignable(NamedTuple):
    """A person or a team to whom an item can be assigned; `absence`: None if none is known."""

    reference: str
    name: str
    team: bool
    absence: TimeAway | None = None


_NEVER = datetime.max.replace(tzinfo=UTC)


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
    directory: Iterable[Resource], us: Us, now: datetime, zone: ZoneInfo, base: str = ""
) -> tuple[Assignable, ...]:
    """All to whom an item can be assigned, by name; who is away comes after all others.

    Without teams that exist for one client only (CareTeam.subject). `zone`: the site's, for a date
    without a time.
    """
    known = {own_reference(part): part for part in directory if isinstance(part, dict)}
    ours = our_people(known.values(), us, base)
    people: dict[str, Assignable] = {}
    roles: dict[str, list[Resource]] = {}
    for reference, resource in known.items():
        is_role = resource.get("resourceType") == "PractitionerRole" and reference in ours
        person = values.reference(resource.get("practitioner"), base) if is_role else ""
        if person:
            roles.setdefault(person, []).append(resource)
        team = resource.get("resourceType") == "CareTeam" and not resource.get("subject")
        if team and reference in ours | us.teams:
            people[reference] = Assignable(reference, name_of(resource) or reference, True)
    for person, of_person in roles.items():
        shown = values.text(of_person[0], "practitioner.display")
        name = name_of(known.get(person)) or shown or person
        absence = _absence(known.get(person), of_person, now, zone)
        people[person] = Assignable(person, name, False, absence)
    for named in us.teams:
        people.setdefault(named, Assignable(named, name_of(known.get(named)) or named, True))
    if us.me:
        name = us.my_name or name_of(known.get(us.me)) or us.me
        people[us.me] = Assignable(us.me, name, False)
    return tuple(
        sorted(
            people.values(),
            key=lambda person: (bool(person.absence), person.name.casefold(), person.reference),
        )
    )


def _absence(
    person: Resource | None, roles: Sequence[Resource], now: datetime, zone: ZoneInfo
) -> TimeAway | None:
    """The absence of a person who is away in every role with us; None if there is one without.

    Of several absences that which ends first counts.
    """
    if (person or {}).get("active") is False:
        return TimeAway(left=True)
    absences = [_absence_in(role, now, zone) for role in roles]
    known = [absence for absence in absences if absence is not None]
    if len(known) < len(absences):
        return None
    return min(known, key=lambda absence: (absence.left, absence.until or _NEVER))


def _absence_in(role: Resource, now: datetime, zone: ZoneInfo) -> TimeAway | None:
    """The absence that a role states: not active, over (`period`), or `notAvailable` now."""
    end = values.period_end(role.get("period"), zone)
    if role.get("active") is False or (end is not None and end <= now):
        return TimeAway(left=True)
    stated = [
        _stated(part.get("during"), now, zone) for part in values.objects(role, "notAvailable")
    ]
    absences = [absence for absence in stated if absence is not None]
    ends = [absence.until for absence in absences if absence.until is not None]
    if len(ends) < len(absences):
        return TimeAway()
    return TimeAway(max(ends)) if ends else None


def _stated(during: Any, now: datetime, zone: ZoneInfo) -> TimeAway | None:
    """The absence of a Period that holds now; None also for a Period that cannot be read."""
    start = values.instant(values.text(during, "start"), zone)
    end = values.period_end(during, zone)
    unread = (values.text(during, "start") and start is None) or (
        values.text(during, "end")[:4] not in ("", "9999") and end is None
    )
    if unread or (start is None and end is None):
        return None
    holds = (start is None or start <= now) and (end is None or end > now)
    return TimeAway(end) if holds else None


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
