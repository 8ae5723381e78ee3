"""What must be true of a round's cache and server, whoever was killed when.

In:  a round whose programs are dead. Out: each broken promise in words.
The server is asked by plain requests and the cache by plain SQL wherever that says it: what is
checked must not pass through the code that it checks.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection

from carequeue.store import audit
from carequeue.store.encryption_keys import read_key
from carequeue.store.engine import connect, writing
from carequeue.store.profiles import load, profile_paths
from carequeue.store.queue_items import counted
from carequeue.wiring import Session, open_session
from tests.crash.lives import ERRORS, Fate, Life
from tests.crash.points import Say
from tests.servers.controlled_clinic import ControlledClinic

if TYPE_CHECKING:
    from tests.crash.rounds import Round

_OURS: Final = "https://carequeue.dev/fhir/identifier/item"
#: Looks that may pass until nothing waits any more, each an hour after the one before it.
_LOOKS: Final = 4
_INTENT: Final = (
    "seq", "id", "group_id", "target_type", "target_id", "item_key", "kind", "args", "verb",
    "decided_at", "state", "words", "attempts",
)  # fmt: skip
#: The rows of the practice clinic that are no FHIR: it takes no change of them.
_BROKEN: Final = "broken-"
_FAULT: Final = re.compile(r"Traceback|fault of its own|Error\b")


@dataclass
class Kept:
    """The tables of a cache that the promises speak of."""

    intents: list[dict[str, Any]] = field(default_factory=list)
    acts: list[tuple[str, str, str, str]] = field(default_factory=list)  # at, verb, key, group
    bases: list[tuple[str, str, str, str | None]] = field(default_factory=list)


def _read(one: Round) -> Kept:
    where = profile_paths("default", one.home)
    connection = connect(where.cache, read_key(where))
    try:
        rows = connection.execute(f"SELECT {', '.join(_INTENT)} FROM intent ORDER BY seq")
        intents = [dict(zip(_INTENT, row, strict=True)) for row in rows]
        for intent in intents:
            intent["args"] = json.loads(intent["args"])
        acts = connection.execute("SELECT at, action, item_key, group_id FROM audit").fetchall()
        bases = connection.execute(
            "SELECT type, id, body, theirs_body FROM resource WHERE body <> '' "
            "AND substr(id, 1, 1) NOT IN ('?', '!')"
        ).fetchall()
        return Kept(intents, acts, bases)
    finally:
        connection.close()


def states(one: Round) -> Counter[str]:
    """How many decisions are in which state."""
    return Counter(intent["state"] for intent in _read(one).intents)


def after_the_kills(one: Round) -> list[str]:
    """Nothing that was acknowledged is lost, nothing is half there, and the file is whole."""
    kept = _read(one)
    return [
        *_whole(one, settled=False),
        *_acknowledged(one, kept),
        *_unseen(one, kept),
        *_complaints(one),
    ]


def after_the_healing(one: Round) -> list[str]:
    """The network is well again: all of it is on the server, once, and here as it is there."""
    wrong = []
    healed = Life("healing", _Healing(one), Fate()).to_the_end()
    if healed.code != 0:
        wrong.append(f"the healing ended with {healed.code}: {healed.text.decode()}")
    kept, server = _read(one), _Server(one.clinic)
    return [
        *wrong,
        *_whole(one, settled=True),
        *_acknowledged(one, kept),
        *_settled(one, kept),
        *_once_on_the_server(one, kept, server),
        *_last_word(one, kept, server),
        *_equal(kept, server),
        *_complaints(one),
    ]


def _ahead(by: timedelta) -> datetime:
    return datetime.now(UTC) + by


@dataclass
class _Healing:
    """Look until nothing waits any more, in a process of its own."""

    one: Round

    def __call__(self, say: Say, pipe: int) -> None:
        home = self.one.home
        for number in range(_LOOKS):
            later = partial(_ahead, timedelta(hours=number))
            with Session(
                load("default", home), profile_paths("default", home), now=later
            ) as session:
                report = session.sync_once()
            say({"words": report.words, "unable": report.unable})
            if not (report.waiting or report.checking or report.unable):
                break


# --- the file -------------------------------------------------------------------------------------


def _whole(one: Round, *, settled: bool) -> list[str]:
    """The file, the audit log, the counts, the rows.

    Until the next look a row may say "waiting" of what was in doubt when its program was killed.
    """
    where = profile_paths("default", one.home)
    raw = connect(where.cache, read_key(where))
    wrong = []
    for check in ("integrity_check", "cipher_integrity_check", "foreign_key_check"):
        found = [row for row in raw.execute(f"PRAGMA {check}").fetchall() if row != ("ok",)]
        wrong += [f"{check}: {row}" for row in found]
    raw.close()
    with open_session("default", one.home) as session:
        # Time does not go back for the rows: the healing has looked some hours ahead.
        now, projector = session.now() + settled * timedelta(hours=_LOOKS), session.projector()
        with session.engine().connect() as connection:
            if audit.first_break(connection) is not None:
                wrong.append("the audit log is broken")
            tally = connection.exec_driver_sql("SELECT * FROM tally WHERE count <> 0").all()
            if {(view, band): count for view, band, count in tally} != counted(connection):
                wrong.append("the counts do not fit the rows")
        session.desk.refresh(now)
        with writing(session.engine()) as connection:
            before = _rows(connection, settled)
            projector.rebuild(connection, now)
            after = _rows(connection, settled)
    wrong += [f"a row is not what resources and decisions make of it: {r}" for r in before ^ after]
    return wrong


def _rows(connection: Connection, settled: bool) -> set[tuple[Any, ...]]:
    rows = connection.exec_driver_sql("SELECT * FROM item").mappings()
    return {
        tuple(value for name, value in row.items() if settled or name != "sync") for row in rows
    }


def _complaints(one: Round) -> list[str]:
    said = one.home.with_name(ERRORS).read_text(errors="replace").splitlines()
    return [f"a program complained: {line}" for line in said if _FAULT.search(line)][:5]


# --- the outbox -----------------------------------------------------------------------------------


def _acknowledged(one: Round, kept: Kept) -> Iterator[str]:
    """Every act whose message was seen stands in the outbox and in the audit log, once."""
    for line in one.lines:
        said = f"{line['verb']} {line.get('text', '')!r} on {list(line['keys'])}, seen as done"
        if line["verb"] == "undo":
            done = [act for act in kept.acts if act[0] == line["at"] and act[1] == "undo"]
            if not done:
                yield f"{said}: it is not in the audit log"
            continue
        filed = [intent for intent in kept.intents if _is_of(line, intent)]
        if not filed:
            yield f"{said}: it is not in the outbox"
            continue
        groups = {intent["group_id"] for intent in filed}
        if len(groups) != 1:
            yield f"{said}: it is there as {len(groups)} groups"
        keys = Counter(act[2] for act in kept.acts if act[3] in groups and act[1] == line["verb"])
        if "group" in line and keys != Counter(line["keys"]):
            yield f"{said}: the audit log has {dict(keys)}"
        if "group" in line and {intent["item_key"] for intent in filed} != set(line["keys"]):
            yield f"{said}: the outbox has {sorted({intent['item_key'] for intent in filed})}"


def _is_of(line: Mapping[str, Any], intent: Mapping[str, Any]) -> bool:
    if "group" in line:
        return bool(intent["group_id"] == line["group"])
    if "at" in line:
        return bool(intent["decided_at"] == line["at"])
    return bool(intent["args"].get("text") == line["text"])


def _unseen(one: Round, kept: Kept) -> list[str]:
    """A kill may keep the message of one act from being seen, never of two."""
    seen = {line.get("at") for line in one.lines}
    groups = {
        intent["group_id"]
        for line in one.lines
        if "at" not in line
        for intent in kept.intents
        if _is_of(line, intent)
    }
    unseen = {
        (at, group) for at, _, _, group in kept.acts if at not in seen and group not in groups
    }
    if len(unseen) > one.kills.total():
        return [f"{len(unseen)} acts were kept unseen after {one.kills.total()} kills"]
    halves = {intent["group_id"] for intent in kept.intents} - {act[3] for act in kept.acts}
    return [f"half an act was kept: {group} is not in the audit log" for group in halves]


def _settled(one: Round, kept: Kept) -> Iterator[str]:
    """Nothing is in doubt, and nothing waits but behind what only a person can end.

    That is what met the colleague, and a row that is no FHIR, of which the server takes no change.
    """
    stuck: set[str] = set()  # resources of which something is
    for intent in kept.intents:
        name, state = f"{intent['target_type']}/{intent['target_id']}", intent["state"]
        if state in ("conflict", "needs_attention"):
            stuck.add(name)
        fine = {
            "in_doubt": False,
            "queued": name in stuck,
            "needs_attention": intent["target_id"].startswith(_BROKEN),
            "conflict": name in one.colleague.priorities,
        }
        if not fine.get(state, True):
            what = f"{intent['verb']} ({intent['kind']}) on {name}"
            yield f"{what} is {state}: {intent['words']}"


# --- the server -----------------------------------------------------------------------------------


class _Server:
    """What the server has, page by page, by plain requests."""

    def __init__(self, clinic: ControlledClinic) -> None:
        self._clinic = clinic
        self._known: dict[str, dict[str, Any]] = {}

    def all(self, kind: str) -> dict[str, Any]:
        """Every resource of a type by its id."""
        if kind not in self._known:
            found: dict[str, Any] = {}
            path = f"{kind}?_count=500"
            while path:
                bundle = self._clinic.get(path)
                found |= {e["resource"].get("id"): e["resource"] for e in bundle.get("entry", ())}
                links = {link["relation"]: link["url"] for link in bundle["link"]}
                path = links.get("next", "").removeprefix(f"{self._clinic.base}/")
            self._known[kind] = found
        return self._known[kind]

    def notes(self) -> list[dict[str, Any]]:
        return [note for task in self.all("Task").values() for note in _list(task, "note")]


def _list(resource: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = resource.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _once_on_the_server(one: Round, kept: Kept, server: _Server) -> Iterator[str]:
    """Every note and everything that was made is there once, and nothing that was taken back."""
    there = Counter(str(note.get("text")) for note in server.notes())
    for text, count in _wanted_notes(kept).items():
        if there[text] != count:
            ids = {one["id"] for one in kept.intents if one["args"].get("text") == text}
            tale = _tale(
                one for one in kept.intents if one["id"] in ids or one["args"].get("note") in ids
            )
            yield f"the note {text!r} is on the server {there[text]} times, not {count} ({tale})"
    for text in one.colleague.notes:
        if there[text] != 1:
            yield f"the colleague's note {text!r} is on the server {there[text]} times"
    made: Counter[str] = Counter()
    for kind in ("Task", "Communication"):
        for resource in server.all(kind).values():
            made.update(_identifiers(resource))
    for name, count in _wanted_creates(kept).items():
        if made[name] != count:
            yield f"{name} is on the server {made[name]} times, not {count}"
    yield from (f"{name} was made {count} times" for name, count in made.items() if count > 1)


def _wanted_notes(kept: Kept) -> Counter[str]:
    """Text -> how often it is to be on the server; 0 for what was taken back or is kept here."""
    removed = {
        intent["args"].get("note")
        for intent in kept.intents
        if intent["kind"] == "remove_note" and intent["state"] == "acknowledged"
    }
    notes = [intent for intent in kept.intents if intent["kind"] == "add_note"]
    wanted = Counter({intent["args"]["text"]: 0 for intent in notes})
    for intent in notes:
        there = intent["state"] == "acknowledged" and intent["id"] not in removed
        wanted[intent["args"]["text"]] += there
    return wanted


def _wanted_creates(kept: Kept) -> dict[str, int]:
    """Identifier -> 1 or 0. What stands for something that others see may be decided anew."""
    wanted: dict[str, int] = {}
    for intent in kept.intents:
        if intent["kind"] == "create":
            (name,) = _identifiers(intent["args"]["resource"])
            wanted[name] = max(wanted.get(name, 0), intent["state"] == "acknowledged")
    return wanted


def _identifiers(resource: Mapping[str, Any]) -> list[str]:
    return [
        str(each.get("value"))
        for each in _list(resource, "identifier")
        if each.get("system") == _OURS
    ]


def _last_word(one: Round, kept: Kept, server: _Server) -> Iterator[str]:
    """A Task has the priority and the status that were decided last, if nobody decided after us."""
    elements = {"set_priority": "priority", "set_status": "status"}
    last: dict[tuple[str, str], dict[str, Any] | None] = {}
    for intent in kept.intents:
        name = f"{intent['target_type']}/{intent['target_id']}"
        if intent["kind"] == "restore":
            last |= {(name, element): None for element in elements.values()}
        elif intent["kind"] in elements and intent["state"] == "acknowledged":
            last[name, elements[intent["kind"]]] = intent
    for (name, element), decided in last.items():
        if decided is None or (element == "priority" and name in one.colleague.priorities):
            continue
        kind, _, key = name.partition("/")
        there = server.all(kind).get(key, {}).get(element)
        if there != decided["args"]["to"]:
            tale = _tale(
                one
                for one in kept.intents
                if one["target_id"] == key and one["kind"] in (*elements, "restore")
            )
            wanted = decided["args"]["to"]
            yield f"{name} has the {element} {there}; {wanted} was decided last ({tale})"


def _tale(intents: Iterable[Mapping[str, Any]]) -> str:
    """What became of decisions, in order, for whoever looks for the fault."""
    return "; ".join(
        f"{one['seq']} {one['kind']} {one['args'].get('to', '')} {one['state']} "
        f"after {one['attempts']} attempts, {one['words']!r}"
        for one in intents
    )


def _equal(kept: Kept, server: _Server) -> Iterator[str]:
    """What is here is what is there, and no Task and no contact of ours is missing."""
    here: dict[str, set[str]] = {}
    for kind, key, body, theirs in kept.bases:
        here.setdefault(kind, set()).add(key)
        there = server.all(kind).get(key)
        if there is None or (json.loads(body) != there and json.loads(theirs or "0") != there):
            yield f"{kind}/{key} is not here as it is on the server"
    for kind in ("Task", "Communication"):
        for key in set(server.all(kind)) - here.get(kind, set()) - {None}:
            yield f"{kind}/{key} is on the server and not here"
