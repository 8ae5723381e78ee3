"""The sources of time and the calls that the screen gets from the program around it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import NamedTuple

from carequeue.domain.errors import BadQuestion


class TimeSource(NamedTuple):
    """`now` is aware; `zone` is the profile's; `monotonic` counts seconds for keys and polls."""

    now: Callable[[], datetime]
    zone: tzinfo
    monotonic: Callable[[], float] = time.monotonic


def no_folder(name: str, text: str) -> str:
    """The `write_private` of a program without a folder: raises BadQuestion."""
    raise BadQuestion("There is no folder here to write to. Nothing was exported.")


def _ignore(words: str) -> None:
    """The hook of a screen that is not there yet."""


class AppHooks(NamedTuple):
    """The calls of the screen to the program around it."""

    sync_now: Callable[[], None]
    exit_app: Callable[[str], None]  # with the text for the shell, "" for none
    write_private: Callable[[str, str], str] = no_folder  # file name and text; returns the path
    hide_behind: Callable[[str], None] = _ignore  # hide the screen behind a text until a key
