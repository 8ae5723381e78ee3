"""The results of acts and checks, for people and for programs."""

from __future__ import annotations

import json

import pytest

from carequeue.printing.outcomes import (
    Outcome,
    preview_line,
    who_and_why,
    write_findings,
    write_outcomes,
)
from carequeue.printing.text import Shape
from carequeue.worklist.results import Finding, Preview, Refused

REFUSED = Outcome("Task/2", "refused", "REYES, Tomás", "is already accepted")


def test_a_result_is_a_line_or_an_object_without_its_empty_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_outcomes([Outcome("Task/1", "changed"), REFUSED], "Accepted.", "g1", Shape.TEXT)
    assert capsys.readouterr().out.splitlines() == [
        "changed\tTask/1",
        "refused\tTask/2\tREYES, Tomás: is already accepted",
        "Accepted.",
        "Undo it with: carequeue undo g1",
    ]
    write_outcomes([Outcome("Task/1", "changed")], "Accepted.", "g1", Shape.JSON)
    results = json.loads(capsys.readouterr().out)["results"]
    assert results == [{"key": "Task/1", "result": "changed"}]


def test_a_reason_that_begins_with_the_client_does_not_name_the_client_twice() -> None:
    assert who_and_why("REYES, Tomás", "REYES, Tomás has left") == "REYES, Tomás has left"


def test_a_preview_counts_every_kind_of_item() -> None:
    refused = Refused("Task/3", "OKAFOR, Amara", "is closed")
    preview = Preview("claim", ("a", "b"), ("c",), (refused,), ("a",), ("b",))
    assert preview_line(preview) == (
        "claim, 4 in all: 2 will change, 1 already done, 1 not allowed, "
        "1 saved on this computer only, 1 unprotected on the server"
    )


def test_a_hint_is_below_its_finding(capsys: pytest.CaptureFixture[str]) -> None:
    write_findings([Finding("note", "Signed out.", "Check the token.")])
    assert capsys.readouterr().out == "note     Signed out.\n         Check the token.\n"
