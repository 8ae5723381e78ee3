"""An end to every exchange with a server, however slowly it drips.

In:  how many seconds a whole answer may take, and the events of the connection that carries it.
Out: after that time the connection is hung up, so that whoever waits on it goes on.
Why beside the client's own timeouts: those begin anew with every byte, so a server that sends one
a minute, in the head of its answer or in the body, would keep the sync for ever. Hanging up is all
that reaches a thread which waits in the system's own `recv`.
Beside it, for whoever sits in front of the screen: how long the request under way has been waited
for, and whether its answer has begun to come.
Not here: what is said of it, and sizes (`transport.py`).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

_CONNECTED: Final = ("connection.connect_tcp.complete", "connection.start_tls.complete")
#: Seconds after which an answer that is not whole yet is worth a word on the screen.
LONG: Final = 10.0


class SlowResponse(NamedTuple):
    """What has been waited for since when. `slow`: answers come, but slowly; else none comes."""

    since: datetime
    slow: bool


class ResponseTimer:
    """Whether the request under way takes long. Written by one thread, read by another.

    A server stays slow from the first answer that took long to the next that did not.
    """

    def __init__(
        self,
        elapsed: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._elapsed = elapsed
        self._now = now
        self._begun: tuple[float, datetime] | None = None
        self._slow: datetime | None = None
        self.came = False  # whether the answer of the last request has begun to come

    @contextmanager
    def watch(self) -> Iterator[None]:
        """One request, from before it leaves until its answer is whole, or lost."""
        at = self._now()
        begun = self._begun = (self._elapsed(), at)
        self.came = False
        try:
            yield
        finally:
            long = self.came and self._elapsed() - begun[0] >= LONG
            self._slow = (self._slow or at) if long else None
            self._begun = None

    def comes(self) -> None:
        """The answer has begun to come."""
        self.came = True

    def now(self) -> SlowResponse | None:
        """What has taken long; None where nothing has."""
        begun, slow, came = self._begun, self._slow, self.came
        long = begun is not None and self._elapsed() - begun[0] >= LONG
        if begun is not None and long and not came:  # whatever came before: nothing comes now
            return SlowResponse(begun[1], slow=False)
        if slow is not None:
            return SlowResponse(slow, slow=True)
        return SlowResponse(begun[1], slow=True) if begun is not None and long else None


class ResponseDeadline:
    """Watches the one connection of a client that asks one thing at a time."""

    def __init__(self) -> None:
        self._stream: Any = None
        self.over = False

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Take note of the connection, as the `trace` extension of httpcore tells of it."""
        if event in _CONNECTED:
            self._stream = info.get("return_value")

    @contextmanager
    def watch(self, seconds: float) -> Iterator[None]:
        """Hang up when this takes longer; `over` then says so."""
        self.over = False
        timer = threading.Timer(seconds, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        self.over = True
        found = self._stream.get_extra_info("socket") if self._stream is not None else None
        if isinstance(found, socket.socket):
            with suppress(OSError):
                # The plain one: that of TLS would first take down what the other thread reads by.
                socket.socket.shutdown(found, socket.SHUT_RDWR)
