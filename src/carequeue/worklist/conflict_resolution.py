"""The effect of a person's answer to a conflict: keep mine, or take theirs.

In:  a `Conflict` as it was shown (`conflict_question.py`), the answer. Out: an `Acted`.
An answer is for the pair that was shown (`Conflict.pair`), else it could overwrite a version that
nobody has looked at. "Mine" makes theirs the base and what was seen, so that undo puts back theirs;
other intents on the resource are reconciled with it as if it had just been read. "Theirs" drops
mine into the history; a third answer is "theirs", and an ordinary act after it.
"""

from __future__ import annotations

from datetime import datetime

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.domain.sanitize import clean
from carequeue.fhir import intent_effects
from carequeue.fhir.client_identity import decided_with
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.worklist.conflict_question import (
    BOTH,
    DELETED,
    OTHER_CLIENT,
    SENT_ON,
    Asked,
    Side,
)
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.outbox_entries import apply_comparison
from carequeue.worklist.results import Acted, Conflict
from carequeue.worklist.undo import drop, recheck_clients, with_dependents


def conflicts(cache: CacheTransaction, now: datetime) -> tuple[Conflict, ...]:
    """Every conflict, in the order of the queue."""
    rank = {key: number for number, key in enumerate(cache.queue.in_conflict())}
    intents = cache.intents.in_state(IntentState.CONFLICT)
    keys = dict.fromkeys(intent.item_key for intent in intents)  # an item may have left the queue
    wording = Wording(cache, now)
    in_order = sorted(keys, key=lambda key: rank.get(key, len(rank)))
    asked = [Asked(cache, wording, key) for key in in_order]
    return tuple(question.conflict for question in asked if question.sides)


def conflict(cache: CacheTransaction, key: str, now: datetime) -> Conflict | None:
    """The conflict of one item; None if it has none."""
    asked = Asked(cache, Wording(cache, now), key)
    return asked.conflict if asked.sides else None


def answer(cache: CacheTransaction, author: str, shown: Conflict, how: str, now: datetime) -> Acted:
    """Keep mine, or take theirs, as it was shown; in the caller's transaction.

    Raises BadQuestion if the pair has changed, or if the answer is not possible; the caller then
    keeps nothing.
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
        message = f"Kept yours: {conflict.client}. It replaces what the server has now."
    else:
        message = _take_theirs(cache, asked, now)
    stuck = cache.intents.stuck_on(key)
    if any(intent.state is IntentState.CONFLICT for intent in stuck):
        message += " Another change of yours conflicts there too: answer that next."
    action = "keep_mine" if how == "mine" else "take_theirs"
    cache.audit(now).append(author, action, key, asked.intents[0].group)
    cache.project(now)
    return Acted(message, group, (key,))


def _still_asked(cache: CacheTransaction, shown: Conflict, how: str, now: datetime) -> Asked:
    """The question as it is now. Raises BadQuestion if the answer does not fit it."""
    asked = Asked(cache, Wording(cache, now), shown.item_key)
    if not asked.sides:
        raise BadQuestion(
            f"{clean(shown.client, 120)}: there is no conflict any more. Nothing was changed."
        )
    conflict = asked.conflict
    if conflict.pair != shown.pair:
        raise BadQuestion(
            f"{conflict.client}: the versions have changed since you looked. Nothing was changed. "
            "Look at them again, then answer."
        )
    if how not in conflict.can:
        raise BadQuestion(_why_not(conflict, how))
    return asked


def _take_theirs(cache: CacheTransaction, asked: Asked, now: datetime) -> str:
    """Drop mine, and what depends on it; the sentence that says so."""
    chosen = [intent for intent in asked.intents if intent.state is IntentState.CONFLICT]
    conflict = asked.conflict
    drop(cache, with_dependents(cache, chosen), "theirs was kept", now)
    for side in asked.sides:
        _leave(cache, side)
    if conflict.gone == OTHER_CLIENT:
        return f"Not sent: {conflict.did}, {conflict.client}. Yours stays in the history."
    if conflict.gone == SENT_ON:
        return f"Kept theirs: {conflict.client}. Not sent: {conflict.did}."
    return f"Kept theirs: {conflict.client}. Yours stays in the history."


def _why_not(conflict: Conflict, how: str) -> str:
    client = conflict.client
    if how not in BOTH:
        return f"An answer is mine or theirs, not {clean(how, 40)}. Nothing was changed."
    if conflict.gone == DELETED:
        why = "the server no longer has the record, so your change cannot be made there"
    elif conflict.gone == SENT_ON:
        why = "a colleague sent the referral on before you, and one request is enough"
    elif conflict.gone == OTHER_CLIENT:
        now = f"belongs to {conflict.other_client}" if conflict.other_client else "names no client"
        why = f"the record on the server now {now}, and yours was about {client}"
    else:
        return (
            f"{client}: another change of yours there is being sent. Nothing was changed. "
            "Answer again in a moment."
        )
    return f"{client}: {why}. Nothing was changed. Keep theirs, then decide again."


def _leave(cache: CacheTransaction, side: Side) -> None:
    """Remove the row of a resource that was found deleted, if theirs is kept.

    It does not wait for the next manifest. Other open intents on the resource are reconciled first.
    It is asked for once more: on a server without versions, a write that came late may have made it
    again just as it was, and then no search has told of it.
    """
    first = side.intents[0]
    if side.gone == DELETED and side.base.theirs is None and not side.base.gone:
        name = f"{first.target_type}/{first.target_id}"
        source = cache.source(first.source)
        source.removals.remove({name: ""}, DELETED)
        source.sync_state.enqueue_fetch([name], ())


# --- keeping mine ---------------------------------------------------------------------------------


def _keep(cache: CacheTransaction, side: Side, name: str, now: datetime) -> None:
    """Queue mine again, with theirs as the base and as what the person saw.

    `name`: of the client whom this confirms, if the client was not recorded.
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
    """Make the version that a pull stored next to the base the base: the person has seen it.

    As after a read-back, the other waiting intents on the resource are compared with it, and none
    of them is sent over a colleague's change.
    """
    base, theirs = side.base.body, side.base.theirs
    if base is None or theirs is None:
        return
    first = side.intents[0]
    source = cache.source(first.source)
    waiting = [intent for intent in side.others if intent.state is IntentState.QUEUED]
    apply_comparison(source, base, theirs, waiting, now)
    source.mirror.move_base(theirs, side.base.theirs_version, now)
    recheck_clients(cache, [first], now)
