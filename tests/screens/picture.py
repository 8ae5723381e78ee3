"""The pictures of the README: `python -m tests.screens.picture [FOLDER]`.

In:  the built-in practice clinic at an instant of its own: every run draws the same people.
Out: `queue.png` (140x40) and `queue-80x24.png` in FOLDER (`docs/pictures`), the dark queue after
a contact was logged. Needs `rsvg-convert` (Debian: librsvg2-bin), and fonts for all the names:
fonts-noto-mono, fonts-noto-cjk, fonts-lohit-deva.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from carequeue.app import CareQueueApp
from carequeue.screens.app_hooks import TimeSource
from carequeue.screens.queue import QueueScreen
from carequeue.wiring import Session, practice_session
from tests.screens.png import with_palette
from tests.screens.quiet import finish
from tests.screens.stage import FakeSync
from tests.servers.controlled_clinic import ControlledClinic

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=ZoneInfo("America/Chicago"))
#: Name, columns, rows, pixels across, and what was pressed before the picture was taken.
PICTURES: Sequence[tuple[str, int, int, int, tuple[str, ...]]] = (
    ("queue", 140, 40, 1400, ("j", "l", "m", "g")),
    ("queue-80x24", 80, 24, 960, ("j", "l", "m", "g")),
)


async def draw(session: Session, columns: int, rows: int, keys: Sequence[str]) -> str:
    """The screen as SVG, when all that was pressed has been done and the list has settled."""
    seconds = 1000.0

    def monotonic() -> float:
        return seconds

    times = TimeSource(session.now, session.zone, monotonic)
    app = CareQueueApp(session.desk, times, FakeSync())
    async with app.run_test(size=(columns, rows)) as pilot:
        screen = app.screen
        assert isinstance(screen, QueueScreen)
        for key in (*keys, ""):
            seconds += 5
            if key:
                await pilot.press(key)
            await asyncio.to_thread(finish, screen.controller.threads)
            screen.controller.tick()
            await pilot.pause()
        return app.export_screenshot(title="carequeue")


def to_png(svg: str, target: Path, pixels: int) -> None:
    """SVG -> PNG. `rsvg-convert` eats leading spaces unless each text says that they count."""
    kept = svg.replace("&#160;", " ").replace("<text ", '<text xml:space="preserve" ')
    command = ["rsvg-convert", "-w", str(pixels)]
    drawn = subprocess.run(command, input=kept.encode(), check=True, capture_output=True)
    target.write_bytes(with_palette(drawn.stdout))


def main(folder: Path) -> None:
    """Draw all pictures."""
    os.environ |= {"COLORTERM": "truecolor", "TERM": "xterm-256color"}
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns, rows, pixels, keys in PICTURES:
        home = Path(tempfile.mkdtemp(prefix="carequeue-picture-"))
        try:
            with (
                ControlledClinic(seed=7, clients=400, now=NOW.isoformat()) as clinic,
                practice_session(
                    clinic.base, clinic.token, clinic.me, home, lambda: NOW
                ) as session,
            ):
                session.sync_once()
                svg = asyncio.run(draw(session, columns, rows, keys))
        finally:
            shutil.rmtree(home, ignore_errors=True)
        to_png(svg, folder / f"{name}.png", pixels)
        print(folder / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/pictures"))
