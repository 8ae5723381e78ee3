"""What the screen exports: a private file beside the cache, never over another one."""

from __future__ import annotations

import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from carequeue.cli.use_cases import write_private
from carequeue.domain.errors import BadQuestion


def session(folder: Path, *, is_persistent: bool = True) -> Any:
    """A session of which only the folder matters."""
    return SimpleNamespace(
        desk=SimpleNamespace(is_persistent=is_persistent), paths=SimpleNamespace(folder=folder)
    )


def test_a_file_is_for_its_owner_only_and_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    folder = tmp_path / "data"
    folder.mkdir()
    assert write_private(session(folder), "outbox.jsonl", "REYES, Tomás\n") == "~/data/outbox.jsonl"
    written = folder / "outbox.jsonl"
    assert written.read_text(encoding="utf-8") == "REYES, Tomás\n"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_file_that_is_there_already_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "outbox.jsonl").write_text("before")
    with pytest.raises(BadQuestion, match="exists already"):
        write_private(session(tmp_path), "outbox.jsonl", "after")
    assert (tmp_path / "outbox.jsonl").read_text() == "before"


def test_of_the_practice_clinic_nothing_is_written_that_would_be_gone(tmp_path: Path) -> None:
    with pytest.raises(BadQuestion, match="gone when you quit"):
        write_private(session(tmp_path, is_persistent=False), "outbox.jsonl", "x")
    assert list(tmp_path.iterdir()) == []
