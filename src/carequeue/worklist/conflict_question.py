"""A conflict as a question to a person: before, mine and theirs, and which answers are possible.

In:  the intents that settling called a conflict, with what the person saw of their elements
(`seen`); the base, which settling has moved to what the server had; and what a pull has laid beside
it since. Out: a `Conflict` an item.
All that stands on one item in conflict is one question, and with it what was decided later on the
same elements: nobody answers half of it.
Where the record names another client than the one with whom it was decided, "mine" is no answer:
the question names both clients, and the person decides anew. Where an earlier version did not
record the client, "mine" says that it was the one shown.
Not here: what the answer does (`conflict_resolution.py`), what makes a conflict
(`sync/push/three_way.py`), the words (`fhir/differences.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from carequeue.domain.intents import (
    ConflictCause,
    Intent,
    IntentKind,
    IntentState,
)
from carequeue.domain.sanitize import clean, clean_block
from carequeue.fhir import intent_effects, jsontext, values
from carequeue.fhir.base import Base
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import (
    ClientRecords,
    creates_for_its_client,
    decided_with,
    is_about_its_client,
    points_to,
)
from carequeue.fhir.differences import (
    Words,
    changed_at,
    changed_by,
    differences,
)
from carequeue.fhir.intent_dependencies import resting_on
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.client_check import is_recorded
from carequeue.sync.push.three_way import as_seen
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Conflict, Difference

DELETED: Final = "deleted"
OTHER_CLIENT: Final = "other_client"
CLIENT_UNKNOWN: Final = "client_unknown"  # and "mine" confirms the client
BOTH: Final = ("mine", "theirs")
_THEIRS: Final = ("theirs",)
#: Of several resources in one question, the gravest tells which answers are possible.
_GRAVITY: Final = ("", CLIENT_UNKNOWN, DELETED, OTHER_CLIENT)


@dataclass(frozen=True, slots=True)
class Side:
    """What is asked of one resource. `theirs` None: the server has none that mine could go on."""

    intents: tuple[Intent, ...]
    others: tuple[Intent, ...]  # what else is open on it
    base: Base
    gone: str
    records: ClientRecords

    @property
    def theirs(self) -> Resource | None:
        """The newest that is known of the server's."""
        return None if self.gone == DELETED else self.base.theirs or self.base.body

    @property
    def before(self) -> Resource:
        """What the person saw before they decided."""
        return as_seen(self.theirs or self.base.body or {}, self.intents)

    @property
    def mine(self) -> Resource | None:
        """What would be written: the decisions over theirs."""
        return intent_effects.fold(self.theirs or self.before, self.intents)

    @property
    def unit(self) -> list[str]:
        """The elements that were decided."""
        return list(
            dict.fromkeys(name for one in self.intents for name in intent_effects.unit(one))
        )

    @property
    def in_doubt(self) -> bool:
        """Whether something on the resource may be on the server: no base moves then."""
        return any(one.state is IntentState.IN_DOUBT for one in (*self.intents, *self.others))


def _gone(asked: Sequence[Intent], base: Base, records: ClientRecords) -> str:
    """Why there is no version of theirs that mine could be written on; "" where there is one."""
    theirs = base.theirs or base.body
    causes = {one.cause for one in asked}
    create = asked[0].kind is IntentKind.CREATE
    strangers = not all(
        (theirs is None or is_about_its_client(one, theirs, records))
        and creates_for_its_client(one, records)
        for one in asked
    )
    if strangers or (theirs is None and ConflictCause.OTHER_CLIENT in causes and not create):
        return OTHER_CLIENT
    left = base.gone and base.theirs is None
    never_there = create and ConflictCause.OTHER_CLIENT in causes
    if (base.body is None and not never_there) or left or ConflictCause.GONE in causes:
        return DELETED
    return "" if all(is_recorded(one) for one in asked) else CLIENT_UNKNOWN


