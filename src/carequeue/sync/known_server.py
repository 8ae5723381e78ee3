"""Whether the server is the one that it was, and what it supports.

In:  the cache, the connection of a sync cycle. Out: `Abilities`; what was read is saved.
Why another server stops everything: if another server answers than before, an id there may be
somebody else's here. Nothing is sent or fetched until a person has said that it has the same
records.
Not here: what a statement means (`protocol/capabilities.py`), the answer of the person
(`restore/brake.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.errors import ServerError, SignInError
from carequeue.domain.timestamps import is_younger
from carequeue.sync.manifest.policy import Manifest
from carequeue.sync.ports import SourceCache
from carequeue.sync.protocol.capabilities import Abilities, from_json, read_statement, to_json
from carequeue.sync.protocol.sending import Cycle, Unreachable
from carequeue.sync.pull.state import Cursor
from carequeue.sync.restore.brake import (
    Held,
    HoldKind,
    another_server,
    identity,
    store_hold,
    stored_hold,
    words,
)

_STATEMENT_AGE: Final = timedelta(hours=12)
#: In `meta`: the server that answered before.
_SERVER: Final = "server"


class KnownServer:
    """The server of one source, as one sync cycle meets it."""

    def __init__(self, cache: SourceCache, cycle: Cycle, now: Callable[[], datetime]) -> None:
        self._cache = cache
        self._cycle = cycle
        self._now = now

    def abilities(self) -> Abilities:
        """The abilities of the source; its CapabilityStatement is read twice a day."""
        now = self._now()
        with self._cache.reading() as rows:
            kept, at = rows.sync_state.capability("statement")
            observed = rows.sync_state.observed()
        if kept and is_younger(at, now, _STATEMENT_AGE):
            return from_json(kept, observed)
        answer = self._cycle.send("GET", "metadata")
        if answer.status in (401, 403):
            raise SignInError("The server asks you to sign in. Your work is saved here.")
        if answer.status >= 500 or answer.status in (408, 429):
            raise Unreachable(f"it is busy ({answer.status})", left=False)
        # Forget what was observed: the server may have been fixed.
        can = read_statement(answer.json, {})
        with self._cache.writing(now) as rows:
            rows.sync_state.declare("statement", to_json(can), now)
        return can

    def check(self) -> Abilities:
        """The abilities of the source, if it is the same server as before.

        Raises ServerError if another server answers and nobody has said that it has the same
        records.
        """
        can, base = self.abilities(), self._cycle.base_url
        with self._cache.reading() as rows:
            known = rows.sync_state.get_meta(_SERVER)
            held = stored_hold(rows.sync_state)
        now = identity(base, can.software)
        # It left out its name this once: the old one stays.
        forgot = known.startswith(now) and not can.software
        if known == now or forgot:
            return can
        if another_server(known, base, can.software):
            if held is None or held.kind is not HoldKind.SERVER or held.server != now:
                held = Held(HoldKind.SERVER, at=self._now().isoformat(), server=now)
                with self._cache.writing(self._now()) as rows:
                    store_hold(rows.sync_state, held)
            if held.answer != "accept":
                raise ServerError(words(held))
            self._start_over()
        with self._cache.writing(self._now()) as rows:
            rows.sync_state.set_meta(_SERVER, now)
        return self.abilities()

    def _start_over(self) -> None:
        """Another server has the same records: every search starts over, and nothing is assumed."""
        with self._cache.writing(self._now()) as rows:
            for name in rows.sync_state.cursors():
                rows.sync_state.save_cursor(name, Cursor())
            for name, count in rows.manifest.states().items():
                rows.manifest.save_page(name, Manifest(scope=count["scope"]), {})
            store_hold(rows.sync_state, None)
