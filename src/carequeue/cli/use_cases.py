"""The calls of the commands to the rest of CareQueue.

Each function imports what it needs when it is called, so that `--help` and `list` start at once
(Textual, httpx and SQLModel together take half a second). Tests replace these functions.
Not here: how the parts are put together (`wiring.py`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from carequeue.domain.errors import BadQuestion, CacheError

if TYPE_CHECKING:
    from carequeue.store.profiles import SourceProfile
    from carequeue.sync.net.probe import Probe
    from carequeue.wiring import Session


def open_session(profile_name: str, *, on_screen: bool = False) -> Session:
    """Open the profile, its cache and its desk, for a command or for the queue `on_screen`.

    Raises ProfileError or CacheError.
    """
    from carequeue import wiring

    if on_screen:
        return wiring.open_session(profile_name)
    from carequeue.domain.intents import COMMAND_LINE

    return wiring.open_session(profile_name, run=COMMAND_LINE)


def run_queue(profile_name: str) -> int:
    """Run the queue of a profile and close its cache; returns the exit code.

    Raises BadQuestion without a terminal, ProfileError or CacheError.
    """
    refuse_without_terminal("The queue")
    with open_session(profile_name, on_screen=True) as session:
        return open_queue(session)


def open_queue(session: Session) -> int:
    """Show the queue until the person quits; returns the exit code."""
    from carequeue.app import CareQueueApp, Preferences
    from carequeue.screens.app_hooks import TimeSource

    app = CareQueueApp(
        session.desk,
        TimeSource(session.now, session.zone),
        session.background(),
        Preferences(session.profile.theme or "dark"),
        write_private=partial(write_private, session),
    )
    app.run()
    return app.return_code or 0


def write_private(session: Session, name: str, text: str) -> str:
    """Write a private file beside the cache; returns its path.

    Raises BadQuestion if the file would be gone with the program, CacheError if it cannot be
    written.
    """
    if not session.desk.is_persistent:
        raise BadQuestion(
            "A file of the practice clinic would be gone when you quit. Nothing was written. "
            "With a profile of your own the file stays."
        )
    from carequeue.store.private_files import create_private

    path = session.paths.folder / name
    if not create_private(path, text.encode(), CacheError):
        raise BadQuestion(f"{path} exists already. Nothing was written. Try again.")
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def demo(seed: int, clients: int, quirks: Sequence[str], pace: str) -> int:
    """Run the practice clinic; returns the exit code."""
    from carequeue import wiring

    with wiring.practice(seed, clients, quirks, pace) as session:
        return open_queue(session)


def probe(url: str, token: str | None, ca_bundle: str = "") -> Probe:
    """Ask a server what it can do. Raises ServerError or SignInError."""
    from carequeue.sync.net import probe as at

    return at.probe(url, token, ca_bundle)


def token_of(source: SourceProfile) -> str | None:
    """The bearer token of a source; None if it has none.

    Raises SignInError if its command prints no token.
    """
    from carequeue.sync.net.auth import Tokens

    return Tokens(source.token_env, source.token_command).current() or None


def now() -> datetime:
    """The current time of the command line."""
    return datetime.now(UTC)


def can_ask() -> bool:
    """Whether a person can answer on standard input."""
    return sys.stdin is not None and sys.stdin.isatty()


def can_draw() -> bool:
    """Whether this terminal can show a full-screen program."""
    return can_ask() and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def refuse_without_terminal(program: str) -> None:
    """Raises BadQuestion if this terminal cannot show a full-screen program."""
    if not can_draw():
        raise BadQuestion(
            f"{program} needs a full-screen terminal, and this is none (or TERM is dumb). "
            "For a pipe, a file or a plain terminal use: carequeue list --plain"
        )


def shows_people() -> bool:
    """Whether standard output is a terminal, and not a pipe or a file."""
    return sys.stdout.isatty()


def read_input(limit: int) -> str:
    """Read standard input as text, at most `limit` characters. Raises UnicodeDecodeError."""
    return sys.stdin.read(limit)
