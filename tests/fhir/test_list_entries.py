"""Entries of a list element: those of one decision are replaced, all others stay."""

from __future__ import annotations

import pytest

from carequeue.fhir.chart import Resource
from carequeue.fhir.list_entries import entries_of, put_entries


def noted(*ids: str) -> Resource:
    return {"resourceType": "Task", "note": [{"id": key, "text": key} for key in ids]}


def test_an_entry_is_replaced_where_it_was() -> None:
    task = noted("a", "b", "c")
    put_entries(task, "note", [{"id": "b", "text": "new"}], "note[b]")
    assert [note["text"] for note in task["note"]] == ["a", "new", "c"]


def test_a_new_entry_comes_last() -> None:
    task = noted("a")
    put_entries(task, "note", [{"id": "b", "text": "b"}], "note[b]")
    assert [note["id"] for note in task["note"]] == ["a", "b"]


def test_without_its_last_entry_the_element_is_gone() -> None:
    task = noted("a")
    put_entries(task, "note", [], "note[a]")
    assert "note" not in task


def test_a_single_value_counts_as_a_list_of_one() -> None:
    assert entries_of({"note": {"id": "a"}}, "note") == [{"id": "a"}]


def test_the_name_of_an_element_names_no_entry() -> None:
    with pytest.raises(ValueError, match="status names no entry"):
        put_entries(noted(), "status", [], "status")
