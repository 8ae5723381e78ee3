"""Decisions, lanes and answers by hand, for the tests of the deciding half of sync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from carequeue.domain.intents import (
    ClientIdentity,
    Intent,
    IntentEvent,
    IntentKind,
    IntentState,
    step,
)
from carequeue.fhir import codes
from carequeue.fhir.chart import Resource
from carequeue.sync.protocol.capabilities import Abilities, TypeAbility
from carequeue.sync.push import messages as m
from carequeue.sync.push.machine import step as push_step
from carequeue.sync.push.state import PushState
from tests.fhir.clinic import DANA, NOW, task

WRITABLE = TypeAbility(frozenset({"read", "search-type", "create", "update"}), update_create=True)
#: A server of which nothing was seen yet.
NEW = Abilities("a server", "4.0.1", {"Task": WRITABLE, "Communication": WRITABLE}, True, True)
#: The same, once it was seen to refuse what is stale.
R4 = NEW.seeing({"if_match": "yes", "if_match_batch": "yes"})


def decision(
    kind: IntentKind, key: str = "i1", target: str = "t1", seq: int = 1, **args: Any
) -> Intent:
    """One decision of Dana's about a Task."""
    return Intent(
        id=key,
        group=f"group-{key}",
        seq=seq,
        source="main",
        target_type="Task",
        target_id=target,
        item_key=f"main:Task/{target}",
        kind=kind,
        args=args,
        verb="test",
        decided_at=NOW,
        author=DANA,
        author_name="Dana Whitfield",
        chart="Patient/c1",
        client=ClientIdentity("Patient/c1", name="OKAFOR, Ada"),
    )


def accept(key: str = "i1", target: str = "t1", seq: int = 1) -> Intent:
    return decision(IntentKind.SET_STATUS, key, target, seq, to="accepted")


def urgent(key: str = "i1", target: str = "t1", seq: int = 1) -> Intent:
    return decision(IntentKind.SET_PRIORITY, key, target, seq, to="urgent")


def note(key: str = "i1", target: str = "t1", seq: int = 1, text: str = "Called") -> Intent:
    return decision(IntentKind.ADD_NOTE, key, target, seq, text=text)


def create(key: str = "i1", target: str = "own-1", identifier: str = "", seq: int = 1) -> Intent:
    """A Task of ours; with `identifier`, one that stands for what others see too."""
    named = [{"system": codes.IDENTIFIER, "value": identifier or target}]
    resource = task(target, identifier=named)
    return decision(IntentKind.CREATE, key, target, seq, resource=resource)


def lane(
    *intents: Intent, base: Resource | None = None, version: str = "3", **more: Any
) -> m.PendingResource:
    """The lane of these intents; its base is a Task in version 3 unless they create it."""
    first = intents[0]
    creates = first.kind is IntentKind.CREATE
    if base is None and not creates:
        base = task(first.target_id, meta={"versionId": version})
    key = (first.target_type, first.target_id)
    return m.PendingResource(key, intents, base, "" if creates else version, **more)


def many(count: int) -> list[m.PendingResource]:
    """Lanes of so many Tasks, each with one decision."""
    return [lane(accept(f"i{number}", f"t{number}")) for number in range(count)]


def in_doubt(one: m.PendingResource) -> m.PendingResource:
    """The lane as an earlier process left it: marked, and no answer kept."""
    marked = tuple(replace(intent, state=IntentState.IN_DOUBT) for intent in one.intents)
    return replace(one, intents=marked, phase=m.Phase.DOUBTFUL)


def said(
    one: m.PendingResource,
    status: int = 200,
    resource: Resource | None = None,
    version: str = "",
    **more: Any,
) -> m.Reply:
    """What the server said about a lane."""
    return m.Reply(one.key, status, resource, version, **more)


