"""What stands around every command: help, exit codes, and what a person reads when it fails."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from carequeue import __version__
from carequeue.__main__ import prepare
from carequeue.cli import use_cases
from carequeue.cli.help_format import EXIT_CODES
from carequeue.cli.main import CareQueue, carequeue
from carequeue.domain import errors
from carequeue.domain.errors import CareQueueError, ServerError
from carequeue.worklist.offline_readiness import Check, Readiness
from carequeue.worklist.results import Finding, SourceReport, SyncReport
from tests.cli.conftest import Shell
from tests.cli.fakes import FakeDesk, FakeSession

DOCS = Path(__file__).parents[2] / "docs"
NAME = "OKAFOR, Amara"


def commands(group: click.Group = carequeue, above: str = "") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in group.commands.items():
        found.append((f"{above}{name}", command))
        if isinstance(command, click.Group):
            found += commands(command, f"{above}{name} ")
    return found


def test_help_tells_a_stranger_what_it_is_and_how_to_begin(shell: Shell) -> None:
    text = shell.run("--help").stdout
    for words in ("what must happen next", "carequeue demo", "carequeue connect URL", "Exit codes"):
        assert words in text
    for name in carequeue.commands:
        assert f"\n  {name} " in text
    assert "..." not in text.split("Begin:")[1]


def test_every_command_stands_under_one_heading() -> None:
    listed = [name for _, names in CareQueue.sections for name in names]
    assert sorted(listed) == sorted(carequeue.commands)


def test_every_command_and_option_is_documented() -> None:
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    for name, command in [("", carequeue), *commands()]:
        assert f"`carequeue {name}".rstrip() in text, name
        for param in command.params:
            if isinstance(param, click.Option) and "--help" not in param.opts:
                assert f"`{param.opts[0]}" in text, f"{name} {param.opts[0]}"


def test_every_exit_code_is_documented_and_every_error_has_one() -> None:
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    for code, words in EXIT_CODES.items():
        assert f"| {code} | {words} |" in text
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert {kind.exit_code for kind in kinds if issubclass(kind, CareQueueError)} <= set(EXIT_CODES)


def test_the_version_is_the_packages(shell: Shell) -> None:
    assert shell.run("--version").stdout == f"carequeue {__version__}\n"


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


def test_the_queue_opens_on_a_terminal_only(shell: Shell) -> None:
    result = shell.run()
    assert result.exit_code == 2
    assert "carequeue list --plain" in result.stderr
    assert shell.screens == []
    shell.at_a_terminal()
    assert shell.run().exit_code == 0
    assert shell.screens == [shell.session]
    assert shell.session.closed


@pytest.mark.parametrize("term", ["", "dumb"])
def test_a_dumb_terminal_cannot_be_drawn_on(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert use_cases.can_draw()
    monkeypatch.setenv("TERM", term)
    assert not use_cases.can_draw()


def test_the_profile_is_an_option_or_a_variable(shell: Shell) -> None:
    opened: list[str] = []

    def open_session(profile: str) -> object:
        opened.append(profile)
        return shell.session

    shell.monkeypatch.setattr(use_cases, "open_session", open_session)
    shell.run("list")
    shell.run("--profile", "north", "list")
    shell.monkeypatch.setenv("CAREQUEUE_PROFILE", "south")
    shell.run("list")
    assert opened == ["default", "north", "south"]


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (SyncReport(True, 1, 2, 0, 0, 0, 0, 0, "Up to date."), 0),
        (SyncReport(True, 1, 2, 0, 0, 0, 0, 3, "Up to date, 3 local only."), 0),
        (SyncReport(True, 1, 2, 0, 0, 1, 0, 0, "One needs you."), 9),
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


def test_the_doctor_fails_where_there_is_a_problem_and_not_for_a_note(shell: Shell) -> None:
    shell.session.findings = [Finding("ok", "The key opens the cache."), Finding("note", "2 kept")]
    assert shell.run("doctor").exit_code == 0
    shell.session.findings.append(Finding("problem", "Disk full\x1b", "Make room."))
    result = shell.run("doctor")
    assert result.exit_code == 1
    assert "problem  Disk full␛\n         Make room." in result.stdout


def test_the_demo_gets_its_seed_size_quirks_and_pace(shell: Shell) -> None:
    asked: list[tuple[int, int, tuple[str, ...], str]] = []

    def demo(seed: int, clients: int, quirks: tuple[str, ...], pace: str) -> int:
        asked.append((seed, clients, quirks, pace))
        return 0

    shell.monkeypatch.setattr(use_cases, "demo", demo)
    assert shell.run("demo").exit_code == 2
    shell.at_a_terminal()
    words = ("demo", "--seed", "7", "--clients", "40", "--quirk", "no-task", "--quirk", "r5")
    assert shell.run(*words).exit_code == 0
    assert shell.run("demo", "--clients", "40", "--pace", "busy").exit_code == 0
    assert asked == [(7, 40, ("no-task", "r5"), "quiet"), (7, 40, (), "busy")]
    assert shell.run("demo", "--pace", "mad").exit_code == 2
    assert shell.run("demo", "--clients", "0").exit_code == 2


HEAVY = ("textual", "rich", "httpx", "sqlmodel", "sqlalchemy", "tomlkit", "asyncio")


def test_the_command_line_starts_without_what_is_heavy() -> None:
    code = f"import sys, carequeue.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


def test_colour_is_declined_by_no_color_and_by_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    from rich.text import Text

    from carequeue.printing.text import rendered

    red = Text("over", style="red")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" not in rendered(red)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b[31m" in rendered(red)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in rendered(red)


def test_the_environment_is_settled_before_textual_reads_it() -> None:
    environ = {"TERM_PROGRAM": "iTerm.app", "NO_COLOR": "", "TEXTUAL_LOG": "names.log"}
    prepare(environ)
    assert environ == {
        "TERM_PROGRAM": "iTerm.app",
        "TEXTUAL_DISABLE_KITTY_KEY": "1",
        "TEXTUAL_ANIMATIONS": "none",
    }
    own = {"NO_COLOR": "1", "TEXTUAL_ANIMATIONS": "full", "TERM_PROGRAM": "iTerm.app", "TMUX": "x"}
    before = dict(own)
    prepare(own)
    assert own == before


def test_importing_the_entry_point_changes_no_environment() -> None:
    before = dict(os.environ)
    importlib.reload(importlib.import_module("carequeue.__main__"))
    assert dict(os.environ) == before
