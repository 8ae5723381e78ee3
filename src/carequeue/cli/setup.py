"""`demo` and `config`: something to try, and what a profile says.

Not here: how a profile is made (`connect.py`), what it may say (`store/profile_values.py`).
"""

from __future__ import annotations

from typing import Any, Final

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import say
from carequeue.store import profiles
from carequeue.store.profile_values import as_mapping

#: So many clients of the practice clinic are invented before anybody wonders what goes on.
MANY: Final = 2_000
#: Those of the practice clinic (a test holds them equal; nothing of it is imported here).
PACES: Final = ("off", "quiet", "busy")


@click.command()
@click.option("--seed", default=7, show_default=True, metavar="N", help="Another N, other people.")
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
    help="A way in which other servers differ, such as conflict-409; may be given again.",
)
@click.option(
    "--pace",
    type=click.Choice(PACES),
    default="quiet",
    show_default=True,
    help="How often colleagues change something: never, every minute or so, every few seconds.",
)
@click.pass_context
def demo(ctx: click.Context, seed: int, clients: int, quirks: tuple[str, ...], pace: str) -> None:
    """Open the practice clinic: a server of its own with invented people. Nothing to set up."""
    use_cases.refuse_without_terminal("The practice clinic")
    if clients > MANY:
        say(f"Inventing {clients:,} clients; this takes some seconds …")
    ctx.exit(use_cases.demo(seed, clients, quirks, pace))


# config


@click.group(invoke_without_command=True)
@click.pass_context
def config(ctx: click.Context) -> None:
    """Print where the profile is and what it says; `config set` changes one value."""
    if ctx.invoked_subcommand:
        return
    where = profiles.places(ctx.obj)
    profile = profiles.load(ctx.obj)
    printing.write_message(f"# {where.config}")
    printing.write_message(f"# cache, key and log: {where.folder}")
    others = [name for name in profiles.names() if name != ctx.obj]
    if others:
        printing.write_message(f"# other profiles: {', '.join(others)}")
    for key, value in _flat("", as_mapping(profile)):
        printing.write_message(f"{key} = {value}")


@config.command("set")
@click.argument("key")
@click.argument("value")
@click.pass_obj
def config_set(profile: str, key: str, value: str) -> None:
    """Set KEY to VALUE; lists with commas, "" puts the default back.

    Keys below a source are dotted, such as sources.main.base_url.
    """
    before = profiles.load(profile)
    profiles.save(profiles.with_setting(before, key, value), profiles.places(profile))
    printing.write_message(f"{key} is set in the profile {profile}.")


def _flat(above: str, table: dict[str, Any]) -> list[tuple[str, str]]:
    """The profile's lines, dotted; of a command only the program: an argument may be a token."""
    lines: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _flat(f"{above}{key}.", value)
        elif key == "token_command":
            lines.append((f"{above}{key}", f"{value[0]} (arguments are not shown)"))
        else:
            lines.append((f"{above}{key}", ", ".join(value) if isinstance(value, list) else value))
    return lines
