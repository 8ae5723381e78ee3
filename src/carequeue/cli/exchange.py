"""`sync` and `doctor`: the server, and the truth about what was understood of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from carequeue import printing
from carequeue.cli import runtime
from carequeue.cli.frame import SOMETHING_WAITS, say
from carequeue.domain.errors import ServerError, SignInError
from carequeue.domain.text import clean

if TYPE_CHECKING:
    from carequeue.worklist.answers import SyncReport


@click.command()
@click.pass_context
def sync(ctx: click.Context) -> None:
    """Send what waits, fetch what is new, and say what is left.

    The exit code is 0 only when everything was sent and every search has finished.
    """
    with runtime.open_session(ctx.obj) as session:
        try:
            report = session.sync_once(_show_progress)
        finally:
            _show_progress("")
    if report.unable:
        say(report.words)
        ctx.exit((SignInError if report.unable == "sign_in" else ServerError).exit_code)
    printing.write_message(report.words)
    ctx.exit(SOMETHING_WAITS if _something_waits(report) else 0)


def _something_waits(report: SyncReport) -> bool:
    left = report.waiting + report.checking + report.conflicts + report.needs_attention
    return bool(left) or not report.ok


def _show_progress(words: str) -> None:
    """One line that replaces itself, on a terminal only: a log needs the end, not the way."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{clean(words, printing.line_width() - 1)}")
        sys.stderr.flush()


@click.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Look at profile, cache and server, and name what is wrong and what was not understood."""
    with runtime.open_session(ctx.obj) as session:
        findings = session.doctor()
    printing.write_findings(findings)
    ctx.exit(1 if any(finding.level == "problem" for finding in findings) else 0)
