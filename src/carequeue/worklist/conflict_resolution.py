"""A conflict as a question to a person: before, mine and theirs; and what the answer does.

In:  the intents that settling called a conflict, with what the person saw of their elements
(`seen`); the base, which settling has moved to what the server had; and what a pull has laid beside
it since. Out: a `Conflict` an item, or an `Acted`.
All that stands on one item in conflict is one question, and with it what was decided later on the
same elements: nobody answers half of it.
An answer holds for the pair that was shown (`Conflict.pair`), else it could overwrite what nobody
has looked at. "Mine" makes theirs the base and what was seen, so that undo puts back theirs; what
else waits on the resource is settled against it as if it had just been read. "Theirs" drops mine
into the history; a third answer is that, and an ordinary act after it.
Where the record names another client than the one with whom it was decided, "mine" is no answer:
the question names both clients, and the person decides anew. Where an earlier version did not
record the client, "mine" says that it was the one shown.
Not here: what makes a conflict (`sync/push/three_way.py`), the words (`fhir/differences.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Connection

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import (
    ConflictCause,
    Intent,
    IntentEvent,
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
from carequeue.store import audit, mirror, outbox, removals
from carequeue.store.engine import quick
from carequeue.store.projection import Projector
from carequeue.store.views import client_records
from carequeue.sync.client_check import is_recorded
from carequeue.sync.push.three_way import ALREADY_SO, EVENTS, Found, as_seen, settle
from carequeue.worklist.client_recheck import recheck_clients
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Acted, Conflict, Difference
from carequeue.worklist.undo import drop, with_what_rests_on

DELETED: Final = "deleted"
OTHER_CLIENT: Final = "other_client"
CLIENT_UNKNOWN: Final = "client_unknown"  # and "mine" confirms the client
_BOTH: Final = ("mine", "theirs")
_THEIRS: Final = ("theirs",)
#: Of several resources in one question, the gravest tells which answers are possible.
_GRAVITY: Final = ("", CLIENT_UNKNOWN, DELETED, OTHER_CLIENT)


def conflicts(connection: Connection, projector: Projector, now: datetime) -> tuple[Conflict, ...]:
    """Every conflict, in the order of the queue."""
    stuck = outbox.in_state(connection, IntentState.CONFLICT)
    keys = _in_order(connection, list(dict.fromkeys(one.item_key for one in stuck)))
    wording = Wording(connection, projector, now)
    asked = [_Asked(connection, projector, wording, key) for key in keys]
    return tuple(one.conflict for one in asked if one.sides)


def conflict(
    connection: Connection, projector: Projector, key: str, now: datetime
) -> Conflict | None:
    """The conflict of one item, None where it has none."""
    asked = _Asked(connection, projector, Wording(connection, projector, now), key)
    return asked.conflict if asked.sides else None


def answer(
    connection: Connection,
    projector: Projector,
    author: str,
    shown: Conflict,
    how: str,
    now: datetime,
) -> Acted:
    """Keep mine, or take theirs, as it was shown; in the caller's transaction.

    Raises BadQuestion where the pair is another by now, or the answer is not possible; nothing
    may be kept then.
    """
    key = shown.item_key
    asked = _Asked(connection, projector, Wording(connection, projector, now), key)
    if not asked.sides:
        raise BadQuestion(
            f"{clean(shown.client, 120)}: no question is open there any more. Nothing was changed."
        )
    found = asked.conflict
    if found.pair != shown.pair:
        raise BadQuestion(
            f"{found.client}: what is to be compared has changed since you looked. "
            "Nothing was changed. Look at it once more, then answer."
        )
    if how not in found.can:
        raise BadQuestion(_why_not(found, how))
    if how == "mine":
        charts = {
            chart
            for side in asked.sides
            for chart in _keep(connection, projector, side, found.other_client, now)
        }
        groups = {one.group for one in asked.intents}
        group = groups.pop() if len(groups) == 1 else ""
        words = f"Kept yours: {found.client}. It is sent over what the server has now."
    else:
        chosen = [one for one in asked.intents if one.state is IntentState.CONFLICT]
        going = with_what_rests_on(connection, chosen, created=True)
        charts = drop(connection, projector, going, "theirs was taken", now)
        charts |= {chart for side in asked.sides for chart in _leave(connection, side)}
        group = ""
        words = f"Took theirs: {found.client}. Yours stays in the history."
        if found.gone == OTHER_CLIENT:
            words = f"Not sent: {found.did}, {found.client}. Yours stays in the history."
    left = [one for one in outbox.stuck(connection, key) if one.state is IntentState.CONFLICT]
    if left:
        words += " Something else of yours differs there too: answer that next."
    audit.append(
        connection,
        at=now,
        actor=author,
        action="keep_mine" if how == "mine" else "take_theirs",
        item_key=key,
        group=asked.intents[0].group,
    )
    projector.project(connection, charts, now)
    return Acted(words, group, (key,))


def _why_not(found: Conflict, how: str) -> str:
    client = found.client
    if how not in _BOTH:
        return f"An answer is mine or theirs, not {clean(how, 40)}. Nothing was changed."
    if found.gone == DELETED:
        why = "the server no longer has it, so yours has no place to go"
    elif found.gone == OTHER_CLIENT:
        now = f"is {found.other_client}'s" if found.other_client else "names no client"
        why = f"on the server it {now} by now, and yours was about {client}"
    else:
        return (
            f"{client}: something else on it is being sent just now. Nothing was changed. "
            "Answer again in a moment."
        )
    return f"{client}: {why}. Nothing was changed. Take theirs, then decide anew."


def _in_order(connection: Connection, keys: Sequence[str]) -> list[str]:
    """Keys in the order of the queue; what is not in it comes last."""
    places = {
        key: place
        for place, (key,) in enumerate(
            quick(connection).execute(
                "SELECT key FROM item WHERE sync = 'conflict' ORDER BY band, weight, due_sort, tie"
            )
        )
    }
    return sorted(keys, key=lambda key: places.get(key, len(places)))


# --- the question ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
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
        return as_seen(self.theirs or self.base.body or {}, self.intents)

    @property
    def mine(self) -> Resource | None:
        """What would be written: the decisions over theirs."""
        return intent_effects.fold(self.theirs or self.before, self.intents)

    @property
    def unit(self) -> list[str]:
        return list(
            dict.fromkeys(name for one in self.intents for name in intent_effects.unit(one))
        )

    @property
    def in_doubt(self) -> bool:
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


class _Asked:
    """The question about one item, read in one transaction."""

    def __init__(
        self, connection: Connection, projector: Projector, wording: Wording, key: str
    ) -> None:
        self._connection = connection
        self._projector = projector
        self._wording = wording
        self._key = key
        targets = {
            (one.source, one.target_type, one.target_id): None
            for one in outbox.stuck(connection, key)
            if one.state is IntentState.CONFLICT
        }
        self.sides = [self._side(target) for target in targets]

    @property
    def intents(self) -> list[Intent]:
        return [one for side in self.sides for one in side.intents]

    def _side(self, target: tuple[str, str, str]) -> _Side:
        on_it = outbox.of_target(self._connection, *target)
        mine = {
            one.id
            for one in on_it
            if one.state is IntentState.CONFLICT and one.item_key == self._key
        }
        later = {one.id for one in resting_on(mine, on_it) if one.state is IntentState.QUEUED}
        asked = tuple(one for one in on_it if one.id in mine | later)
        others = tuple(one for one in on_it if one.id not in mine | later)
        base = mirror.base(self._connection, *target)
        base_url = self._projector.site.base_urls.get(target[0], "")
        records = client_records(self._connection, target[0], base_url)
        return _Side(asked, others, base, _gone(asked, base, records), records)

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
            can=_THEIRS if in_doubt or not self._mine_is_possible(why) else _BOTH,
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

    def _lines(self, side: _Side) -> list[Difference]:
        say = self._wording.say(side.intents[0].source)
        found = differences(side.intents, side.before, side.mine, side.theirs, say)
        first = side is self.sides[0]
        where = "" if first else f" ({side.intents[0].target_type}/{side.intents[0].target_id})"
        return [_line(words, where) for words in found]


def _about_now(side: _Side) -> Resource | None:
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


def _pair(sides: Sequence[_Side]) -> str:
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


def _leave(connection: Connection, side: _Side) -> set[tuple[str, str]]:
    """To take theirs of what settling found deleted is to let its row go, not to wait for a count
    of the server's rows; where something else is open on it, that is settled first.
    """
    one = side.intents[0]
    if side.gone != DELETED or side.base.theirs is not None or side.base.gone:
        return set()
    name = f"{one.target_type}/{one.target_id}"
    return removals.take_out(connection, one.source, {name: ""}, DELETED)[1]


# --- keeping mine ---------------------------------------------------------------------------------


def _keep(
    connection: Connection, projector: Projector, side: _Side, name: str, now: datetime
) -> set[tuple[str, str]]:
    """Back to waiting, over theirs as the base and as what the person saw.

    `name`: of the client whom this confirms, where the client was not recorded.
    """
    charts = {(one.source, one.chart) for one in (*side.intents, *side.others)}
    charts |= _rebase(connection, projector, side, now)
    view = side.theirs
    confirmed = decided_with(view, side.records, name)
    for intent in side.intents:
        outbox.confirm_client(connection, intent, confirmed)
        outbox.saw(
            connection, intent.id, intent_effects.snapshot(intent_effects.unit(intent), view)
        )
        view = intent_effects.apply(intent, view)
        if intent.state is IntentState.CONFLICT:
            outbox.happened(connection, intent, IntentEvent.KEPT_MINE, "", now)
    outbox.postpone(connection, [one.id for one in side.intents], None)
    return charts


def _rebase(
    connection: Connection, projector: Projector, side: _Side, now: datetime
) -> set[tuple[str, str]]:
    """What a pull laid beside the base becomes it, for the person has seen it.

    It is the same step as settling, without the reading: what else waits on the resource is
    compared with it, and what somebody else changed or did is not sent over theirs.
    """
    base, theirs = side.base.body, side.base.theirs
    if base is None or theirs is None:
        return set()
    waiting = [one for one in side.others if one.state is IntentState.QUEUED]
    for one in settle(base, theirs, waiting, side.records):
        if one.found is not Found.NOT_APPLIED:
            words = ALREADY_SO if one.found is Found.DONE else one.words
            outbox.happened(connection, one.intent, EVENTS[one.found], words, now)
    source = side.intents[0].source
    base_url = projector.site.base_urls.get(source, "")
    version = side.base.theirs_version
    charts = mirror.move_base(connection, source, theirs, version, now, base_url)
    first = side.intents[0]
    moved = [(source, first.target_type, first.target_id)]
    return charts | recheck_clients(connection, projector, moved, now)
