"""`conflicts`: where your change and a colleague's conflict, and which one to keep.

In:  keys of items, which may be shortened as long as they name one item. Out: as `outbox`.
Why `keep-mine` needs --shown: it replaces a colleague's change, and the person decides that about
the two versions that they saw, never about a version that came later.
Not here: what is a conflict and what a choice does (the desk).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import SOMETHING_WAITS, say
from carequeue.cli.list_and_show import as_json
from carequeue.cli.outbox_commands import resolve_prefix, write_acted
from carequeue.domain.errors import BadQuestion

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.results import Conflict


@click.group(invoke_without_command=True)
@click.pass_context
def conflicts(ctx: click.Context) -> None:
    """Show where your change and a colleague's conflict, and choose one."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_conflicts)


@conflicts.command("list")
@as_json
@click.pass_context
def list_conflicts(ctx: click.Context, as_json: bool = False) -> None:
    """Print every conflict, in the order of the queue. The exit code is 9 if there is any.

    On a terminal this is a table; in a pipe or a file it is tab separated.
    """
    with use_cases.open_session(ctx.obj) as session:
        all_conflicts = session.desk.outbox.conflicts(use_cases.now())
        if as_json:
            printing.write_value(list(all_conflicts))
        elif all_conflicts:
            rows = [
                (conflict.client, conflict.did, _theirs(conflict, session.zone), conflict.item_key)
                for conflict in all_conflicts
            ]
            write = printing.write_columns if use_cases.shows_people() else printing.write_tabbed
            write([("client", "yours", "theirs", "key"), *rows])
    say("See one with: carequeue conflicts show KEY" if all_conflicts else "No conflicts.")
    ctx.exit(SOMETHING_WAITS if all_conflicts else 0)


@conflicts.command("show")
@click.argument("key")
@as_json
@click.pass_obj
def show_conflict(profile: str, key: str, as_json: bool) -> None:
    """Print one conflict: the version before, yours and theirs."""
    with use_cases.open_session(profile) as session:
        conflict = _conflict(session.desk, key)
        if as_json:
            printing.write_value(conflict)
            return
        _write_conflict(conflict, session.zone, printing.write_message)
        printing.write()
        printing.write_columns([("", "before", "yours", "theirs"), *_differences(conflict)])
        printing.write()
        if "mine" in conflict.can:
            kept = f"carequeue conflicts keep-mine {conflict.item_key} --shown {conflict.pair}"
            printing.write_message(f"Keep yours:   {kept}")
        printing.write_message(f"Keep theirs:  carequeue conflicts take-theirs {conflict.item_key}")


@conflicts.command("keep-mine")
@click.argument("key")
@click.option("--shown", metavar="PAIR", help="The versions that you saw, as `show` prints them.")
@as_json
@click.pass_obj
def keep_mine(profile: str, key: str, shown: str | None, as_json: bool) -> None:
    """Replace theirs with yours. Without a terminal it needs --shown: nothing unseen is lost."""
    _resolve(profile, key, shown, "mine", as_json)


@conflicts.command("take-theirs")
@click.argument("key")
@click.option("--shown", metavar="PAIR", help="The versions that you saw, as `show` prints them.")
@as_json
@click.pass_obj
def take_theirs(profile: str, key: str, shown: str | None, as_json: bool) -> None:
    """Keep the server's version. Yours stays in the history; you can decide again afterwards."""
    _resolve(profile, key, shown, "theirs", as_json)


def _resolve(profile: str, key: str, shown: str | None, version: str, as_json: bool) -> None:
    """Keep a version; `shown` names the versions that the person saw, None the current ones."""
    with use_cases.open_session(profile) as session:
        conflict = _conflict(session.desk, key)
        if shown is not None:
            conflict = dataclasses.replace(conflict, pair=shown)
        elif version == "mine" and "mine" in conflict.can:
            _ask_to_keep(conflict, session.zone)
        acted = session.desk.outbox.resolve(conflict, version, use_cases.now())
    write_acted(acted, as_json)


def _conflict(desk: Desk, key: str) -> Conflict:
    now = use_cases.now()
    if exact := desk.outbox.conflict(key, now):
        return exact
    known = {conflict.item_key: conflict for conflict in desk.outbox.conflicts(now)}
    item = desk.resolve_keys([key])[0].get(key)
    if item in known:
        return known[item]
    return resolve_prefix(known, key, "conflict", "carequeue conflicts list")


def _ask_to_keep(conflict: Conflict, zone: ZoneInfo) -> None:
    if not use_cases.can_ask():
        raise BadQuestion(
            f"{conflict.client}: nothing was changed. See it with: "
            f"carequeue conflicts show {conflict.item_key}"
        )
    _write_conflict(conflict, zone, say)
    for label, before, mine, theirs in _differences(conflict):
        say(f"{label}: before {before}, yours {mine}, theirs {theirs}")
    question = "Replace theirs with yours?"
    if conflict.gone == "client_unknown":
        question = f"Was your decision about {conflict.other_client or 'no client'}? Send it?"
    if not click.confirm(question, default=False, err=True):
        raise BadQuestion("Nothing was changed.")


def _write_conflict(conflict: Conflict, zone: ZoneInfo, write: Callable[[str], None]) -> None:
    write("  ".join(text for text in (conflict.client, conflict.title) if text))
    write(f"Yours:   {conflict.did}, {conflict.by}, {printing.when(conflict.decided_at, zone)}")
    write(f"Theirs:  {_theirs(conflict, zone)}")
    if conflict.in_doubt:
        write("Another change of yours is being sent; you can keep yours after that.")


def _theirs(conflict: Conflict, zone: ZoneInfo) -> str:
    who = conflict.other_client or "no client"
    if conflict.gone == "other_client":
        return f"the record now names {who}"
    if conflict.gone == "client_unknown":
        return f"the record names {who}; an earlier version did not record your client"
    changes = {"deleted": "the server no longer has it", "sent_on": "sent on"}
    change = changes.get(conflict.gone, "changed")
    by = f"by {conflict.theirs_by}" if conflict.theirs_by else ""
    return " ".join(text for text in (change, by, printing.when(conflict.theirs_at, zone)) if text)


def _differences(conflict: Conflict) -> list[tuple[str, str, str, str]]:
    """Label, before, mine and theirs of each element that differs."""
    return [
        (line.label, line.before or "none", line.mine or "none", line.theirs or "none")
        for line in conflict.differences
    ]
