"""A row is one line of exactly the width, in the order in which a person decides."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from carequeue.store.queue_window import QueueRow
from carequeue.widgets.clock_words import WIDTH, clock_words
from carequeue.widgets.queue_line import RowState, band_line, columns, queue_line, tall_line
from carequeue.widgets.source_labels import Origin
from tests.screens.clinic import NOW, ZONE, at, morning, row

OLD = RowState(cursor=True, origin=Origin("county", "co", "as of 09:40"))
NOW_S = int(NOW.timestamp())
HARD_NAMES = (
    "王 小明",
    "क्षितिज शर्मा",
    "NGUYỄN, Thị Minh Châu",
    "ADEYEMI-OKONKWO-FEATHERSTONEHAUGH, Folasade Oluwaseun Temitope",
    "👨‍👩‍👧 family",
    "é́́́́",
    "",
)


def line(r: QueueRow, width: int, *, moves: bool = False, standing: RowState | None = None) -> str:
    parts = queue_line(r, columns(width, moves), NOW_S, ZONE, standing or RowState())
    return "".join(text for text, _ in parts)


def roles(r: QueueRow, width: int = 80) -> dict[str, str]:
    parts = queue_line(r, columns(width, False), NOW_S, ZONE, RowState())
    return {text.strip(): role for text, role in parts}


@pytest.mark.parametrize("width", range(40, 201))
@pytest.mark.parametrize("moves", [False, True])
def test_every_row_fills_exactly_the_width(width: int, moves: bool) -> None:
    for r in morning():
        assert cell_len(line(r, width, moves=moves)) == width
    for name in HARD_NAMES:
        strange = row("x", "referral", 2, at(hours=1), "h", name, name, alike="x", born="1971")
        origin = Origin("王国县医院信息科", "王国", "as of 09:40")
        for standing in (
            RowState(),
            RowState(alike=True, marked=True, cursor=True, badge="changed"),
            RowState(origin=origin),
        ):
            for label in (0, 1, 99):
                parts = queue_line(strange, columns(width, moves, label), NOW_S, ZONE, standing)
                assert sum(cell_len(text) for text, _ in parts) == width


@given(st.text(max_size=80), st.text(max_size=80), st.integers(40, 200), st.booleans())
def test_no_text_pushes_a_column_out_of_its_place(
    client: str, title: str, width: int, moves: bool
) -> None:
    """The law of the line: whatever the name, the line is as wide as the list."""
    r = row("x", "handoff", 1, at(hours=2), "h", client, title, sync="needs_you")
    parts = queue_line(r, columns(width, moves), NOW_S, ZONE, RowState(alike=True))
    assert sum(cell_len(text) for text, _ in parts) == width


def test_the_urgency_stands_left_of_the_name() -> None:
    okafor = morning()[0]
    assert line(okafor, 80).startswith(" ⇄ Hnd 1h10 over   OKAFOR, Amara")


def test_the_kind_is_a_word_where_there_is_room_and_three_letters_where_not() -> None:
    fup = morning()[1]
    assert " ↻ follow-up " in line(fup, 110)
    assert " ↻ Fup " in line(fup, 80)


def test_people_who_look_alike_show_the_year_of_birth_and_it_is_never_cut_off() -> None:
    twin = row(
        "x",
        "follow_up",
        2,
        None,
        "",
        "BRANDT-HABERMEHLSDORF, Wilhelmina Maria",
        "Call",
        born="2004-03-01",
    )
    shown = line(twin, 80, standing=RowState(alike=True))
    assert " b.2004 " in shown
    assert "…" in shown
    assert "2004" not in line(twin, 80)


def test_a_long_name_is_whole_where_the_ask_can_begin_later() -> None:
    long = row("x", "referral", 2, None, "", "WOLFESCHLEGELSTEIN, Max", "Ask for the result")
    assert "WOLFESCHLEGELSTEIN, Max Ask for the result" in line(long, 80)
    assert "WOLFESCH" in line(long, 60)
    assert "…" in line(long, 60)


def test_a_name_is_cut_between_letters_not_inside_one() -> None:
    name = row("x", "referral", 2, None, "", "Nguyễn" * 8, "Call")
    assert "…" in line(name, 80)
    assert "Nguyễn" in line(name, 80)


def test_a_row_without_a_word_about_sync_gives_its_place_to_the_ask() -> None:
    long = "Acknowledge the handoff of the night from the mobile crisis team of the county"
    plain = row("x", "handoff", 1, None, "", "OKAFOR, Amara", long)
    assert len(line(plain, 110).rstrip()) > len(
        line(plain._replace(sync="waiting"), 110).split("…")[0]
    )


STATES = [
    ("waiting", "↑", "waiting"),
    ("behind", "⇡", "behind"),
    ("checking", "?", "checking"),
    ("conflict", "≠", "conflict"),
    ("needs_you", "✗", "needs you"),
    ("kept_here", "⌂", "local only"),
    ("unprotected", "u", "unprotected"),
    ("put_on_ice", "!", "put on ice"),  # a state of a later version is shown, not dropped
]


@pytest.mark.parametrize(("sync", "glyph", "word"), STATES)
def test_how_it_stands_with_the_server_is_a_glyph_and_a_word(
    sync: str, glyph: str, word: str
) -> None:
    r = morning()[1]._replace(sync=sync, title="First contact")
    assert line(r, 110).rstrip().endswith(f"{glyph} {word}")
    assert line(r, 80).endswith(f" {word} {glyph}")
    tall = "".join(text for text, _ in tall_line(r, 0, 50, NOW_S, ZONE, RowState()))
    below = "".join(text for text, _ in tall_line(r, 1, 50, NOW_S, ZONE, RowState()))
    assert tall.endswith(f" {glyph}")
    assert below.endswith(f" {word}")


@pytest.mark.parametrize(("sync", "glyph", "word"), STATES)
def test_where_the_ask_needs_the_room_the_glyph_stays_and_the_word_of_what_presses(
    sync: str, glyph: str, word: str
) -> None:
    r = morning()[1]._replace(sync=sync, title="Acknowledge the handoff of the mobile team of")
    assert line(r, 80).endswith(f" {glyph}")
    assert (f" {word} {glyph}" in line(r, 80)) == (sync in ("conflict", "needs_you"))
    assert line(r, 80, standing=RowState(cursor=True)).endswith(f" {word} {glyph}")


@pytest.mark.parametrize(("news", "glyph"), [("new", "•"), ("changed", "~")])
def test_a_row_that_came_or_changed_says_so_until_it_is_acted_on(news: str, glyph: str) -> None:
    lindqvist, standing = morning()[2], RowState(badge=news)
    assert line(lindqvist, 110, standing=standing).rstrip().endswith(f"{glyph} {news}")
    waiting = lindqvist._replace(sync="waiting")
    assert line(waiting, 110, standing=standing).rstrip().endswith("↑ waiting")


def test_a_row_of_a_source_that_is_not_read_says_how_old_it_is() -> None:
    old = RowState(origin=Origin(age="as of 09:40"))
    assert line(morning()[1], 110, standing=old).rstrip().endswith("○ as of 09:40")
    long = morning()[1]._replace(title="Acknowledge the handoff of the night from the crisis team")
    assert line(long, 110, standing=old).endswith("… ○ 09:40")
    here = old._replace(cursor=True)
    assert line(morning()[1]._replace(title="Call"), 80, standing=old).endswith("  ○")
    assert line(morning()[1], 80, standing=here).endswith(" as of 09:40 ○")


def test_of_several_sources_each_row_names_its_own() -> None:
    county = RowState(origin=Origin("county", "co"))
    for width, moves, end in ((110, False, " county  "), (80, False, " co"), (80, True, " co")):
        cells = columns(width, moves, label=8)
        for r in (morning()[1], morning()[5]):
            parts = queue_line(r, cells, NOW_S, ZONE, county)
            text = "".join(part for part, _ in parts)
            assert text.endswith(end)
            assert cell_len(text) == width
            assert parts[-1][1] == "muted"


@pytest.mark.parametrize(
    ("sync", "said"), [("conflict", "conflict   ≠"), ("waiting", "me         ↑")]
)
def test_in_a_view_of_many_moves_what_needs_the_person_says_so_in_that_column(
    sync: str, said: str
) -> None:
    assert line(morning()[1]._replace(sync=sync), 80, moves=True).endswith(said)


def test_the_move_has_a_column_only_where_the_view_mixes_moves() -> None:
    fontaine = morning()[16]
    assert "Harbor Hous" in line(fontaine._replace(title="Wait"), 110, moves=True)
    assert "Harbor" not in line(fontaine._replace(title="Wait"), 110)


COVERED = row(
    "x", "follow_up", 2, at(hours=1), "h", "BERG, Ola", "Call the bank, then the landlord",
    move="team", move_name="Dana Whitfield, LCSW", covered_for="Dana W.",
)  # fmt: skip


@pytest.mark.parametrize("width", range(60, 201))
@pytest.mark.parametrize("sync", ["", "waiting", "conflict"])
def test_a_row_that_is_mine_by_a_cover_names_the_colleague_at_every_width(
    width: int, sync: str
) -> None:
    covered = COVERED._replace(sync=sync)
    for standing in (RowState(), OLD, RowState(badge="changed")):
        assert "for Dana W." in line(covered, width, standing=standing)
        assert cell_len(line(covered, width, standing=standing)) == width
        assert "Call the" in line(covered, width, standing=standing)
        assert cell_len(line(covered, width, moves=True, standing=standing)) == width


@pytest.mark.parametrize("width", [100, 120, 140])
def test_the_colleague_stands_in_the_column_of_the_move_where_there_is_one(width: int) -> None:
    assert "for Dana W." in line(COVERED, width, moves=True)
    assert "Whitfield" not in line(COVERED, width, moves=True)


def test_a_row_of_two_lines_names_the_colleague_behind_the_task() -> None:
    parts = tall_line(COVERED, 1, 50, NOW_S, ZONE, RowState())
    text = "".join(text for text, _ in parts)
    assert text.rstrip().endswith("for Dana W.")
    assert cell_len(text) == 50


def test_red_has_run_out_amber_is_about_to_and_what_waits_is_quiet() -> None:
    rows = {r.key: r for r in morning()}
    assert roles(rows["okafor"])["1h10 over"] == "over"
    assert roles(rows["reyes"])["3 h left"] == "soon"
    assert roles(rows["wang"])["today"] == "soon"
    assert roles(rows["haddad"])["2 bd left"] == "text"
    assert set(roles(rows["fontaine"]).values()) <= {"muted", "me"}


@pytest.mark.parametrize("width", range(40, 60))
def test_where_the_window_is_small_a_row_stands_on_two_lines_and_the_name_stays_whole(
    width: int,
) -> None:
    for r in [*morning(), *(row("x", "referral", 2, 0, "h", n, n) for n in HARD_NAMES)]:
        for part, standing in ((0, RowState()), (1, RowState()), (1, OLD)):
            parts = tall_line(r, part, width, NOW_S, ZONE, standing)
            assert sum(cell_len(text) for text, _ in parts) == width
    reyes = morning()[1]
    shown = [
        "".join(t for t, _ in tall_line(reyes, n, 40, NOW_S, ZONE, RowState())) for n in (0, 1)
    ]
    assert shown[0].startswith(" ↻ 3 h left    REYES, Tomás ")
    assert shown[1].startswith("   First contact after ED discharge ")


def test_an_unknown_kind_is_shown_not_dropped() -> None:
    claim = row("x", "claim_denied", 2, None, "", "OKAFOR, Amara", "Appeal")
    assert "· claim de…" in line(claim, 110)


def test_a_band_says_what_it_means_where_there_is_room() -> None:
    def words(width: int) -> str:
        return "".join(text for text, _ in band_line(1, 3, width))

    assert words(95).startswith(" Safety a person may be at risk ───")
    assert words(80).startswith(" Safety ───")
    assert words(80).endswith("── 3 ")
    assert {len(words(width)) for width in (40, 80, 95)} == {40, 80, 95}


# --- the clock in words


@pytest.mark.parametrize(
    ("distance", "unit", "days", "words", "over"),
    [
        (timedelta(hours=3, minutes=26), "h", None, "3 h left", False),
        (timedelta(hours=1, minutes=10), "h", None, "1h10 left", False),
        (timedelta(hours=-1, minutes=-10), "h", None, "1h10 over", True),
        (timedelta(minutes=25), "h", None, "25 min left", False),
        (timedelta(minutes=-1), "h", None, "1 min over", True),
        (timedelta(hours=2), "h", None, "2 h left", False),
        (timedelta(hours=-72), "h", None, "72 h over", True),
        (timedelta(days=-30), "h", None, "30 d over", True),
        (timedelta(days=-2), "bd", -2, "2 bd over", True),
        (timedelta(days=1), "bd", 1, "1 bd left", False),
        (timedelta(hours=7), "d", 0, "today", False),
        (timedelta(hours=-1), "d", 0, "1 h over", True),
        (timedelta(days=1), "nudge", None, "nudge Wed", False),
        (timedelta(hours=2), "nudge", None, "nudge today", False),
        (timedelta(hours=-2), "nudge", None, "nudge now", False),
        (timedelta(days=20), "nudge", None, "14 Dec", False),
        (timedelta(days=6), "sleep", None, "Mon 09:14", False),
        (timedelta(hours=4), "sleep", None, "13:14", False),
        (timedelta(days=250), "sleep", None, "Aug 2027", False),
    ],
)
def test_a_deadline_is_a_distance(
    distance: timedelta, unit: str, days: int | None, words: str, over: bool
) -> None:
    due = int((NOW + distance).timestamp())
    assert clock_words(due, unit, days, NOW_S, ZONE) == (words, over)


def test_no_clock_says_nothing() -> None:
    assert clock_words(None, "", None, NOW_S, ZONE) == ("", False)


def test_days_are_those_of_the_profile_not_of_the_laptop() -> None:
    due = at(hours=16)  # 01:14 on Wednesday in Chicago, 07:14 in Greenwich
    assert clock_words(due, "nudge", None, NOW_S, ZONE)[0] == "nudge Wed"
    far_east = timezone(timedelta(hours=14))
    assert clock_words(due, "sleep", None, NOW_S, UTC)[0] == "Wed 07:14"
    assert clock_words(due, "sleep", None, NOW_S, far_east)[0] == "21:14"


@given(
    st.integers(-(2**62), 2**62),
    st.sampled_from(["h", "d", "bd", "nudge", "sleep", "??"]),
    st.none() | st.integers(-(10**9), 10**9),
)
def test_no_instant_makes_the_clock_wider_than_its_column(
    due: int, unit: str, days: int | None
) -> None:
    """Whatever a server sent, the words fit and nothing is raised."""
    assert len(clock_words(due, unit, days, NOW_S, ZONE)[0]) <= WIDTH
