"""One's own acts, newest first: when, for whom, what was done and where it stands now.

In:  the outbox with all that was ever decided. Out: a page of acts, one line for each group.
An undo is no act of its own here: the act that it undid is shown as undone.
Not here: how an act is undone (`undo.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.fhir.task_facts import is_companion
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.worklist.intent_wording import Wording

#: The state of an act, from the states of its intents; the first that one of them is in.
_STATES: Final = (
    (IntentState.CONFLICT, "conflict"),
    (IntentState.NEEDS_ATTENTION, "refused"),
    (IntentState.IN_DOUBT, "checking"),
    (IntentState.QUEUED, "waiting"),
    (IntentState.LOCAL_ONLY, "local only"),
    (IntentState.ACKNOWLEDGED, "sent"),
)
UNDONE: Final = "undone"


@dataclass(frozen=True, slots=True)
class PastAct:
    """One act of the person. All text is clean.

    `group`: what `undo` takes. `client`: "3 items" for an act on several. `state`: waiting,
    checking, sent, local only, conflict, refused or undone.
    """

    group: str
    at: datetime
    client: str
    did: str
    state: str


def history(
    cache: CacheTransaction, author: str, now: datetime, offset: int, limit: int
) -> tuple[PastAct, ...]:
    """The acts `offset` to `offset + limit` of a person on this computer, newest first."""
    authors = (us.me for us in cache.site.us.values())
    groups = cache.intents.groups_of(author, *authors, offset=offset, limit=limit)
    by_group: dict[str, list[Intent]] = {group: [] for group in groups}
    for intent in cache.intents.in_groups(groups):
        by_group[intent.group].append(intent)
    wording = Wording(cache, now)
    return tuple(_past_act(cache, wording, intents) for intents in by_group.values())


def _past_act(cache: CacheTransaction, wording: Wording, intents: Sequence[Intent]) -> PastAct:
    first = next((intent for intent in intents if not _opens_task(intent)), intents[0])
    count = len({intent.item_key for intent in intents})
    return PastAct(
        group=first.group,
        at=first.decided_at,
        client=wording.client(first) if count == 1 else f"{count} items",
        did=wording.describe(first),
        state=_state(cache, intents),
    )


def _opens_task(intent: Intent) -> bool:
    return intent.kind is IntentKind.CREATE and is_companion(intent.args.get("resource"))


def _state(cache: CacheTransaction, intents: Sequence[Intent]) -> str:
    if cache.intents.is_undone(intents[0].group):
        return UNDONE
    states = {intent.state for intent in intents}
    return next((words for state, words in _STATES if state in states), UNDONE)
