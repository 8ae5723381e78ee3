"""The terminal of the tests: colours as asked for, and pictures in `snapshots/` at the top.

The pictures are compared by the test itself, not by `snap_compare`: that one runs the app in a
second event loop, and leaves the first one unclosed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension

ROOT = Path(__file__).parents[2]


class AtTheTop(SVGImageExtension):  # type: ignore[misc]  # the package has no types
    """Snapshots of a test file lie in `snapshots/<file>/`."""

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        return str(ROOT / "snapshots" / test_location.basename)


@pytest.fixture(autouse=True)
def a_terminal_of_all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
