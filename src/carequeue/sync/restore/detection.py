"""Notices decisions that a server had accepted and no longer has.

In:  the rows, inside the transaction that moves the base. Out: ids of intents, in `meta`.
A read back that meets an older version than the base moves the base back, and with it goes the
trace of what had been acknowledged on that row. So it is recorded here, for the next manifest to
ask (`manifest/runner.py`). A server that answered from a copy that lags is right again by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from json import dumps, loads
from typing import Final

from carequeue.domain.intents import Intent
from carequeue.domain.timestamps import is_older
from carequeue.fhir import intent_effects, values
from carequeue.fhir.chart import Resource
from carequeue.sync.ports import SourceRepository
from carequeue.sync.restore import recovery

#: How far back acknowledged decisions are checked after a restore.
REMEMBERED: Final = timedelta(days=30)
#: In `meta`: ids of acknowledged intents that a row does not show any more.
_LOST: Final = "lost"


def note_losses(rows: SourceRepository, key: tuple[str, str], new: Resource, now: datetime) -> None:
    """Record what a row loses, before its base moves to an older version."""
    old = rows.mirror.base(*key).body
    if old is None or not is_older(updated(new), updated(old)):
        return
    taken = [
        intent
        for intent in rows.outbox.acknowledged(now - REMEMBERED)
        if (intent.target_type, intent.target_id) == key
    ]
    lost = [intent.id for intent in recovery.lost_after_restore(taken, {key: old}, {key: new})]
    if lost:
        _keep(rows, [*_ids(rows), *lost])


def noted_losses(rows: SourceRepository) -> tuple[Intent, ...]:
    """The recorded losses that are still missing, in order.

    Without those that the same person has decided again since: a replay would overwrite the later
    one.
    """
    noted = rows.outbox.by_ids(_ids(rows))
    if not noted:
        return ()
    since = rows.outbox.acknowledged(min(intent.decided_at for intent in noted))
    missing = [
        intent
        for intent in noted
        if not intent_effects.satisfied(intent, rows.mirror.base(*_target(intent)).body)
    ]
    return recovery.not_superseded(missing, [*since, *rows.outbox.open_intents()], among=noted)


def has_noted_losses(rows: SourceRepository) -> bool:
    """Whether any loss is recorded."""
    return bool(_ids(rows))


def forget_losses(rows: SourceRepository) -> None:
    """Clear the record: the person has answered, or the decisions are on the server again."""
    _keep(rows, ())


def updated(resource: Resource) -> str:
    """The `meta.lastUpdated` of a resource; "" if it has none."""
    return values.text(resource, "meta.lastUpdated")


def _target(intent: Intent) -> tuple[str, str]:
    return intent.target_type, intent.target_id


def _ids(rows: SourceRepository) -> list[str]:
    return [str(key) for key in loads(rows.sync_state.get_meta(_LOST) or "[]")]


def _keep(rows: SourceRepository, ids: Sequence[str]) -> None:
    rows.sync_state.set_meta(_LOST, dumps(list(dict.fromkeys(ids))) if ids else "")
