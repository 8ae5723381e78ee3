"""`doctor`: its exit code."""

from __future__ import annotations

from carequeue.worklist.results import Finding
from tests.cli.conftest import Shell


def test_the_doctor_fails_where_there_is_a_problem_and_not_for_a_note(shell: Shell) -> None:
    shell.session.findings = [Finding("ok", "The key opens the cache."), Finding("note", "2 kept")]
    assert shell.run("doctor").exit_code == 0
    shell.session.findings.append(Finding("problem", "Disk full\x1b", "Make room."))
    result = shell.run("doctor")
    assert result.exit_code == 1
    assert "problem  Disk full␛\n         Make room." in result.stdout
