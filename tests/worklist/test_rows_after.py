"""Where the row of an item goes after each verb, compared with the table `rows_after.txt`."""

from __future__ import annotations

from pathlib import Path

import pytest

from carequeue.verbs.table import client_verbs, item_verbs
from tests.worklist.rows_after import TABLE, clinic, lines_of
from tests.worklist.situations import SITUATIONS


def paragraphs() -> dict[str, list[str]]:
    """Situation -> its lines."""
    found = [text.splitlines() for text in TABLE.read_text(encoding="utf-8").split("\n\n")]
    return {lines[0].removeprefix("# ").partition(":")[0]: lines for lines in found}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_verb_that_applies_leaves_the_row_where_the_table_says(
    tmp_path: Path, situation: str
) -> None:
    with clinic(tmp_path, situation) as cache:
        assert lines_of(cache, situation) == paragraphs()[situation]


def test_each_verb_has_a_line_and_each_situation_a_paragraph() -> None:
    verbs = {line.partition(":")[0] for lines in paragraphs().values() for line in lines[1:]}
    assert verbs == {verb.name for verb in (*item_verbs(), *client_verbs())}
    assert list(paragraphs()) == list(SITUATIONS)
