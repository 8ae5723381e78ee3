"""Runs a push: does what `machine.step` decides, and tells it what happened.

In:  the cache and the connection to the source. Out: a `Pushed`. The outbox may grow while this
runs.
Not here: what is decided (`machine.py`), HTTP (`http.py`), reading and saving (`pending.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from carequeue.domain.intents import IntentState
from carequeue.sync.ports import SourceCache
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.protocol.sending import Sends
from carequeue.sync.push import machine
from carequeue.sync.push import messages as m
from carequeue.sync.push.http import exchange, read_back
from carequeue.sync.push.pending import PAUSE, load_pending, record_attempts, save_changes
from carequeue.sync.push.state import PushState


@dataclass(slots=True)
class Pushed:
    """The result of one push. `deferred`: unread resources, left for the next cycle."""

    sent: int = 0
    stopped: m.Stop | None = None
    deferred: frozenset[m.ResourceKey] = frozenset()


class Pushing:
    """One push of one source."""

    def __init__(
        self,
        cache: SourceCache,
        transport: Sends,
        now: Callable[[], datetime],
        seed: int = 0,
        silent: bool = False,
    ) -> None:
        """`silent`: the cycle before ended because the server did not answer."""
        self._cache = cache
        self._transport = transport
        self._now = now
        self._seed = seed
        self._silent = silent
        self.done = Pushed()

    def run(
        self, can: Abilities, deferred: frozenset[m.ResourceKey], stop: Callable[[], bool]
    ) -> None:
        """Send what may be sent, until `stop`; `done` holds the result."""
        with self._cache.reading() as rows:
            targets = load_pending(rows)
            aliases = rows.outbox.aliases()
            paused = rows.sync_state.get_meta(PAUSE)
        pause = datetime.fromisoformat(paused) if paused else None
        state = PushState(
            can, self._seed, aliases=aliases, deferred=deferred, pause=pause, silent=self._silent
        )
        events: deque[m.Event] = deque([m.Loaded(targets, self._now())])
        while events and not stop():
            state, commands = machine.step(state, events.popleft())
            for command in commands:
                events.extend(self._do(command))
        self.done.deferred = state.deferred
        self._show_doubt()

    def _show_doubt(self) -> None:
        """Show what was sent without a reply as being checked, not as waiting."""
        with self._cache.reading() as rows:
            intents = rows.outbox.open_intents()
        doubtful = [intent for intent in intents if intent.state is IntentState.IN_DOUBT]
        if doubtful:
            with self._cache.writing(self._now()) as rows:
                rows.outbox.mark_for_projection(doubtful)

    def _do(self, command: m.Command) -> Sequence[m.Event]:
        match command:
            case m.RecordAttempts():
                now = self._now()
                with self._cache.writing(now) as rows:
                    return record_attempts(rows, command.requests, now)
            case m.Exchange():
                self._cache.check_lease()  # a laptop may have slept since it was recorded
                done = exchange(self._transport, command)
                return [m.Answered(done.replies, self._now(), done.batch)]
            case m.ReadBack():
                replies = read_back(self._transport, command.requests, command.at_once)
                return [m.WasRead(replies, self._now())]
            case m.SaveChanges():
                now = self._now()
                with self._cache.writing(now) as rows:
                    saved = save_changes(rows, command, now)
                self.done.sent += saved.acknowledged
                return [saved.event]
            case m.Stop():
                self.done.stopped = command
                return []
