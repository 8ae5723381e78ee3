"""One's own acts, newest first: when, for whom, what was done and where it stands now.

In:  the outbox with all that was ever decided. Out: a page of acts, one line for each group.
An undo is no act of its own here: the act that it undid is shown as undone.
Why pages begin at a number of the outbox and not at an offset: an act that comes meanwhile moves
no page, and a late page costs no more than the first.
Not here: how an act is undone (`undo.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from carequeue.domain.intents import STUCK_STATES, Intent, IntentKind, IntentState
from carequeue.domain.sanitize import clean
from carequeue.fhir.task_facts import is_companion
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.intent_queries import ItemState
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import HistoryPage, PastAct

#: The state of an act, and a sentence about it; the first that one of its intents is in.
_STATES: Final = (
    (IntentState.CONFLICT, "conflict", "A colleague changed it meanwhile: x in the queue asks you"),
    (IntentState.NEEDS_ATTENTION, "refused", "The server refused it"),
    (IntentState.IN_DOUBT, "checking", "It may be on the server: that is checked first"),
    (IntentState.QUEUED, "waiting", "It waits to be sent"),
    (IntentState.LOCAL_ONLY, "local only", "Saved on this computer only"),
    (IntentState.ACKNOWLEDGED, "sent", "The server has it"),
)
#: What is said of the undo, by the first of these states that one of its intents is in.
_UNDO: Final = (
    (IntentState.CONFLICT, ", but a colleague changed it meanwhile: x in the queue asks you"),
    (IntentState.NEEDS_ATTENTION, ", but the server refused the undo: x in the queue"),
    (IntentState.IN_DOUBT, "; the undo is being checked with the server"),
    (IntentState.QUEUED, "; the undo waits to be sent"),
    (IntentState.LOCAL_ONLY, " on this computer only"),
    (IntentState.ACKNOWLEDGED, "; the server has the undo"),
)
UNDONE: Final = "undone"
PARTLY: Final = "partly undone"
#: Greater than the number of any intent.
NEWEST: Final = 2**63 - 1


def history(
    cache: CacheTransaction, author: str, now: datetime, before: int, limit: int
) -> HistoryPage:
    """At most `limit` acts of a person on this computer, newest first, from before a number on."""
    authors = (us.me for us in cache.site.us.values())
    heads = cache.intents.groups_before(author, *authors, before=before, limit=limit)
    groups = [head.group for head in heads]
    intents: dict[str, list[Intent]] = {group: [] for group in groups}
    for intent in cache.intents.of_first_items(groups):
        intents[intent.group].append(intent)
    states: dict[str, list[ItemState]] = {group: [] for group in groups}
    for state in cache.intents.states_of(groups):
        states[state.group].append(state)
    wording = Wording(cache, now)
    acts = tuple(_past_act(wording, intents[group], states[group]) for group in groups)
    return HistoryPage(acts, heads[-1].seq if len(heads) == limit else 0)


def _past_act(wording: Wording, intents: Sequence[Intent], states: Sequence[ItemState]) -> PastAct:
    first = intents[0]
    own = [intent for intent in intents if not _opens_task(intent)] or intents
    count = len({state.item_key for state in states})
    state, note = _standing(intents, states, count)
    return PastAct(
        group=first.group,
        at=first.decided_at,
        client=wording.client(first) if count == 1 else f"{count} items",
        # Only one of the intents says to whom: of a referral the Task, not the request.
        did=max(map(wording.describe, own), key=len),
        state=state,
        note=f"{note}.",
        key=first.item_key if count == 1 else "",
    )


def _opens_task(intent: Intent) -> bool:
    return intent.kind is IntentKind.CREATE and is_companion(intent.args.get("resource"))


def _standing(
    intents: Sequence[Intent], states: Sequence[ItemState], count: int
) -> tuple[str, str]:
    """The state of an act on `count` items, and a sentence about it without its period."""
    undoing = [state for state in states if state.undoes]
    undone = {state.item_key for state in undoing}
    stands = [
        state
        for state in states
        if not state.undoes and state.item_key not in undone
        and state.state is not IntentState.UNDONE
    ]  # fmt: skip
    left = len({state.item_key for state in stands})
    now = {state.state for state in stands}
    if left == count or now & STUCK_STATES:
        return _first_of(intents, now)
    how = {state.state for state in undoing}
    said = next((words for state, words in _UNDO if state in how), "")
    if left:
        return PARTLY, f"Undone on {count - left} of {count} items{said}"
    return UNDONE, f"Undone{said or '; the server never had it'}"


def _first_of(intents: Sequence[Intent], states: set[IntentState]) -> tuple[str, str]:
    state, word, note = next(known for known in _STATES if known[0] in states)
    words = next((intent.words for intent in intents if intent.state is state), "")
    if words and state in (IntentState.NEEDS_ATTENTION, IntentState.LOCAL_ONLY):
        note += f": {clean(words, 300).rstrip('.')}"
    return word, note
