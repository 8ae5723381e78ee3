"""What a person decides: the verbs of the product, on a Task as the person sees it.

In:  chance, a Task of the cache. Out: drafts of intents, as the verb's own file means them
(`verb_to_intents.drafts_of`), with answers that name the decision, so that the truth knows whose
note, output or reason stands on a row.
Which verb applies is not asked: a person here does what the queue would not offer, and what the
server takes or refuses must hold all the same. A verb without answers fails `test_simulation.py`.
Not here: how drafts become intents (`person.py`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from carequeue.domain.intents import ClientIdentity, IntentKind
from carequeue.domain.items import (
    Client,
    Direction,
    Kind,
    Move,
    Mover,
    Party,
    Priority,
    ResourceRef,
    Us,
    WorkItem,
)
from carequeue.fhir import codes, intent_effects
from carequeue.fhir.chart import Resource
from carequeue.verbs.decision import Decision
from carequeue.verbs.table import find_verb
from carequeue.verbs.verb_to_intents import IntentDraft, drafts_of

ME: Final = "Practitioner/dana"
OWNERS: Final = ({"reference": ME}, {"reference": "Practitioner/noel"})
PARTNER: Final = "Organization/harbor"
PRIORITIES: Final = ("routine", "urgent", "asap")
_US: Final = Us(me=ME, my_name="Dana")
_WHOM: Final = (f"{ME}|Dana", "Practitioner/noel|Noel")
_PARTY: Final = Party(PARTNER, "Harbor")

Answers = Callable[[random.Random, str, datetime], dict[str, str]]


@dataclass(slots=True)
class Draft:
    """What a person wants done; `after`: the index of the draft that comes before."""

    key: tuple[str, str]
    kind: IntentKind
    args: dict[str, Any]
    after: int | None = None
    id: str = ""
    item: tuple[str, str] | None = None  # the row of the queue, where that is another one
    verb: str = ""
    client: ClientIdentity | None = None  # of the decision that this one takes back


def _soon(chance: random.Random, now: datetime) -> str:
    return intent_effects.iso(now.replace(microsecond=0) + timedelta(days=chance.randrange(1, 4)))


def _plain(**answers: str) -> Answers:
    """The same answers each time, but for `*`, which is the name of the decision."""
    return lambda chance, tag, now: {name: text.replace("*", tag) for name, text in answers.items()}


#: Verb -> how often it is chosen, and its answers as an intent keeps them.
VERBS: Final[dict[str, tuple[int, Answers]]] = {
    "accept": (10, _plain(read_back="said *")),
    "decline": (5, _plain(reason="because *")),
    "claim": (5, _plain()),
    "done": (9, _plain(met="because *")),
    "log": (10, lambda chance, tag, now: {
        "outcome": chance.choice(("reached", "no answer")),
        "with": chance.choice(("client", "client", "partner")),
    }),
    "snooze": (12, lambda chance, tag, now: {"until": _soon(chance, now)}),
    "note": (22, _plain(text="note *")),
    "assign": (9, lambda chance, tag, now: {"to": chance.choice(_WHOM)}),
    "priority": (12, lambda chance, tag, now: {"to": chance.choice(PRIORITIES)}),
    "handoff": (2, lambda chance, tag, now: {"to": chance.choice(_WHOM), "summary": f"as {tag}"}),
    "new": (3, lambda chance, tag, now: {"text": f"do {tag}", "until": _soon(chance, now)}),
    "remind": (3, _plain(text="reminder *")),
    "withdraw": (6, _plain(reason="because *")),
    "answer": (7, _plain(text="answer *")),
    "ask": (7, _plain(text="question *")),
    "hold": (9, lambda chance, tag, now: {
        "reason": f"because {tag}", "until": _soon(chance, now),
    }),
    "resume": (9, _plain()),
    "triage": (4, lambda chance, tag, now: {
        "level": chance.choice(("urgent", "routine")), "risk": "no risk found",
    }),
    "schedule": (3, lambda chance, tag, now: {"at": _soon(chance, now)}),
    "result": (6, _plain(how="heard *")),
    "redirect": (6, _plain(to=f"{PARTNER}|Harbor", consent="covered")),
    "refer": (4, _plain(text="bed *", to=f"{PARTNER}|Harbor", priority="routine")),
    "heard_crisis": (2, lambda chance, tag, now: {
        "when": intent_effects.iso(now), "where": "at home",
    }),
    "heard_discharge": (2, lambda chance, tag, now: {
        "kind": "emergency", "when": intent_effects.iso(now),
        "where": "Harbor", "reason": "medical",
    }),
}  # fmt: skip
_NAMES: Final = tuple(VERBS)
_WEIGHTS: Final = tuple(often for often, _ in VERBS.values())


#: The verbs that are done to many at once; those that make a resource, which needs a client.
IN_BULK: Final = ("note", "claim", "priority", "assign", "snooze", "done")
MAKES: Final = frozenset(
    {
        "log", "handoff", "new", "remind", "withdraw", "answer", "ask", "triage", "schedule",
        "redirect", "refer", "heard_crisis", "heard_discharge",
    }
)  # fmt: skip
#: The verbs that begin with a need without a Task, and with a client alone.
ON_A_NEED: Final = ("claim", "note", "priority", "log", "snooze")
FOR_A_CLIENT: Final = ("new", "new", "refer", "heard_crisis", "heard_discharge")


def some_verb(chance: random.Random) -> str:
    """A verb, the usual ones more often."""
    (name,) = chance.choices(_NAMES, _WEIGHTS)
    return name


@dataclass(frozen=True, slots=True)
class Deciding:
    """One decision. `new_id` gives ids; `void`: identifiers that are used up by errors."""

    chance: random.Random
    now: datetime
    new_id: Callable[[], str]
    void: Collection[str] = field(default=())

    def on_task(self, name: str, key: tuple[str, str], task: Resource) -> list[Draft]:
        """What a verb means on a Task as the person sees it."""
        return self._drafts(name, _item(name, key, task, self.chance), task, key)

    def on_need(self, name: str, encounter: str, client: str) -> list[Draft]:
        """What a verb means on an item that has no Task: the Task is made first."""
        return self._drafts(name, _need(f"{codes.DISCHARGE_CONTACT}:", encounter, client), {}, None)

    def on_client(self, name: str, client: str) -> list[Draft]:
        """What a verb means for a client without an item."""
        return self._drafts(name, _need("", client, client), {}, None)

    def _drafts(
        self, name: str, item: WorkItem, task: Resource, row: tuple[str, str] | None
    ) -> list[Draft]:
        tag, verb = self.new_id(), find_verb(name)
        assert verb is not None, name
        decision = Decision(
            item,
            VERBS[name][1](self.chance, tag, self.now),
            _US,
            self.now,
            self.new_id,
            task,
            frozenset(self.void),
        )
        meant = drafts_of(verb, decision)
        made = next((draft for draft in meant if draft.target_type == "Task"), meant[0])
        row = row or (made.target_type, made.target_id)
        return [replace(_draft(draft, tag, row), verb=name) for draft in meant]


def _draft(meant: IntentDraft, tag: str, row: tuple[str, str]) -> Draft:
    """A draft; what leaves an entry on the row has the id that the entry's text names."""
    names_itself = meant.kind is IntentKind.ADD_NOTE or "output" in meant.args
    key = (meant.target_type, meant.target_id)
    return Draft(key, meant.kind, meant.args, meant.after, tag if names_itself else "", row)


