"""One sync cycle's connection to a source: the first request without a reply ends it.

In:  the connection to a source. Out: the same, over which nothing more is sent once a request got
no reply in time, or two in a row broke off.
Why around the transport: a push, a pull and a manifest are hundreds of requests, and a server that
accepts connections and never replies costs a whole time-out for each. All requests pass here, so
one rule holds for all: a cycle costs one time-out at most. What was in flight stays in doubt, what
was not sent waits, and nothing counts against either.
Not here: how long a reply may take (`transport.py`), what is said of it
(`worklist/sync_summary.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from carequeue.domain.errors import ServerError

#: Requests in a row that broke off without a reply, after which the cycle ends.
MOST_BROKEN: Final = 2


class Unreachable(Exception):
    """The server could not be reached, or went away. `left`: the request may have arrived.

    `unreadable`: a reply came that could not be parsed; the network works. `silent`: it was sent,
    and no reply came. `ends`: and none came in time, so nothing more is sent for now (`Cycle`).
    """

    def __init__(
        self,
        why: str,
        *,
        left: bool,
        unreadable: bool = False,
        silent: bool = False,
        ends: bool = False,
    ) -> None:
        super().__init__(why)
        self.why = why
        self.left = left
        self.unreadable = unreadable
        self.silent = silent
        self.ends = ends


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole reply; `json` is None if the body was empty. Header names are in lower case.

    `url`: the address of the request, the base of a relative link in the reply.
    """

    status: int
    headers: Mapping[str, str]
    json: Any
    url: str = ""


class Sends(Protocol):
    """A connection to one source: `transport.Transport`, or a `Cycle` around it."""

    base_url: str

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """One request, one whole reply; raises Unreachable and ServerError."""
        ...


class Cycle:
    """The connection to one source during a cycle. `silent_at`: when the request without a reply
    was sent.
    """

    def __init__(self, connection: Sends, now: Callable[[], datetime]) -> None:
        self.base_url = connection.base_url
        self.silent_at: datetime | None = None
        self._connection = connection
        self._now = now
        self._ended = ""  # why nothing more is sent; "" while all may be
        self._broken = 0

    def begin(self) -> None:
        """A new cycle: everything may be sent again."""
        self.silent_at, self._ended, self._broken = None, "", 0

    def expect_silence(self) -> None:
        """The cycle before got no reply: the first connection that breaks off ends this one."""
        self._broken = MOST_BROKEN - 1

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        """Like `Transport.send`; once the cycle has ended, raises Unreachable and sends nothing."""
        if self._ended:
            raise Unreachable(self._ended, left=False, silent=True, ends=True)
        begun = self._now()
        try:
            answer = self._connection.send(method, path, body, headers)
        except Unreachable as error:
            self._missed(error, begun)
            raise
        except ServerError:  # a reply, if a bad one
            self._broken = 0
            raise
        self._broken = 0
        return answer

    def _missed(self, error: Unreachable, begun: datetime) -> None:
        self._broken = self._broken + 1 if error.silent else 0
        if error.ends or self._broken >= MOST_BROKEN:
            error.ends = True
            self._ended, self.silent_at = error.why, begun
