"""The ids that a source gave to what was created here under an id of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import update
from sqlalchemy.dialects.sqlite import insert

from carequeue.store.source_scope import SourceScope
from carequeue.store.tables import AliasRow, IntentRow, table

_intent: Final = table(IntentRow)
_alias: Final = table(AliasRow)


class SourceIdAliases:
    """The aliases of one source; see `sync.ports.IdAliasesPort`."""

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope

    def by_local_reference(self) -> Mapping[str, str]:
        """Local reference -> server reference of all that was created here."""
        rows = self._scope.raw.execute(
            "SELECT type, local_id, server_id FROM alias WHERE source = ?", (self._scope.source,)
        )
        return {f"{kind}/{local}": f"{kind}/{given}" for kind, local, given in rows}

    def record(self, kind: str, local_id: str, server_id: str) -> None:
        """Write down the server's id of what was created here; its intents follow it."""
        if local_id == server_id:
            return
        source = self._scope.source
        self._scope.connection.execute(
            insert(_alias)
            .values(source=source, type=kind, local_id=local_id, server_id=server_id)
            .on_conflict_do_update(
                index_elements=["source", "type", "local_id"], set_={"server_id": server_id}
            )
        )
        self._scope.connection.execute(
            update(_intent)
            .where(
                _intent.c.source == source,
                _intent.c.target_type == kind,
                _intent.c.target_id == local_id,
            )
            .values(target_id=server_id)
        )
