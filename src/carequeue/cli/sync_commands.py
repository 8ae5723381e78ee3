"""`sync`, `online`, `offline` and `doctor`: the servers, and the truth about what came of them."""

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
    from carequeue.worklist.results import SyncReport


@click.command()
@click.option("--before-outreach", is_flag=True, help="Then say whether all is here to go offline.")
@click.option("--online", is_flag=True, help="First end `carequeue offline`.")
@click.option(
    "--accept-removals", "removals", flag_value="accept",
    help="The server is right: take out what is no longer there.",
)  # fmt: skip
@click.option(
    "--refuse-removals", "removals", flag_value="refuse",
    help="The server is wrong: keep what is here.",
)  # fmt: skip
@click.pass_context
def sync(ctx: click.Context, before_outreach: bool, online: bool, removals: str | None) -> None:
    """Send what waits, fetch what is new, and say what is left.

    The exit code is 0 only when everything was sent and every search has finished; with
    --before-outreach only when you can go where there is no network.
    """
    with use_cases.open_session(ctx.obj) as session:
        if online:
            session.desk.set_offline(False)
        if removals and not session.answer_removals(removals):
            say("Nothing waits for that answer; nothing was changed by it.")
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
        for one in report.sources:
            printing.write_message(f"{one.name}: {one.words}")
    return SOMETHING_WAITS if _something_waits(report) else 0


def _check(session: Session) -> int:
    found = session.before_outreach(_show_progress)
    _show_progress("")
    rows = [(check.what, check.level, check.found, check.hint) for check in found.checks]
    printing.write_columns([("Checked", "", "Found", "What to do"), *rows])
    printing.write_message(found.verdict)
    if found.ready:
        return 0
    return _unable(found.unable) if found.unable else SOMETHING_WAITS


def _unable(why: str) -> int:
    return (SignInError if why == "sign_in" else ServerError).exit_code


def _something_waits(report: SyncReport) -> bool:
    left = report.waiting + report.checking + report.conflicts + report.needs_attention
    return bool(left) or not report.ok


def _show_progress(words: str) -> None:
    """One line that replaces itself, on a terminal only: a log needs the end, not the way."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{clean(words, printing.line_width() - 1)}")
        sys.stderr.flush()


@click.command()
@click.pass_obj
def offline(profile: str) -> None:
    """Work offline by choice: nothing is sent or fetched until `carequeue online`."""
    with use_cases.open_session(profile) as session:
        session.desk.set_offline(True)
    printing.write("You work offline until: carequeue online. What you do is kept.")


@click.command()
@click.pass_obj
def online(profile: str) -> None:
    """End `carequeue offline`; an open queue then syncs at once."""
    with use_cases.open_session(profile) as session:
        session.desk.set_offline(False)
    printing.write("You work online again. An open queue syncs by itself; else: carequeue sync")


@click.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Look at profile, cache and server, and name what is wrong and what was not understood."""
    with use_cases.open_session(ctx.obj) as session:
        findings = session.doctor()
    printing.write_findings(findings)
    ctx.exit(1 if any(finding.level == "problem" for finding in findings) else 0)
