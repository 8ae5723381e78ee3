"""One sync cycle of one source: a push, a pull, and a push of what was decided meanwhile.

In:  the outbox and the mirror of a source, the connection to it. Out: a `CycleResult`, and how the
cycle ended written down for the header.
The caller holds the lock of the source (`workers.py`) and its lease (`store/source_repository.py`).
Not here: the parts (`push/runner.py`, `pull/runner.py`, `manifest/runner.py`), when a cycle is due
(`poll_schedule.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carequeue.domain.errors import CareQueueError, LeaseLost, ServerError, SignInError
from carequeue.store.queue_window import SILENT
from carequeue.sync.known_server import KnownServer
from carequeue.sync.manifest.runner import ManifestRun
from carequeue.sync.net.transport import Transport
from carequeue.sync.ports import SourceCache, SourceRepository
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.protocol.failures import words_of
from carequeue.sync.protocol.sending import Cycle, Unreachable
from carequeue.sync.pull import state as p
from carequeue.sync.pull.runner import Context, Pulled, Pulling
from carequeue.sync.pull.search_plan import Search, plan
from carequeue.sync.push import messages as m
from carequeue.sync.push.runner import Pushing
from carequeue.sync.restore.brake import stored_hold, words


@dataclass(slots=True)
class CycleResult:
    """The result of one sync cycle of one source."""

    sent: int = 0
    received: int = 0
    full: bool = False
    offline: bool = False
    sign_in: bool = False
    silent: bool = False  # offline, because a request got no reply
    busy: bool = False  # the server asks for a pause
    why: str = ""
    removed: int = 0  # rows that are no longer on the server
    superseded: bool = False  # another process began to sync, and this one stopped


class Syncer:
    """Syncs one source: sends its outbox, fetches its changes."""

    def __init__(
        self,
        source: str,
        scope: Mapping[str, str],
        cache: SourceCache,
        transport: Transport,
        now: Callable[[], datetime],
        seed: int = 0,
    ) -> None:
        self.source = source
        self._scope = scope
        self._cache = cache
        self._transport = transport
        self._cycle = Cycle(transport, now)
        self._now = now
        self._server = KnownServer(cache, self._cycle, now)
        self._seed = seed
        self._result = CycleResult()
        self._deferred: frozenset[m.ResourceKey] = frozenset()  # for the rest of this cycle
        self._silent = False  # whether the cycle before got no reply
        self._nothing_new: dict[str, p.Cursor] = {}

    def run_cycle(
        self,
        progress: Callable[[str], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> CycleResult:
        """Push, pull, push what was decided meanwhile. Never raises for network errors.

        The first request without a reply ends it, and the next cycle begins with a small one. Once
        a day it looks for records that left the source unannounced.
        """
        result = self._begin()

        def work() -> None:
            self._ask_whether_there()
            self._part(self._push, self._server.check(), stop)
            if not (result.offline or result.sign_in or result.busy or stop()):
                self._part(self._pull, self._server.abilities(), progress, stop)
            if not (result.offline or result.sign_in or result.busy or stop()):
                self._part(self._push, self._server.abilities(), stop)

        self._named(work)
        if not result.superseded:
            self._named(self._note_health)
        return result

    def push_only(self, stop: Callable[[], bool] = lambda: False) -> CycleResult:
        """Send the outbox only: a new decision does not wait for a whole cycle."""
        result = self._begin()

        def work() -> None:
            self._ask_whether_there()
            self._part(self._push, self._server.check(), stop)

        self._named(work)
        if result.offline or result.sign_in or result.busy:
            self._named(self._note_health)
        return result

    def close(self) -> None:
        """Close the connections to the source."""
        self._transport.close()

    def _begin(self) -> CycleResult:
        self._result = CycleResult()
        self._deferred = frozenset()
        self._cycle.begin()
        self._cache.take_lease(self._now())
        return self._result

    def _named(self, work: Callable[[], None]) -> None:
        """Run the work and record why a cycle ended early."""
        result = self._result
        try:
            work()
        except Unreachable as error:
            result.offline, result.why = True, error.why
        except SignInError as error:
            result.sign_in, result.why = True, str(error)
        except LeaseLost as error:
            result.superseded, result.full, result.why = True, False, str(error)
        except ServerError as error:
            result.why = str(error)
        result.silent = result.offline and self._cycle.silent_at is not None

    def _ask_whether_there(self) -> None:
        """After a cycle without replies, a small request comes first, before anything heavy waits
        for long.

        Any reply will do. Raises Unreachable if none comes: then nothing else is sent.
        """
        with self._cache.reading() as rows:
            self._silent = bool(rows.sync_state.get_meta(SILENT))
        if self._silent:
            self._cycle.expect_silence()
            self._cycle.send("GET", "metadata?_summary=true")

    def _part(self, work: Callable[..., None], *given: Any) -> None:
        """Run one part of a cycle. An internal error in it is recorded and does not stop the
        others.
        """
        try:
            work(*given)
        except (Unreachable, CareQueueError):
            raise
        except Exception as fault:  # noqa: BLE001 - an unforeseen reply must not end the cycle
            self._result.full = False
            self._result.why = words_of(fault)

    def _push(self, can: Abilities, stop: Callable[[], bool]) -> None:
        result = self._result
        pushing = Pushing(self._cache, self._cycle, self._now, self._seed, self._silent)
        try:
            pushing.run(can, self._deferred, stop)
        finally:
            done = pushing.done
            result.sent += done.sent
        self._deferred = done.deferred
        if done.stopped:
            result.offline |= done.stopped.offline
            result.busy |= done.stopped.busy
            result.sign_in |= done.stopped.sign_in
            result.why = done.stopped.why

    def _pull(
        self, can: Abilities, progress: Callable[[str], None], stop: Callable[[], bool]
    ) -> None:
        result = self._result
        context = Context(self._cache, self._cycle, self._now, progress)
        searches = plan(can, self._scope)
        done = self._fetch(context, can, searches, stop)
        went_through = result.full or (done.ended is not None and bool(done.ended.left_out))
        if not went_through or result.offline or result.sign_in or stop():
            return
        run = ManifestRun(context, stop)
        try:
            run.run(searches, asked=done.manifest_due)
        finally:
            result.received += run.done.fetched
            result.removed += run.done.removed + done.left
        result.why = result.why or run.done.why
        with self._cache.reading() as rows:
            wanted = rows.sync_state.references_to_fetch()
        if wanted and not stop():
            full = result.full
            self._fetch(context, can, (), stop)
            result.full &= full

    def _fetch(
        self, context: Context, can: Abilities, searches: Sequence[Search], stop: Callable[[], bool]
    ) -> Pulled:
        result = self._result
        pulling = Pulling(context)
        try:
            pulling.run(can, searches, stop)
        finally:
            done = pulling.done
            result.received += done.received
            self._nothing_new |= done.nothing_new
        if done.ended:
            result.full = done.ended.full
            result.offline |= done.ended.offline
            result.sign_in |= done.ended.sign_in
            result.why = done.ended.why or result.why
        return done

    def _note_health(self) -> None:
        result, now = self._result, self._now()
        broken_off = not (result.full or result.offline or result.sign_in or result.why)
        with self._cache.writing(now) as rows:
            for name, cursor in self._nothing_new.items():
                rows.sync_state.save_cursor(name, cursor)
            self._nothing_new.clear()
            held = stored_hold(rows.sync_state)
            if held and held.asks and not result.why:
                result.why = words(held)
            if broken_off:  # the program was closed: the result of the cycle before stays
                rows.sync_state.record_progress("")
                return
            self._note_silence(rows)
            rows.sync_state.record_cycle(
                online=not result.offline,
                signed_out=result.sign_in,
                full=result.full,
                why=result.why,
                now=now,
            )

    def _note_silence(self, rows: SourceRepository) -> None:
        """Save since when there is no reply: of several cycles, the first request without one."""
        begun, known = self._cycle.silent_at, rows.sync_state.get_meta(SILENT)
        since = known or begun.isoformat() if self._result.silent and begun else ""
        if since != known:
            rows.sync_state.set_meta(SILENT, since)
