"""The error boundary of every command: an error becomes one sentence and an exit code.

Decided here: a `CareQueueError` is one clean sentence on stderr and its exit code; an internal
error is one sentence without any value (a traceback with locals would print names of clients), and
with CAREQUEUE_DEBUG=1 its lines in the code; a closed pipe (`| head`) is no error.
Without click: the queue opens before click is needed (`__main__.py`).
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import Final

from carequeue.domain.errors import CareQueueError
from carequeue.domain.sanitize import clean

INTERRUPTED: Final = 130
_INTERNAL_ERROR: Final = (
    "CareQueue stopped because of an internal error. Nothing you did is lost: it is saved in "
    "the cache. Try again; `carequeue doctor` tells more, and CAREQUEUE_DEBUG=1 shows where it "
    "stopped."
)
_LONGEST_SENTENCE: Final = 2000


def say(sentence: str) -> None:
    """Write one clean sentence to stderr, so that stdout holds only the result."""
    sys.stderr.write(f"{clean(sentence, _LONGEST_SENTENCE)}\n")
    sys.stderr.flush()


def caught(error: BaseException) -> int:
    """Say what went wrong; returns the exit code. Raises again what is no error of a command."""
    if isinstance(error, KeyboardInterrupt):
        say("Interrupted. Everything done so far is saved.")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _forget_output()
        return 0
    if isinstance(error, CareQueueError):
        say(str(error))
        return error.exit_code
    if not isinstance(error, Exception):
        raise error
    say(_INTERNAL_ERROR)
    if os.environ.get("CAREQUEUE_DEBUG"):
        say_code_lines(error)
    return 1


def say_code_lines(error: BaseException) -> None:
    """Say the lines of code of an error, from the outside in: no message, no values."""
    for frame in traceback.extract_tb(error.__traceback__):
        say(f"{frame.filename}:{frame.lineno} in {frame.name}")
    say(f"{type(error).__name__}")


def _forget_output() -> None:
    """Discard further output to a closed pipe, even at the end of the interpreter."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
