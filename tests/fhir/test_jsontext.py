"""What came from a server goes back to it as it came."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.fhir.jsontext import MAX_DEPTH, BadJson, Duplicated, Exact, copied, dumps, loads

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)

NUMBERS = st.one_of(
    st.integers().map(str),
    st.sampled_from(["-0", "0", "1.50", "1E2", "1e-7", "-0.0", "18446744073709551616"]),
    st.from_regex(r"-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,3})?", fullmatch=True),
).filter(str.isascii)
STRINGS = st.text(st.characters(codec=None)).map(json.dumps)  # lone surrogates too


def _object(pairs: dict[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in pairs.items()) + "}"


def _array(items: list[str]) -> str:
    return "[" + ", ".join(items) + "]"


TEXTS = st.recursive(
    NUMBERS | STRINGS | st.sampled_from(["true", "false", "null"]),
    lambda inner: (
        st.dictionaries(st.text(), inner, max_size=4).map(_object)
        | st.lists(inner, max_size=4).map(_array)
    ),
    max_leaves=20,
)


def tokens(text: str) -> list[str]:
    """The tokens, strings by what they mean: an escape is another spelling of the same text."""
    found = _TOKEN.findall(text)
    return [repr(json.loads(each)) if each.startswith('"') else each for each in found]


@given(TEXTS)
def test_every_token_survives_the_way_in_and_out(text: str) -> None:
    assert tokens(dumps(loads(text)).decode()) == tokens(text)


@given(TEXTS)
def test_a_copy_is_equal_and_writes_the_same(text: str) -> None:
    value = loads(text)
    for made in (copy.deepcopy(value), copied(value)):
        assert made == value
        assert dumps(made) == dumps(value)


@pytest.mark.parametrize("literal", ["1.50", "1E2", "-0", "12345678901234567890", "1" * 5000])
def test_a_number_keeps_its_spelling(literal: str) -> None:
    assert loads(literal) == Exact(literal)
    assert dumps(loads(f'{{"value":{literal}}}')) == f'{{"value":{literal}}}'.encode()


def test_numbers_that_are_spelled_otherwise_are_not_the_same_number() -> None:
    assert loads("1.5") != loads("1.50")
    assert len({loads("1.5"), loads("1.50"), loads("1.5")}) == 2


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        '{"value":Infinity}',
        "-Infinity",
        "",
        "{",
        "[1,]",
        '"a\nb"',
        b"\xff\xfe",
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "[" * 100_000,
        '{"a":' * 200_000,
        '"' + '\\"' * 100_000 + "[" * 200,
    ],
)
def test_what_is_no_json_is_refused_with_a_typed_error(text: str | bytes) -> None:
    with pytest.raises(BadJson):
        loads(text)


def test_brackets_inside_a_string_are_no_depth() -> None:
    text = json.dumps({"div": "[" * 500 + '"\\' + "{" * 500})
    assert dumps(loads(text)) == text.replace(": ", ":").encode()


def test_the_deepest_text_that_is_taken_can_be_written_again() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert dumps(loads(text)) == text.encode()


def test_a_text_over_the_cap_is_refused_before_it_is_read() -> None:
    with pytest.raises(BadJson, match="longer than 10 bytes"):
        loads(b'"0123456789"', cap=10)


def test_a_byte_order_mark_is_no_content() -> None:
    assert loads(b'\xef\xbb\xbf{"id":"1"}') == {"id": "1"}


def test_a_key_named_twice_marks_its_object_and_no_other() -> None:
    page = loads('{"entry":[{"id":"1","id":"2"},{"id":"3"}]}')
    bad, good = page["entry"]
    assert isinstance(bad, Duplicated)
    assert bad == {"id": "2"}
    assert not isinstance(good, Duplicated)
    assert isinstance(copy.deepcopy(bad), Duplicated)
    assert isinstance(copied(bad), Duplicated)


def test_a_lone_surrogate_is_written_as_it_was_escaped() -> None:
    text = b'{"text":"\\ud800","value":1.50}'
    assert dumps(loads(text)) == text


def test_what_is_no_json_value_is_a_fault_of_ours() -> None:
    value: Any = {"when": object()}
    with pytest.raises(TypeError):
        dumps(value)


def test_a_copy_shares_no_dict_and_no_list_with_the_value() -> None:
    value = loads('{"name":[{"family":"Okafor"}],"multipleBirthInteger":1.50}')
    made = copied(value)
    made["name"][0]["family"] = "Lindqvist"
    made["name"].append({})
    made["active"] = True
    assert value == loads('{"name":[{"family":"Okafor"}],"multipleBirthInteger":1.50}')
