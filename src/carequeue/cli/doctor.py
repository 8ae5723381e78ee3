"""`doctor`: what is wrong with profile, cache and servers, and what to do about it.

Not here: the checks (`worklist/doctor.py`).
"""

from __future__ import annotations

import click

from carequeue import printing
from carequeue.cli import use_cases


@click.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check profile, cache and server, and say what is wrong and what could not be read."""
    with use_cases.open_session(ctx.obj) as session:
        findings = session.doctor()
    printing.write_findings(findings)
    ctx.exit(1 if any(finding.level == "problem" for finding in findings) else 0)
