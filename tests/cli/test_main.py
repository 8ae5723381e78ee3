"""What stands around every command: help, exit codes, and what a person reads when it fails."""

from __future__ import annotations

import importlib
import os
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
from carequeue.domain.errors import CareQueueError
from tests.cli.conftest import Shell

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


def test_every_command_is_under_one_heading() -> None:
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


HEAVY = ("textual", "rich", "httpx", "sqlmodel", "sqlalchemy", "tomlkit", "asyncio")


def test_the_command_line_starts_without_what_is_heavy() -> None:
    code = f"import sys, carequeue.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


def test_the_environment_is_set_before_textual_reads_it() -> None:
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
