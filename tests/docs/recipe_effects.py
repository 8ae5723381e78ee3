"""What each recipe of docs/architecture.md leads to, seen in a copy of the project that follows it.

`python -m tests.docs.recipe_effects column` fails where the effect of the recipe is not seen. Names
that only the recipe adds are asked for as text: the project itself does not have them.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import redirect_stdout
from datetime import UTC
from io import StringIO
from pathlib import Path

from rich.cells import cell_len

import carequeue
from tests.docs.pages import ROOT, cells, page


def column() -> None:
    """The list and `carequeue list` show the priority of a row, and the page has its line."""
    from carequeue import printing
    from carequeue.widgets.queue_line import RowState, columns, queue_line
    from tests.worklist.world import FOLLOW_UP, queue

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()) as out:
        cache = queue(Path(folder))
        row = cache.row(FOLLOW_UP)
        cache.close()
        printing.write_rows([row], printing.Shape.JSON, lambda row: ("", False))
        printing.write_rows([row], printing.Shape.PLAIN, lambda row: ("", False))
    assert '"priority": "routine"' in out.getvalue()
    assert "\troutine" in out.getvalue()
    fields = [names[0].strip("`") for names in cells(page("command-line.md"), "| field |")]
    assert fields == list(printing.ROW_FIELDS)
    for width in (60, 80, 120, 140):
        parts = queue_line(row, columns(width, moves=True), 0, UTC, RowState())
        line = "".join(text for text, _ in parts)
        assert cell_len(line) == width
        assert ("routine" in line) == (width >= 120)


def migration() -> None:
    """A cache of the version before keeps its rows, and the models are those of the schema."""
    from carequeue.store.engine import connect
    from carequeue.store.migrations import STEPS, VERSION, migrate
    from tests.store.test_engine import KEY, TestTheSchema
    from tests.store.test_queue_window import COLUMNS
    from tests.store.test_upgrade import EARLIER

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cache.db"
        connection = connect(path, KEY)
        for statement in ";\n".join(STEPS[:-1]).split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION - 1}")
        names = COLUMNS.split(", ")
        values = ", ".join(f"'{name}'" for name in names)
        connection.execute(f"INSERT INTO item ({COLUMNS}) VALUES ({values})")
        migrate(connection)
        (row,) = connection.execute(f"SELECT {COLUMNS}, priority FROM item")
        assert row == (*names, "")
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        connection.close()
        TestTheSchema().test_of_the_migrations_is_that_of_the_models(path, Path(folder))
    assert VERSION - 1 not in [schema.VERSION for schema in EARLIER]  # the test asks for it


def screen() -> None:
    """The key and the palette open it, help and `carequeue keys` name it, the footer closes it."""
    asyncio.run(_screen())


async def _screen() -> None:
    from tests.screens.stage import at_the_terminal

    async with at_the_terminal(size=(100, 40)) as seat:
        await seat.press("Y")
        assert "⌂ local only" in seat.text
        assert seat.footer == "esc close the legend"
        await seat.press("escape")
        assert "⌂ local only" not in seat.text
        for key in ("question_mark", "colon"):
            await seat.press(key)
            await seat.write("legend")
            assert "what the signs mean" in seat.line_of("legend  ")
            await seat.press("escape")
        await seat.press("colon")
        await seat.write("legend")
        await seat.press("enter")
        assert "⌂ local only" in seat.text


def clock_rule() -> None:
    """The rule ranks the handoff, the detail shows its citation, the golden day has its line."""
    from carequeue.domain.ranking import Band
    from tests.domain import test_golden_day
    from tests.worklist.world import HANDOFF, queue

    citation = "made up for this page"
    with tempfile.TemporaryDirectory() as folder:
        cache = queue(Path(folder))
        detail = cache.desk.detail(HANDOFF, cache.instant)
        cache.close()
    assert "Call the sender back" in [c.label for c in detail.clocks if c.citation == citation]
    assert citation in [reason.source for reason in detail.reasons]
    assert detail.band == Band.NOW
    test_golden_day.test_every_shipped_rule_has_a_row_or_stands_beside_them()
    for rule, item, due in test_golden_day.BESIDE:
        test_golden_day.test_a_rule_that_no_row_shows_runs_all_the_same(rule, item, due)


def quirk() -> None:
    """The practice clinic answers as the quirk says, and the page lists the quirk."""
    from tests.docs import test_recipes
    from tests.servers.controlled_clinic import ControlledClinic

    with ControlledClinic(seed=3, clients=1) as clinic:
        assert clinic.request("GET", "metadata").status == 200
        clinic.set_quirks("broken")
        assert clinic.request("GET", "metadata").status == 500
    test_recipes.test_every_quirk_has_its_line()
    test_recipes.test_every_quirk_is_read_by_the_server("broken")


if __name__ == "__main__":
    assert Path(carequeue.__file__).is_relative_to(ROOT), "not the copy"
    {"column": column, "migration": migration, "screen": screen, "clock_rule": clock_rule,
     "quirk": quirk}[sys.argv[1]]()  # fmt: skip
