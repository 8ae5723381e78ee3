"""Short keys: `Task/12` or `12` names an item where it names exactly one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.errors import BadQuestion
from carequeue.worklist.short_keys import resolve_keys

ROWS = [
    ("main:Task/12", "Task/12"),
    ("main:urn-1", "Task/13"),  # by an identifier that we wrote
    ("main:discharge-contact:Encounter/e1", "Encounter/e1"),
    ("county:Task/13", "Task/13"),
    ("county:Coverage/7", "Coverage/7"),
]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("main:Task/12", "main:Task/12"),
        ("Task/12", "main:Task/12"),
        ("12", "main:Task/12"),
        ("main:Task/13", "main:urn-1"),
        ("county:Task/13", "county:Task/13"),
        ("urn-1", "main:urn-1"),
        ("Encounter/e1", "main:discharge-contact:Encounter/e1"),
        ("discharge-contact:Encounter/e1", "main:discharge-contact:Encounter/e1"),
        ("7", "county:Coverage/7"),
    ],
)
def test_an_item_has_its_key_its_resource_and_the_id_of_that(text: str, key: str) -> None:
    assert resolve_keys([text], ROWS) == ({text: key}, [])


@pytest.mark.parametrize("text", ["Task/1", "Task/", "", "1", "task/12", "main:", "Task/12 "])
def test_a_part_of_an_id_names_nothing(text: str) -> None:
    assert resolve_keys([text], ROWS) == ({}, [text])


def test_a_text_that_names_several_is_refused_with_all_of_them() -> None:
    with pytest.raises(BadQuestion) as refused:
        resolve_keys(["Task/12", "Task/13"], ROWS)
    assert str(refused.value) == (
        "Task/13 names 2 items: main:urn-1, county:Task/13. Nothing was changed. "
        "Type the whole key of one of them."
    )


def test_of_very_many_ten_are_named() -> None:
    rows = [(f"s{number}:Task/1", "Task/1") for number in range(13)]
    with pytest.raises(BadQuestion, match=r"names 13 items: s0:Task/1, .*, s9:Task/1 and 3 more"):
        resolve_keys(["1"], rows)


def test_a_whole_key_comes_before_every_other_reading() -> None:
    rows = [("Task/1", "Task/9"), ("main:Task/1", "Task/1")]
    assert resolve_keys(["Task/1"], rows) == ({"Task/1": "Task/1"}, [])


@given(st.lists(st.sampled_from(ROWS), unique=True), st.lists(st.text(max_size=3)))
def test_every_whole_key_names_its_own_item(rows: list[tuple[str, str]], others: list[str]) -> None:
    keys = [key for key, _ in rows]
    resolved, unknown = resolve_keys([*keys, *others], [*rows, ("x:y", "")])
    assert all(resolved[key] == key for key in keys)
    assert set(unknown) | set(resolved) == {*keys, *others}
