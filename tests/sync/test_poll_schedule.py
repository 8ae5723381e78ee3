"""When a source is looked at next: by virtual seconds, without a thread or a server."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.sync import poll_schedule
from carequeue.sync.poll_schedule import CycleOutcome, PollState

EVEN = 0.5  # the chance that shifts nothing


def looks(rhythm: PollState, saw: list[CycleOutcome], chance: float = EVEN) -> list[float]:
    """The pauses after each of these looks, each made when it is due."""
    pauses = []
    for one in saw:
        now = rhythm.due
        rhythm = poll_schedule.after_cycle(rhythm, one, now, chance)
        pauses.append(rhythm.due - now)
    return pauses


class TestByTime:
    def test_while_things_change_a_look_follows_within_half_a_minute(self) -> None:
        assert looks(PollState(0.0), [CycleOutcome.NEWS] * 4) == [25.0] * 4
        assert all(
            19.9 < pause < 30.1
            for chance in (0.0, 1.0)
            for pause in looks(PollState(0.0), [CycleOutcome.NEWS] * 3, chance)
        )

    def test_while_nothing_changes_it_slows_down_to_five_minutes(self) -> None:
        pauses = looks(PollState(0.0), [CycleOutcome.NOTHING] * 10)
        assert pauses[0] == 37.5
        assert pauses == sorted(pauses)
        assert pauses[-1] == poll_schedule.SLOW

    def test_one_change_makes_it_quick_again(self) -> None:
        assert (
            looks(PollState(0.0), [CycleOutcome.NOTHING] * 8 + [CycleOutcome.NEWS])[-1]
            == poll_schedule.QUICK
        )

    def test_while_nobody_looks_on_it_is_slower(self) -> None:
        away = poll_schedule.on_focus(PollState(0.0), False, 0.0)
        assert looks(away, [CycleOutcome.NEWS]) == [poll_schedule.AWAY]
        assert looks(away, [CycleOutcome.NOTHING] * 12)[-1] == poll_schedule.UNFOCUSED

    def test_while_the_server_tells_of_changes_it_is_slower(self) -> None:
        told = poll_schedule.on_connection(PollState(0.0), True, 0.0)
        assert looks(told, [CycleOutcome.NEWS] * 2) == [poll_schedule.HINTED] * 2
        assert looks(told, [CycleOutcome.NOTHING] * 12)[-1] == poll_schedule.SLOW

    @given(
        st.lists(
            st.sampled_from([CycleOutcome.NEWS, CycleOutcome.NOTHING, CycleOutcome.TROUBLE]),
            min_size=1,
            max_size=30,
        ),
        st.floats(0, 1),
        st.booleans(),
        st.booleans(),
    )
    def test_a_server_that_answers_is_never_asked_by_time_oftener_than_every_20_seconds(
        self, saw: list[CycleOutcome], chance: float, focused: bool, hinted: bool
    ) -> None:
        start = PollState(0.0, focused=focused, hinted=hinted)
        assert all(19.9 < pause < 720.1 for pause in looks(start, saw, chance))


class TestAPersonComesBack:
    def test_and_sees_at_once_what_is_new_where_the_last_look_is_old(self) -> None:
        seen = poll_schedule.after_cycle(PollState(0.0), CycleOutcome.NOTHING, 0.0, EVEN)
        away = poll_schedule.on_focus(seen, False, 1.0)
        assert poll_schedule.on_focus(away, True, 40.0).cycle_due(40.0)

    def test_and_a_fresh_look_is_not_made_again(self) -> None:
        seen = poll_schedule.after_cycle(PollState(0.0), CycleOutcome.NOTHING, 0.0, EVEN)
        away = poll_schedule.on_focus(seen, False, 1.0)
        assert not poll_schedule.on_focus(away, True, 10.0).cycle_due(10.0)

    def test_a_terminal_that_says_twice_that_it_is_looked_at_changes_nothing(self) -> None:
        seen = poll_schedule.after_cycle(PollState(0.0), CycleOutcome.NOTHING, 0.0, EVEN)
        assert poll_schedule.on_focus(seen, True, 30.0) == seen


class TestAfterAnAct:
    def test_what_it_set_off_is_looked_for_soon(self) -> None:
        quiet = replace(PollState(1000.0), gap=poll_schedule.SLOW, last=700.0)
        after = poll_schedule.after_push(quiet, CycleOutcome.NEWS, 800.0, EVEN)
        assert after.due == 800.0 + poll_schedule.AFTER_ACT

    def test_who_works_without_a_pause_causes_no_more_looks_than_the_quick_pace(self) -> None:
        rhythm, now, full = PollState(0.0), 0.0, 0
        while now < 600:
            if rhythm.cycle_due(now):
                rhythm = poll_schedule.after_cycle(rhythm, CycleOutcome.NEWS, now, EVEN)
                full += 1
            else:
                rhythm = poll_schedule.after_push(rhythm, CycleOutcome.NEWS, now, EVEN)
            now += 2.0
        assert 20 <= full <= 600 / poll_schedule.QUICK + 1


class TestOffline:
    def test_it_tries_within_seconds_and_never_gives_up(self) -> None:
        pauses = looks(PollState(0.0), [CycleOutcome.OFFLINE] * 8)
        assert pauses[0] == poll_schedule.RETRY_FIRST
        assert max(pauses) == poll_schedule.RETRY_LAST
        assert pauses == sorted(pauses)

    def test_a_long_quiet_time_before_does_not_make_the_first_try_late(self) -> None:
        assert (
            looks(PollState(0.0), [CycleOutcome.NOTHING] * 9 + [CycleOutcome.OFFLINE])[-1]
            == poll_schedule.RETRY_FIRST
        )

    def test_an_act_that_found_nobody_is_a_try_too(self) -> None:
        after = poll_schedule.after_push(
            PollState(100.0, last=0.0), CycleOutcome.OFFLINE, 10.0, EVEN
        )
        assert (after.offline, after.due, after.last) == (True, 13.0, 0.0)

    def test_once_back_the_usual_pace_begins(self) -> None:
        assert (
            looks(PollState(0.0), [CycleOutcome.OFFLINE] * 6 + [CycleOutcome.NEWS])[-1]
            == poll_schedule.QUICK
        )


class TestAServerThatAsksUsToWait:
    @pytest.mark.parametrize(
        "saw", [CycleOutcome.OFFLINE, CycleOutcome.TROUBLE, CycleOutcome.NOTHING]
    )
    def test_is_neither_asked_nor_sent_to_before(self, saw: CycleOutcome) -> None:
        held = poll_schedule.after_cycle(PollState(0.0), saw, 0.0, EVEN, wait=120.0)
        assert not held.cycle_due(119.0)
        assert not held.may_send(119.0)
        assert held.may_send(120.0)
        assert held.rest(0.0) >= 120.0

    def test_cannot_ask_for_more_than_an_hour(self) -> None:
        held = poll_schedule.after_cycle(PollState(0.0), CycleOutcome.OFFLINE, 0.0, EVEN, wait=1e9)
        assert held.may_send(poll_schedule.LONGEST_WAIT)

    def test_hints_and_focus_do_not_break_the_wait(self) -> None:
        held = poll_schedule.on_focus(
            poll_schedule.after_cycle(PollState(0.0), CycleOutcome.OFFLINE, 0.0, EVEN, wait=120.0),
            False,
            1.0,
        )
        assert not poll_schedule.on_focus(
            poll_schedule.on_hint(held, 30.0, EVEN), True, 60.0
        ).cycle_due(60.0)

    def test_a_person_may_ask_all_the_same(self) -> None:
        held = poll_schedule.after_cycle(
            PollState(0.0), CycleOutcome.OFFLINE, 0.0, EVEN, wait=120.0
        )
        assert poll_schedule.on_request(held, 5.0).cycle_due(5.0)


class TestHints:
    @given(st.floats(0, 1))
    def test_are_followed_within_seconds_but_not_by_all_laptops_at_once(
        self, chance: float
    ) -> None:
        quiet = replace(PollState(1000.0), gap=poll_schedule.SLOW, last=700.0, hinted=True)
        due = poll_schedule.on_hint(quiet, 800.0, chance).due
        assert 800.0 + poll_schedule.AFTER_HINT <= due <= 800.0 + poll_schedule.AFTER_HINT_LAST

    def test_a_storm_of_them_is_no_more_than_the_quick_pace(self) -> None:
        rhythm, now, looked_at = PollState(0.0, hinted=True), 0.0, []
        while now < 600:
            rhythm = poll_schedule.on_hint(rhythm, now, EVEN)
            if rhythm.cycle_due(now):
                rhythm = poll_schedule.after_cycle(rhythm, CycleOutcome.NEWS, now, EVEN)
                looked_at.append(now)
            now += 0.05
        pauses = [after - before for before, after in pairwise(looked_at)]
        assert pauses[0] < 2 * poll_schedule.HINT_GAP + poll_schedule.AFTER_HINT_LAST
        assert all(pause >= poll_schedule.HINT_GAP for pause in pauses)
        assert min(pauses[4:]) >= poll_schedule.QUICK - 0.1

    def test_after_a_quiet_time_the_next_one_is_followed_at_once_again(self) -> None:
        rhythm = replace(PollState(0.0, hinted=True), hint_gap=poll_schedule.QUICK)
        rhythm = poll_schedule.after_cycle(rhythm, CycleOutcome.NOTHING, 100.0, EVEN)
        assert poll_schedule.on_hint(rhythm, 110.0, EVEN).due < 112.0

    def test_where_their_connection_breaks_the_quick_pace_begins_again(self) -> None:
        told = replace(PollState(1000.0, last=700.0), hinted=True)
        assert poll_schedule.on_connection(told, False, 800.0).due <= 800.0 + poll_schedule.QUICK


def test_a_sign_in_that_only_a_person_can_mend_is_tried_slowly() -> None:
    pauses = looks(PollState(0.0), [CycleOutcome.SIGN_IN] * 10)
    assert pauses[0] >= poll_schedule.SIGN_IN
    assert pauses[-1] == poll_schedule.SIGN_IN_LAST


def test_while_another_process_syncs_its_end_is_looked_for() -> None:
    assert (
        looks(PollState(0.0), [CycleOutcome.NOTHING] * 5 + [CycleOutcome.OTHER])[-1]
        == poll_schedule.OTHER
    )
