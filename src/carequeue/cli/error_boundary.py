"""The net under every command: from what went wrong to one sentence and an exit code.

Decided here: a `CareQueueError` is one clean sentence on stderr and its exit code; a fault of our
own is one sentence without any value (a traceback with locals would print names of clients), and
with CAREQUEUE_DEBUG=1 the places in the code; a reader who has gone away (`| head`) is no fault.
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
_FAULT: Final = (
    "CareQueue stopped by a fault of its own. Nothing that you did is lost: it is kept in the "
    "cache. Try again; `carequeue doctor` tells more, and CAREQUEUE_DEBUG=1 shows where it stopped."
)
_LONGEST_SENTENCE: Final = 2000


def say(sentence: str) -> None:
    """One clean sentence to the person, on stderr, so that stdout stays the answer."""
    sys.stderr.write(f"{clean(sentence, _LONGEST_SENTENCE)}\n")
    sys.stderr.flush()


def caught(fault: BaseException) -> int:
    """Say what went wrong; the exit code. Raised again where it is nothing that is known here."""
    if isinstance(fault, KeyboardInterrupt):
        say("Interrupted. What was done until here is kept.")
        return INTERRUPTED
    if isinstance(fault, BrokenPipeError):
        _forget_output()
        return 0
    if isinstance(fault, CareQueueError):
        say(str(fault))
        return fault.exit_code
    if not isinstance(fault, Exception):
        raise fault
    say(_FAULT)
    if os.environ.get("CAREQUEUE_DEBUG"):
        say_places(fault)
    return 1


def say_places(fault: BaseException) -> None:
    """Where in the code a fault arose, from the outside in: no message, no values."""
    for frame in traceback.extract_tb(fault.__traceback__):
        say(f"{frame.filename}:{frame.lineno} in {frame.name}")
    say(f"{type(fault).__name__}")


def _forget_output() -> None:
    """Let nothing more be written to a reader who is gone, not even by the interpreter's end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