class Asked:
    """The question about one item, read in one transaction."""

    def __init__(self, cache: CacheTransaction, wording: Wording, key: str) -> None:
        self._cache = cache
        self._wording = wording
        self._key = key
        targets = {
            (one.source, one.target_type, one.target_id): None
            for one in cache.intents.stuck_on(key)
            if one.state is IntentState.CONFLICT
        }
        self.sides = [self._side(target) for target in targets]

    @property
    def intents(self) -> list[Intent]:
        """All decisions that are asked about."""
        return [one for side in self.sides for one in side.intents]

    def _side(self, target: tuple[str, str, str]) -> Side:
        source, kind, key = self._cache.source(target[0]), target[1], target[2]
        on_it = source.outbox.open_on(kind, key)
        mine = {
            one.id
            for one in on_it
            if one.state is IntentState.CONFLICT and one.item_key == self._key
        }
        later = {one.id for one in resting_on(mine, on_it) if one.state is IntentState.QUEUED}
        asked = tuple(one for one in on_it if one.id in mine | later)
        others = tuple(one for one in on_it if one.id not in mine | later)
        base, records = source.mirror.base(kind, key), source.views.client_records()
        return Side(asked, others, base, _gone(asked, base, records), records)

    @cached_property
    def conflict(self) -> Conflict:
        """All of it as the person is shown it."""
        first = self.intents[0]
        client, title = self._wording.client(first), self._wording.row(first)[1]
        why = max((side.gone for side in self.sides), key=_GRAVITY.index)
        in_doubt = any(side.in_doubt for side in self.sides)
        say = self._wording.say(first.source)
        theirs = self.sides[0].theirs
        did = dict.fromkeys(self._wording.describe(one) for one in self.intents)
        return Conflict(
            item_key=self._key,
            client=client,
            title=title or clean(_about(theirs), 200),
            source=clean(first.source, 80),
            did=clean("; ".join(did), 300),
            ids=tuple(one.id for one in self.intents),
            by=clean(first.author_name or first.author, 80),
            decided_at=first.decided_at,
            differences=tuple(line for side in self.sides for line in self._lines(side)),
            theirs_by=clean(changed_by(self.sides[0].before, theirs, say), 80),
            theirs_at=changed_at(theirs, say.zone),
            gone=why,
            in_doubt=in_doubt,
            can=_THEIRS if in_doubt or not self._mine_is_possible(why) else BOTH,
            pair=_pair(self.sides),
            other_client=self._other_client(why),
        )

    def _other_client(self, why: str) -> str:
        """Whom the server names by now, where the question is about the client."""
        if why not in (OTHER_CLIENT, CLIENT_UNKNOWN):
            return ""
        side = next(one for one in self.sides if one.gone == why)
        return self._wording.named(side.intents[0].source, _about_now(side))

    def _mine_is_possible(self, why: str) -> bool:
        """Not without a version of theirs; nor where "mine" would confirm two clients at once."""
        named = {decided_with(side.theirs, side.records).reference for side in self.sides}
        return why == "" or (why == CLIENT_UNKNOWN and len(named) == 1)

    def _lines(self, side: Side) -> list[Difference]:
        say = self._wording.say(side.intents[0].source)
        found = differences(side.intents, side.before, side.mine, side.theirs, say)
        first = side is self.sides[0]
        where = "" if first else f" ({side.intents[0].target_type}/{side.intents[0].target_id})"
        return [_line(words, where) for words in found]


def _about_now(side: Side) -> Resource | None:
    """The resource that names a client by now: what a create is about, or the target itself."""
    for one in side.intents:
        made = one.args.get("resource") if one.kind is IntentKind.CREATE else None
        for reference in points_to(made, side.records.base_url):
            about = side.records.find(reference)
            if about is not None and not creates_for_its_client(one, side.records):
                return about
    return side.theirs


def _line(words: Words, where: str) -> Difference:
    return Difference(
        clean(words.label + where, 120),
        clean_block(words.before, 2000),
        clean_block(words.mine, 2000),
        clean_block(words.theirs, 2000),
    )


def _about(resource: Resource | None) -> str:
    """What an item that has left the queue was about."""
    said = values.text(resource, "description").strip()
    return said or values.concept_text(values.get(resource, "code"))


def _pair(sides: Sequence[Side]) -> str:
    """A name for exactly what is compared: the decisions, and the three values of their elements.

    No version goes into it: a change beside the decided elements asks nothing anew.
    """
    told: list[Any] = [
        [
            [one.id for one in side.intents],
            side.gone,
            asdict(decided_with(side.theirs, side.records)),
            *(
                intent_effects.snapshot(side.unit, each)
                for each in (side.before, side.mine, side.theirs)
            ),
        ]
        for side in sides
    ]
    return hashlib.blake2b(jsontext.dumps(told), digest_size=8).hexdigest()
