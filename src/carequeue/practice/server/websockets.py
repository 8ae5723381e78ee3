"""The websockets on which subscribers are told of changes, on a port of their own.

In:  `tell` from whichever thread has committed a change. Out: messages to the connections that are
bound to that Subscription. What binds and what is said is decided in `subscriptions.py`.
Why the library is imported when the first client comes: most clinics never see one, and are to
start quickly. A page of the web cannot connect: a browser names its Origin, and none is taken.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from carequeue.practice.server.http_types import Refusal

if TYPE_CHECKING:
    import asyncio

    from websockets.asyncio.server import ServerConnection

#: Longer than any word that binds.
_MAX_MESSAGE: Final = 4096
_REFUSED: Final = 1008
_GOING: Final = 1001

Bind = Callable[[str, Callable[[str], None]], list[str]]


class WebsocketServer:
    """The listening socket and who is bound to what. `address` is known at once."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"ws://127.0.0.1:{self._listening.getsockname()[1]}/"
        self._bound: dict[str, set[ServerConnection]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: set[asyncio.Future[None]] = set()

    def open(self, bind: Bind) -> None:
        """Begin to take connections. `bind` takes a message and a way to join a Subscription."""
        threading.Thread(target=self._serve, args=(bind,), daemon=True, name="sockets").start()

    def tell(self, key: str, text: str) -> None:
        """Send a message to all that are bound to a Subscription; waits for nobody."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._send, key, text)

    def hang_up(self) -> None:
        """End all connections, as a server does that is started anew."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._end_all)

    def _serve(self, bind: Bind) -> None:
        select.select([self._listening], [], [])
        import asyncio

        asyncio.run(self._run(bind))

    async def _run(self, bind: Bind) -> None:
        import asyncio

        from websockets.asyncio.server import serve

        async def talk(connection: ServerConnection) -> None:
            await self._talk(connection, bind)

        self._loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"compression": None, "max_size": _MAX_MESSAGE}
        async with serve(
            talk, sock=self._listening, origins=[None], logger=_silent(), **options
        ) as server:
            await server.serve_forever()

    async def _talk(self, connection: ServerConnection, bind: Bind) -> None:
        from websockets.asyncio.server import broadcast
        from websockets.exceptions import ConnectionClosed

        def join(key: str) -> None:
            self._bound[key].add(connection)

        try:
            async for message in connection:
                words = message if isinstance(message, str) else message.decode("utf-8", "replace")
                for text in bind(words, join):
                    # Without awaiting, so that no ping overtakes what says that it is bound.
                    broadcast([connection], text)
        except Refusal as no:
            await connection.close(_REFUSED, no.words[:100])
        except ConnectionClosed:
            return
        finally:
            for bound in self._bound.values():
                bound.discard(connection)

    def _send(self, key: str, text: str) -> None:
        from websockets.asyncio.server import broadcast

        broadcast(self._bound[key], text)

    def _end_all(self) -> None:
        import asyncio

        for connection in set().union(*self._bound.values()):
            ending = asyncio.ensure_future(connection.close(_GOING, "The clinic starts again."))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)


def _silent() -> logging.Logger:
    """A logger that says nothing: standard error is not for strangers' mistakes."""
    quiet = logging.getLogger("carequeue.practice.server.websockets")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    return quiet
