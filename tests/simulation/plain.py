"""Resources and decisions in plain words, read by other eyes than the program's.

In:  a body, or a decision. Out: its elements, entries of lists by what they are about; what a
decision wants; whom a resource names as its client. It asks the code under test nothing but which
elements a decision owns.
Not here: what must hold for them (`truth.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from carequeue.domain.intents import Intent, IntentKind
from carequeue.fhir import codes, intent_effects
from carequeue.fhir.values import identifier_value
from tests.simulation.shapes import Json, Key

Plain = dict[str, Any]
_NO_UNIT: Final = frozenset({"resourceType", "id", "meta", "lastModified"})


def plain(body: Json) -> Plain:
    """A body by elements, entries of lists by what they are about; what is nobody's is left out."""
    found: Plain = {}
    for name, value in body.items():
        if name in _NO_UNIT:
            continue
        if name in ("note", "output", "extension"):
            for entry in value:
                found[f"{name}[{_of(name, entry)}]"] = _said(name, entry)
        else:
            found[name] = _said(name, value)
    return found


def plain_seen(seen: Mapping[str, Any]) -> Plain:
    """What a person saw of a unit, in the same words."""
    found: Plain = {}
    for name, value in seen.items():
        element, bracket, _ = name.partition("[")
        found[name] = _said(element, value[0] if bracket and value else value)
    return found


def entries(body: Json | None) -> Iterator[str]:
    for name in ("note", "output", "extension"):
        for entry in (body or {}).get(name, ()):
            yield f"{name}[{_of(name, entry)}]"


def _of(name: str, entry: Mapping[str, Any]) -> str:
    """Which decision an entry is about: notes and outputs say so in their text."""
    if name == "extension":
        return str(entry["url"])
    text = str(entry.get("text" if name == "note" else "valueString", ""))
    return text.rpartition(" ")[2]


def _said(name: str, entry: Any) -> Any:
    """What an entry or an element says: of an owner whom it names, of a business status its code,
    whatever the words beside.
    """
    if not isinstance(entry, dict):
        return entry
    if name == "businessStatus":
        return entry["coding"][0]["code"]
    if name == "restriction":
        return entry["period"]["end"]
    part = {
        "note": "text", "output": "valueString", "extension": "valueDateTime", "owner": "reference"
    }.get(name)  # fmt: skip
    return entry.get(part) if part else entry


def asks_its_partner(create: Intent, made: Plain) -> bool:
    """Whether a referral that was sent on is its sender's, or a colleague's to the same partner."""
    if not named(create.args["resource"]).startswith("replaces-"):
        return True
    body = plain(create.args["resource"])
    if body["requester"]["reference"] == made["requester"]["reference"]:
        return True
    return body.get("owner") == made.get("owner") and _performer(body) == _performer(made)


def _performer(request: Plain) -> list[str]:
    return [party["reference"] for party in request.get("performer", ())]


def unit(intent: Intent) -> tuple[str, ...]:
    """The elements that a decision owns, entries by what they are about: what was lost with a
    backup and is decided anew is about the same.
    """
    if intent.kind is IntentKind.ADD_NOTE:
        return (f"note[{_of('note', intent.args)}]",)
    if output := intent.args.get("output"):
        said = f"output[{_of('output', {'valueString': output})}]"
        return tuple(
            said if name.startswith("output[") else name for name in intent_effects.unit(intent)
        )
    return intent_effects.unit(intent)


def wanted(intent: Intent) -> Plain:
    """The elements as a decision wants them, of those that it still owns; None: absent."""
    args = intent.args
    if intent.kind is IntentKind.SET_STATUS:
        owned = {"owner": args.get("owner"), "businessStatus": args.get("business_status")}
        more = {
            name: _said(name, owned[name])
            for name in intent_effects.unit(intent)
            if owned.get(name)
        }
        return {"status": args["to"], **more}
    if intent.kind is IntentKind.ASSIGN:
        return {"owner": _said("owner", args.get("owner"))}
    if intent.kind is IntentKind.SET_PRIORITY:
        return {"priority": args["to"]}
    if intent.kind is IntentKind.SET_DUE:
        return {"restriction": args["until"]}
    if intent.kind is IntentKind.SNOOZE:
        return {f"extension[{codes.SNOOZED_UNTIL}]": args.get("until")}
    if intent.kind is IntentKind.ADD_NOTE:
        return {f"note[{args['text'].rpartition(' ')[2]}]": args["text"]}
    if intent.kind is IntentKind.REMOVE_NOTE:
        return {f"note[{args['note']}]": None}
    before = plain_seen({k: v for k, v in (args.get("values") or {}).items() if v != []})
    return {name: before.get(name) for name in intent_effects.unit(intent)}


def holds(mine: Plain, later: Iterable[Intent], there: Plain) -> bool:
    """Whether a version is as wanted, or as what was decided later over it leaves it."""
    over = [one for one in later if one.kind is not IntentKind.CREATE]
    return all(
        there.get(name) == value or any(_leaves(one, name, there.get(name)) for one in over)
        for name, value in mine.items()
    )


def _leaves(intent: Intent, name: str, value: Any) -> bool:
    """Whether a decision that owns an element can have left it so."""
    return name in unit(intent) and wanted(intent).get(name, value) == value


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name == "reference":
                yield str(part)
            else:
                yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def named(body: Json) -> str:
    """The identifier of ours that a body carries."""
    return identifier_value(body, codes.IDENTIFIER)


def named_client(body: Json | None, find: Callable[[Key], Json | None] = lambda _: None) -> str:
    """Whom a resource names as its client; of a Task that names none, whom that names which the
    Task is about, as far as `find` knows it.
    """
    for element in ("for", "subject"):
        if body is not None and element in body:
            return str(body[element]["reference"])
    parties = [entry["actor"] for entry in (body or {}).get("participant", [])]
    parties += (body or {}).get("recipient", [])
    people = (str(party.get("reference", "")) for party in parties)
    named = next((person for person in people if person.startswith("Patient/")), "")
    about = _about(body) if body is not None and body["resourceType"] == "Task" else None
    return named or (named_client(find(about), find) if about else "")


def _about(task: Json) -> Key | None:
    extensions = [entry for entry in task.get("extension", ()) if entry["url"] == codes.ABOUT]
    focus = extensions[0]["valueReference"] if extensions else task.get("focus")
    kind, _, key = str(focus["reference"]).partition("/") if focus else ("", "", "")
    return (kind, key) if key else None
