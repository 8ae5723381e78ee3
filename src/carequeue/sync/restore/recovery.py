"""Decisions that a server had accepted and lost, because it was restored from a backup. Pure.

In:  acknowledged intents, and their resources before and now. Out: the same decisions as new
intents in one group, to be sent and undone like any other.
Why by comparison: what was true of the row before and is not true now was lost; what was no longer
true before had been changed since by somebody, and is not forced on them.
Not here: asking a person first (`brake.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_dependencies import overrules

Resources = Mapping[tuple[str, str], Resource | None]  # by type and id


def lost_after_restore(
    intents: Sequence[Intent], before: Resources, after: Resources
) -> tuple[Intent, ...]:
    """The acknowledged intents, in order, that no longer hold. `after` None: the resource is gone.

    If a resource is gone, only resources created here (and intents on them) count as lost; intents
    on other people's records cannot be replayed.
    """
    lost = []
    made: set[tuple[str, str]] = set()
    for intent in intents:
        key = (intent.target_type, intent.target_id)
        if key not in after or not intent_effects.satisfied(intent, before.get(key)):
            continue
        now = after[key]
        if now is None and intent.kind is IntentKind.CREATE:
            made.add(key)
        if key in made or (now is not None and not intent_effects.satisfied(intent, now)):
            lost.append(intent)
    return tuple(lost)


def not_superseded(
    lost: Sequence[Intent], others: Sequence[Intent], among: Sequence[Intent] = ()
) -> tuple[Intent, ...]:
    """Lost intents that no later intent replaced; replaying the others would overwrite the later
    one.

    `others`: acknowledged or open intents. `among`: those that may be lost as well, and replace
    nothing.
    """
    own = {intent.id for intent in (*lost, *among)}
    later = [intent for intent in others if intent.id not in own]
    return tuple(
        intent
        for intent in lost
        if not any(overrules(later_intent, intent) for later_intent in later)
    )


def refile(
    intents: Sequence[Intent], after: Resources, new_id: Callable[[], str]
) -> tuple[Intent, ...]:
    """The same decisions in the same order, as one new group to be sent.

    The time and the author stay: a note keeps its time. The group has no window: no key was pressed
    for it, so no window undoes it unasked. A create uses its first id again, and its dependents
    follow it again. Each is compared with the row as the server has it now, with those before it
    applied.
    """
    group = new_id()
    ids = {intent.id: new_id() for intent in intents}
    first_ids = {
        (intent.target_type, intent.target_id): str(
            intent.args["resource"].get("id") or intent.target_id
        )
        for intent in intents
        if intent.kind is IntentKind.CREATE
    }
    filed = []
    views = dict(after)
    for intent in intents:
        key = (intent.target_type, intent.target_id)
        copy = replace(
            intent,
            id=ids[intent.id],
            group=group,
            seq=0,
            target_id=first_ids.get(key, intent.target_id),
            args=_args(intent, ids),
            after=ids.get(intent.after, ""),
            inverse_of="",
            window="",
            state=IntentState.QUEUED,
            attempts=0,
            settles=0,
            words="",
        )
        seen = intent_effects.snapshot(intent_effects.unit(copy), views.get(key))
        filed.append(replace(copy, seen=seen))
        views[key] = intent_effects.fold(views.get(key), [copy])
    return tuple(filed)


def _args(intent: Intent, ids: Mapping[str, str]) -> Mapping[str, object]:
    """Removing a note refers to the refiled note."""
    note = str(intent.args.get("note"))
    if intent.kind is IntentKind.REMOVE_NOTE and note in ids:
        return {**intent.args, "note": ids[note]}
    return intent.args
