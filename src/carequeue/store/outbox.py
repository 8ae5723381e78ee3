"""The outbox: what a person decided, until the server has it, and the history of it after.

An intent changes its state by an event of `domain.intents.TRANSITIONS` and in no other way;
nothing here deletes one. `record_attempt` writes the attempt down before the bytes leave.
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
from carequeue.store.engine import storable
from carequeue.store.intent_queries import IntentQueries
from carequeue.store.intent_rows import OPEN_SQL, client_text, new_row, read_intents
from carequeue.store.source_scope import SourceScope
from carequeue.store.tables import AttemptRow, IntentRow, ToldRow, table

_intent: Final = table(IntentRow)
_attempt: Final = table(AttemptRow)
_told: Final = table(ToldRow)
_CLOSED: Final = frozenset({IntentState.ACKNOWLEDGED, IntentState.UNDONE})
_PROGRESS: Final = (IntentEvent.ACKNOWLEDGED, IntentEvent.RETRIED, IntentEvent.KEPT_MINE)


class SourceOutbox:
    """The outbox of one source; see `sync.ports.OutboxPort`."""

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope

    # --- reading, in the order of deciding --------------------------------------------------------

    def open_intents(self) -> list[Intent]:
        """What is neither on the server nor undone, of all clients."""
        where = f"source = ? AND {OPEN_SQL}"
        return read_intents(self._scope.connection, where, (self._scope.source,))

    def open_on(self, kind: str, key: str) -> list[Intent]:
        """The open intents on one resource."""
        where = f"source = ? AND target_type = ? AND target_id = ? AND {OPEN_SQL}"
        return read_intents(self._scope.connection, where, (self._scope.source, kind, key))

    def open_in_chart(self, chart: str) -> list[Intent]:
        """The open intents of one client."""
        where = f"source = ? AND chart = ? AND {OPEN_SQL}"
        return read_intents(self._scope.connection, where, (self._scope.source, chart))

    def by_ids(self, ids: Sequence[str]) -> list[Intent]:
        """Those intents, closed ones too."""
        return IntentQueries(self._scope.connection).by_ids(ids)

    def acknowledged(self, since: datetime) -> list[Intent]:
        """What the source has taken since an instant."""
        where = "source = ? AND state = 'acknowledged' AND closed_at >= ?"
        return read_intents(self._scope.connection, where, (self._scope.source, since.isoformat()))

    def not_before(self) -> Mapping[str, datetime]:
        """Intent id -> instant before which it is not to be sent."""
        rows = self._scope.raw.execute(
            f"SELECT id, not_before FROM intent WHERE source = ? AND not_before IS NOT NULL "
            f"AND {OPEN_SQL}",
            (self._scope.source,),
        )
        return {key: datetime.fromisoformat(at) for key, at in rows}

    # --- a person's decisions ---------------------------------------------------------------------

    def append(self, intents: Sequence[Intent]) -> None:
        """Keep decisions, in this order; their `seq` is given here."""
        if intents:
            rows = [new_row(intent) for intent in intents]
            self._scope.connection.execute(insert(_intent), rows)
            self._scope.touch_intents(intents)

    def refile(self, intents: Sequence[Intent], now: datetime) -> None:
        """Keep these as decisions that are still to be sent, with their lines in the audit log."""
        self.append(intents)
        log = AuditLog(self._scope.connection, now)
        for intent in intents:
            log.append(intent.author, "send again", intent.item_key, intent.group)

    def set_seen(self, intent_id: str, seen: Mapping[str, Any]) -> None:
        """What the person has seen of the unit by now: the answer to a conflict is about this."""
        self._update([intent_id], seen=jsontext.dumps(dict(seen)).decode())

    def confirm_client(self, intent: Intent, client: ClientIdentity) -> None:
        """Record whom a person confirmed as the client of a decision of an earlier version.

        A client that was recorded when it was decided never changes.
        """
        if intent.client is None or intent.client.assumed:
            self._update([intent.id], client=client_text(client))

    # --- what became of it ------------------------------------------------------------------------

    def apply_event(
        self, intent: Intent, event: IntentEvent, words: str, now: datetime, counts: bool = True
    ) -> IntentState:
        """Take one intent to its next state. Raises IllegalStep where there is none.

        `counts`: whether a settle that found nothing is one more without progress.
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
        """Write down that these are about to leave; from here on they may be on the server.

        No row is projected for it: a clear reply, which is what mostly comes, does that once.
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
        """These elements of an open decision belong to a later one from here on."""
        self.mark_for_projection([intent])
        args = jsontext.dumps(dict(intent_effects.giving_up(intent, names).args)).decode()
        self._update([intent.id], args=args)

    def postpone(self, ids: Sequence[str], until: datetime | None) -> None:
        """Not before this instant (None: at once)."""
        self._update(ids, not_before=until.isoformat() if until else None)

    def back_off(self, intents: Sequence[Intent], until: datetime, words: str) -> None:
        """The server said "not now" to these once more: not before, the words, `busy` one more."""
        self.mark_for_projection(intents)
        self._update(
            [intent.id for intent in intents],
            ("busy",),
            not_before=until.isoformat(),
            words=storable(words),
        )

    def set_message(self, intents: Sequence[Intent], words: str) -> None:
        """Why these are where they are; nothing else about them changes."""
        self.mark_for_projection(intents)
        self._update([intent.id for intent in intents], words=storable(words))

    def mark_for_projection(self, intents: Iterable[Intent]) -> None:
        """The rows of the queue that show these are projected before the commit."""
        self._scope.touch_intents(intents)

    def _update(self, ids: Sequence[str], counts: Sequence[str] = (), /, **values: Any) -> None:
        """Set columns of these intents. `counts`: columns that count one more."""
        sets = [f"{name} = {name} + 1" for name in counts] + [f"{name} = ?" for name in values]
        self._scope.raw.execute(
            f"UPDATE intent SET {', '.join(sets)} WHERE id IN ({','.join('?' * len(ids))})",
            (*values.values(), *ids),
        )
