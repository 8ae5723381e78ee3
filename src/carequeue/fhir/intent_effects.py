"""Effects of a decision on a resource: apply, unit, snapshot, satisfied, inverse. All pure.

In:  an `Intent` and a resource as a dict. Out: a new dict, names of elements, a bool, an inverse.
Why units: two people may change one Task at a time if they change different elements. A unit is the
set of elements that one decision owns, and a conflict is about it alone. `lastModified` is in no
unit, although a change of status sets it: every change touches it and servers set it themselves, so
all changes would collide.
Names of units: an element (`status`), or one entry of a list (`list_entries.py`) whose id is the
intent's own, written as Element.id.
Not here: when it may be done (`verbs/`), when it is sent (`sync/push/machine.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from carequeue.domain.intents import STUCK_STATES, ConflictCause, Intent, IntentKind
from carequeue.fhir import codes, task_facts, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.jsontext import copied
from carequeue.fhir.list_entries import ENTRY, entries_of, is_entry, put_entries, set_entries

_UTC: Final = ZoneInfo("UTC")
_STATUS: Final = ("status", "statusReason", "businessStatus")
_SNOOZE: Final = f"extension[{codes.SNOOZED_UNTIL}]"


class NoBase(ValueError):
    """An intent that changes a resource, but there is no resource; an error of the caller."""


def apply(intent: Intent, resource: Resource | None) -> Resource:
    """The resource after the decision: a new dict; elements outside the unit stay unchanged.

    Applying it twice has the effect of once. Raises NoBase if there is no resource and the intent
    does not create it: a deleted resource must not come back as a fragment.
    """
    changed: Resource = copied(resource)
    if intent.kind is IntentKind.CREATE:
        return changed if resource is not None else _created(intent)
    if resource is None:
        raise NoBase(f"there is no {intent.target_type} to {intent.kind}")
    _APPLY[intent.kind](intent, changed)
    return changed


def fold(base: Resource | None, intents: Iterable[Intent]) -> Resource | None:
    """The view: the base with the open intents of its resource applied, in order.

    Without a base, intents before the creating one change nothing.
    """
    view = base
    for intent in intents:
        if view is not None or intent.kind is IntentKind.CREATE:
            view = apply(intent, view)
    return view


def standing(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """The open intents of a chart, in order, that the view shows as done.

    An intent that the server did not accept is not shown as done, nor is one behind it, on the same
    element or by `after`: otherwise a rejected "done" would hide its own row. A Task that could not
    be created is the exception: it *is* the row that a person has to see, unless a colleague's
    stands in its place.
    """
    stuck: set[str] = set()
    replaced: set[str] = set()
    blocked: dict[tuple[str, str], set[str]] = {}
    shown = []
    for intent in intents:
        held = blocked.setdefault((intent.target_type, intent.target_id), set())
        owned = set(unit(intent))
        if intent.state not in STUCK_STATES and intent.after not in stuck and not owned & held:
            shown.append(intent)
            continue
        stuck.add(intent.id)
        held |= owned
        if intent.kind is IntentKind.CREATE:
            if intent.cause == ConflictCause.CHANGED or intent.after in replaced:
                replaced.add(intent.id)
            elif intent.target_type == "Task":
                shown.append(intent)
    return tuple(shown)


def unit(intent: Intent) -> tuple[str, ...]:
    """The elements that a decision owns; none for a create, which owns the whole resource.

    Without those that it gave up to a later decision (`given_up`).
    """
    owned, left = _owned(intent), intent.args.get("given_up")
    return tuple(name for name in owned if name not in left) if left else owned


def giving_up(intent: Intent, names: Iterable[str]) -> Intent:
    """The decision without these elements, which belong to a later one from now on."""
    given_up = [*intent.args.get("given_up", ()), *names]
    return replace(intent, args={**intent.args, "given_up": given_up})


def _owned(intent: Intent) -> tuple[str, ...]:
    args = intent.args
    if intent.kind is IntentKind.SET_STATUS:
        owner = ("owner",) if args.get("owner") else ()
        output = (f"output[{intent.id}]",) if args.get("output") else ()
        return (*_STATUS, *owner, *output)
    if intent.kind is IntentKind.RESTORE:
        return tuple(name for name in args.get("unit", ()) if isinstance(name, str))
    if intent.kind is IntentKind.ADD_NOTE:
        return (f"note[{intent.id}]",)
    if intent.kind is IntentKind.REMOVE_NOTE:
        return (f"note[{args.get('note', '')}]",)
    return {
        IntentKind.ASSIGN: ("owner",),
        IntentKind.SET_PRIORITY: ("priority",),
        IntentKind.SET_DUE: ("restriction",),
        IntentKind.SNOOZE: (_SNOOZE,),
    }.get(intent.kind, ())


def snapshot(names: Iterable[str], resource: Resource | None) -> dict[str, Any]:
    """The present values of some elements; absent ones are left out. Entries are lists."""
    present: dict[str, Any] = {}
    for name in names:
        entry = ENTRY.fullmatch(name)
        if entry:
            mine = [item for item in entries_of(resource, entry.group(1)) if is_entry(entry, item)]
            if mine:
                present[name] = copied(mine)
        elif resource is not None and name in resource:
            present[name] = copied(resource[name])
    return present


def satisfied(intent: Intent, resource: Resource | None) -> bool:
    """True if a resource is as the decision wants it, through us or somebody else.

    A reason is not compared: a referral that is already declined needs no second decline.
    """
    if resource is None:
        return False
    return _SATISFIED[intent.kind](intent, resource)


def inverse(intent: Intent) -> tuple[IntentKind, dict[str, Any]] | None:
    """Kind and arguments of the intent that undoes this one; None if nothing can.

    A Task for a derived row goes back to the state it was created in, open and unassigned: its
    identifier is used up, and entered-in-error it would hide the row for ever.
    """
    if intent.kind is IntentKind.CREATE:
        created = intent.args.get("resource")
        if task_facts.is_companion(created):
            owned = [*_STATUS, "owner"]
            return IntentKind.RESTORE, {"unit": owned, "values": snapshot(owned, created)}
        return IntentKind.SET_STATUS, {"to": void_status(intent.target_type)}
    if intent.kind is IntentKind.ADD_NOTE:
        return IntentKind.REMOVE_NOTE, {"note": intent.id, "written": _note(intent)}
    names = unit(intent)
    if not names:
        return None
    args: dict[str, Any] = {"unit": list(names), "values": copied(dict(intent.seen))}
    if intent.args.get("output"):  # known by its text if a server drops the id
        args["written"] = {f"output[{intent.id}]": _read_back(intent)}
    return IntentKind.RESTORE, args


def void_status(kind: str) -> str:
    """The status that undoes a created resource of a type.

    A booked visit was real, and the client and the partner saw it: R4 calls a visit that does not
    take place "cancelled", and keeps "entered-in-error" for a record that never should have been.
    """
    return "cancelled" if kind == "Appointment" else "entered-in-error"


def iso(moment: datetime) -> str:
    """An instant as it is written into a resource: UTC, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _created(intent: Intent) -> Resource:
    resource: Resource = copied(dict(intent.args["resource"]))
    resource.setdefault("id", intent.target_id)
    return resource


