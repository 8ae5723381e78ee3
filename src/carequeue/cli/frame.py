"""The frame around every command: help in groups, exit codes, and the net for what goes wrong.

Decided here: a `CareQueueError` is one clean sentence on stderr and its exit code; a fault of our
own is one sentence without any value (a traceback with locals would print names of clients), and
with CAREQUEUE_DEBUG=1 the places in the code; a reader who has gone away (`| head`) is no fault.
Not here: the commands themselves.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from typing import Any, Final

import click

from carequeue.domain.errors import CareQueueError
from carequeue.domain.text import clean

#: Exit codes beyond those of `domain/errors.py`, and all of them in words, for help and docs.
SOME_REFUSED: Final = 8
SOMETHING_WAITS: Final = 9
EXIT_CODES: Final[dict[int, str]] = {
    0: "done",
    1: "a failure, or the doctor found a problem",
    2: "bad usage, or an answer that cannot be understood",
    3: "the profile is missing or cannot be read",
    4: "no such item",
    5: "the cache cannot be opened or written",
    6: "the server cannot be reached or used",
    7: "the server does not know or allow you",
    SOME_REFUSED: "some items were refused or are gone; the others are done",
    SOMETHING_WAITS: "sync finished, but something waits or needs you",
    130: "interrupted",
}
_FAULT: Final = (
    "CareQueue stopped by a fault of its own. Nothing that you did is lost: it is kept in the "
    "cache. Try again; `carequeue doctor` tells more, and CAREQUEUE_DEBUG=1 shows where it stopped."
)
_LONGEST_SENTENCE: Final = 2000


def say(sentence: str) -> None:
    """One clean sentence to the person, on stderr, so that stdout stays the answer."""
    click.echo(clean(sentence, _LONGEST_SENTENCE), err=True)


class Frame(click.Group):
    """The group of all commands. `sections` are the headings of its help, in order."""

    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command inside the net."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.exceptions.Exit, click.ClickException):
            raise
        except (KeyboardInterrupt, click.Abort):
            say("Interrupted. What was done until here is kept.")
            ctx.exit(130)
        except BrokenPipeError:
            _forget_output()
            ctx.exit(0)
        except CareQueueError as error:
            say(str(error))
            ctx.exit(error.exit_code)
        except Exception as fault:  # noqa: BLE001 - the last net: no value may reach the terminal
            say(_FAULT)
            if os.environ.get("CAREQUEUE_DEBUG"):
                say_places(fault)
            ctx.exit(1)
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under their headings."""
        for title, names in self.sections:
            with formatter.section(title):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(200)) for name in names]
                )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The exit codes, which a script needs."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), words) for code, words in EXIT_CODES.items()])


def say_places(fault: BaseException) -> None:
    """Where in the code a fault arose, from the outside in: no message, no values."""
    for frame in traceback.extract_tb(fault.__traceback__):
        say(f"{frame.filename}:{frame.lineno} in {frame.name}")
    say(f"{type(fault).__name__}")


def _forget_output() -> None:
    """Let nothing more be written to a reader who is gone, not even by the interpreter's end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
