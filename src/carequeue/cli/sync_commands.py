"""`sync`, `online` and `offline`: one sync of all servers, and whether to sync at all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import SOMETHING_WAITS, say
from carequeue.domain.errors import ServerError, SignInError
from carequeue.domain.sanitize import clean

if TYPE_CHECKING:
    from carequeue.wiring import Session


@click.command()
@click.option("--before-outreach", is_flag=True, help="Then check that you can go offline.")
@click.option("--online", is_flag=True, help="End `carequeue offline` first.")
@click.option(
    "--accept-removals", "removals", flag_value="accept",
    help="The server is right: remove records that it no longer has.",
)  # fmt: skip
@click.option(
    "--refuse-removals", "removals", flag_value="refuse",
    help="The server is wrong: keep the records in this cache.",
)  # fmt: skip
@click.pass_context
def sync(ctx: click.Context, before_outreach: bool, online: bool, removals: str | None) -> None:
    """Send waiting changes, fetch new records, and say what is left.

    The exit code is 0 only if everything was sent and every search has finished; with
    --before-outreach, only if you can go where there is no network.
    """
    with use_cases.open_session(ctx.obj) as session:
        if online:
            session.desk.set_offline(False)
        if removals and not session.answer_removals(removals):
            say("No removal is waiting for that answer. Nothing was changed.")
        try:
            code = _check(session) if before_outreach else _sync(session)
        finally:
            _show_progress("")
    ctx.exit(code)


def _sync(session: Session) -> int:
    report = session.sync_once(_show_progress)
    _show_progress("")
    if report.unable:
        say(report.words)
        return _unable(report.unable)
    printing.write_message(report.words)
    if len(report.sources) > 1:
        for source in report.sources:
            printing.write_message(f"{source.name}: {source.words}")
    return 0 if report.ok else SOMETHING_WAITS


def _check(session: Session) -> int:
    readiness = session.before_outreach(_show_progress)
    _show_progress("")
    rows = [(check.what, check.level, check.found, check.hint) for check in readiness.checks]
    printing.write_columns([("Checked", "", "Found", "What to do"), *rows])
    printing.write_message(readiness.verdict)
    if readiness.ready:
        return 0
    return _unable(readiness.unable) if readiness.unable else SOMETHING_WAITS


def _unable(reason: str) -> int:
    return (SignInError if reason == "sign_in" else ServerError).exit_code


def _show_progress(text: str) -> None:
    """Write a line that replaces itself, on a terminal only: a log needs only the result."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{clean(text, printing.line_width() - 1)}")
        sys.stderr.flush()


@click.command()
@click.pass_obj
def offline(profile: str) -> None:
    """Work offline by choice: nothing is sent or fetched until `carequeue online`."""
    with use_cases.open_session(profile) as session:
        session.desk.set_offline(True)
    printing.write("You are working offline until: carequeue online. Your work is saved.")


@click.command()
@click.pass_obj
def online(profile: str) -> None:
    """End `carequeue offline`; an open queue then syncs at once."""
    with use_cases.open_session(profile) as session:
        session.desk.set_offline(False)
    printing.write(
        "You are working online again. An open queue syncs by itself; otherwise: carequeue sync"
    )