def _set_status(intent: Intent, resource: Resource) -> None:
    args = intent.args
    moved = resource.get("status") != args["to"]
    resource["status"] = args["to"]
    if args.get("reason"):
        resource["statusReason"] = _concept(args["reason"])
    elif moved:
        # A reason belongs to the present status; sent again, it would stick.
        resource.pop("statusReason", None)
    if args.get("business_status"):
        resource["businessStatus"] = _concept(args["business_status"])
    elif moved and values.has_code(resource.get("businessStatus"), codes.AWAITING_INFORMATION):
        resource.pop("businessStatus")
    if "owner" in unit(intent):
        resource["owner"] = copied(args["owner"])
    if args.get("output") and not _has_output(intent, resource):  # its id may have been dropped
        put_entries(resource, "output", [_read_back(intent)], f"output[{intent.id}]")
    _touch(intent, resource)


def _assign(intent: Intent, resource: Resource) -> None:
    if intent.args.get("owner"):
        resource["owner"] = copied(intent.args["owner"])
    else:
        resource.pop("owner", None)


def _snooze(intent: Intent, resource: Resource) -> None:
    until = intent.args.get("until")
    mine = [{"url": codes.SNOOZED_UNTIL, "valueDateTime": until}] if until else []
    put_entries(resource, "extension", mine, _SNOOZE)


