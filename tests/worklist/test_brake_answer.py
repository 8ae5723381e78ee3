"""A person's answer where very much would leave: what is asked, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.worklist.results import Finding
from tests.sync.shelf import Office

MANY = 30


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """Nearly all of Dana's Tasks are no longer on the server, and the look of today has asked."""
    office = Office(tmp_path, MANY)
    office.look()
    office.server.delete(*[f"Task/t{number}" for number in range(25)])
    office.tomorrow()
    yield office
    office.close()


def told(office: Office) -> list[Finding]:
    return [one for one in office.cache.session.doctor() if "removals" in f"{one.what}{one.hint}"]


def test_the_doctor_says_what_was_found_and_how_to_answer(office: Office) -> None:
    (one,) = told(office)
    assert one.level == "problem"
    assert "25 of" in one.what
    assert "carequeue sync --accept-removals" in one.hint


def test_the_answer_is_in_the_audit_log_and_followed_by_the_next_look(office: Office) -> None:
    assert office.cache.session.answer_removals("accept") == ("main",)
    assert "accept removals" in {row[3] for row in office.cache.table("audit")}
    office.look()
    assert len(office.shown) == MANY - 25
    assert told(office) == []


def test_no_keeps_everything_and_is_remembered(office: Office) -> None:
    office.cache.session.answer_removals("refuse")
    office.look()
    assert len(office.shown) == MANY
    (one,) = told(office)
    assert one.level == "note"


def test_an_answer_that_nobody_asked_for_changes_nothing(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.look()
    assert office.cache.session.answer_removals("accept") == ()
    assert office.cache.table("audit") == []
    office.close()
