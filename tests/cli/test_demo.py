"""`demo`: its options reach the practice clinic."""

from __future__ import annotations

from carequeue.cli import use_cases
from tests.cli.conftest import Shell


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
