"""A person at work: decisions of every kind, taking back, and answers to what the outbox asks.

In:  the cache (either store), the time, and chance. Out: decisions filed in one transaction, as the
product's own use cases file them (act, undo, conflicts and outbox in `worklist/`), by
the same pure pieces: `intent_effects.unit`, `snapshot`, `fold`, `standing`, `inverse`, `satisfied`,
`intent_dependencies.resting_on`, `three_way.compare`. The use cases themselves want SQL;
`test_machine.py` runs them over the real store.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from carequeue.domain.intents import ClientIdentity, Intent, IntentKind, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import decided_with, is_about_its_client
from carequeue.fhir.intent_dependencies import inverse_waits, resting_on
from carequeue.sync.client_check import records_of
from carequeue.sync.protocol.capabilities import Abilities, from_json
from tests.simulation.answering import DROPS, STUCK, Refused, drop
from tests.simulation.deciding import (
    FOR_A_CLIENT,
    IN_BULK,
    MAKES,
    ME,
    ON_A_NEED,
    Deciding,
    Draft,
    some_verb,
)
from tests.simulation.plain import named, named_client
from tests.simulation.truth import Violation

if TYPE_CHECKING:
    from tests.simulation.world import World


class Person:
    """One person over one cache."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0
        self.groups: list[list[str]] = []

    # --- deciding ---------------------------------------------------------------------------------

    def new_id(self) -> str:
        self._count += 1
        return f"i{self._count}"

    def act(self, chance: random.Random, rows: Any, now: datetime) -> None:
        """One decision about one row or about all of them, or one that makes a row."""
        choice = chance.random()
        tasks = self._tasks(rows)
        if choice < 0.1 or not tasks:
            self.file(rows, self._need(chance, tasks, rows, now), now)
        elif choice < 0.18:
            name = chance.choice(IN_BULK)
            many = [draft for key in tasks for draft in self._verb(chance, name, key, rows, now)]
            self.file(rows, many, now)
        else:
            self.edit(chance, rows, now)

    def edit(self, chance: random.Random, rows: Any, now: datetime) -> None:
        """One decision about one row that is there."""
        tasks = self._tasks(rows)
        if not tasks:
            raise Refused
        name, key = some_verb(chance), chance.choice(tasks)
        self.file(rows, self._verb(chance, name, key, rows, now), now)

    def make(self, chance: random.Random, rows: Any, now: datetime) -> None:
        """A row of our own."""
        self.file(rows, self._need(chance, self._tasks(rows), rows, now), now)

    def _tasks(self, rows: Any) -> list[tuple[str, str]]:
        keys = self._world.tasks_here(rows)
        return [key for key in keys if view(rows, *key) is not None]

    def _verb(
        self, chance: random.Random, name: str, key: tuple[str, str], rows: Any, now: datetime
    ) -> list[Draft]:
        """One verb on one row."""
        task = view(rows, *key)
        assert task is not None
        if name in MAKES and not task.get("for"):  # the queue offers none of these
            raise Refused
        return self._new(self._deciding(chance, rows, now).on_task(name, key, task))

    def _need(
        self, chance: random.Random, tasks: Sequence[Any], rows: Any, now: datetime
    ) -> list[Draft]:
        """A verb on a need that has no Task yet, which others may be meeting too; or a new row."""
        encounter = f"Encounter/e{len(tasks) % 2}"
        deciding = self._deciding(chance, rows, now)
        if chance.random() < 0.4:
            drafts = deciding.on_need(chance.choice(ON_A_NEED), encounter, "Patient/p1")
        else:
            drafts = deciding.on_client(chance.choice(FOR_A_CLIENT), "Patient/p1")
        return self._new(drafts)

    def _new(self, drafts: list[Draft]) -> list[Draft]:
        """Raises Refused for what this person has made already: the queue shows it as there."""
        made = {named(draft.args["resource"]) for draft in drafts if "resource" in draft.args}
        if made & self._world.truth.named():
            raise Refused
        return drafts

    def _deciding(self, chance: random.Random, rows: Any, now: datetime) -> Deciding:
        made = [
            view(rows, intent.target_type, intent.target_id)
            for intent in self._world.truth.creates()
        ]
        void = [body for body in made if body and body.get("status") == "entered-in-error"]
        return Deciding(chance, now, self.new_id, frozenset(map(named, void)))

    def file(
        self, rows: Any, drafts: Sequence[Draft], now: datetime, inverse_of: str = ""
    ) -> list[Intent]:
        """Into the outbox, as `act.Filing` does it. Raises Refused."""
        can = abilities(rows)
        group = self.new_id()
        views: dict[tuple[str, str], Resource | None] = {}
        filed: list[Intent] = []
        for draft in drafts:
            if draft.key not in views:
                views[draft.key] = view(rows, *draft.key)
            client = draft.client or _client(draft, views[draft.key], rows)
            one = self._intent(draft, group, filed, now, inverse_of, client)
            if one.kind is not IntentKind.CREATE:
                if views[draft.key] is None:
                    raise Refused
                seen = intent_effects.snapshot(intent_effects.unit(one), views[draft.key])
                one = replace(one, seen=seen)
            one = replace(one, state=_place(one, filed, rows, can))
            views[draft.key] = intent_effects.fold(views[draft.key], [one])
            filed.append(one)
        if not filed:
            raise Refused
        if not inverse_of:
            for one in filed:
                before = rows.outbox.open_intents()
                if one not in intent_effects.standing([*before, one]):
                    raise Refused
        rows.outbox.append(filed)
        self._world.filed += filed
        self._world.figures[f"verb {filed[0].verb}"] += 1
        self.groups.append([one.id for one in filed])
        return filed

    def _intent(
        self,
        draft: Draft,
        group: str,
        filed: Sequence[Intent],
        now: datetime,
        inverse_of: str,
        client: ClientIdentity,
    ) -> Intent:
        after = ""
        if draft.after is not None and draft.after < len(filed):
            after = filed[draft.after].id
        return Intent(
            id=draft.id or self.new_id(),
            group=group,
            seq=0,
            source="main",
            target_type=draft.key[0],
            target_id=draft.key[1],
            item_key=f"main:{'/'.join(draft.item or draft.key)}",
            kind=draft.kind,
            args=draft.args,
            verb="undo" if inverse_of else draft.verb,
            decided_at=now,
            author=ME,
            author_name="Dana",
            chart="Patient/p1",
            after=after,
            inverse_of=inverse_of,
            client=client,
        )

    # --- taking back ------------------------------------------------------------------------------

    def undo(self, chance: random.Random, rows: Any, now: datetime) -> None:
        """Take back the last group that is not taken back yet; as `worklist/undo.py`."""
        group = self._last(rows)
        if not group:
            raise Refused
        _check_alone(rows, group)
        changed = {
            one.item_key
            for one in group
            if one.state not in DROPS and not _stands(one, group, rows)
        }
        dropped = {one.id for one in group if one.state in DROPS}
        pending = [intent for intent in rows.outbox.open_intents() if intent.id not in dropped]
        changed |= {
            one.item_key for one in group if one.state not in DROPS and inverse_waits(one, pending)
        }
        group = [one for one in group if one.item_key not in changed]
        if not group:
            raise Refused
        sent = [one for one in group if one.state not in DROPS]
        dropped = {one.id for one in group if one.state in DROPS}
        rests = {one.id for one in resting_on(dropped, rows.outbox.open_intents())}
        if any(one.id in rests and one.state is IntentState.IN_DOUBT for one in sent):
            raise Refused
        if any(_is_there(one, rows) for one in group):
            raise Refused
        drop(rows, [one for one in group if one.state in DROPS], "taken back", now)
        drafts = []
        for one in reversed(sent):
            made = intent_effects.inverse(one)
            if made:
                kind, _, key = one.item_key.removeprefix("main:").partition("/")
                target = (one.target_type, one.target_id)
                drafts.append(Draft(target, *made, item=(kind, key), client=one.client))
        if drafts:
            self.file(rows, drafts, now, inverse_of=group[0].group)
        self._check_as_before(rows, group)

    def _last(self, rows: Any) -> list[Intent]:
        for ids in reversed(self.groups):
            group: list[Intent] = rows.outbox.by_ids(ids)
            if not group or group[0].inverse_of:
                continue
            if any(self._world.inverses.get(one.group) for one in group):
                continue
            left = [one for one in group if one.state is not IntentState.UNDONE]
            if left:
                return left
        return []

    def _check_as_before(self, rows: Any, group: Sequence[Intent]) -> None:
        """I9: what was taken back is, in the view, as the person saw it before."""
        made = {one.target_id for one in group if one.kind is IntentKind.CREATE}
        for one in group:
            there = view(rows, one.target_type, one.target_id)
            if one.kind is IntentKind.CREATE:
                if one.state in DROPS and there is not None and one.state is IntentState.QUEUED:
                    raise Violation("I9", f"{one.id} is taken back, and its row is still shown")
                continue
            first: dict[str, Any] = {}
            for other in reversed(group):
                if (other.target_type, other.target_id) == (one.target_type, one.target_id):
                    first.update(other.seen)
            if one.state in DROPS or there is None or one.target_id in made:
                continue  # what the server has stands; what was made is struck out
            for name in intent_effects.unit(one):
                now_there = intent_effects.snapshot([name], there).get(name)
                if now_there != first.get(name) and not _same_entry(now_there, first.get(name)):
                    raise Violation(
                        "I9",
                        f"{one.id} is taken back, and {name} of {one.target_id} is shown as "
                        f"{now_there!r}; it was {first.get(name)!r}",
                    )


