"""Several sources in one queue, each with its own truth; and the age of what is not read now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from carequeue.store.queue_window import HealthLine
from carequeue.sync.net.total_timeout import SlowResponse
from carequeue.widgets.source_labels import age_words, origins
from carequeue.worklist.health import LONG, Health, SourceHealth, health
from tests.screens.clinic import HEALTHY, NOW, ZONE, FakeDesk, morning
from tests.screens.stage import at_the_terminal

READ = NOW - timedelta(minutes=2)
SINCE = NOW.replace(hour=8, minute=40)
CLINIC = SourceHealth("clinic", True, last_full=READ)
COUNTY = SourceHealth("county", True, last_full=READ)
AWAY = replace(COUNTY, online=False, offline_since=SINCE, why="no answer", last_full=SINCE)


def two(county: SourceHealth = COUNTY) -> FakeDesk:
    """The morning, with every other row from the county's server."""
    desk = FakeDesk([
        r._replace(source="county" if n % 2 else "clinic", sync="", fresh=0)
        for n, r in enumerate(morning())
    ])  # fmt: skip
    desk.feel(sources=(CLINIC, county), waiting=0, needs_you=0)
    return desk


class TestTheHeader:
    @pytest.mark.parametrize(
        ("county", "said"),
        [
            (COUNTY, "● online  synced 09:12"),
            (AWAY, "○ county offline since 08:40"),
            (replace(COUNTY, signed_out=True), "○ county signed out"),
            (replace(COUNTY, last_full=NOW - LONG * 4), "○ county not read since 08:14"),
        ],
    )
    async def test_names_the_source_that_is_away_and_says_nothing_of_the_others(
        self, county: SourceHealth, said: str
    ) -> None:
        async with at_the_terminal(two(county)) as seat:
            assert seat.header.endswith(said)

    async def test_names_the_source_that_answers_and_was_not_read_whole(self) -> None:
        desk = two(replace(COUNTY, why="it is busy (503)"))
        desk.feel(trouble="it is busy (503)")
        async with at_the_terminal(desk) as seat:
            assert seat.header.endswith("! county: some records not read")

    async def test_counts_further_ones_that_are_away(self) -> None:
        desk = two(AWAY)
        desk.feel(sources=(CLINIC, AWAY, replace(AWAY, name="hospital")))
        async with at_the_terminal(desk) as seat:
            assert "○ county offline since 08:40 +1" in seat.header

    async def test_says_offline_where_no_source_answers(self) -> None:
        desk = two()
        away = (replace(AWAY, name="clinic"), AWAY)
        desk.feel(sources=away, online=False, offline_since=SINCE)
        async with at_the_terminal(desk) as seat:
            assert "○ offline since 08:40" in seat.header

    async def test_of_a_person_who_works_offline_says_that_it_is_by_choice(self) -> None:
        desk = FakeDesk()
        desk.feel(forced_offline=True, waiting=3)
        async with at_the_terminal(desk, size=(100, 24)) as seat:
            assert "○ working offline  copy from 09:12  ↑ 3 waiting" in seat.header

    @pytest.mark.parametrize(
        ("width", "said"),
        [
            (120, "synced 09:12  ↑ 3 waiting  ? 1 checking  ! 2 need you (x)  ⌂ 4 local only"),
            (80, "○ offline since 08:55  synced 09:12  ↑ 3  ? 1  ! 2  ⌂ 4"),
            (60, "○ offline since 08:55  ↑ 3  ? 1  ! 2  ⌂ 4"),
            (40, "○ offline  ↑ 3  ? 1  ! 2  ⌂ 4"),
        ],
    )  # fmt: skip
    async def test_gives_way_by_importance(self, width: int, said: str) -> None:
        desk = FakeDesk()
        since = NOW - timedelta(minutes=19)
        desk.feel(online=False, offline_since=since, checking=1, needs_you=2, kept_here=4)
        async with at_the_terminal(desk, size=(width, 24)) as seat:
            assert said in seat.header


