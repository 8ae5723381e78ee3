"""An end to every exchange with a server, however slowly it drips.

In:  how many seconds a whole answer may take, and the events of the connection that carries it.
Out: after that time the connection is hung up, so that whoever waits on it goes on.
Why beside the client's own timeouts: those begin anew with every byte, so a server that sends one
a minute, in the head of its answer or in the body, would keep the sync for ever. Hanging up is all
that reaches a thread which waits in the system's own `recv`.
Not here: what is said of it, and sizes (`transport.py`).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

_CONNECTED: Final = ("connection.connect_tcp.complete", "connection.start_tls.complete")


class Patience:
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