def _item(name: str, key: tuple[str, str], task: Resource, chance: random.Random) -> WorkItem:
    """The row of a Task, as far as verbs read it when they decide what to change."""
    reference = ResourceRef("main", *key)
    handed = name == "accept" and chance.random() < 0.5
    called = name == "log" and chance.random() < 0.6
    kind = Kind.HANDOFF if handed else Kind.FOLLOW_UP if called else Kind.REFERRAL
    owner = task.get("owner", {}).get("reference", "")
    return WorkItem(
        f"main:{'/'.join(key)}",
        "main",
        kind,
        "as referred",
        Client(task.get("for", {}).get("reference", "")),
        Move(Mover.ME, "you"),
        reference,
        reference,
        task.get("status", ""),
        Direction.OUTBOUND,
        Priority(task.get("priority", "routine")),
        _PARTY,
        Party(owner, "", ours=True) if owner else _PARTY,
        flags=frozenset({"discharge"}) if called else frozenset(),
        snoozed_until=_snoozed(task),
    )


def _need(about: str, anchor: str, client: str) -> WorkItem:
    """An item without a Task."""
    reference = ResourceRef("main", *anchor.split("/"))
    move = Move(Mover.ME, "you")
    return WorkItem(
        f"main:{about}{anchor}", "main", Kind.FOLLOW_UP, "Call", Client(client), move, reference
    )


def _snoozed(task: Resource) -> datetime | None:
    for entry in task.get("extension", []):
        if entry["url"] == codes.SNOOZED_UNTIL:
            return datetime.fromisoformat(entry["valueDateTime"])
    return None