class TestTheHeaderOfAServerThatDoesNotAnswer:
    """Never "online" over an answer that does not come, nor over one that drips."""

    @pytest.mark.parametrize(
        ("facts", "said"),
        [
            ({"silent_since": SINCE}, "○ not answering since 08:40"),
            ({"slow_since": SINCE}, "◐ slow since 08:40"),
            ({"slow_since": SINCE, "progress": "Fetching tasks: 2"}, "◐ slow since 08:40"),
            ({"online": False, "silent_since": SINCE}, "○ not answering since 08:40"),
            ({"online": None, "silent_since": SINCE}, "○ not answering since 08:40"),
            ({"forced_offline": True, "silent_since": SINCE}, "○ working offline"),
        ],
    )
    async def test_says_so_while_it_is_waited_for(
        self, facts: dict[str, object], said: str
    ) -> None:
        desk = FakeDesk()
        desk.feel(syncing=True, **facts)
        async with at_the_terminal(desk) as seat:
            assert said in seat.header
            assert "online" not in seat.header

    @pytest.mark.parametrize(
        ("waited", "said"),
        [
            ({"silent_since": SINCE}, "○ county not answering since 08:40"),
            ({"slow_since": SINCE}, "◐ county slow since 08:40"),
        ],
    )
    async def test_names_the_one_of_several(self, waited: dict[str, Any], said: str) -> None:
        desk = two(replace(COUNTY, **waited))
        desk.feel(syncing=True, **waited)
        async with at_the_terminal(desk) as seat:
            assert said in seat.header

    async def test_of_all_of_several_names_none(self) -> None:
        desk = two()
        silent = [replace(one, online=False, silent_since=SINCE) for one in (CLINIC, COUNTY)]
        desk.feel(sources=tuple(silent), online=False, silent_since=SINCE)
        async with at_the_terminal(desk) as seat:
            assert "○ not answering since 08:40" in seat.header

    async def test_is_itself_again_with_the_first_answer(self) -> None:
        desk = FakeDesk()
        desk.feel(syncing=True, silent_since=SINCE)
        async with at_the_terminal(desk) as seat:
            desk.feel(syncing=False, silent_since=None)
            await seat.wait(2)
            assert "● online" in seat.header

    @pytest.mark.parametrize(
        ("online", "waits", "silent", "slow"),
        [
            (1, SlowResponse(SINCE, slow=True), None, SINCE),
            (1, SlowResponse(SINCE, slow=False), SINCE, None),
            (0, None, READ, None),
            (
                0,
                SlowResponse(SINCE, slow=False),
                READ,
                None,
            ),  # since the first that was not answered
            (1, None, None, None),
        ],
    )
    def test_knows_it_from_the_last_look_and_from_the_one_under_way(
        self, online: int, waits: SlowResponse | None, silent: object, slow: object
    ) -> None:
        live = {"clinic": waits} if waits else {}
        line = kept("clinic", online, last_full="")
        meta: dict[str, Any] = {"silent:clinic": READ.isoformat()}
        shown = known(line, waits=live, **meta)
        assert (shown.silent_since, shown.slow_since) == (silent, slow)
        assert shown.sources[0].silent_since == silent


class TestARow:
    @pytest.mark.parametrize(("width", "ends"), [(80, ("cl", "co")), (110, ("clinic", "county"))])
    async def test_names_its_source_where_there_are_several(
        self, width: int, ends: tuple[str, str]
    ) -> None:
        async with at_the_terminal(two(), size=(width, 24)) as seat:
            assert seat.line_of("OKAFOR").endswith(f" {ends[0]}")
            assert seat.line_of("REYES").endswith(f" {ends[1]}")

    async def test_of_a_source_that_is_away_shows_its_age_and_the_others_do_not(self) -> None:
        desk = two()
        async with at_the_terminal(desk, size=(110, 24)) as seat:
            assert "as of" not in seat.text
            desk.feel(sources=(CLINIC, AWAY))
            await seat.wait(3)
            assert "○ as of 08:40 county" in seat.line_of("REYES")
            assert "as of" not in seat.line_of("OKAFOR")
            desk.feel(sources=(CLINIC, COUNTY))
            await seat.wait(3)
            assert "as of" not in seat.text

    async def test_of_the_only_source_shows_its_age_while_there_is_no_network(self) -> None:
        desk = FakeDesk()
        desk.feel(online=False, offline_since=SINCE, last_full=SINCE)
        async with at_the_terminal(desk, size=(110, 24)) as seat:
            assert seat.line_of("REYES").endswith("○ as of 08:40")
            assert seat.line_of("WHITEHORSE").endswith("↑ waiting")

    async def test_of_one_who_works_offline_by_choice_shows_its_age_too(self) -> None:
        desk = FakeDesk()
        async with at_the_terminal(desk, size=(110, 24)) as seat:
            await seat.press("O")
            assert desk.state.forced_offline
            assert seat.message == (
                "✓ Working offline: nothing is fetched or sent until you press O again."
            )
            await seat.wait(3)
            assert seat.line_of("REYES").endswith("○ as of 09:12")
            await seat.press("a")
            assert seat.message.endswith("u undoes it   sent once online")
            await seat.press("O")
            assert seat.message == "Syncing with the server."
            assert not desk.state.forced_offline

    async def test_says_where_it_is_from_and_how_old_it_is_in_its_detail(self) -> None:
        async with at_the_terminal(two(AWAY)) as seat:
            await seat.press("j", "enter")
            assert "From county, as of 08:40: not read since." in seat.text
            await seat.press("escape", "k", "enter")
            assert "From clinic." in seat.text

    async def test_of_a_source_that_is_away_says_of_an_act_when_it_will_be_sent(self) -> None:
        async with at_the_terminal(two(AWAY)) as seat:
            await seat.press("j", "c", "l", "r")
            assert seat.message.endswith("u undoes it   sent once online")
            await seat.press("k", "k", "a")
            assert seat.message == "✓ Accepted: OKAFOR, Amara.  u undoes it"


