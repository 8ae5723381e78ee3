"""When a screen has done what a key asked for: its queues of messages and its threads are empty.

Why not `Pilot.press` and `Pilot.pause`: they sleep until the process uses no time, 40 ms a key at
the least, and longer on a busy machine. Here nothing is slept; what is under way is waited for.
"""

from __future__ import annotations

import asyncio
from typing import Any

from textual import events
from textual.app import App
from textual.keys import key_to_character
from textual.pilot import Pilot

from carequeue.screens.queue import QueueScreen
from carequeue.screens.threads import WorkThreads

#: So many rounds in a row have to find nothing under way: a message may cause the next.
_ROUNDS = 2


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
        await Pilot(app)._wait_for_screen()
        if threads and isinstance(app.screen, QueueScreen):
            await asyncio.to_thread(finish, app.screen.controller.threads)
        app.screen._on_timer_update()  # paints the next frame, and does what waits for it
        parts = (app, *app.screen.walk_children(with_self=True))
        quiet = 0 if any(part.message_queue_size for part in parts) else quiet + 1


def finish(threads: WorkThreads) -> None:
    """Wait until all work that was submitted so far is done."""
    for future in [pool.submit(lambda: None) for pool in (threads._acts, threads._reads)]:
        future.result()
