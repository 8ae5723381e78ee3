"""The words of docs/architecture.md are the names that the code uses, and no coined word came back.

In:  "The words": each term in bold, with the file and the symbol that bear it; the tables that the
page names. Not here: class names that exist twice (`tests/house/limits.py`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from sqlmodel import SQLModel

from carequeue.store import tables
from tests.docs.pages import page
from tests.docs.test_names import PAGES, SYMBOL, missing, shown
from tests.house.coined import coined_in, coined_names, coined_sentences
from tests.house.source import read_house

PAGE: Final = page("architecture.md")
WORDS: Final = PAGE.partition("## The words\n")[2].partition("\n## ")[0]
TERMS: Final = dict(re.findall(r"\*\*([^*]+)\*\*(.*?)(?=\*\*|\Z)", WORDS, re.DOTALL))


def test_the_words_are_read() -> None:
    assert len(TERMS) > 20
    assert {"Item", "Pending resource", "Contact"} <= set(TERMS)


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_the_name_that_the_code_uses(term: str) -> None:
    """`Pending resource` has its `PendingResource`, `Sync cycle` its `run_cycle`."""
    pointers = SYMBOL.findall(TERMS[term])
    assert pointers, "no file and symbol bear this term"
    assert not missing(TERMS[term])
    names = " ".join(f"{file} {symbol}" for file, symbol in pointers).lower().replace("_", "")
    words = [word.removesuffix("s") for word in re.findall(r"[a-z]+", term.lower())]
    assert "".join(words) in names or words[-1] in names or words[0] in names


def test_the_tables_that_the_page_names_are_those_of_the_cache() -> None:
    text = PAGE.partition("## What the cache holds\n")[2].partition("\n\n")[0]
    names = set(re.findall(r"`([a-z_]+)`", text)) - {"source"}
    assert len(names) > 8
    assert tables.Meta.__tablename__ in names
    assert names <= set(SQLModel.metadata.tables)


def test_a_coined_word_is_in_no_name() -> None:
    columns = {c.name for table in SQLModel.metadata.tables.values() for c in table.columns}
    names = {
        word: {place for place in places if place.rpartition(" ")[2] not in columns}
        for word, places in coined_names(read_house()).items()
    }
    assert not {word: places for word, places in names.items() if places}


def test_a_coined_word_is_in_no_sentence_for_a_person() -> None:
    assert not coined_sentences(read_house())


@pytest.mark.parametrize("file", PAGES, ids=shown)
def test_a_coined_word_is_on_no_page(file: Path) -> None:
    """The changelog quotes them."""
    text = re.sub(r"```.*?```", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not coined_in(re.sub(r"`[^`]*`|\"[^\"]*\"", "", text))
