"""A total time-out for every exchange with a server, however slowly bytes arrive.

In:  how many seconds a whole reply may take, and the trace events of the connection. Out: after
that time the connection is closed, so that the waiting thread goes on.
Why beside the client's own time-outs: those begin again with every byte, so a server that sends one
a minute, in the head of its reply or in the body, would hold the sync for ever. Only closing the
socket reaches a thread that waits in the system's `recv`.
Also here, for the screen: how long the present request has been waited for, and whether its reply
has begun.
Not here: the messages, and size limits (`transport.py`).
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
#: Seconds after which an incomplete reply is mentioned on the screen.
LONG: Final = 10.0


class SlowResponse(NamedTuple):
    """Since when a reply is waited for. `slow`: replies come, but slowly; otherwise none comes."""

    since: datetime
    slow: bool


class ResponseTimer:
    """Whether the present request takes long. Written by one thread, read by another.

    A server counts as slow from the first reply that took long to the next that did not.
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
        self.came = False  # whether the reply to the last request has begun

    @contextmanager
    def watch(self) -> Iterator[None]:
        """One request, from before it is sent until its reply is whole, or lost."""
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
        """The reply has begun."""
        self.came = True

    def now(self) -> SlowResponse | None:
        """The wait that takes long; None if none does."""
        begun, slow, came = self._begun, self._slow, self.came
        long = begun is not None and self._elapsed() - begun[0] >= LONG
        if begun is not None and long and not came:  # whatever came before: nothing comes now
            return SlowResponse(begun[1], slow=False)
        if slow is not None:
            return SlowResponse(slow, slow=True)
        return SlowResponse(begun[1], slow=True) if begun is not None and long else None


class ResponseDeadline:
    """Watches the one connection of a client that sends one request at a time."""

    def __init__(self) -> None:
        self._stream: Any = None
        self.over = False

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Remember the connection, from httpcore's `trace` extension."""
        if event in _CONNECTED:
            self._stream = info.get("return_value")

    @contextmanager
    def watch(self, seconds: float) -> Iterator[None]:
        """Close the connection when this takes longer; `over` is then True."""
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
        stream_socket = self._stream.get_extra_info("socket") if self._stream is not None else None
        if isinstance(stream_socket, socket.socket):
            with suppress(OSError):
                # The plain one: that of TLS would first take down what the other thread reads by.
                socket.socket.shutdown(stream_socket, socket.SHUT_RDWR)
