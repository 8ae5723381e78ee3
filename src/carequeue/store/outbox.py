"""The outbox: a person's intents until the server has them, and their history afterwards.

An intent changes its state by an event of `domain.intents.TRANSITIONS` and in no other way; no
intent is ever deleted. `record_attempt` records the attempt before the bytes leave.
Not here: questions about all sources at once (`intent_queries.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert

from carequeue.domain.intents import (
    CAUSES,
    ClientIdentity,
    Intent,
    IntentEvent,
    IntentState,
    step,
)
from carequeue.fhir import intent_effects, jsontext
from carequeue.store.audit import AuditLog
from carequeue.store.engine import storable, upsert
from carequeue.store.intent_rows import (
    BY_IDS_SQL,
    OPEN_SQL,
    client_text,
    new_row,
    read_intents,
)
from carequeue.store.source_scope import SourcePart
from carequeue.store.tables import AttemptRow, IntentRow, ToldRow, table

_intent: Final = table(IntentRow)
_attempt: Final = table(AttemptRow)
_told: Final = table(ToldRow)
_CLOSED: Final = frozenset({IntentState.ACKNOWLEDGED, IntentState.UNDONE})
_PROGRESS: Final = (IntentEvent.ACKNOWLEDGED, IntentEvent.RETRIED, IntentEvent.KEPT_MINE)


class SourceOutbox(SourcePart):
    """The outbox of one source; see `sync.ports.OutboxPort`."""

    # --- reading, in the order of deciding --------------------------------------------------------

    def open_intents(self) -> list[Intent]:
        """The intents that are neither on the server nor undone, of all clients."""
        where = f"source = ? AND {OPEN_SQL}"
        return read_intents(self._scope.raw, where, self._scope.source)

    def open_on(self, kind: str, key: str) -> list[Intent]:
        """The open intents on one resource."""
        where = f"source = ? AND target_type = ? AND target_id = ? AND {OPEN_SQL}"
        return read_intents(self._scope.raw, where, self._scope.source, kind, key)

    def open_in_chart(self, chart: str) -> list[Intent]:
        """The open intents of one client."""
        where = f"source = ? AND chart = ? AND {OPEN_SQL}"
        return read_intents(self._scope.raw, where, self._scope.source, chart)

    def by_ids(self, ids: Sequence[str]) -> list[Intent]:
        """These intents, closed ones too."""
        return read_intents(self._scope.raw, BY_IDS_SQL, json.dumps(ids))

    def acknowledged(self, since: datetime) -> list[Intent]:
        """The intents that the source has accepted since an instant."""
        where = "source = ? AND state = 'acknowledged' AND closed_at >= ?"
        return read_intents(self._scope.raw, where, self._scope.source, since.isoformat())

    def not_before(self) -> Mapping[str, datetime]:
        """Intent id -> instant before which it is not sent."""
        rows = self._scope.raw.execute(
            f"SELECT id, not_before FROM intent WHERE source = ? AND not_before IS NOT NULL "
            f"AND {OPEN_SQL}",
            (self._scope.source,),
        )
        return {key: datetime.fromisoformat(at) for key, at in rows}

    # --- a person's decisions ---------------------------------------------------------------------

    def append(self, intents: Sequence[Intent]) -> None:
        """Save new intents, in this order; the table assigns their `seq`."""
        if intents:
            rows = [new_row(intent) for intent in intents]
            self._scope.connection.execute(insert(_intent), rows)
            self.mark_for_projection(intents)

    def refile(self, intents: Sequence[Intent], now: datetime) -> None:
        """Save these as intents that are yet to be sent, with their lines in the audit log."""
        self.append(intents)
        log = AuditLog(self._scope.connection, now)
        for intent in intents:
            log.append(intent.author, "send again", intent.item_key, intent.group)

    def set_seen(self, intent_id: str, seen: Mapping[str, Any]) -> None:
        """Record what the person has now seen of the unit: the base of an answer to a conflict."""
        self._update([intent_id], seen=jsontext.dumps(dict(seen)).decode())

    def confirm_client(self, intent: Intent, client: ClientIdentity) -> None:
        """Record whom a person confirmed as the client of an intent of an earlier version.

        A client that was recorded at the time of the decision never changes.
        """
        if intent.client is None or intent.client.assumed:
            self._update([intent.id], client=client_text(client))

    # --- sync -------------------------------------------------------------------------------------

    def apply_event(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        """Take one intent to its next state. Raises IllegalStep if there is none.

        `counts`: whether a read back without a result counts as one without progress.
        """
        self.mark_for_projection([intent])
        return self._apply(intent, event, words, now, counts)

    def _apply(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        state = step(intent.state, event)
        was_read_back = counts and event is IntentEvent.FOUND_NOT_APPLIED
        self._update(
            [intent.id],
            ("settles",) if was_read_back else (),
            state=state.value,
            words=storable(words),
            cause=CAUSES.get(event, ""),
            closed_at=now.isoformat() if state in _CLOSED else None,
            **({"settles": 0} if event in _PROGRESS else {}),
            **({} if event is IntentEvent.ATTEMPT_RECORDED else {"busy": 0}),
        )
        if words and state is IntentState.ACKNOWLEDGED:
            self._scope.connection.execute(insert(_told).values(intent_id=intent.id))
        return state

    def record_attempt(
        self, intents: Sequence[Intent], method: str, path: str, if_match: str, now: datetime
    ) -> None:
        """Record that these are about to be sent; from here on they may be on the server.

        No row is projected for it: a clear reply, which mostly comes, does that once.
        """
        for intent in intents:
            if intent.state is IntentState.QUEUED:
                self._apply(intent, IntentEvent.ATTEMPT_RECORDED, "", now)
        ids = [intent.id for intent in intents]
        self._update(ids, ("attempts",))
        self._scope.connection.execute(
            insert(_attempt).values(
                intent_ids=json.dumps(ids),
                method=method,
                path=path,
                if_match=if_match,
                sent_at=now.isoformat(),
                outcome="",
            )
        )

    def release_units(self, intent: Intent, names: Sequence[str]) -> None:
        """Leave these elements of an open intent to a later intent."""
        self.mark_for_projection([intent])
        args = jsontext.dumps(dict(intent_effects.giving_up(intent, names).args)).decode()
        self._update([intent.id], args=args)

    def postpone(self, ids: Sequence[str], until: datetime | None) -> None:
        """Send these not before this instant (None: at once)."""
        self._update(ids, not_before=until.isoformat() if until else None)

    def back_off(self, intents: Sequence[Intent], until: datetime, words: str) -> None:
        """The server was busy once more: send these later, with this message, and count it."""
        self.mark_for_projection(intents)
        self._update(
            [intent.id for intent in intents],
            ("busy",),
            not_before=until.isoformat(),
            words=storable(words),
        )

    def set_message(self, intents: Sequence[Intent], words: str) -> None:
        """Set the message of these intents; nothing else about them changes."""
        self.mark_for_projection(intents)
        self._update([intent.id for intent in intents], words=storable(words))

    def mark_for_projection(self, intents: Iterable[Intent]) -> None:
        """Project the rows of the queue that show these intents before the commit."""
        self._scope.charts.update((intent.source, intent.chart) for intent in intents)

    def aliases(self) -> Mapping[str, str]:
        """Local reference -> the server's reference, of all that was created here."""
        rows = self._scope.raw.execute(
            "SELECT type, local_id, server_id FROM alias WHERE source = ?", (self._scope.source,)
        )
        return {f"{kind}/{local}": f"{kind}/{given}" for kind, local, given in rows}

    def record_alias(self, kind: str, local_id: str, server_id: str) -> None:
        """Record the id that the server gave to what was created here; its intents follow it."""
        row = {
            "source": self._scope.source,
            "type": kind,
            "local_id": local_id,
            "server_id": server_id,
        }
        own = ("source", "type", "local_id")
        upsert(self._scope.connection, "alias", row, own, ("server_id",))
        self._scope.raw.execute(
            "UPDATE intent SET target_id = ? "
            "WHERE source = ? AND target_type = ? AND target_id = ?",
            (server_id, self._scope.source, kind, local_id),
        )

    def _update(self, ids: Sequence[str], counts: Sequence[str] = (), /, **values: Any) -> None:
        """Set columns of these intents. `counts`: columns that count one more."""
        sets = [f"{name} = {name} + 1" for name in counts] + [f"{name} = ?" for name in values]
        self._scope.raw.execute(
            f"UPDATE intent SET {', '.join(sets)} WHERE id IN ({','.join('?' * len(ids))})",
            (*values.values(), *ids),
        )
