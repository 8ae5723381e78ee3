"""The queue's window: every view is the whole queue in its order, less what is not in the view."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carequeue.domain.sanitize import fold
from carequeue.store.engine import Raw, connect
from carequeue.store.migrations import migrate
from carequeue.store.queue_window import Tab, Window, tabs_of

SNOOZED: Final = 6
NAMES: Final = ("OKAFOR, Amara", "Nguyễn Thị", "O’BRIEN, Áine", "100% _sure_", "back\\slash")
COLUMNS: Final = (
    "key, source, chart, kind, band, weight, due_sort, tie, due_at, unit, days_left, client, born, "
    "alike, title, move, move_name, tab, mine, sync, fresh, verbs, clock_class, folded, "
    "next_change_at"
)

Row = dict[str, Any]


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Rows as the projection makes them; many alike in all but the tie."""
    made = []
    for number in range(draw(st.integers(0, 12))):
        tab, mine = draw(
            st.sampled_from([("mine", 1), ("team", 0), ("waiting", 0), ("waiting", 2)])
        )
        due = draw(st.none() | st.integers(1_700_000_000, 1_700_000_003))
        name = draw(st.sampled_from(NAMES))
        made.append(
            {
                "key": f"main:Task/{number}", "source": "main", "chart": f"Patient/{number}",
                "kind": "follow_up", "band": draw(st.integers(0, SNOOZED)),
                "weight": -draw(st.integers(0, 3)), "due_sort": 2**53 if due is None else due,
                "tie": f"https://x|Task/{number}", "due_at": due, "unit": "h", "days_left": None,
                "client": name, "born": "", "alike": "", "title": "Call", "move": "me",
                "move_name": "", "tab": tab, "mine": mine, "sync": "", "fresh": 0,
                "verbs": "done note", "clock_class": "", "folded": fold(f"{name} Call"),
                "next_change_at": due,
            }
        )  # fmt: skip
    return draw(st.permutations(made))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raw]:
    connection = connect(tmp_path_factory.mktemp("window") / "cache.db", bytes(32))
    migrate(connection)
    yield connection
    connection.close()


def filled(raw: Raw, there: list[Row]) -> Window:
    """The window over these rows, with the tally that belongs to them."""
    raw.execute("BEGIN")
    raw.execute("DELETE FROM item")
    raw.execute("DELETE FROM tally")
    marks = ", ".join(f":{name.strip()}" for name in COLUMNS.split(","))
    raw.executemany(f"INSERT INTO item ({COLUMNS}) VALUES ({marks})", there)
    counts: Counter[tuple[str, int]] = Counter()
    for row in there:
        for view in tabs_of(row["tab"], row["mine"], row["band"]):
            counts[str(view), row["band"]] += 1
    raw.executemany(
        "INSERT INTO tally VALUES (?, ?, ?)", [(*key, count) for key, count in counts.items()]
    )
    raw.execute("COMMIT")
    return Window(raw)


def expected(there: list[Row], view: Tab, narrow: str = "") -> list[str]:
    """The keys of a view, from the meaning of the view alone."""
    member: dict[Tab, Callable[[Row], bool]] = {
        Tab.MINE: lambda row: row["mine"] > 0 and row["band"] < SNOOZED,
        Tab.TEAM: lambda row: row["tab"] == "team" and row["band"] < SNOOZED,
        Tab.WAITING: lambda row: row["tab"] == "waiting" and row["band"] < SNOOZED,
        Tab.ALL: lambda row: row["band"] < SNOOZED,
        Tab.WHOLE: lambda row: True,
    }
    order = sorted(there, key=lambda row: (row["band"], row["weight"], row["due_sort"], row["tie"]))
    return [row["key"] for row in order if member[view](row) and narrow in row["folded"]]


narrowings = st.sampled_from(["", "amara", "nguyen", "o'brien", "%", "_", "\\", "nobody"])