def after(one: m.PendingResource, change: m.Change) -> m.PendingResource | None:
    """The lane as the store would give it once a change is kept; None where nothing is to send."""
    intents, kept = [], []
    for intent in sorted((*one.intents, *one.local_only), key=lambda each: each.seq):
        intent = _happened(intent, change)
        if intent.state in (IntentState.QUEUED, IntentState.IN_DOUBT):
            intents.append(intent)
        elif intent.state is IntentState.LOCAL_ONLY:
            kept.append(intent)
    if not intents and not kept:
        return None
    doubtful = any(intent.state is IntentState.IN_DOUBT for intent in intents)
    return replace(
        one,
        intents=tuple(intents),
        local_only=tuple(kept),
        has_newer_remote=one.has_newer_remote and not change.base,
        written_version="",
        refusal_text="",
        base=change.base or one.base,
        version=change.version if change.base else one.version,
        phase=m.Phase.DOUBTFUL if doubtful else m.Phase.READY,
        not_before=change.not_before,
    )


def _happened(intent: Intent, change: m.Change) -> Intent:
    for outcome in change.outcomes:
        if outcome.intent.id != intent.id:
            continue
        unread = _unread(change, outcome.event)
        state = intent.state if unread else step(intent.state, outcome.event)
        counts = outcome.event is IntentEvent.FOUND_NOT_APPLIED and change.counts_toward_limit
        intent = replace(intent, state=state, settles=intent.settles + int(counts))
    return replace(intent, busy=intent.busy + 1) if change.busy else intent


def _unread(change: m.Change, event: IntentEvent) -> bool:
    return change.read_failed and event is IntentEvent.FOUND_NOT_APPLIED


class Push:
    """One push by hand: the test is the network, the disk and the time."""

    def __init__(
        self,
        *lanes: m.PendingResource,
        can: Abilities = R4,
        aliases: Mapping[str, str] | None = None,
        silent: bool = False,
    ) -> None:
        self.state = PushState(can, seed=1, aliases=aliases or {}, silent=silent)
        self.pending = {lane.key: lane for lane in lanes}
        self.commands = self.on(m.Loaded(tuple(lanes), NOW))

    def on(self, event: m.Event) -> tuple[m.Command, ...]:
        """Tell it what happened; what it wants done."""
        self.state, self.commands = push_step(self.state, event)
        return self.commands

    def send(self) -> tuple[m.Request, ...]:
        """Write down what it wants to send, as it asks, and let it leave."""
        (mark,) = self.commands
        assert isinstance(mark, m.RecordAttempts)
        (exchange,) = self.on(m.AttemptsRecorded(mark.requests))
        assert isinstance(exchange, m.Exchange)
        for request in exchange.requests:
            self.pending[request.key] = self.state.pending[request.key]
        return exchange.requests

    def answer(
        self, *replies: m.Reply | m.NoReply, batch: m.Batched = m.Batched.DONE
    ) -> tuple[m.Command, ...]:
        return self.on(m.Answered(replies, NOW, batch))

    def read(self, *replies: m.Reply | m.NoReply) -> tuple[m.Command, ...]:
        return self.on(m.WasRead(replies, NOW))

    def keep(self, now: Any = NOW) -> tuple[m.Command, ...]:
        """Keep what it decided, as the store would."""
        save = self.commands[0]
        assert isinstance(save, m.SaveChanges)
        left: list[m.PendingResource] = []
        closed: set[str] = set()
        for change in save.changes:
            one = after(self.pending[change.key], change)
            if one is not None:
                self.pending[one.key] = one
                left.append(one)
            closed |= {out.intent.id for out in change.outcomes if out.event in _CLOSING}
        keys = tuple(change.key for change in save.changes)
        return self.on(m.ChangesSaved(keys, tuple(left), frozenset(closed), {}, now))

    @property
    def change(self) -> m.Change:
        """The one change that it wants kept."""
        (save, *_) = self.commands
        assert isinstance(save, m.SaveChanges)
        (change,) = save.changes
        return change

    @property
    def observed(self) -> Mapping[str, str]:
        """What it wants remembered of the server."""
        save = self.commands[0]
        assert isinstance(save, m.SaveChanges)
        return save.observed

    @property
    def events(self) -> list[str]:
        """What it says has happened to the intents of its one change."""
        return [outcome.event.value for outcome in self.change.outcomes]


_CLOSING = frozenset({"acknowledged", "no_place"})


def paths(requests: Sequence[m.Request]) -> list[str]:
    return [f"{request.method} {request.path}" for request in requests]
