"""`config`: where the profile is and what it says, and how to change a value.

Not here: how a profile is made (`connect.py`), what it may say (`store/profile_values.py`).
"""

from __future__ import annotations

from typing import Any

import click

from carequeue import printing
from carequeue.store import profiles
from carequeue.store.profile_values import as_mapping


@click.group(invoke_without_command=True)
@click.pass_context
def config(ctx: click.Context) -> None:
    """Print where the profile is and what it says; `config set` changes one value."""
    if ctx.invoked_subcommand:
        return
    where = profiles.profile_paths(ctx.obj)
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
    """Set KEY to VALUE; separate lists with commas, "" restores the default.

    Keys of a source have dots, such as sources.main.base_url.
    """
    before = profiles.load(profile)
    profiles.save(profiles.with_setting(before, key, value), profiles.profile_paths(profile))
    printing.write_message(f"{key} is set in the profile {profile}.")


def _flat(above: str, table: dict[str, Any]) -> list[tuple[str, str]]:
    """The lines of the profile, with dots; a command shows only its program: an argument may be a
    token.
    """
    lines: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _flat(f"{above}{key}.", value)
        elif key == "token_command":
            lines.append((f"{above}{key}", f"{value[0]} (arguments are not shown)"))
        else:
            lines.append((f"{above}{key}", ", ".join(value) if isinstance(value, list) else value))
    return lines