def test_no_two_sources_have_the_same_mark() -> None:
    names = ("county", "county-ed", "corner", "co", "c", "clinic", "county-2")
    many = replace(HEALTHY, sources=tuple(SourceHealth(name) for name in names))
    known = origins(many, NOW, ZONE).known
    assert len({known[name].short_label for name in names}) == len(names)
    assert {len(known[name].short_label) for name in names} <= {1, 2}


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(minutes=5), "as of 09:09"),
        (timedelta(hours=10), "1 d old"),
        (timedelta(days=12), "12 d old"),
        (timedelta(days=90_000), "9999 d old"),
        (timedelta(hours=-1), "as of 10:14"),  # a clock that was set back
    ],
)
def test_an_age_is_short_enough_for_its_column(ago: timedelta, words: str) -> None:
    assert age_words(NOW - ago, NOW, ZONE) == words
    assert len(words) <= 11
    assert age_words(None, NOW, ZONE) == "in part"


# --- what the cache knows


class Tables:
    """A window that holds what a test says."""

    def __init__(self, *lines: HealthLine, **meta: str) -> None:
        self.lines, self.values = lines, meta

    def health(self) -> tuple[HealthLine, ...]:
        return self.lines

    def outbox_counts(self) -> dict[str, int]:
        return {}

    def meta(self, name: str) -> str:
        return self.values.get(name, "")


def kept(source: str, online: int | None = 1, **facts: str) -> HealthLine:
    plain = HealthLine(source, online, 0, "", "", READ.isoformat(), READ.isoformat(), "")
    return plain._replace(**facts)  # type: ignore[arg-type]


def known(
    *lines: HealthLine,
    names: dict[str, str] | None = None,
    waits: Mapping[str, SlowResponse] | None = None,
    **meta: str,
) -> Health:
    window: Any = Tables(*lines, **meta)
    return health(window, syncing=False, other_syncs=False, names=names or {}, waits=waits or {})


def test_one_source_that_is_down_does_not_make_the_whole_offline_nor_whole() -> None:
    down = kept("county", 0, offline_since=SINCE.isoformat(), why="no answer", last_full="")
    both = known(kept("clinic"), down)
    assert (both.online, both.whole, both.offline_since) == (True, False, None)
    assert both.last_full is None
    assert [(source.name, source.reached) for source in both.sources] == [
        ("clinic", True), ("county", False),
    ]  # fmt: skip
    none = known(kept("clinic", 0, offline_since=READ.isoformat()), down)
    assert (none.online, none.offline_since) == (False, READ)


def test_a_source_of_the_profile_that_was_never_tried_keeps_all_from_being_called_synced() -> None:
    found = known(kept("clinic"), names={"clinic": "", "county": "County ED"})
    assert found.last_full is None
    assert [source.shown for source in found.sources] == ["clinic", "County ED"]
    assert found.online is True


def test_a_wish_to_work_offline_is_read_from_the_cache() -> None:
    assert known(kept("clinic"), forced_offline="1").forced_offline
    assert not known(kept("clinic"), forced_offline="0").forced_offline