def _add_note(intent: Intent, resource: Resource) -> None:
    if not _noted(intent, resource):
        put_entries(resource, "note", [_note(intent)], f"note[{intent.id}]")


def _remove_note(intent: Intent, resource: Resource) -> None:
    kept = [note for note in entries_of(resource, "note") if not _is_removed(intent, note)]
    if len(kept) != len(entries_of(resource, "note")):
        set_entries(resource, "note", kept)


def _restore(intent: Intent, resource: Resource) -> None:
    before: Mapping[str, Any] = intent.args.get("values") or {}
    for name in unit(intent):
        entry = ENTRY.fullmatch(name)
        if entry:
            put_entries(resource, entry.group(1), copied(before.get(name, [])), name)
        elif name in before:
            resource[name] = copied(before[name])
        else:
            resource.pop(name, None)
    for name, entry in _left_over(intent, resource):
        kept = [other for other in entries_of(resource, name) if other != entry]
        set_entries(resource, name, kept)
    if "status" in unit(intent):
        _touch(intent, resource)


def _left_over(intent: Intent, resource: Resource) -> list[tuple[str, Any]]:
    """Entries to remove whose id a server dropped, with their lists."""
    written: Mapping[str, Any] = intent.args.get("written") or {}
    left = []
    for name, entry in written.items():
        element, _, _ = name.partition("[")
        bare = {key: value for key, value in entry.items() if key != "id"}
        left += [(element, other) for other in entries_of(resource, element) if other == bare]
    return left


_APPLY: Final[Mapping[IntentKind, Callable[[Intent, Resource], None]]] = {
    IntentKind.SET_STATUS: _set_status,
    IntentKind.ASSIGN: _assign,
    IntentKind.SET_PRIORITY: lambda intent, view: view.update(priority=intent.args["to"]),
    IntentKind.SET_DUE: lambda intent, view: task_facts.set_due(view, intent.args["until"]),
    IntentKind.SNOOZE: _snooze,
    IntentKind.ADD_NOTE: _add_note,
    IntentKind.REMOVE_NOTE: _remove_note,
    IntentKind.RESTORE: _restore,
}


def _exists(intent: Intent, resource: Resource) -> bool:
    if resource.get("resourceType") != intent.target_type:
        return False
    mine = values.identifier_value(intent.args.get("resource"), codes.IDENTIFIER)
    named = bool(mine) and values.identifier_value(resource, codes.IDENTIFIER) == mine
    return named or resource.get("id") == intent.target_id


def _has_status(intent: Intent, resource: Resource) -> bool:
    args = intent.args
    if resource.get("status") != args["to"]:
        return False
    if "owner" in unit(intent) and not same_party(resource.get("owner"), args["owner"]):
        return False
    if args.get("business_status"):
        wanted = {c[:2] for c in values.codings(_concept(args["business_status"]))}
        if not wanted <= {c[:2] for c in values.codings(resource.get("businessStatus"))}:
            return False
    return not args.get("output") or _has_output(intent, resource)


def _has_output(intent: Intent, resource: Resource) -> bool:
    wanted = _read_back(intent)
    return any(
        values.text(output, "id") == intent.id
        or values.text(output, "valueString") == wanted["valueString"]
        for output in entries_of(resource, "output")
    )


def _is_assigned(intent: Intent, resource: Resource) -> bool:
    wanted = intent.args.get("owner")
    return same_party(resource.get("owner"), wanted) if wanted else "owner" not in resource


