"""How `--help` looks: commands in groups, and the exit codes in words.

Not here: the commands themselves, and the message when a command fails (`error_boundary.py`).
"""

from __future__ import annotations

import sys
from typing import Any, Final

import click

from carequeue.cli.error_boundary import INTERRUPTED, caught, say

__all__ = ["EXIT_CODES", "SOMETHING_WAITS", "SOME_REFUSED", "AliasedOption", "CommandGroup", "say"]

#: Exit codes beyond those of `domain/errors.py`, and all of them in words, for help and docs.
SOME_REFUSED: Final = 8
SOMETHING_WAITS: Final = 9
EXIT_CODES: Final[dict[int, str]] = {
    0: "done",
    1: "a failure, or the doctor found a problem",
    2: "bad usage, or an input that cannot be read",
    3: "the profile is missing or cannot be read",
    4: "no such item",
    5: "the cache cannot be opened or written",
    6: "the server cannot be reached or used",
    7: "the server does not know or allow you",
    SOME_REFUSED: "some items were refused or are gone; the others are done",
    SOMETHING_WAITS: "it is done, but something waits or needs you",
    INTERRUPTED: "interrupted",
}


class AliasedOption(click.Option):
    """An option whose further names are accepted, but not shown in help."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The help of the first name alone."""
        names, self.opts = self.opts, self.opts[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = names


class CommandGroup(click.Group):
    """The group of all commands. `sections` are the headings of its help, in order."""

    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and turn each error into a sentence and an exit code."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.exceptions.Exit, click.ClickException):
            raise
        except click.Abort:
            ctx.exit(caught(KeyboardInterrupt()))
        except (KeyboardInterrupt, Exception) as fault:  # noqa: BLE001 - no value may leave
            ctx.exit(caught(fault))
        return result

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands under their headings."""
        for title, names in self.sections:
            with formatter.section(title):
                formatter.write_dl(
                    [(name, self.commands[name].get_short_help_str(200)) for name in names]
                )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The exit codes, for scripts."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), words) for code, words in EXIT_CODES.items()])
