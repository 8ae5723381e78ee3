from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.sanitize import clean, clean_block, fold

#: Any code point, lone surrogates too: JSON can carry them.
anything = st.text(st.characters(exclude_categories=()), max_size=400)
BIDI = set("\u200e\u200f\u061c") | set(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
#: Where a terminal might act on text: the characters that tests draw often.
nasty = st.text(
    st.sampled_from(
        "a \n\r\t\x1b\x07\x7f\x9b\u202e\u200d\ufe0f\u0301\u2028\ud800e\U0001f3fd\ue000"
    ),
    max_size=60,
)


@given(anything | nasty)
def test_no_text_can_command_a_terminal(text: str) -> None:
    for shown in (clean(text), clean_block(text).replace("\n", "")):
        assert not [c for c in shown if ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F]
        assert not BIDI & set(shown)
        shown.encode()  # no lone surrogate is left


@given(anything | nasty)
def test_what_is_shown_is_seen(text: str) -> None:
    """Nothing of category Other, and no space but the plain one."""
    seen = {unicodedata.category(c) for c in clean(text) if c != " "}
    assert not {each for each in seen if each[0] in "CZ"}


@given(anything | nasty, st.integers(1, 80))
def test_cleaning_twice_is_cleaning_once(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert clean(once, limit) == once
    block = clean_block(text, limit)
    assert clean_block(block, limit) == block


@given(anything | nasty, st.integers(1, 80))
def test_text_is_never_longer_than_the_limit(text: str, limit: int) -> None:
    assert len(clean(text, limit)) <= limit
    assert len(clean_block(text, limit)) <= limit


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=300))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text.strip()


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("\x7f", "␡"),
        ("\x9b2J", "\\u{9b}2J"),
        ("Ann\u202egnol", "Ann\\u{202e}gnol"),
        ("a\u200bb", "a\\u{200b}b"),
        ("one\u2028two", "one\\u{2028}two"),
        ("\ud800", "\\u{d800}"),
        ("\ue000", "\\u{e000}"),
        ("two\r\n\tlines", "two lines"),
        ("e\u0301", "é"),
        ("⚠\ufe0f ok 👍🏽", "⚠ ok 👍"),
        ("a\u00a0b", "a b"),
        ("\u3164", "\\u{3164}"),
        ("[/red]", "[/red]"),
        ("王 小明", "王 小明"),
        (" NGUYỄN ", "NGUYỄN"),
    ],
)
def test_what_becomes_of_hostile_and_of_ordinary_text(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_what_is_no_text_is_shown_as_python_prints_it() -> None:
    assert clean(12) == "12"
    assert clean(["a", 1]) == "['a', 1]"
    assert clean(10**5000) == "<int>"  # Python refuses to print it


def test_a_long_text_says_that_it_was_cut() -> None:
    assert clean("abcdef", 4) == "abc…"
    assert clean("abcdef", 6) == "abcdef"
    assert clean("\u200b" * 10_000, 20).endswith("…")


def test_a_block_keeps_its_lines() -> None:
    assert clean_block("one\r\ntwo\rthree\tfour\x1b") == "one\ntwo\nthree four␛"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NGUYỄN, Hải", "nguyen, hai"),
        ("O’Brien", "o'brien"),
        ("STRAẞE", "strasse"),
        ("Đức", "duc"),
        ("Ærø", "aero"),
    ],
)
def test_names_that_are_alike_fold_to_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(anything)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