def _sleeps(intent: Intent, resource: Resource) -> bool:
    written = values.extension(resource, codes.SNOOZED_UNTIL).get("valueDateTime")
    return values.instant(written, _UTC) == values.instant(intent.args.get("until"), _UTC)


def _noted(intent: Intent, resource: Resource) -> bool:
    """True if the note is there: by its id; if the server dropped that, by text, author, time."""
    wanted = _note(intent)
    notes = entries_of(resource, "note")
    return any(values.text(n, "id") == intent.id or _same_note(n, wanted) for n in notes)


def _not_noted(intent: Intent, resource: Resource) -> bool:
    return not any(_is_removed(intent, note) for note in entries_of(resource, "note"))


def _is_as_before(intent: Intent, resource: Resource) -> bool:
    before = {k: v for k, v in (intent.args.get("values") or {}).items() if v != []}
    return snapshot(unit(intent), resource) == before and not _left_over(intent, resource)


_SATISFIED: Final[Mapping[IntentKind, Callable[[Intent, Resource], bool]]] = {
    IntentKind.CREATE: _exists,
    IntentKind.SET_STATUS: _has_status,
    IntentKind.ASSIGN: _is_assigned,
    IntentKind.SET_PRIORITY: lambda intent, view: view.get("priority") == intent.args["to"],
    IntentKind.SET_DUE: lambda intent, view: task_facts.is_due(view, intent.args["until"]),
    IntentKind.SNOOZE: _sleeps,
    IntentKind.ADD_NOTE: _noted,
    IntentKind.REMOVE_NOTE: _not_noted,
    IntentKind.RESTORE: _is_as_before,
}


def _touch(intent: Intent, resource: Resource) -> None:
    """R4 task invariant inv-1: lastModified is never before authoredOn, and never goes back."""
    if resource.get("resourceType") != "Task":
        return
    latest = intent.decided_at.replace(microsecond=0)
    for name in ("authoredOn", "lastModified"):
        known = values.instant(resource.get(name), _UTC)
        if known is not None and known >= latest:
            return
    resource["lastModified"] = iso(latest)


def _concept(given: Any) -> dict[str, Any]:
    return copied(dict(given)) if isinstance(given, Mapping) else {"text": str(given)}


def _note(intent: Intent) -> dict[str, Any]:
    note: dict[str, Any] = {"id": intent.id}
    if intent.author:
        note["authorReference"] = {"reference": intent.author, "display": intent.author_name}
        if not intent.author_name:
            del note["authorReference"]["display"]
    elif intent.author_name:
        note["authorString"] = intent.author_name
    return {**note, "time": iso(intent.decided_at), "text": intent.args["text"]}


def _same_note(note: Any, wanted: Mapping[str, Any]) -> bool:
    author = wanted.get("authorReference")
    by = same_party(values.get(note, "authorReference"), author) if author else True
    at = values.instant(values.get(note, "time"), _UTC) == values.instant(wanted["time"], _UTC)
    string = values.text(note, "authorString") == wanted.get("authorString", "")
    same = values.text(note, "text") == wanted["text"] and by and string and at
    return same and not values.text(note, "id")


def _is_removed(intent: Intent, note: Any) -> bool:
    written = intent.args.get("written")
    if values.text(note, "id") == intent.args.get("note"):
        return True
    return isinstance(written, Mapping) and _same_note(note, written)


def _read_back(intent: Intent) -> dict[str, Any]:
    coding = {"system": codes.HANDOFF_INPUT, "code": codes.READ_BACK}
    text = str(intent.args["output"])
    return {"id": intent.id, "type": {"coding": [coding]}, "valueString": text}


def same_party(party: Any, wanted: Mapping[str, Any]) -> bool:
    """True if a party is the wanted one, by reference; the server may write it as a full URL."""
    theirs, ours = values.text(party, "reference"), str(wanted.get("reference", ""))
    return bool(ours) and (theirs == ours or theirs.endswith(f"/{ours}"))
