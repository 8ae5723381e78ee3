"""An error of a command: one sentence, an exit code, and no value of a record."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from carequeue.domain.errors import ServerError
from carequeue.worklist.results import SyncReport
from tests.cli.conftest import Shell
from tests.cli.fakes import FakeDesk, FakeSession

NAME = "OKAFOR, Amara"


def test_an_error_for_the_person_is_one_clean_sentence_on_stderr(shell: Shell) -> None:
    shell.session.desk = FakeDesk([], breaks=ServerError("The server is\naway\x1b[2J. Try later."))
    result = shell.run("list", "--json")
    assert (result.exit_code, result.stdout) == (6, "")
    assert result.stderr == "The server is away␛[2J. Try later.\n"


def test_a_fault_of_our_own_shows_no_value(shell: Shell) -> None:
    shell.session.desk = FakeDesk([], breaks=KeyError(NAME))
    result = shell.run("list")
    assert result.exit_code == 1
    assert result.stderr.startswith("CareQueue stopped because of an internal error. Nothing you")
    assert NAME not in result.output
    assert "Traceback" not in result.output


def test_on_request_a_fault_shows_its_places_and_still_no_value(shell: Shell) -> None:
    shell.session.desk = FakeDesk([], breaks=KeyError(NAME))
    shell.monkeypatch.setenv("CAREQUEUE_DEBUG", "1")
    result = shell.run("list")
    assert "fakes.py" in result.stderr
    assert "KeyError" in result.stderr
    assert NAME not in result.output


def test_an_interruption_has_the_code_of_the_signal(shell: Shell) -> None:
    shell.monkeypatch.setattr(FakeSession, "sync_once", _interrupted)
    result = shell.run("sync")
    assert result.exit_code == 128 + signal.SIGINT
    assert result.stderr == "Interrupted. Everything done so far is saved.\n"


def _interrupted(session: FakeSession, progress: object) -> SyncReport:
    raise KeyboardInterrupt


def test_a_reader_who_goes_away_is_no_fault() -> None:
    code = (
        "from carequeue.cli import use_cases, main; from tests.cli.fakes import *; "
        "use_cases.open_session = lambda name: FakeSession(FakeDesk([row(f'Task/{n}') "
        "for n in range(20_000)])); main.carequeue(['list', '--view', 'all', '--plain'])"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith(b"key\t")
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 0
