"""Which client a resource names, and whether that is the client of a decision. Pure.

In:  a resource, a `ClientIdentity` that was recorded with a decision. Out: identities, yes or no.
Why: a colleague can correct `Task.for`. A decision about one client must never be written to
another, so the identity is part of the decision and is compared before every write.
The comparison errs on the side of asking: a reference that became another reference, none, or one
that was none before is another client, unless the two records are linked as merged (FHIR R4,
Patient.link, types `replaced-by` and `replaces`; `refer` and `seealso` do not merge records).
Not here: clients of two servers (`identity.py`), what follows from a difference (`sync/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from carequeue.domain.intents import ClientIdentity, Intent, IntentKind
from carequeue.fhir import codes, jsontext, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.identity import identifiers
from carequeue.fhir.us import own_reference

Find = Callable[[str], Resource | None]

#: The elements by which a resource names its client, in this order.
SUBJECTS: Final = ("for", "subject", "patient", "beneficiary")
#: Elements of a resource to be created that point to the resource that it is about.
_ABOUT: Final = ("focus", "about", "basedOn", "partOf")
_PEOPLE: Final = ("recipient", "sender")  # of a Communication without a subject
_MOST_LINKS: Final = 20


def find_nothing(_: str) -> Resource | None:
    """A lookup over no resources."""
    return None


@dataclass(frozen=True, slots=True)
class ClientRecords:
    """What a comparison may know beside the resource.

    `base_url`: absolute references below it are the source's own. `merged`: references of records
    that are linked as merged with the client's record. `find`: the newest known resource of a
    reference; where it finds nothing, the comparison does without.
    """

    base_url: str = ""
    merged: frozenset[str] = frozenset()
    find: Find = find_nothing


NO_RECORDS: Final = ClientRecords()


def named_client(resource: Any, base_url: str = "") -> ClientIdentity:
    """The client whom a resource itself names; an empty identity where it names nobody."""
    if values.text(resource, "resourceType") == "Patient":
        return ClientIdentity(own_reference(resource), identifiers(resource))
    element = _naming_element(resource, base_url)
    return _identity(element, resource, base_url) if element is not None else ClientIdentity()


def decided_with(resource: Any, records: ClientRecords, name: str = "") -> ClientIdentity:
    """The client to record with a decision about this resource, as the person sees it now."""
    base_url, find = records.base_url, records.find
    client, through = named_client(resource, base_url), ""
    if not _is_known(client):
        through = _focus(resource, base_url)
        client = named_client(find(through), base_url) if through else client
        through = through if _is_known(client) else ""
    patient = find(client.reference) if client.reference.startswith("Patient/") else None
    known = dict.fromkeys((*client.identifiers, *identifiers(patient)))
    return ClientIdentity(client.reference, tuple(known), name, through)


def same_client(
    decided: ClientIdentity, now: ClientIdentity, merged: frozenset[str] = frozenset()
) -> bool:
    """Whether two identities are one client. Two empty ones are.

    `merged`: references of records that are linked as merged with the first one.
    """
    if decided.reference and now.reference:
        if decided.reference == now.reference:
            return not _contradict(decided.identifiers, now.identifiers)
        return now.reference in merged
    if decided.identifiers and now.identifiers:
        return not set(decided.identifiers).isdisjoint(now.identifiers)
    return not _is_known(decided) and not _is_known(now)


def names_same_client(one: Any, other: Any, base_url: str = "") -> bool:
    """Whether two versions of a resource name the same client."""
    return same_client(named_client(one, base_url), named_client(other, base_url))


def is_about_its_client(
    intent: Intent, resource: Resource, records: ClientRecords = NO_RECORDS
) -> bool:
    """Whether a resource still names the client with whom a decision was made.

    True where the client was not recorded: who sends the decision has to ask (`Intent.client`).
    """
    decided = _decided(intent, records.base_url)
    if decided is None:
        return True
    now = named_client(resource, records.base_url)
    if not _is_known(now) and decided.through:
        if _focus(resource, records.base_url) != decided.through:
            return False
        about = records.find(decided.through)
        if about is None:
            return True
        now = named_client(about, records.base_url)
    merged = records.merged | _merged_with(decided, now, records)
    return same_client(decided, _with_present_identifiers(now, records), merged)


def creates_for_its_client(intent: Intent, records: ClientRecords) -> bool:
    """Whether what a create is about still names the client of the create.

    A contact that names a Task must not be written once that Task is another client's.
    """
    decided = _decided(intent, records.base_url)
    if decided is None or intent.kind is not IntentKind.CREATE:
        return True
    for reference in points_to(intent.args.get("resource"), records.base_url):
        about = records.find(reference)
        now = named_client(about, records.base_url) if about is not None else ClientIdentity()
        merged = records.merged | _merged_with(decided, now, records)
        if _is_known(now) and not same_client(decided, now, merged):
            return False
    return True


def points_to(resource: Any, base_url: str) -> list[str]:
    """References by which a resource to be created says what it is about."""
    found = [e for name in _ABOUT for e in values.objects(resource, name)]
    found.append(values.extension(resource, codes.ABOUT).get("valueReference") or {})
    named = (values.reference(each, base_url) for each in found)
    return [each for each in dict.fromkeys(named) if each]


# --- merged records -------------------------------------------------------------------------------


def merged_records(one: str, other: str, find: Find) -> bool:
    """Whether two Patient records are linked as one person (Patient.link).

    `find` gives the Patient of a reference. Links are followed from both sides, at most
    twenty records each, in circles once.
    """
    first, second = _survivors(one, find), _survivors(other, find)
    replaced = {each for name in second for each in _links(find(name), "replaces")}
    replaced_too = {each for name in first for each in _links(find(name), "replaces")}
    joined = not set(first).isdisjoint(second)
    return joined or not replaced.isdisjoint(first) or not replaced_too.isdisjoint(second)


def _survivors(reference: str, find: Find) -> list[str]:
    """A record and those by which it was replaced, one after the other."""
    found = [reference]
    for name in found:
        if len(found) >= _MOST_LINKS:
            break
        found += [each for each in _links(find(name), "replaced-by") if each not in found]
    return found


def _links(patient: Any, kind: str) -> list[str]:
    return [
        reference
        for link in values.objects(patient, "link")[:_MOST_LINKS]
        if values.text(link, "type") == kind and (reference := values.reference(link.get("other")))
    ]


def merged_references(
    clients: Iterable[ClientIdentity], resource: Any, records: ClientRecords
) -> frozenset[str]:
    """References that mean one of these clients, too, by the links of their records.

    Whom `resource` names is looked at from that record's side as well.
    """
    now = named_client(resource, records.base_url)
    found: set[str] = set()
    for client in clients:
        if client.reference.startswith("Patient/"):
            found |= set(_survivors(client.reference, records.find)) - {client.reference}
            found |= _merged_with(client, now, records)
    return frozenset(found)


def _merged_with(
    decided: ClientIdentity, now: ClientIdentity, records: ClientRecords
) -> frozenset[str]:
    """The reference that a resource names now, where the two records are merged."""
    one, other = decided.reference, now.reference
    if not (one.startswith("Patient/") and other.startswith("Patient/")) or one == other:
        return frozenset()
    return frozenset({other}) if merged_records(one, other, records.find) else frozenset()


# --- reading the names ----------------------------------------------------------------------------


def _decided(intent: Intent, base_url: str) -> ClientIdentity | None:
    """The recorded client, by a relative reference where the source wrote it in full."""
    client = intent.client
    if client is None:
        return None
    reference = values.reference({"reference": client.reference}, base_url)
    return replace(client, reference=reference or client.reference)


def _is_known(client: ClientIdentity) -> bool:
    return bool(client.reference or client.identifiers)


def _contradict(before: Iterable[tuple[str, str]], after: Iterable[tuple[str, str]]) -> bool:
    """Whether a record lost every identifier that it had, for others of the same systems.

    Then the record is somebody else's by now: ids are used again, and records overwritten.
    """
    old, new = set(before), set(after)
    systems = {system for system, _ in old} & {system for system, _ in new}
    return bool(systems) and old.isdisjoint(new)


def _with_present_identifiers(now: ClientIdentity, records: ClientRecords) -> ClientIdentity:
    if not now.reference.startswith("Patient/"):
        return now
    patient = records.find(now.reference)
    known = dict.fromkeys((*now.identifiers, *identifiers(patient)))
    return ClientIdentity(now.reference, tuple(known))


def _naming_element(resource: Any, base_url: str) -> Any:
    for name in SUBJECTS:
        element = values.get(resource, name)
        if element not in (None, {}, []):
            return element
    kind = values.text(resource, "resourceType")
    if kind == "Communication":
        people: Sequence[Any] = [e for name in _PEOPLE for e in values.objects(resource, name)]
    elif kind == "Appointment":
        people = [e.get("actor") for e in values.objects(resource, "participant")]
    else:
        return None
    for each in people:
        if values.reference(each, base_url).startswith("Patient/"):
            return each
    return None


def _identity(element: Any, resource: Any, base_url: str) -> ClientIdentity:
    written = values.text(element, "reference").strip()
    contained = _contained(written, resource)
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


def _contained(reference: str, resource: Any) -> Resource | None:
    inner = values.objects(resource, "contained") if reference.startswith("#") else []
    return next((each for each in inner if f"#{values.text(each, 'id')}" == reference), None)


def _described(element: Any) -> str:
    """A client without reference and identifier, by the words that the resource has."""
    if isinstance(element, Mapping):
        display = values.text(element, "display").strip()
        if display:
            return " ".join(display.split()).casefold()
        element = {name: part for name, part in element.items() if name not in ("meta", "text")}
    return jsontext.dumps(element).decode()


def _focus(resource: Any, base_url: str) -> str:
    if values.text(resource, "resourceType") != "Task":
        return ""
    about = values.extension(resource, codes.ABOUT).get("valueReference")
    focus = values.reference(values.get(resource, "focus"), base_url)
    return values.reference(about, base_url) or focus
