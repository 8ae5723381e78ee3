"""`demo`: the practice clinic, with invented people and nothing to set up.

Not here: how the clinic is made (`practice/`, started by `wiring.py`).
"""

from __future__ import annotations

from typing import Final

import click

from carequeue.cli import use_cases
from carequeue.cli.help_format import say

#: From this many clients on, the command says that it takes some seconds.
MANY: Final = 2_000
#: The paces of the practice clinic, without an import of it; a test keeps both equal.
PACES: Final = ("off", "quiet", "busy")


@click.command()
@click.option(
    "--seed", default=7, show_default=True, metavar="N", help="Another N invents other people."
)
@click.option(
    "--clients",
    type=click.IntRange(1, 100_000),
    default=400,
    show_default=True,
    metavar="N",
    help="How many clients the clinic has.",
)
@click.option(
    "--quirk",
    "quirks",
    multiple=True,
    metavar="NAME",
    help="A way in which other servers differ, such as conflict-409. Repeatable.",
)
@click.option(
    "--pace",
    type=click.Choice(PACES),
    default="quiet",
    show_default=True,
    help="How often colleagues change something: never, about every minute, every few seconds.",
)
@click.pass_context
def demo(ctx: click.Context, seed: int, clients: int, quirks: tuple[str, ...], pace: str) -> None:
    """Open the practice clinic: a local server with invented people. Nothing to set up."""
    use_cases.refuse_without_terminal("The practice clinic")
    if clients > MANY:
        say(f"Inventing {clients:,} clients; this takes some seconds …")
    ctx.exit(use_cases.demo(seed, clients, quirks, pace))
