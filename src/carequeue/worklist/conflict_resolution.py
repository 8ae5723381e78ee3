"""What a person's answer to a conflict does: keep mine, or take theirs.

In:  a `Conflict` as it was shown (`conflict_question.py`), the answer. Out: an `Acted`.
An answer holds for the pair that was shown (`Conflict.pair`), else it could overwrite what nobody
has looked at. "Mine" makes theirs the base and what was seen, so that undo puts back theirs; what
else waits on the resource is compared with it as if it had just been read. "Theirs" drops mine
into the history; a third answer is that, and an ordinary act after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import (
    IntentEvent,
    IntentState,
)
from carequeue.domain.sanitize import clean
from carequeue.fhir import intent_effects
from carequeue.fhir.client_identity import (
    decided_with,
)
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.push.three_way import ALREADY_SO, EVENTS, Comparison, compare
from carequeue.worklist.client_recheck import recheck_clients
from carequeue.worklist.conflict_question import (
    BOTH,
    DELETED,
    OTHER_CLIENT,
    Asked,
    Side,
)
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Acted, Conflict
from carequeue.worklist.undo import drop, with_what_rests_on


def conflicts(cache: CacheTransaction, now: datetime) -> tuple[Conflict, ...]:
    """Every conflict, in the order of the queue."""
    stuck = cache.intents.in_state(IntentState.CONFLICT)
    keys = _in_order(cache, list(dict.fromkeys(one.item_key for one in stuck)))
    wording = Wording(cache, now)
    asked = [Asked(cache, wording, key) for key in keys]
    return tuple(one.conflict for one in asked if one.sides)


def conflict(cache: CacheTransaction, key: str, now: datetime) -> Conflict | None:
    """The conflict of one item, None where it has none."""
    asked = Asked(cache, Wording(cache, now), key)
    return asked.conflict if asked.sides else None


def answer(cache: CacheTransaction, author: str, shown: Conflict, how: str, now: datetime) -> Acted:
    """Keep mine, or take theirs, as it was shown; in the caller's transaction.

    Raises BadQuestion where the pair is another by now, or the answer is not possible; nothing
    may be kept then.
    """
    key = shown.item_key
    asked = _still_asked(cache, shown, how, now)
    conflict = asked.conflict
    group = ""
    if how == "mine":
        for side in asked.sides:
            _keep(cache, side, conflict.other_client, now)
        groups = {intent.group for intent in asked.intents}
        group = groups.pop() if len(groups) == 1 else ""
        words = f"Kept yours: {conflict.client}. It is sent over what the server has now."
    else:
        words = _take_theirs(cache, asked, now)
    stuck = cache.intents.stuck_on(key)
    if any(intent.state is IntentState.CONFLICT for intent in stuck):
        words += " Something else of yours differs there too: answer that next."
    action = "keep_mine" if how == "mine" else "take_theirs"
    cache.audit(now).append(author, action, key, asked.intents[0].group)
    cache.project(now)
    return Acted(words, group, (key,))


def _still_asked(cache: CacheTransaction, shown: Conflict, how: str, now: datetime) -> Asked:
    """The question as it is now. Raises BadQuestion where the answer is not one to it."""
    asked = Asked(cache, Wording(cache, now), shown.item_key)
    if not asked.sides:
        raise BadQuestion(
            f"{clean(shown.client, 120)}: no question is open there any more. Nothing was changed."
        )
    conflict = asked.conflict
    if conflict.pair != shown.pair:
        raise BadQuestion(
            f"{conflict.client}: what is to be compared has changed since you looked. "
            "Nothing was changed. Look at it once more, then answer."
        )
    if how not in conflict.can:
        raise BadQuestion(_why_not(conflict, how))
    return asked


def _take_theirs(cache: CacheTransaction, asked: Asked, now: datetime) -> str:
    """Drop mine, and what rests on it; the sentence that says so."""
    chosen = [intent for intent in asked.intents if intent.state is IntentState.CONFLICT]
    conflict = asked.conflict
    drop(cache, with_what_rests_on(cache, chosen, created=True), "theirs was taken", now)
    for side in asked.sides:
        _leave(cache, side)
    if conflict.gone == OTHER_CLIENT:
        return f"Not sent: {conflict.did}, {conflict.client}. Yours stays in the history."
    return f"Took theirs: {conflict.client}. Yours stays in the history."


def _why_not(found: Conflict, how: str) -> str:
    client = found.client
    if how not in BOTH:
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
    return f"{client}: {why}. Nothing was changed. Take theirs, then decide again."


def _in_order(cache: CacheTransaction, keys: Sequence[str]) -> list[str]:
    """Keys in the order of the queue; what is not in it comes last."""
    places = {key: place for place, key in enumerate(cache.queue.in_conflict())}
    return sorted(keys, key=lambda key: places.get(key, len(places)))


def _leave(cache: CacheTransaction, side: Side) -> None:
    """To take theirs of what settling found deleted is to let its row go, not to wait for a count
    of the server's rows; where something else is open on it, that is reconciled first.
    """
    first = side.intents[0]
    if side.gone == DELETED and side.base.theirs is None and not side.base.gone:
        name = f"{first.target_type}/{first.target_id}"
        cache.source(first.source).removals.remove({name: ""}, DELETED)


# --- keeping mine ---------------------------------------------------------------------------------


def _keep(cache: CacheTransaction, side: Side, name: str, now: datetime) -> None:
    """Back to waiting, over theirs as the base and as what the person saw.

    `name`: of the client whom this confirms, where the client was not recorded.
    """
    outbox = cache.source(side.intents[0].source).outbox
    outbox.mark_for_projection([*side.intents, *side.others])
    _rebase(cache, side, now)
    view = side.theirs
    confirmed = decided_with(view, side.records, name)
    for intent in side.intents:
        outbox.confirm_client(intent, confirmed)
        outbox.set_seen(intent.id, intent_effects.snapshot(intent_effects.unit(intent), view))
        view = intent_effects.apply(intent, view)
        if intent.state is IntentState.CONFLICT:
            outbox.apply_event(intent, IntentEvent.KEPT_MINE, "", now)
    outbox.postpone([intent.id for intent in side.intents], None)


def _rebase(cache: CacheTransaction, side: Side, now: datetime) -> None:
    """What a pull laid beside the base becomes it, for the person has seen it.

    It is the same step as settling, without the reading: what else waits on the resource is
    compared with it, and what somebody else changed or did is not sent over theirs.
    """
    base, theirs = side.base.body, side.base.theirs
    if base is None or theirs is None:
        return
    first = side.intents[0]
    source = cache.source(first.source)
    waiting = [intent for intent in side.others if intent.state is IntentState.QUEUED]
    for outcome in compare(base, theirs, waiting, side.records):
        if outcome.result is not Comparison.NOT_APPLIED:
            words = ALREADY_SO if outcome.result is Comparison.DONE else outcome.words
            source.outbox.apply_event(outcome.intent, EVENTS[outcome.result], words, now)
    source.mirror.move_base(theirs, side.base.theirs_version, now)
    recheck_clients(cache, [(first.source, first.target_type, first.target_id)], now)
