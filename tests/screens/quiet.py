"""When a screen has done what a key asked for: its queues of messages and its threads are empty.

Why not `Pilot.press` and `Pilot.pause`: they sleep until the process uses no time, 40 ms a key at
the least, and longer on a busy machine. Here nothing is slept; what is under way is waited for.
Why the work of the threads is counted: a read may ask for the next read when its result comes to
the screen. Between the two every queue is empty, so empty queues alone are no rest.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakKeyDictionary

from textual import events
from textual.app import App
from textual.keys import key_to_character
from textual.pilot import Pilot

from carequeue.screens.queue import QueueScreen
from carequeue.screens.threads import WorkThreads

#: So many rounds in a row have to find nothing under way: a message may cause the next.
_ROUNDS = 2
#: How much work each pool of threads was given since it was first waited for.
_given: WeakKeyDictionary[ThreadPoolExecutor, int] = WeakKeyDictionary()


async def press(app: App[Any], key: str) -> None:
    """Press a key by its name, as the terminal would; wait until it is handled, and painted.

    What it asked of a thread may still be under way (`at_rest`).
    """
    send(app, key)
    await _quiet(app, threads=False)


def send(app: App[Any], key: str) -> None:
    """Press a key by its name, and wait for nothing."""
    event = events.Key(key, key_to_character(key))
    event.set_sender(app)
    app.post_message(event)


async def at_rest(app: App[Any]) -> None:
    """Wait until nothing that was asked for is under way, on the screen or on its threads."""
    await _quiet(app, threads=True)


async def _quiet(app: App[Any], *, threads: bool) -> None:
    quiet = 0
    while quiet < _ROUNDS and app.is_running:
        work = app.screen.controller.threads if isinstance(app.screen, QueueScreen) else None
        before = _given_to(work) if threads and work else 0
        await Pilot(app)._wait_for_screen()
        if threads and work:
            await asyncio.to_thread(finish, work)
        app.screen._on_timer_update()  # paints the next frame, and does what waits for it
        parts = (app, *app.screen.walk_children(with_self=True))
        busy = any(part.message_queue_size for part in parts)
        asked = threads and work is not None and _given_to(work) != before
        quiet = 0 if busy or asked else quiet + 1


def finish(threads: WorkThreads) -> None:
    """Wait until all work that was submitted so far is done."""
    # Past `submit` of the pool itself, which counts what the screen asks for.
    for future in [ThreadPoolExecutor.submit(pool, lambda: None) for pool in _pools(threads)]:
        future.result()


def _pools(threads: WorkThreads) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
    return threads._acts, threads._reads


def _given_to(threads: WorkThreads) -> int:
    """How much work the screen has given to its threads, since this was first asked."""
    for pool in _pools(threads):
        if pool not in _given:
            _count(pool)
    return sum(_given[pool] for pool in _pools(threads))


def _count(pool: ThreadPoolExecutor) -> None:
    submit = pool.submit
    _given[pool] = 0

    def counted(*work: Any) -> Any:
        _given[pool] += 1
        return submit(*work)

    pool.submit = counted  # type: ignore[method-assign,assignment]
