"""A conflict as a question to a person: before, mine and theirs, and which answers are possible.

In:  the intents in conflict, with what the person saw of their elements (`seen`); the base, which
the read-back has moved to the server's version; a newer version that a pull has stored next to it.
Out: a `Conflict` per item.
All conflicts on one item are one question, together with later decisions on the same elements:
nobody answers half of it.
If the record names another client than the intent, "mine" is no answer: the question names both
clients, and the person decides again. If an earlier version did not record the client, "mine" says
that it was the client shown.
If a colleague sent the referral on to another partner, "mine" is no answer either: two requests
for one need would be out. The person keeps theirs and may send that one on.
Not here: what the answer does (`conflict_resolution.py`), what makes a conflict
(`sync/push/three_way.py`), the words (`fhir/differences.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from carequeue.domain.intents import ConflictCause, Intent, IntentKind, IntentState
from carequeue.domain.sanitize import clean, clean_block
from carequeue.fhir import codes, intent_effects, jsontext, values
from carequeue.fhir.base import Base
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import (
    ClientRecords,
    creates_for_its_client,
    decided_with,
    is_about_its_client,
    points_to,
)
from carequeue.fhir.differences import Say, changed_at, changed_by, differences
from carequeue.fhir.intent_dependencies import resting_on
from carequeue.fhir.replacement import differing
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.client_check import is_recorded
from carequeue.sync.push.three_way import as_seen
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Conflict, Difference

DELETED: Final = "deleted"
OTHER_CLIENT: Final = "other_client"
CLIENT_UNKNOWN: Final = "client_unknown"  # and "mine" confirms the client
SENT_ON: Final = "sent_on"  # a colleague sent the referral on, to another partner
BOTH: Final = ("mine", "theirs")
_THEIRS: Final = ("theirs",)
#: Of several resources in one question, the gravest decides which answers are possible.
_GRAVITY: Final = ("", CLIENT_UNKNOWN, SENT_ON, DELETED, OTHER_CLIENT)


@dataclass(frozen=True, slots=True)
class Side:
    """One resource of the question. `theirs` None: the server has no version to write mine on.

    `in_its_place`: the colleague's resource that is there instead of the one that mine creates.
    """

    intents: tuple[Intent, ...]
    others: tuple[Intent, ...]  # the other open intents on it
    base: Base
    gone: str
    records: ClientRecords
    in_its_place: Resource | None = None

    @property
    def theirs(self) -> Resource | None:
        """The newest known version of the server."""
        if self.gone == SENT_ON:
            return self.in_its_place
        return None if self.gone == DELETED else self.base.theirs or self.base.body

    @property
    def before(self) -> Resource:
        """The version that the person saw before they decided."""
        if self.gone == SENT_ON:
            return {}
        return as_seen(self.theirs or self.base.body or {}, self.intents)

    @property
    def mine(self) -> Resource | None:
        """The version that would be written: the decisions applied to theirs."""
        created = self.gone == SENT_ON
        return intent_effects.fold(None if created else self.theirs or self.before, self.intents)

    @property
    def unit(self) -> list[str]:
        """The elements that were decided."""
        if self.gone == SENT_ON:
            return list(differing(self.mine or {}, self.theirs or {}))
        names = (name for intent in self.intents for name in intent_effects.unit(intent))
        return list(dict.fromkeys(names))

    @property
    def in_doubt(self) -> bool:
        """Whether something on the resource may be on the server: no base moves then."""
        on_it = (*self.intents, *self.others)
        return any(intent.state is IntentState.IN_DOUBT for intent in on_it)


def _gone(asked: Sequence[Intent], base: Base, records: ClientRecords) -> str:
    """Why there is no version of theirs that mine could be written on; "" if there is one."""
    theirs = base.theirs or base.body
    causes = {intent.cause for intent in asked}
    create = asked[0].kind is IntentKind.CREATE
    strangers = not all(
        (theirs is None or is_about_its_client(intent, theirs, records))
        and creates_for_its_client(intent, records)
        for intent in asked
    )
    if strangers or (theirs is None and ConflictCause.OTHER_CLIENT in causes and not create):
        return OTHER_CLIENT
    if create and ConflictCause.CHANGED in causes:
        return SENT_ON
    left = base.gone and base.theirs is None
    never_there = create and ConflictCause.OTHER_CLIENT in causes
    if (base.body is None and not never_there) or left or ConflictCause.GONE in causes:
        return DELETED
    return "" if all(map(is_recorded, asked)) else CLIENT_UNKNOWN


class Asked:
    """The question about one item, read in one transaction."""

    def __init__(self, cache: CacheTransaction, wording: Wording, key: str) -> None:
        self._cache = cache
        self._wording = wording
        self._key = key
        targets = {
            (intent.source, intent.target_type, intent.target_id): None
            for intent in cache.intents.stuck_on(key)
            if intent.state is IntentState.CONFLICT
        }
        self.sides = [self._side(target) for target in targets]

    @property
    def intents(self) -> list[Intent]:
        """All decisions that the question is about."""
        return [intent for side in self.sides for intent in side.intents]

    def _side(self, target: tuple[str, str, str]) -> Side:
        source, kind, key = self._cache.source(target[0]), target[1], target[2]
        on_it = source.outbox.open_on(kind, key)
        ids = {
            intent.id
            for intent in on_it
            if intent.state is IntentState.CONFLICT and intent.item_key == self._key
        }
        later = resting_on(ids, on_it)
        ids |= {intent.id for intent in later if intent.state is IntentState.QUEUED}
        asked = tuple(intent for intent in on_it if intent.id in ids)
        others = tuple(intent for intent in on_it if intent.id not in ids)
        base, records = source.mirror.base(kind, key), source.views.client_records()
        gone = _gone(asked, base, records)
        instead = made_in_its_place(self._cache, asked[0]) if gone == SENT_ON else None
        return Side(asked, others, base, gone, records, instead)

    @cached_property
    def conflict(self) -> Conflict:
        """The question as the person is shown it."""
        first = self.intents[0]
        client, title = self._wording.client(first), self._wording.row(first)[1]
        why = max((side.gone for side in self.sides), key=_GRAVITY.index)
        in_doubt = any(side.in_doubt for side in self.sides)
        say = self._wording.say(first.source)
        theirs = self.sides[0].theirs
        did = dict.fromkeys(map(self._wording.describe, self.intents))
        return Conflict(
            item_key=self._key,
            client=client,
            title=title or clean(_about(theirs), 200),
            source=clean(first.source, 80),
            did=clean("; ".join(did), 300),
            ids=tuple(intent.id for intent in self.intents),
            by=clean(first.author_name or first.author, 80),
            decided_at=first.decided_at,
            differences=tuple(line for side in self.sides for line in self._lines(side)),
            theirs_by=clean(self._theirs_by(say), 80),
            theirs_at=changed_at(theirs, say.zone),
            gone=why,
            in_doubt=in_doubt,
            can=_THEIRS if in_doubt or not self._mine_is_possible(why) else BOTH,
            pair=_pair(self.sides),
            other_client=self._other_client(why),
        )

    def _theirs_by(self, say: Say) -> str:
        """Who made theirs: the sender of a new request, else as far as a change tells it."""
        side = self.sides[0]
        if side.gone == SENT_ON:
            return say.name(values.get(side.theirs, "requester"))
        return changed_by(side.before, side.theirs, say)

    def _other_client(self, why: str) -> str:
        """The client whom the server names now, if the question is about the client."""
        if why not in (OTHER_CLIENT, CLIENT_UNKNOWN):
            return ""
        side = next(side for side in self.sides if side.gone == why)
        return self._wording.named(side.intents[0].source, _about_now(side))

    def _mine_is_possible(self, why: str) -> bool:
        """Whether theirs has a version to write on, and "mine" confirms no two clients at once."""
        named = {decided_with(side.theirs, side.records).reference for side in self.sides}
        return why == "" or (why == CLIENT_UNKNOWN and len(named) == 1)

    def _lines(self, side: Side) -> list[Difference]:
        say = self._wording.say(side.intents[0].source)
        first = side is self.sides[0]
        where = "" if first else f" ({side.intents[0].target_type}/{side.intents[0].target_id})"
        return [
            Difference(
                clean(element.label + where, 120),
                clean_block(element.before, 2000),
                clean_block(element.mine, 2000),
                clean_block(element.theirs, 2000),
            )
            for element in differences(side.unit, side.before, side.mine, side.theirs, say)
        ]


def made_in_its_place(cache: CacheTransaction, create: Intent) -> Resource | None:
    """The resource in the mirror that has the identifier of the one that an intent creates."""
    named = values.identifier_value(create.args.get("resource"), codes.IDENTIFIER)
    bases = cache.source(create.source).views.bases(create.chart)
    return next(
        (
            resource
            for resource in bases.get(create.target_type, {}).values()
            if values.identifier_value(resource, codes.IDENTIFIER) == named
        ),
        None,
    )


def _about_now(side: Side) -> Resource | None:
    """The resource that names a client by now: the subject of a create, or the target itself."""
    for intent in side.intents:
        created = intent.args.get("resource") if intent.kind is IntentKind.CREATE else None
        for reference in points_to(created, side.records.base_url):
            about = side.records.find(reference)
            if about is not None and not creates_for_its_client(intent, side.records):
                return about
    return side.theirs


def _about(resource: Resource | None) -> str:
    """The subject of an item that has left the queue."""
    description = values.text(resource, "description").strip()
    return description or values.concept_text(values.get(resource, "code"))


def _pair(sides: Sequence[Side]) -> str:
    """A hash of what is compared: the decisions, and the three values of their elements.

    It holds no version: a change of other elements does not change the question.
    """
    compared: list[Any] = [
        [
            [intent.id for intent in side.intents],
            side.gone,
            asdict(decided_with(side.theirs, side.records)),
            *(
                intent_effects.snapshot(side.unit, version)
                for version in (side.before, side.mine, side.theirs)
            ),
        ]
        for side in sides
    ]
    return hashlib.blake2b(jsontext.dumps(compared), digest_size=8).hexdigest()