def _client(draft: Draft, there: Resource | None, rows: Any) -> ClientIdentity:
    """As `act.Filing`: whom the resource names, as the person sees it; checked by other eyes."""
    about = draft.args["resource"] if draft.kind is IntentKind.CREATE else there
    found = decided_with(about, records_of(rows), "a name")
    named = named_client(about, lambda key: view(rows, *key))
    if found.reference != named:
        raise Violation("I12", f"{found.reference!r} was recorded for {named!r}")
    return found


def view(rows: Any, kind: str, key: str) -> Resource | None:
    """One resource as the person sees it; as `views.view_of`."""
    base: Resource | None = rows.mirror.base(kind, key).body
    on_it = rows.outbox.open_on(kind, key)
    if not on_it:
        return base
    own = {one.id for one in on_it}
    standing = intent_effects.standing(rows.outbox.open_intents())
    return intent_effects.fold(base, [one for one in standing if one.id in own])


def abilities(rows: Any) -> Abilities:
    """What the source can take, as far as the cache knows."""
    kept, _ = rows.sync_state.capability("statement")
    observed = rows.sync_state.observed()
    return from_json(kept, observed) if kept else Abilities(observed=observed)


def _place(one: Intent, filed: Sequence[Intent], rows: Any, can: Abilities) -> IntentState:
    """As `act.Filing`: whether the source can take it."""
    kind, key = one.target_type, one.target_id
    if one.kind is IntentKind.CREATE:
        fits = can.can("create", kind) or can.of(kind).update_create
        return IntentState.QUEUED if fits else IntentState.LOCAL_ONLY
    same = [*(each for each in filed if each.target_id == key), *rows.outbox.open_on(kind, key)]
    creates = [each for each in same if each.kind is IntentKind.CREATE]
    if creates:
        kept = creates[0].state is IntentState.LOCAL_ONLY
        return IntentState.LOCAL_ONLY if kept else IntentState.QUEUED
    return IntentState.QUEUED if can.can("update", kind) else IntentState.LOCAL_ONLY


