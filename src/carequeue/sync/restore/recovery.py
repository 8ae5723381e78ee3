"""Intents that a server had accepted and lost, because it was restored from a backup.

In:  acknowledged intents, and their resources before and now. Out: the losses; the same decisions
as new intents in one group, to be sent and undone like any other.
Why by comparison: an intent that held before and does not hold now was lost; one that did not hold
before had been changed since by somebody, and is not forced on them.
Why losses are recorded in `meta`: a read back that meets an older version than the base moves the
base back, and with it goes the trace of what had been acknowledged on that row. The next manifest
asks about them (`manifest/runner.py`); a server that answered from a lagging copy is right again by
then.
Not here: asking a person first (`brake.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from json import dumps, loads
from typing import Final

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.domain.timestamps import is_older
from carequeue.fhir import intent_effects, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_dependencies import overrules, references_in
from carequeue.sync.ports import SourceRepository

Resources = Mapping[tuple[str, str], Resource | None]  # by type and id

#: How far back acknowledged intents are checked after a restore.
REMEMBERED: Final = timedelta(days=30)
#: In `meta`: ids of acknowledged intents that a row does not show any more.
_LOST: Final = "lost"


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
    applied. What was made and then entered in error is not made again.
    """
    void = _void(intents)
    intents = [intent for intent in intents if (intent.target_type, intent.target_id) not in void]
    group = new_id()
    ids = {intent.id: new_id() for intent in intents}
    first_ids = _first_ids(intents)
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


def _void(intents: Sequence[Intent]) -> set[tuple[str, str]]:
    """What these create and undo, unless others of them refer to it."""
    created: dict[tuple[str, str], list[Intent]] = {}
    for intent in intents:
        key = (intent.target_type, intent.target_id)
        if intent.kind is IntentKind.CREATE or key in created:
            created.setdefault(key, []).append(intent)
    void = {
        key
        for key, own in created.items()
        if values.text(intent_effects.fold(None, own), "status")
        == intent_effects.void_status(key[0])
    }
    named = {
        reference
        for intent in intents
        if (intent.target_type, intent.target_id) not in void
        for reference in references_in(intent.args)
    }
    return {key for key in void if "/".join(key) not in named}


def _first_ids(intents: Sequence[Intent]) -> dict[tuple[str, str], str]:
    """Target of a create -> the id that was chosen here before the server gave another."""
    creates = (intent for intent in intents if intent.kind is IntentKind.CREATE)
    return {
        (create.target_type, create.target_id): str(
            create.args["resource"].get("id") or create.target_id
        )
        for create in creates
    }


def _args(intent: Intent, ids: Mapping[str, str]) -> Mapping[str, object]:
    """Removing a note refers to the refiled note."""
    note = str(intent.args.get("note"))
    if intent.kind is IntentKind.REMOVE_NOTE and note in ids:
        return {**intent.args, "note": ids[note]}
    return intent.args


# --- the record of losses -------------------------------------------------------------------------


def note_losses(rows: SourceRepository, key: tuple[str, str], new: Resource, now: datetime) -> None:
    """Record what a row loses, before its base moves to an older version."""
    old = rows.mirror.base(*key).body
    if old is None or not is_older(updated(new), updated(old)):
        return
    accepted = rows.outbox.acknowledged(now - REMEMBERED)
    lost = [intent.id for intent in lost_after_restore(accepted, {key: old}, {key: new})]
    if lost:
        _save_ids(rows, [*_ids(rows), *lost])


def noted_losses(rows: SourceRepository) -> tuple[Intent, ...]:
    """The recorded losses that are still missing, in order.

    Without those that the same person has decided again since: a replay would overwrite the later
    one.
    """
    noted = rows.outbox.by_ids(_ids(rows))
    if not noted:
        return ()
    since = rows.outbox.acknowledged(min(intent.decided_at for intent in noted))
    bases = [rows.mirror.base(intent.target_type, intent.target_id).body for intent in noted]
    missing = [
        intent
        for intent, base in zip(noted, bases, strict=True)
        if not intent_effects.satisfied(intent, base)
    ]
    return not_superseded(missing, [*since, *rows.outbox.open_intents()], among=noted)


def has_noted_losses(rows: SourceRepository) -> bool:
    """Whether any loss is recorded."""
    return bool(_ids(rows))


def forget_losses(rows: SourceRepository) -> None:
    """Clear the record: the person has answered, or the decisions are on the server again."""
    _save_ids(rows, ())


def updated(resource: Resource) -> str:
    """The `meta.lastUpdated` of a resource; "" if it has none."""
    return values.text(resource, "meta.lastUpdated")


def _ids(rows: SourceRepository) -> list[str]:
    return [str(key) for key in loads(rows.sync_state.get_meta(_LOST) or "[]")]


def _save_ids(rows: SourceRepository, ids: Sequence[str]) -> None:
    rows.sync_state.set_meta(_LOST, dumps(list(dict.fromkeys(ids))) if ids else "")