class TestAView:
    @given(there=rows(), view=st.sampled_from(Tab), narrow=narrowings)
    def test_is_the_queue_in_its_order(
        self, raw: Raw, there: list[Row], view: Tab, narrow: str
    ) -> None:
        window, keys = filled(raw, there), expected(there, view, narrow)
        assert [row.key for row in window.rows(view, narrow, 0, 100)] == keys
        assert list(window.keys(view, narrow)) == keys

    @given(there=rows(), view=st.sampled_from(Tab), narrow=narrowings, size=st.integers(1, 5))
    def test_is_the_same_page_by_page(
        self, raw: Raw, there: list[Row], view: Tab, narrow: str, size: int
    ) -> None:
        window = filled(raw, there)
        pages = [window.rows(view, narrow, at, size) for at in range(0, len(there) + 1, size)]
        assert [row.key for page in pages for row in page] == expected(there, view, narrow)

    @given(there=rows(), view=st.sampled_from(Tab), narrow=narrowings)
    def test_knows_the_place_of_each_row_and_of_no_other(
        self, raw: Raw, there: list[Row], view: Tab, narrow: str
    ) -> None:
        window, keys = filled(raw, there), expected(there, view, narrow)
        places = {row["key"]: window.row_index(view, narrow, row["key"]) for row in there}
        assert places == {
            row["key"]: keys.index(row["key"]) if row["key"] in keys else None for row in there
        }
        assert window.row_index(view, narrow, "main:Task/none") is None

    @given(there=rows())
    def test_begins_with_all_that_are_in_now_and_safety(self, raw: Raw, there: list[Row]) -> None:
        """Whoever has the move; with what it takes to name an item and to go there."""
        window = filled(raw, there)
        whole = [row for row in window.rows(Tab.WHOLE, "", 0, 100) if row.band < 2]
        assert [tuple(one) for one in window.urgent()] == [
            (row.key, row.client, row.band, row.source, row.chart) for row in whole
        ]

    @given(there=rows(), view=st.sampled_from(Tab), narrow=narrowings)
    def test_is_counted_band_by_band(
        self, raw: Raw, there: list[Row], view: Tab, narrow: str
    ) -> None:
        """What I wait for stands at the end of mine, counted in its band and not in the tab."""
        tally = filled(raw, there).tally(view, narrow)
        bands = {row["key"]: row["band"] for row in there}
        assert dict(tally.bands) == Counter(bands[key] for key in expected(there, view, narrow))
        mine = [row["key"] for row in there if row["mine"] == 1]
        shown = expected(there, Tab.MINE, narrow)
        assert tally.tabs["mine"] == len([key for key in shown if key in mine])
        for name in (Tab.TEAM, Tab.WAITING, Tab.ALL):
            assert tally.tabs[name] == len(expected(there, name, narrow))
        whole = expected(there, Tab.WHOLE, narrow)
        assert tally.snoozed == len([key for key in whole if bands[key] == SNOOZED])

    @settings(max_examples=25)
    @given(there=rows())
    def test_shows_a_row_as_it_was_projected(self, raw: Raw, there: list[Row]) -> None:
        window = filled(raw, there)
        for row in there:
            shown = window.row(row["key"])
            assert shown is not None
            assert shown.points == -row["weight"]
            for name in ("band", "due_at", "client", "title", "move", "verbs", "source", "mine"):
                assert getattr(shown, name) == row[name]
        assert window.row("main:Task/none") is None


@pytest.mark.parametrize(
    "module", ["queue_window", "engine", "encryption_keys", "profiles", "migrations"]
)
def test_the_way_to_the_first_rows_stays_light(module: str) -> None:
    """The ORM and the HTTP client load after the first paint: nothing here may bring them in."""
    code = (
        f"import sys, carequeue.store.{module}; "
        "print({'sqlmodel', 'sqlalchemy', 'httpx', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_first_rows_are_read_without_the_orm(tmp_path: Any) -> None:
    """Not only imported: the rows of a cache are on the desk, and neither has been loaded."""
    code = (
        "import sys; from pathlib import Path; from carequeue.wiring import Session\n"
        "from carequeue.store.profiles import Profile, SourceProfile, profile_paths\n"
        "from carequeue.store.queue_window import Tab\n"
        "profile = Profile('mine', sources=(SourceProfile('main', 'http://127.0.0.1:9/fhir'),))\n"
        "session = Session(profile, profile_paths('mine', Path(sys.argv[1])))\n"
        "rows = session.desk.window(Tab.ALL, '', 0, 50); session.desk.tally(Tab.MINE, '')\n"
        "session.desk.health(session.now()); session.close()\n"
        "print({'sqlmodel', 'sqlalchemy', 'httpx', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
