"""`conflicts`: where a colleague changed what was decided here, and a person's answers.

In:  keys of items, which may be shortened while they name one only. Out: as `outbox`.
Why `keep-mine` wants to know what was looked at: it sends yours over a colleague's, and that is
decided about the pair that was shown, never about whatever stands there by now.
Not here: what is in conflict and what an answer does (the desk).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import SOMETHING_WAITS, say
from carequeue.cli.list_and_show import as_json
from carequeue.cli.outbox_commands import the_one, write_acted
from carequeue.domain.errors import BadQuestion

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.results import Conflict, Difference


@click.group(invoke_without_command=True)
@click.pass_context
def conflicts(ctx: click.Context) -> None:
    """Show where a colleague changed what you decided, and answer it."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_conflicts)


@conflicts.command("list")
@as_json
@click.pass_context
def list_conflicts(ctx: click.Context, as_json: bool = False) -> None:
    """Print every conflict, in the order of the queue. Exit code 9 where there is one.

    On a terminal this is a table; into a pipe or a file it is tab separated.
    """
    with use_cases.open_session(ctx.obj) as session:
        found = session.desk.conflicts(use_cases.now())
        if as_json:
            printing.write_value(list(found))
        elif found:
            rows = [
                (one.client, one.did, _theirs(one, session.zone), one.item_key) for one in found
            ]
            write = printing.write_columns if use_cases.shows_people() else printing.write_tabbed
            write([("client", "yours", "theirs", "key"), *rows])
    say("Look at one with: carequeue conflicts show KEY" if found else "No conflicts.")
    ctx.exit(SOMETHING_WAITS if found else 0)


@conflicts.command("show")
@click.argument("key")
@as_json
@click.pass_obj
def show_conflict(profile: str, key: str, as_json: bool) -> None:
    """Print one conflict: what was there before, yours and theirs."""
    with use_cases.open_session(profile) as session:
        found = _conflict(session.desk, key)
        if as_json:
            printing.write_value(found)
            return
        _write_conflict(found, session.zone, printing.write_message)
        _write_differences(found)
        printing.write()
        if "mine" in found.can:
            kept = f"carequeue conflicts keep-mine {found.item_key} --shown {found.pair}"
            printing.write_message(f"Yours over theirs:  {kept}")
        printing.write_message(
            f"Theirs stays:       carequeue conflicts take-theirs {found.item_key}"
        )


@conflicts.command("keep-mine")
@click.argument("key")
@click.option("--shown", metavar="PAIR", help="What you looked at, as `show` prints it.")
@as_json
@click.pass_obj
def keep_mine(profile: str, key: str, shown: str | None, as_json: bool) -> None:
    """Send yours over theirs. Off a terminal it wants --shown, so that nothing unseen is lost."""
    with use_cases.open_session(profile) as session:
        found = _conflict(session.desk, key)
        if shown is None and "mine" in found.can:
            _ask_to_keep(found, session.zone)
        acted = session.desk.resolve_conflict(_as_shown(found, shown), "mine", use_cases.now())
    write_acted(acted, as_json)


@conflicts.command("take-theirs")
@click.argument("key")
@click.option("--shown", metavar="PAIR", help="What you looked at, as `show` prints it.")
@as_json
@click.pass_obj
def take_theirs(profile: str, key: str, shown: str | None, as_json: bool) -> None:
    """Leave what the server has. Yours stays in the history; you can decide anew after it."""
    with use_cases.open_session(profile) as session:
        found = _conflict(session.desk, key)
        acted = session.desk.resolve_conflict(_as_shown(found, shown), "theirs", use_cases.now())
    write_acted(acted, as_json)


def _conflict(desk: Desk, key: str) -> Conflict:
    now: datetime = use_cases.now()
    exact = desk.conflict(key, now)
    if exact is not None:
        return exact
    known = {one.item_key: one for one in desk.conflicts(now)}
    return the_one(known, key, "conflict", "carequeue conflicts list")


def _as_shown(found: Conflict, shown: str | None) -> Conflict:
    return found if shown is None else dataclasses.replace(found, pair=shown)


def _ask_to_keep(found: Conflict, zone: ZoneInfo) -> None:
    if not use_cases.can_ask():
        raise BadQuestion(
            f"{found.client}: nothing was changed. Look at it with: "
            f"carequeue conflicts show {found.item_key}"
        )
    _write_conflict(found, zone, say)
    for one in found.differences:
        said = ", ".join(f"{name} {text or 'none'}" for name, text in _versions(one))
        say(f"{one.label}: {said}")
    question = "Send yours over theirs?"
    if found.gone == "client_unknown":
        question = f"Was your decision about {found.other_client or 'no client'}? Send it?"
    if not click.confirm(question, default=False, err=True):
        raise BadQuestion("Nothing was changed.")


def _versions(one: Difference) -> tuple[tuple[str, str], ...]:
    return (("before", one.before), ("yours", one.mine), ("theirs", one.theirs))


def _write_conflict(found: Conflict, zone: ZoneInfo, write: Callable[[str], None]) -> None:
    write("  ".join(text for text in (found.client, found.title) if text))
    write(f"Yours:   {found.did}, {found.by}, {printing.when(found.decided_at, zone)}")
    write(f"Theirs:  {_theirs(found, zone)}")
    if found.in_doubt:
        write("Something else on it is being sent just now; yours can be kept after that.")


def _theirs(found: Conflict, zone: ZoneInfo) -> str:
    who = found.other_client or "no client"
    if found.gone == "other_client":
        return f"the record now names {who}"
    if found.gone == "client_unknown":
        return f"the record names {who}; an earlier version did not record your client"
    what = "the server no longer has it" if found.gone == "deleted" else "changed"
    by = f"by {found.theirs_by}" if found.theirs_by else ""
    return " ".join(text for text in (what, by, printing.when(found.theirs_at, zone)) if text)


def _write_differences(found: Conflict) -> None:
    rows = [
        (one.label, one.before or "none", one.mine or "none", one.theirs or "none")
        for one in found.differences
    ]
    printing.write()
    printing.write_columns([("", "before", "yours", "theirs"), *rows])
