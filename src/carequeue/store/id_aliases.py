"""The ids that a source gave to what was created here under an id of ours."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.sqlite import insert

from carequeue.store.tables import AliasRow, IntentRow, table

_intent: Final = table(IntentRow)
_alias: Final = table(AliasRow)


def aliases(connection: Connection, source: str) -> dict[str, str]:
    """Local reference -> server reference of all that was created here."""
    rows = connection.execute(select(_alias).where(_alias.c.source == source))
    return {f"{row.type}/{row.local_id}": f"{row.type}/{row.server_id}" for row in rows}


def name_on_server(
    connection: Connection, source: str, kind: str, local_id: str, server_id: str
) -> None:
    """Write down the server's id of what was created here; its intents follow it."""
    if local_id == server_id:
        return
    connection.execute(
        insert(_alias)
        .values(source=source, type=kind, local_id=local_id, server_id=server_id)
        .on_conflict_do_update(
            index_elements=["source", "type", "local_id"], set_={"server_id": server_id}
        )
    )
    connection.execute(
        update(_intent)
        .where(
            _intent.c.source == source,
            _intent.c.target_type == kind,
            _intent.c.target_id == local_id,
        )
        .values(target_id=server_id)
    )
