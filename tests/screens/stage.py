"""How a test sits at the terminal: it presses keys by name and reads what is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from textual.pilot import Pilot

from carequeue.app import CareQueueApp, Preferences
from carequeue.screens.app_hooks import TimeSource
from carequeue.screens.controller import QueueController
from carequeue.screens.queue import QueueScreen
from carequeue.sync.workers import Background
from carequeue.widgets.one_line_widget import OneLineWidget
from carequeue.widgets.text_view import TextView
from tests.screens.clinic import NOW, ZONE, FakeDesk
from tests.screens.quiet import at_rest, send


class FakeSync(Background):
    """A sync that counts what was asked of it."""

    def __init__(self) -> None:
        self.started = self.syncs = self.stopped = 0
        self.looks_on: list[bool] = []

    def start(self) -> None:
        self.started += 1

    def sync_now(self) -> None:
        self.syncs += 1

    def focused(self, focused: bool) -> None:
        self.looks_on.append(focused)

    def stop(self, patience: float = 0) -> None:
        self.stopped += 1


def shown(widget: OneLineWidget | TextView) -> str:
    """The plain text of a widget; of a text view all lines, those out of sight too."""
    if isinstance(widget, OneLineWidget):
        return "".join(text for text, _ in widget._parts(widget.size.width))
    widget._make()
    return "\n".join("".join(text for text, _ in line).rstrip() for line in widget._lines)


class Time:
    """Both kinds of time, moved by hand."""

    def __init__(self) -> None:
        self.now = NOW
        self.seconds = 1000.0

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds


class Seat:
    """A person at the terminal."""

    def __init__(
        self,
        app: CareQueueApp,
        pilot: Pilot[None],
        desk: FakeDesk,
        time: Time,
        kept: dict[str, str],
    ) -> None:
        self.app, self.pilot, self.desk, self.time, self.kept = app, pilot, desk, time, kept

    @property
    def screen(self) -> QueueScreen:
        assert isinstance(self.app.screen, QueueScreen)
        return self.app.screen

    @property
    def controller(self) -> QueueController:
        return self.screen.controller

    async def press(self, *keys: str) -> None:
        """Press keys, a person's pace apart, and wait until what they asked for is done."""
        for key in keys:
            self.time.pass_(0.3)
            send(self.app, key)
            await self.rest()

    async def write(self, text: str) -> None:
        """Type a text."""
        names = {" ": "space", ":": "colon", ",": "comma"}
        await self.press(*(names.get(letter, letter) for letter in text))

    async def rest(self) -> None:
        """Wait until nothing that was asked for is under way."""
        await at_rest(self.app)

    async def wait(self, seconds: float) -> None:
        """Let time pass without a key, and the screen look at the cache."""
        self.time.pass_(seconds)
        self.controller.tick()
        await self.rest()

    # --- what is shown

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips][:height] if width else []

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def message(self) -> str:
        return shown(self.controller.widgets.message).strip()

    @property
    def footer(self) -> str:
        return shown(self.controller.widgets.footer).strip()

    @property
    def header(self) -> str:
        return shown(self.controller.widgets.header).strip()

    @property
    def cursor(self) -> str | None:
        return self.controller.widgets.rows.key

    def line_of(self, text: str) -> str:
        """The one line of the screen that holds a text."""
        found = [line for line in self.lines if text in line]
        assert len(found) == 1, (text, found)
        return found[0]


@asynccontextmanager
async def at_the_terminal(
    desk: FakeDesk | None = None,
    size: tuple[int, int] = (80, 24),
    theme: str = "dark",
    sync: FakeSync | None = None,
) -> AsyncIterator[Seat]:
    """A running app over a desk, at its first idle moment."""
    desk = desk or FakeDesk()
    kept: dict[str, str] = {}
    app, time = app_for(desk, theme, sync, kept)
    async with app.run_test(size=size) as pilot:
        seat = Seat(app, pilot, desk, time, kept)
        await seat.rest()
        yield seat


def app_for(
    desk: FakeDesk,
    theme: str = "dark",
    sync: FakeSync | None = None,
    kept: dict[str, str] | None = None,
) -> tuple[CareQueueApp, Time]:
    """An app whose time is moved by hand; what it writes to files goes into `kept`."""
    files = {} if kept is None else kept

    def write_private(name: str, text: str) -> str:
        files[name] = text
        return f"~/carequeue/{name}"

    time = Time()

    def now() -> datetime:
        return time.now

    app = CareQueueApp(
        desk,
        TimeSource(now, ZONE, lambda: time.seconds),
        sync or FakeSync(),
        Preferences(theme),
        write_private=write_private,
    )
    return app, time
