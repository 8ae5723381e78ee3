"""From a verb's changes to drafts of intents: which resource each changes, and what goes first.

In:  a verb, what the person decided. Out: drafts that need ids and a place in the outbox.
Why a Task is created first where an item has none (a lone request, a stay, an authorization): a
decision needs a place that others see. Its identifier is the item's own key, so that two people's
clients make one Task and not two.
Not here: what the verb changes (its own file), the outbox (`worklist/drafts_to_intents.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentKind
from carequeue.verbs.decision import Decision, PlannedIntent
from carequeue.verbs.verb import Verb


@dataclass(frozen=True, slots=True)
class IntentDraft:
    """One intent to be. `after` is the index of an earlier draft of the same group."""

    target_type: str
    target_id: str
    kind: IntentKind
    args: dict[str, Any]
    after: int | None


def drafts_of(verb: Verb, decision: Decision) -> tuple[IntentDraft, ...]:
    """The group of intents that a verb means for one item.

    Raises BadQuestion, and means nothing, for a verb that changes no item, or where an answer is
    missing or cannot be read.
    """
    if not (verb.on_item or verb.on_client):
        raise BadQuestion(f"Nothing was changed: {verb.name!r} is no verb for an item.")
    planned = verb.intents(decision)
    target = decision.item.target
    if target is not None:
        return tuple(_draft(intent, target.id, intent.after) for intent in planned)
    if all(intent.kind is IntentKind.CREATE for intent in planned):
        return tuple(_draft(intent, "", intent.after) for intent in planned)
    return _on_a_new_task(planned, decision)


def _on_a_new_task(planned: Sequence[PlannedIntent], decision: Decision) -> tuple[IntentDraft, ...]:
    """The Task that stands for the item, then the changes of it."""
    companion = decision.new.companion_task()
    drafts = [_create(companion, None)]
    for intent in planned:
        on_task = intent.kind is not IntentKind.CREATE
        after = intent.after + 1 if intent.after is not None else 0 if on_task else None
        drafts.append(_draft(intent, companion["id"], after))
    return tuple(drafts)


def _draft(intent: PlannedIntent, task_id: str, after: int | None) -> IntentDraft:
    if intent.kind is IntentKind.CREATE:
        return _create(intent.args["resource"], after)
    return IntentDraft("Task", task_id, intent.kind, intent.args, after)


def _create(resource: dict[str, Any], after: int | None) -> IntentDraft:
    kind, key = resource["resourceType"], resource["id"]
    return IntentDraft(kind, key, IntentKind.CREATE, {"resource": resource}, after)
