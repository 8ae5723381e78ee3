"""The looks: a push, a pull, and a push again for what was decided meanwhile.

Whoever looks holds the lock of the source (`background.py`) and its lease (`store/lease.py`).
`pushing.py` and `pulling.py` do the parts; what went wrong in one is written down for the header.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from carequeue.domain.errors import CareQueueError, ServerError, SignInError
from carequeue.store.lease import LeaseLost
from carequeue.sync import messages as m
from carequeue.sync import pull
from carequeue.sync.capabilities import Abilities, from_json, read_statement, to_json
from carequeue.sync.failures import words_of
from carequeue.sync.pulling import Pulled, Pulling
from carequeue.sync.pushing import Pushing
from carequeue.sync.rows import Cache
from carequeue.sync.transport import Transport, Unreachable

_STATEMENT_AGE: Final = timedelta(hours=12)


@dataclass(slots=True)
class Looked:
    """What one look at one source did."""

    sent: int = 0
    received: int = 0
    full: bool = False
    offline: bool = False
    sign_in: bool = False
    why: str = ""
    other: bool = False  # another process began to sync meanwhile, and this one gave way


class Syncer:
    """One source: its outbox to it, its changes from it."""

    def __init__(
        self,
        source: str,
        scope: Mapping[str, str],
        cache: Cache,
        transport: Transport,
        now: Callable[[], datetime],
        seed: int = 0,
    ) -> None:
        self.source = source
        self._scope = scope
        self._cache = cache
        self._transport = transport
        self._now = now
        self._seed = seed
        self._looked = Looked()
        self._aside: frozenset[m.LaneKey] = frozenset()  # for the rest of this look
        self._nothing_new: dict[str, pull.Cursor] = {}

    def look(
        self,
        progress: Callable[[str], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Looked:
        """Push, pull, push what was decided meanwhile. Never raises for the network's faults."""
        looked = self._begin()

        def work() -> None:
            self._part(self._push, self.abilities(), stop)
            if not (looked.offline or looked.sign_in or stop()):
                self._part(self._pull, self.abilities(), progress, stop)
            if not (looked.offline or looked.sign_in or stop()):
                self._part(self._push, self.abilities(), stop)

        self._named(work)
        if not looked.other:
            self._note_health()
        return looked

    def push_only(self, stop: Callable[[], bool] = lambda: False) -> Looked:
        """Only the outbox: what was just decided leaves without waiting for a whole look."""
        looked = self._begin()
        self._named(lambda: self._part(self._push, self.abilities(), stop))
        if looked.offline or looked.sign_in:
            self._note_health()
        return looked

    def close(self) -> None:
        """Close the connections to the source."""
        self._transport.close()

    def _begin(self) -> Looked:
        self._looked = Looked()
        self._aside = frozenset()
        self._cache.take_lease(self._now())
        return self._looked

    def _named(self, work: Callable[[], None]) -> None:
        """What ends a look early, in words."""
        looked = self._looked
        try:
            work()
        except Unreachable as error:
            looked.offline, looked.why = True, error.why
        except SignInError as error:
            looked.sign_in, looked.why = True, str(error)
        except LeaseLost as error:
            looked.other, looked.full, looked.why = True, False, str(error)
        except ServerError as error:
            looked.why = str(error)

    def _part(self, work: Callable[..., None], *given: Any) -> None:
        """One part of a look. A fault of our own in it is named and does not stop the others."""
        try:
            work(*given)
        except (Unreachable, CareQueueError):
            raise
        except Exception as fault:  # noqa: BLE001 - an answer that nobody foresaw is not the end
            self._looked.full = False
            self._looked.why = words_of(fault)

    def abilities(self) -> Abilities:
        """What the source can take; its statement is read twice a day."""
        now = self._now()
        with self._cache.reading() as rows:
            kept, at = rows.capability("statement")
            observed = rows.observed()
        if kept and at and now - datetime.fromisoformat(at) < _STATEMENT_AGE:
            return from_json(kept, observed)
        answer = self._transport.send("GET", "metadata")
        if answer.status in (401, 403):
            raise SignInError("The server asks who you are. What you did is kept here.")
        if answer.status >= 500 or answer.status in (408, 429):
            raise Unreachable(f"it is busy ({answer.status})", left=False)
        can = read_statement(answer.json, {})  # what was seen of it may have been mended since
        with self._cache.writing(now) as rows:
            rows.declare("statement", to_json(can), now)
        return can

    def _push(self, can: Abilities, stop: Callable[[], bool]) -> None:
        looked = self._looked
        pushing = Pushing(self._cache, self._transport, self._now, self._seed)
        try:
            pushing.run(can, self._aside, stop)
        finally:
            done = pushing.done
            looked.sent += done.sent
        self._aside = done.aside
        if done.stopped:
            looked.offline |= done.stopped.offline
            looked.sign_in |= done.stopped.sign_in
            looked.why = done.stopped.why

    def _pull(
        self, can: Abilities, progress: Callable[[str], None], stop: Callable[[], bool]
    ) -> None:
        looked = self._looked
        pulling = Pulling(self._cache, self._transport, self._now, progress)
        try:
            pulling.run(can, self._scope, stop)
        finally:
            done: Pulled = pulling.done
            looked.received += done.received
            self._nothing_new |= done.nothing_new
        if done.ended:
            looked.full = done.ended.full
            looked.offline |= done.ended.offline
            looked.sign_in |= done.ended.sign_in
            looked.why = done.ended.why or looked.why

    def _note_health(self) -> None:
        looked, now = self._looked, self._now()
        broken_off = not (looked.full or looked.offline or looked.sign_in or looked.why)
        with self._cache.writing(now) as rows:
            for name, cursor in self._nothing_new.items():
                rows.keep_cursor(name, cursor)
            self._nothing_new.clear()
            if broken_off:  # the program was left: what the look before found still stands
                rows.note_progress("")
                return
            rows.note_look(
                online=not looked.offline,
                signed_out=looked.sign_in,
                full=looked.full,
                why=looked.why,
                now=now,
            )
