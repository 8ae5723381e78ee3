"""`sync`, `online` and `offline`, over a fake session."""

from __future__ import annotations

import pytest

from carequeue.domain.errors import ServerError
from carequeue.worklist.offline_readiness import Check, Readiness
from carequeue.worklist.results import SourceReport, SyncReport
from tests.cli.conftest import Shell


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (SyncReport(True, 1, 2, 0, 0, 0, 0, 0, "Up to date."), 0),
        (SyncReport(True, 1, 2, 0, 0, 0, 0, 3, "Up to date, 3 local only."), 0),
        (SyncReport(False, 1, 2, 0, 0, 1, 0, 0, "One needs you."), 9),
        (SyncReport(False, 0, 0, 3, 0, 0, 0, 0, "Another CareQueue syncs.", other_syncs=True), 9),
        (SyncReport(False, 0, 0, 3, 0, 0, 0, 0, "You are working offline.", unable="by_choice"), 6),
        (SyncReport(False, 0, 0, 50, 50, 0, 0, 0, "Not answering: …", unable="server"), 6),
        (ServerError("The server cannot be reached. 3 acts are kept."), 6),
    ],
)
def test_sync_tells_a_script_whether_all_is_in_step(
    shell: Shell, report: SyncReport | Exception, code: int
) -> None:
    shell.session.report = report
    result = shell.run("sync")
    assert result.exit_code == code
    words = str(report) if isinstance(report, Exception) else report.words
    assert (result.stderr if code == 6 else result.stdout) == f"{words}\n"


def test_sync_of_several_servers_says_of_each_what_came(shell: Shell) -> None:
    sources = (SourceReport("Clinic", True, "5 received, 2 sent"), SourceReport("County", True, ""))
    shell.session.report = SyncReport(True, 2, 5, 0, 0, 0, 0, 0, "Up to date.", sources=sources)
    assert shell.run("sync").stdout.splitlines() == [
        "Up to date.", "Clinic: 5 received, 2 sent", "County:",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ready", "unable", "code"),
    [(True, "", 0), (False, "", 9), (False, "server", 6), (False, "sign_in", 7)],
)
def test_before_outreach_prints_what_was_checked_and_one_verdict(
    shell: Shell, ready: bool, unable: str, code: int
) -> None:
    checks = (Check("The copy", "ok", "2.1 MB"), Check("County", "problem", "[red]\x1b", "Do."))
    shell.session.readiness = Readiness(checks, "The verdict.", ready, unable)
    result = shell.run("sync", "--before-outreach")
    assert result.exit_code == code
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["Checked", "Found", "What", "to", "do"]
    assert lines[1].split() == ["The", "copy", "ok", "2.1", "MB"]
    assert lines[2].split() == ["County", "problem", "[red]␛", "Do."]
    assert lines[-1] == "The verdict."


def test_offline_by_choice_is_begun_and_ended(shell: Shell) -> None:
    assert "until: carequeue online" in shell.run("offline").stdout
    assert shell.run("online").exit_code == 0
    shell.run("sync", "--online")
    assert shell.desk.chosen == [True, False, False]
