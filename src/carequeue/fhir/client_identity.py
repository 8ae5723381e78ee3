"""The client whom a resource names, compared with the client of a decision. Pure.

In:  a resource, a `ClientIdentity` that was recorded with a decision. Out: identities, yes or no.
Why: a colleague can correct `Task.for`. A decision about one client must never be written to
another, so the identity is part of the decision and is compared before every write. The comparison
errs on the side of asking: a reference that became another one, none, or one that was none before
is another client, unless the two records are linked as merged (FHIR R4, Patient.link, types
`replaced-by` and `replaces`; `refer` and `seealso` do not merge records).
Not here: clients of two servers (`client_identifiers.py`), what follows from a difference
(`sync/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from carequeue.domain.intents import ClientIdentity, Intent, IntentKind
from carequeue.fhir import codes, jsontext, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identifiers import identifiers
from carequeue.fhir.our_directory import own_reference

Find = Callable[[str], Resource | None]

#: The elements by which a resource names its client, in this order.
SUBJECTS: Final = ("for", "subject", "patient", "beneficiary")
#: Elements of a resource to be created that point to the resource that it is about.
_ABOUT: Final = ("focus", "about", "basedOn", "partOf")
_PEOPLE: Final = ("recipient", "sender")  # of a Communication without a subject
_MOST_LINKS: Final = 20
_MOST_STEPS: Final = 5  # from a Task to its focus, and on from there


@dataclass(frozen=True, slots=True)
class ClientRecords:
    """Records that a comparison may use in addition to the resource.

    `base_url`: absolute references below it are the source's own. `merged`: references of records
    that are linked as merged with the client's record. `find`: the newest known resource of a
    reference; if it finds nothing, the comparison does without.
    """

    base_url: str = ""
    merged: frozenset[str] = frozenset()
    find: Find = lambda _: None


NO_RECORDS: Final = ClientRecords()


def named_client(resource: Any, base_url: str = "") -> ClientIdentity:
    """The client whom a resource itself names; an empty identity if it names nobody.

    A Patient comes first, as for the chart of a resource (`chart_to_items.chart_of`).
    """
    if values.text(resource, "resourceType") == "Patient":
        return ClientIdentity(own_reference(resource), identifiers(resource))
    named = [_identity(client, resource, base_url) for client in naming_elements(resource)]
    patients = (client for client in named if _is_patient(client))
    return next(patients, named[0] if named else ClientIdentity())


def client_of(resource: Any, records: ClientRecords) -> ClientIdentity:
    """The client of a resource: whom it names, otherwise the client of its focus, and so on.

    A Patient on that path comes before anybody else: by the same rule a resource belongs to a
    client's chart (`chart_to_items.chart_of` and `store/chart_membership.py`). Somebody who is no
    Patient, such as a subject given in words, counts if the resource itself names nobody.
    """
    own = named_client(resource, records.base_url)
    through: list[str] = []
    about, described = resource, own
    while len(through) < _MOST_STEPS and not _is_patient(own):
        step = _focus(about, records.base_url)
        about = records.find(step) if step and step not in through else None
        if about is None:
            break
        through.append(step)
        named = named_client(about, records.base_url)
        named = replace(named, through=tuple(through), own=_key(own))
        if _is_patient(named):
            return named
        if _is_known(named) and not _is_known(described):
            described = named
    return described


def decided_with(resource: Any, records: ClientRecords, name: str = "") -> ClientIdentity:
    """The client to record with a decision about this resource, as the person sees it now."""
    client = _with_present_identifiers(client_of(resource, records), records)
    return replace(client, name=name)


def created_for(resource: Any, records: ClientRecords, name: str = "") -> ClientIdentity:
    """The client to record with the creation of this resource.

    A contact may name nobody itself, because what it is about gives its client in words only; then
    it is created for the client of what it is about.
    """
    client = decided_with(resource, records, name)
    if _is_known(client):
        return client
    for reference in points_to(resource, records.base_url):
        about = decided_with(records.find(reference), records, name)
        if _is_known(about):
            return replace(about, through=(reference, *about.through), own="")
    return client


def same_client(
    decided: ClientIdentity, now: ClientIdentity, merged: frozenset[str] = frozenset()
) -> bool:
    """True if two identities are one client. Two empty ones are.

    `merged`: references of records that are linked as merged with the first one.
    """
    if decided.reference and now.reference:
        if decided.reference == now.reference:
            return not _contradict(decided.identifiers, now.identifiers)
        return now.reference in merged
    if decided.identifiers and now.identifiers:
        return not set(decided.identifiers).isdisjoint(now.identifiers)
    return not _is_known(decided) and not _is_known(now)


def names_same_client(before: Any, after: Any, base_url: str = "") -> bool:
    """True if two versions of a resource name the same client."""
    return same_client(named_client(before, base_url), named_client(after, base_url))


def is_about_its_client(
    intent: Intent, resource: Resource, records: ClientRecords = NO_RECORDS
) -> bool:
    """True if a resource is still about the client with whom a decision was made.

    True if the client was not recorded: the sender of the decision has to ask (`Intent.client`).
    """
    decided = _decided(intent, records.base_url)
    if decided is None:
        return True
    own = named_client(resource, records.base_url)
    if not decided.through or _is_patient(own):
        return _is_same(decided, client_of(resource, records), records)
    if _key(own) != decided.own or _focus(resource, records.base_url) != decided.through[0]:
        return False
    if records.find(decided.through[0]) is None:
        return True  # the focus is unknown here; it is compared where it is known
    return _is_same(decided, client_of(resource, records), records)


def creates_for_its_client(intent: Intent, records: ClientRecords) -> bool:
    """True if the client of a create is still that person, and so is the client of what it is
    about.

    A contact that names a Task must not be written once that Task is another client's.
    """
    decided = _decided(intent, records.base_url)
    if decided is None or intent.kind is not IntentKind.CREATE:
        return True
    created = created_for(intent.args.get("resource"), records)
    if not _is_same(decided, created, records):
        return False
    for reference in points_to(intent.args.get("resource"), records.base_url):
        if _became_anothers(decided, client_of(records.find(reference), records), records):
            return False
    return True


def _became_anothers(decided: ClientIdentity, now: ClientIdentity, records: ClientRecords) -> bool:
    """True if what a create points to names another client.

    Senders write the client of a request in their own words and with their own identifiers, so only
    a Patient, or another value of a known identifier, shows somebody else.
    """
    if _is_patient(now):
        return not _is_same(decided, now, records)
    return _contradict(decided.identifiers, now.identifiers)


def _is_same(decided: ClientIdentity, now: ClientIdentity, records: ClientRecords) -> bool:
    merged = records.merged | _merged_with(decided, now, records)
    return same_client(decided, _with_present_identifiers(now, records), merged)


def points_to(resource: Any, base_url: str) -> list[str]:
    """References by which a resource to be created says what it is about."""
    elements = [e for name in _ABOUT for e in values.objects(resource, name)]
    elements.append(values.extension(resource, codes.ABOUT).get("valueReference") or {})
    named = (values.reference(reference, base_url) for reference in elements)
    return [reference for reference in dict.fromkeys(named) if reference]


# --- merged records -------------------------------------------------------------------------------


def merged_records(record: str, other: str, records: ClientRecords) -> bool:
    """True if two Patient records are linked as one person (Patient.link).

    Links are followed from both sides, at most twenty records each, in circles once.
    """
    newer, newer_too = (_linked(start, "replaced-by", records) for start in (record, other))
    if not newer.isdisjoint(newer_too):
        return True
    older, older_too = (_linked(start, "replaces", records) for start in (record, other))
    return not older_too.isdisjoint(newer) or not older.isdisjoint(newer_too)


def _linked(reference: str, kind: str, records: ClientRecords) -> set[str]:
    """A record and those that its links of one type lead to, transitively."""
    linked = [reference]
    for name in linked:
        if len(linked) >= _MOST_LINKS:
            break
        links = values.objects(records.find(name), "link")[:_MOST_LINKS]
        for link in links:
            other = values.reference(link.get("other"), records.base_url)
            if values.text(link, "type") == kind and other and other not in linked:
                linked.append(other)
    return set(linked)


def merged_references(
    clients: Iterable[ClientIdentity], resource: Any, records: ClientRecords
) -> frozenset[str]:
    """References that also mean one of these clients, by the links of their records.

    The links of the record that `resource` names are followed too.
    """
    now = named_client(resource, records.base_url)
    merged: set[str] = set()
    for client in clients:
        if client.reference.startswith("Patient/"):
            merged |= _linked(client.reference, "replaced-by", records) - {client.reference}
            merged |= _merged_with(client, now, records)
    return frozenset(merged)


def _merged_with(
    decided: ClientIdentity, now: ClientIdentity, records: ClientRecords
) -> frozenset[str]:
    """The reference that a resource names now, if the two records are merged."""
    before, after = decided.reference, now.reference
    if not (before.startswith("Patient/") and after.startswith("Patient/")) or before == after:
        return frozenset()
    return frozenset({after}) if merged_records(before, after, records) else frozenset()


# --- reading the names ----------------------------------------------------------------------------


def _decided(intent: Intent, base_url: str) -> ClientIdentity | None:
    """The recorded client, with a relative reference if the source wrote it as a full URL."""
    client = intent.client
    if client is None:
        return None
    reference = values.reference({"reference": client.reference}, base_url)
    return replace(client, reference=reference or client.reference)


def _is_known(client: ClientIdentity) -> bool:
    return bool(client.reference or client.identifiers)


def _contradict(before: Iterable[tuple[str, str]], after: Iterable[tuple[str, str]]) -> bool:
    """True if a record lost every identifier that it had, for others of the same systems.

    Then the record is somebody else's by now: ids are reused, and records overwritten.
    """
    old, new = set(before), set(after)
    systems = {system for system, _ in old} & {system for system, _ in new}
    return bool(systems) and old.isdisjoint(new)


def _with_present_identifiers(now: ClientIdentity, records: ClientRecords) -> ClientIdentity:
    if not _is_patient(now):
        return now
    known = dict.fromkeys((*now.identifiers, *identifiers(records.find(now.reference))))
    return replace(now, identifiers=tuple(known))


def _is_patient(client: ClientIdentity) -> bool:
    return client.reference.startswith("Patient/")


def _key(client: ClientIdentity) -> str:
    """The name that a resource gives to somebody who is no Patient of the source, as one text."""
    numbers = " ".join(sorted(f"{system}|{value}" for system, value in client.identifiers))
    return client.reference or numbers


def naming_elements(resource: Any) -> list[Any]:
    """The elements by which a resource may name its client, best first."""
    elements = [values.get(resource, name) for name in SUBJECTS]
    kind = values.text(resource, "resourceType")
    if kind == "Communication":
        elements += [e for name in _PEOPLE for e in values.objects(resource, name) if _person(e)]
    if kind == "Appointment":
        actors = (element.get("actor") for element in values.objects(resource, "participant"))
        elements += [element for element in actors if _person(element)]
    return [element for element in elements if element not in (None, {}, [], "")]


def _person(element: Any) -> bool:
    """True if a reference is to a Patient: other participants are no clients."""
    return "Patient/" in values.text(element, "reference")


def _identity(element: Any, resource: Any, base_url: str) -> ClientIdentity:
    written = values.text(element, "reference").strip()
    contained = values.contained(resource, written)
    logical = identifiers({"identifier": [element["identifier"]]}) if _has_id(element) else ()
    if written.startswith("#"):
        known = tuple(dict.fromkeys((*logical, *identifiers(contained))))
        return ClientIdentity("" if known else _described(contained or element), known)
    reference = values.reference(element, base_url) or written
    if reference or logical:
        return ClientIdentity(reference, logical)
    return ClientIdentity(_described(element))


def _has_id(element: Any) -> bool:
    return isinstance(element, Mapping) and isinstance(element.get("identifier"), dict)


def _described(element: Any) -> str:
    """A client without a reference and a usable identifier, by the words of the resource."""
    if isinstance(element, Mapping):
        display = " ".join(values.text(element, "display").split()).casefold()
        number = values.text(element, "identifier.value").strip()
        if display or number:
            return f"{display} {number}".strip()
        element = {name: part for name, part in element.items() if name not in ("meta", "text")}
    return jsontext.dumps(element).decode()


def _focus(resource: Any, base_url: str) -> str:
    """The resource that tells the client of a Task, if the Task itself names no Patient."""
    if values.text(resource, "resourceType") != "Task":
        return ""
    about = values.extension(resource, codes.ABOUT).get("valueReference")
    focus = values.reference(values.get(resource, "focus"), base_url)
    return values.reference(about, base_url) or focus
