"""One cycle of sync with one source: the first request that nobody answers ends it.

In:  the way to a source. Out: the same way, over which nothing more leaves once a request was not
answered in time, or two in a row broke off without an answer.
Why around the transport: a push, a pull and a count are hundreds of requests, and a server that
accepts connections and never answers costs a whole time-out for each. All of them pass here, so
one rule holds for all: a cycle costs one time-out at most. What was on its way stays in doubt,
what has not left waits, and nothing counts against either.
Not here: how long an answer may take (`transport.py`), what is said of it
(`worklist/sync_summary.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from carequeue.domain.errors import ServerError

#: Requests in a row whose connection broke off without an answer, after which the cycle ends.
MOST_BROKEN: Final = 2


class Unreachable(Exception):
    """The server could not be reached, or went away. `left`: the request may have arrived.

    `unreadable`: an answer came, and no sense could be made of it; the network is there.
    `silent`: it left, and no answer came. `ends`: and none came in time, so nothing more is to be
    asked for now (`Cycle`).
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
class HttpAnswer:
    """A whole answer; `json` is None where the body was empty. Header names are in lower case.

    `url`: the address that was asked, from which a relative link in the answer leads on.
    """

    status: int
    headers: Mapping[str, str]
    json: Any
    url: str = ""


class Sends(Protocol):
    """What sends requests to one source: `transport.Transport`, or a `Cycle` around it."""

    base_url: str

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """One request, one whole answer; raises Unreachable and ServerError."""
        ...


class Cycle:
    """The way to one source. `silent_at`: when the request left that ended this cycle."""

    def __init__(self, way: Sends, now: Callable[[], datetime]) -> None:
        self.base_url = way.base_url
        self.silent_at: datetime | None = None
        self._way = way
        self._now = now
        self._ended = ""  # why nothing more leaves; "" while all may
        self._broken = 0

    def begin(self) -> None:
        """A new cycle: everything may leave again."""
        self.silent_at, self._ended, self._broken = None, "", 0

    def expect_silence(self) -> None:
        """The cycle before ended in silence: the first connection that breaks off ends this one."""
        self._broken = MOST_BROKEN - 1

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """As `Transport.send`; after a silence it raises Unreachable and nothing leaves."""
        if self._ended:
            raise Unreachable(self._ended, left=False, silent=True, ends=True)
        begun = self._now()
        try:
            answer = self._way.send(method, path, body, headers)
        except Unreachable as error:
            self._missed(error, begun)
            raise
        except ServerError:  # an answer, if a bad one
            self._broken = 0
            raise
        self._broken = 0
        return answer

    def _missed(self, error: Unreachable, begun: datetime) -> None:
        self._broken = self._broken + 1 if error.silent else 0
        if error.ends or self._broken >= MOST_BROKEN:
            error.ends = True
            self._ended, self.silent_at = error.why, begun