def _check_alone(rows: Any, group: Sequence[Intent]) -> None:
    own = {one.id for one in group}
    for one in group:
        creates = one.kind is IntentKind.CREATE
        if not (creates or one.state in STUCK) or one.state not in DROPS:
            continue
        on_it = rows.outbox.open_on(one.target_type, one.target_id)
        later = [each.id for each in (on_it if creates else resting_on({one.id}, on_it))]
        if set(later) - own:
            raise Refused


def _stands(one: Intent, group: Sequence[Intent], rows: Any) -> bool:
    acts = [
        each
        for each in group
        if (each.target_type, each.target_id) == (one.target_type, one.target_id)
        and each.state not in DROPS
    ]
    there = view(rows, one.target_type, one.target_id)
    records = records_of(rows)
    if there is not None and not all(is_about_its_client(act, there, records) for act in acts):
        return False
    if acts[0].kind is not IntentKind.CREATE:
        return all(intent_effects.satisfied(each, there) for each in acts)
    made = intent_effects.fold(None, acts)
    if there is None or made is None or there.get("status") != made.get("status"):
        return False
    return bool(there.get("owner") == made.get("owner"))


def _is_there(one: Intent, rows: Any) -> bool:
    """Whether what is yet to be created is on the server by now."""
    if one.kind is not IntentKind.CREATE or one.state is not IntentState.QUEUED:
        return False
    base = rows.mirror.base(one.target_type, one.target_id)
    return bool(base.body or base.theirs)


def _same_entry(one: Any, other: Any) -> bool:
    """Notes of a server that drops their ids are found by their text."""
    return not one and not other
