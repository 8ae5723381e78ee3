"""The truth about every accepted write: whose decision it carried, and on what value it fell.

In:  the writes as the model server took them, the decisions as people filed them, and every answer
that a person gave. Out: violations of I2, I3 and I6, in words; and what fell under a limit that
docs/sync.md names ("Where the promise ends"), counted.
Not here: how a resource is read (`plain.py`), what the cache holds (`oracles.py`), what is done in
a transaction (`watch.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from carequeue.domain.intents import Intent, IntentKind, IntentState
from tests.simulation.plain import (
    Plain,
    asks_its_partner,
    entries,
    holds,
    named,
    named_client,
    plain,
    plain_seen,
    references,
    unit,
    wanted,
)
from tests.simulation.server import Server
from tests.simulation.shapes import TYPES, Json, Key, Row, Version, Write


class Violation(BaseException):
    """An invariant does not hold: which, and in words what was seen.

    No `Exception`: the code under test names what it did not foresee and goes on.
    """

    def __init__(self, oracle: str, words: str) -> None:
        super().__init__(f"{oracle}: {words}")
        self.oracle = oracle


@dataclass(slots=True)
class Decision:
    """What is known of one decision: as filed, what people saw of it, and what became of it."""

    intent: Intent
    seen: list[Plain]
    chances: int = 1  # how often it may take effect: one more with each answer of a person
    effects: list[int] = field(default_factory=list)  # the writes by which it took effect


class Truth:
    """The ground truth of one run."""

    def __init__(self) -> None:
        self.decisions: dict[str, Decision] = {}
        self.limits: Counter[str] = Counter()
        self.ever: dict[Key, list[Plain]] = {}
        self.made: dict[str, list[Key]] = {}
        self.server: Server | None = None
        self.states: Mapping[str, IntentState] = {}
        self.local_only: set[str] = set()  # what the server could not take at some time
        self._done: set[str] = set()  # what ever took effect, though a backup may have lost it
        self._last: dict[tuple[Key, str], Intent] = {}
        self._plain: dict[int, tuple[Json, Plain]] = {}

    def file(self, intents: Iterable[Intent]) -> None:
        """A person has decided."""
        for intent in intents:
            self.decisions[intent.id] = Decision(intent, [plain_seen(intent.seen)])

    def answered(self, intent_id: str, seen: Mapping[str, Any] | None) -> None:
        """A person has looked at it again and wants it; `seen`: what of theirs was shown."""
        decision = self.decisions[intent_id]
        decision.chances += 1
        if seen is not None:
            decision.seen.append(plain_seen(seen))

    def plain(self, body: Json | None) -> Plain:
        """A body by elements; None has none."""
        if body is None:
            return {}
        known = self._plain.get(id(body))
        if known is None:
            known = self._plain[id(body)] = (body, plain(body))
        return known[1]

    # --- a write ----------------------------------------------------------------------------------

    def wrote(self, write: Write) -> None:
        """Hold one accepted write against the promise. Raises Violation."""
        key = write.row.key
        after = self.plain(write.after.body)
        if write.after.body is not None:
            self.ever.setdefault(key, []).append(after)
        if not write.carried:
            return
        carried = sorted(
            (self.decisions[one].intent for one in write.carried), key=lambda one: one.seq
        )
        self._check_client(write, carried)
        self._check_order(write, carried)
        stood = Counter(entries(write.before.body if write.before else None))
        for name, count in Counter(entries(write.after.body)).items():
            if count > max(stood[name], 1) and not self._excused(write, "a doubled entry"):
                raise Violation("I2", f"{name} stands {count} times on {_name(key)}")
        if write.before is None or write.before.body is None:
            self._made(write, carried)
            return
        before = self.plain(write.before.body)
        changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        if changed:
            self._changed(write, carried, before, changed)

    def _check_client(self, write: Write, carried: list[Intent]) -> None:
        """I12: the record on which it fell names the client with whom it was decided."""
        there = [write.after.body]
        if write.before is not None and write.before.body is not None:
            there.append(write.before.body)
        for one in carried:
            decided = one.client.reference if one.client is not None else None
            named = {named_client(body, self._body) for body in there}
            if named != {decided} and not self._excused(write, "of another client"):
                raise Violation(
                    "I12",
                    f"{one.id} was decided with {decided!r}, and fell on {_name(write.row.key)} "
                    f"of {sorted(named)}",
                )

    def _check_order(self, write: Write, carried: list[Intent]) -> None:
        """I6: what comes first is there, or comes with it, unless the server cannot take it."""
        for one in carried:
            known = one.after in self.decisions
            free = one.after in write.carried or one.after in self._done | self.local_only
            if not known or free or self.states.get(one.after) is IntentState.ACKNOWLEDGED:
                continue
            raise Violation("I6", f"{one.id} was sent before {one.after}, on which it rests")

    def _check_named(self, write: Write, create: Intent) -> None:
        """I2: what two people may make at once, under one identifier, is there once."""
        assert self.server is not None
        value = named(create.args["resource"])
        there = [row.key for row in self.server.named(write.row.key[0], value)]
        if there == [write.row.key] or self._excused(write, "a second of one identifier"):
            return
        if self.server.quirks.conditional:
            raise Violation("I2", f"{create.id} made {_name(write.row.key)} beside {there}")
        self.limits["a second of one identifier: the server ignores If-None-Exist"] += 1

    def _body(self, key: Key) -> Json | None:
        """A resource as far as the server shows it."""
        assert self.server is not None
        row = self._rows.get(key) if self.server.can("read", key[0]) else None
        return row.body if row else None

    def _made(self, write: Write, carried: list[Intent]) -> None:
        """A row has come into being."""
        key, create = write.row.key, carried[0]
        if create.kind is not IntentKind.CREATE:
            if self._excused(write, "brought back"):
                return
            raise Violation("I3", f"{_ids(carried)} brought back {_name(key)}, which was deleted")
        made = self.made.setdefault(create.id, [])
        self._check_once(write, create, made)
        self._check_named(write, create)
        made.append(key)
        for name in references(write.after.body):
            kind, _, other = name.partition("/")
            if kind in TYPES and (kind, other) not in self._rows:
                if self._excused(write, "names what is not there", (kind, other)):
                    continue
                raise Violation(
                    "I6", f"{_name(key)} of {create.id} names {name}, which is not there"
                )
        for place in [one for one in self._last if one[0] == key]:
            del self._last[place]  # of an earlier life of the row, which is over
        for one in carried:
            self._effect(write, one, unit(one))

    @property
    def _rows(self) -> dict[Key, Row]:
        assert self.server is not None
        return self.server.rows

    def _check_once(self, write: Write, create: Intent, made: list[Key]) -> None:
        asked = self.decisions[create.id].chances
        for other in made:
            row = self._rows.get(other)
            if row is None:  # lost with a restored backup
                continue
            if write.before is None and other == write.row.key:  # likewise
                continue
            lives = row.body if other != write.row.key else write.before and write.before.body
            if lives and asked > len(made):
                self.limits["made once more, since the person said so"] += 1
            elif lives:
                if not self._excused(write, "made twice"):
                    raise Violation(
                        "I2", f"{create.id} made {_name(write.row.key)} beside {_name(other)}"
                    )
            elif write.sent.late or write.sent.gone_unseen:
                self.limits["made again after a delete that could not be seen"] += 1
            elif asked == 1:
                raise Violation(
                    "I3", f"{create.id} made {_name(write.row.key)} again, which was deleted"
                )

    def _changed(
        self, write: Write, carried: list[Intent], before: Plain, changed: list[str]
    ) -> None:
        after = self.plain(write.after.body)
        owned: dict[str, list[Intent]] = {}
        for one in carried:
            for name in unit(one):
                owned.setdefault(name, []).append(one)
        acting: dict[str, Intent] = {}
        for name in changed:
            if name not in owned:
                if self._excused(write, "overwritten"):
                    continue
                raise Violation(
                    "I3",
                    f"{_ids(carried)} changed {name} of {_name(write.row.key)}, which none of "
                    f"them owns: {before.get(name)!r} -> {after.get(name)!r}",
                )
            acting[owned[name][-1].id] = owned[name][-1]
        for one in sorted(acting.values(), key=lambda each: each.seq):
            for name in unit(one):
                self._check_seen(write, name, before.get(name), owned[name])
            mine = [name for name in changed if name in owned and owned[name][-1] is one]
            self._effect(write, one, mine)

    def _check_seen(self, write: Write, name: str, value: Any, owners: list[Intent]) -> None:
        """Whether the value on which it fell is one that its author saw."""
        skipped = self._skipped(owners[-1], name)
        seen = [
            each.get(name) for one in (*owners, *skipped) for each in self.decisions[one.id].seen
        ]
        if value in seen or self._is_own_entry(name) or self._is_ours(write, name, owners[-1]):
            return
        if self._excused(write, "overwritten"):
            return
        raise Violation(
            "I3",
            f"{_ids(owners)} overwrote {name} of {_name(write.row.key)}: it was {value!r}, "
            f"and the person saw {seen!r}",
        )

    def _is_ours(self, write: Write, name: str, last: Intent) -> bool:
        """The value is that of an earlier decision of the same person, under another name of the
        row: the Task that they made, and the one that the server shows while that is in doubt.
        """
        assert write.before is not None
        earlier = self._last.get((write.row.key, name))
        if earlier is None or earlier.id not in write.before.by:
            return False
        return earlier.seq < last.seq and earlier.target_id != last.target_id

    def _skipped(self, last: Intent, name: str) -> list[Intent]:
        """What was decided earlier about the same and is kept here, or was never written because
        somebody else had done it already (with another reason, which is not compared): it was
        decided over that one's value, which the server never had.
        """
        return [
            one.intent
            for key, one in self.decisions.items()
            if (self.states.get(key) is IntentState.LOCAL_ONLY or self._never_written(key))
            and one.intent.target_id == last.target_id
            and one.intent.seq < last.seq
            and name in unit(one.intent)
        ]

    def _never_written(self, key: str) -> bool:
        return self.states.get(key) is IntentState.ACKNOWLEDGED and key not in self._done

    def _is_own_entry(self, name: str) -> bool:
        """A note or output of ours on a server that drops its id: taken out by its text."""
        assert self.server is not None
        element, _, by = name.rstrip("]").partition("[")
        ours = element in ("note", "output") and by in self.decisions
        return ours and self.server.quirks.drops_ids

    def _effect(self, write: Write, intent: Intent, names: Iterable[str]) -> None:
        """It has taken effect once more."""
        decision = self.decisions[intent.id]
        self._done.add(intent.id)
        for name in names:
            place = (write.row.key, name)
            last = self._last.get(place)
            if last and last.seq > intent.seq and self._in_their_order(write, intent, last):
                raise Violation(
                    "I6",
                    f"{intent.id} took effect on {name} of {_name(write.row.key)} "
                    f"after {last.id}, which was decided later",
                )
            self._last[place] = intent
        decision.effects = [*self._not_lost(decision.effects), write.after.came]
        if intent.kind is IntentKind.CREATE or len(decision.effects) <= decision.chances:
            return
        changed = self._changed_since(write, names)
        if not any(one.by for one in changed):
            self.limits["put back by a colleague to what it was"] += 1
        elif all(not one.by or self._laid_over(one) for one in changed):
            self.limits["done anew: the server ignores If-None-Match, and a create was late"] += 1
        elif self._unguarded():
            self.limits["done twice: the server takes writes unguarded, and one was late"] += 1
        elif not self._excused(write, "done twice"):
            raise Violation(
                "I2",
                f"{intent.id} took effect {len(decision.effects)} times on "
                f"{_name(write.row.key)}, wanted {decision.chances} times",
            )

    def _not_lost(self, effects: list[int]) -> list[int]:
        """The earlier effects that no restored backup has taken away."""
        assert self.server is not None
        if not self.server.set_back:
            return effects
        there = {version.came for row in self._rows.values() for version in row.versions}
        return [came for came in effects if came in there]

    def _in_their_order(self, write: Write, intent: Intent, last: Intent) -> bool:
        """Whether nobody has ordered these two anew."""
        answered = self.decisions[intent.id].chances > 1 or self.decisions[last.id].chances > 1
        return not answered and not self._excused(write, "out of order")

    def _unguarded(self) -> bool:
        assert self.server is not None
        return self.server.quirks.unprotected

    def creates(self) -> list[Intent]:
        """The decisions to make something that were not taken back before they were sent."""
        return [
            one.intent
            for one in self.decisions.values()
            if one.intent.kind is IntentKind.CREATE
            and self.states.get(one.intent.id) is not IntentState.UNDONE
        ]

    def named(self) -> set[str]:
        """The identifiers under which something is made here and was not taken back."""
        return {named(intent.args["resource"]) for intent in self.creates()}

    def _changed_since(self, write: Write, names: Iterable[str]) -> list[Version]:
        """The versions that last changed these elements before this write: who made them as they
        were, where a colleague did it nobody can see that without a history.
        """
        versions = write.row.versions[:-1]
        found = []
        for name in names:
            for older, newer in zip(versions[-2::-1], versions[:0:-1], strict=False):
                if self.plain(older.body).get(name) != self.plain(newer.body).get(name):
                    found.append(newer)
                    break
        return found

    def _laid_over(self, version: Version) -> bool:
        """Whether a create of ours went over what was there, as nobody could prevent."""
        assert self.server is not None
        creates = any(self.decisions[key].intent.kind is IntentKind.CREATE for key in version.by)
        return creates and not self.server.quirks.none_match

    def _excused(self, write: Write, what: str, about: Key | None = None) -> bool:
        """Whether the server does not let it be prevented; counted then."""
        assert self.server is not None
        excuse = write.sent.excuse(self.server, write, about or write.row.key)
        creates = self.decisions[write.carried[0]].intent.kind is IntentKind.CREATE
        if creates and write.before is not None and not self.server.quirks.none_match:
            excuse = excuse or "the server ignores If-None-Match"
        if excuse:
            self.limits[f"{what}: {excuse}"] += 1
        return bool(excuse)

    # --- acknowledgements -------------------------------------------------------------------------

    def was_true(self, intent: Intent, later: Sequence[Intent]) -> bool:
        """Whether some version of the server held it, or what the same person decided over it."""
        versions = self.ever.get((intent.target_type, intent.target_id), [])
        if intent.kind is IntentKind.CREATE:
            return any(asks_its_partner(intent, version) for version in versions)
        return any(holds(wanted(intent), later, version) for version in versions)


def _name(key: Key) -> str:
    return "/".join(key)


def _ids(intents: Iterable[Intent]) -> str:
    return ", ".join(intent.id for intent in intents)
