"""Trying ends, and says so: a busy server, a row that is never answered, a colleague's change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from carequeue.domain.intents import IntentState
from carequeue.sync.protocol.failures import BUSY_LIMIT, READ_BACK_LIMIT
from carequeue.sync.push import messages as m
from carequeue.sync.push.machine import step
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import ALREADY_SO, ON_TOP
from tests.fhir.clinic import NOW, task
from tests.sync.parts import R4, Push, accept, in_doubt, lane, many, note, paths, said, urgent

ACCEPTED = task(status="accepted", meta={"versionId": "4"})


def done(one: m.PendingResource) -> m.Reply:
    return said(one, 200, {**ACCEPTED, "id": one.key[1]}, "4")


class TestAServerThatAsksToBeLeftAlone:
    @pytest.mark.parametrize(("status", "header"), [(429, ""), (429, "120"), (503, "120")])
    def test_is_left_alone_with_everything_that_waits(self, status: int, header: str) -> None:
        one, other = many(2)
        push = Push(one, other, can=replace(R4, batch=False))
        push.send()
        push.answer(said(one, status, retry_after=header))
        save = push.commands[0]
        assert isinstance(save, m.SaveChanges)
        assert save.pause is not None
        assert save.pause > NOW
        (stop,) = push.keep()
        assert isinstance(stop, m.Stop)
        assert stop.busy
        assert not stop.offline
        assert "left alone" in stop.why

    def test_is_left_alone_by_the_next_push_too_until_its_time(self) -> None:
        paused = PushState(R4, pause=NOW + timedelta(minutes=2))
        waiting = (lane(accept()),)
        _, (stop,) = step(paused, m.Loaded(waiting, NOW))
        assert isinstance(stop, m.Stop)
        assert stop.busy
        _, (mark,) = step(paused, m.Loaded(waiting, NOW + timedelta(minutes=3)))
        assert isinstance(mark, m.RecordAttempts)
        assert step(paused, m.Loaded((), NOW))[1] == ()  # nobody waits, so nothing is said

    @pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
    def test_is_not_one_that_is_busy_with_one_row(self, status: int) -> None:
        one, other = many(2)
        push = Push(one, other, can=replace(R4, batch=False))
        push.send()
        push.answer(said(one, status))
        push.keep()
        assert [each.key for each in push.send()] == [other.key]


class TestAServerThatIsBusyForEver:
    def test_says_so_in_the_words_of_the_decision(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        push.answer(said(one, 503, words="maintenance"))
        assert push.change.busy
        assert "busy (503): maintenance" in push.change.words

    def test_ends_in_a_persons_question_after_so_many_answers(self) -> None:
        one = in_doubt(lane(accept()))
        asked = 0
        while True:
            asked += 1
            push = Push(replace(one, not_before=None))
            push.pending[one.key] = one
            push.read(said(one, 503, words="maintenance"))
            if push.events:
                break
            push.keep()
            one = push.pending[one.key]
        assert (asked, push.events) == (BUSY_LIMIT, ["refused"])
        assert "maintenance" in push.change.outcomes[0].words

    def test_takes_hours_until_then_so_that_nobody_is_asked_about_a_restart(self) -> None:
        waited = timedelta()
        for busy in range(BUSY_LIMIT):
            one = in_doubt(lane(replace(accept(), busy=min(busy, BUSY_LIMIT - 2)), attempts=1))
            push = Push(one)
            push.read(said(one, 503))
            assert push.change.not_before is not None
            waited += push.change.not_before - NOW
        assert waited > timedelta(hours=1)


class TestWhatNeverCounts:
    def test_is_a_connection_that_broke_while_reading_back(self) -> None:
        one = in_doubt(lane(accept()))
        for _ in range(3 * READ_BACK_LIMIT):
            push = Push(one)
            push.read(m.NoReply(one.key, left=True, why="the connection broke"))
            assert push.events == []
            push.keep()
            one = push.pending[one.key]
        assert (one.intents[0].settles, one.intents[0].state) == (0, IntentState.IN_DOUBT)

    def test_is_a_batch_of_many_that_nobody_answered(self) -> None:
        lanes = many(4)
        push = Push(*lanes)
        push.send()
        push.answer(
            *(m.NoReply(lane.key, True, "no reply in time") for lane in lanes),
            batch=m.Batched.SILENT,
        )
        push.on(m.ChangesSaved((), (), frozenset(), {}, NOW))
        push.read(*(said(lane, 200, lane.base, "3") for lane in lanes))
        save = push.commands[0]
        assert isinstance(save, m.SaveChanges)
        assert [change.counts_toward_limit for change in save.changes] == [False] * 4


class TestWhatIsToldOnceItIsThere:
    """One quiet line, where a colleague had part in it; else nothing."""

    def test_that_somebody_else_had_done_it_where_ours_was_refused(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        push.answer(said(one, 412))
        push.read(said(one, 200, ACCEPTED, "4"))
        assert push.events == ["acknowledged"]
        assert push.change.outcomes[0].words == ALREADY_SO

    def test_that_somebody_else_had_done_it_where_ours_never_left(self) -> None:
        push = Push(lane(accept(), has_newer_remote=True))
        push.read(said(lane(accept()), 200, ACCEPTED, "4"))
        assert push.change.outcomes[0].words == ALREADY_SO

    def test_nothing_where_it_may_have_been_our_own_whose_answer_was_lost(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        push.answer(m.NoReply(one.key, left=True, why="cut"))
        push.read(said(one, 200, ACCEPTED, "4"))
        assert push.change.outcomes[0].words == ""
        earlier = lane(replace(accept(), attempts=1))
        push = Push(earlier)
        push.send()
        push.answer(said(earlier, 412))
        push.read(said(earlier, 200, ACCEPTED, "4"))
        assert push.change.outcomes[0].words == ""

    def test_that_ours_went_on_top_of_another_change(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        push.answer(said(one, 412))
        push.read(said(one, 200, task(priority="stat", meta={"versionId": "4"}), "4"))
        push.keep()
        (request,) = push.send()
        push.answer(said(one, 200, {**(request.body or {}), "meta": {"versionId": "5"}}, "5"))
        assert push.events == ["acknowledged"]
        assert push.change.outcomes[0].words == ON_TOP

    def test_nothing_where_only_ours_was_there_before(self) -> None:
        first, second = accept("i1"), note("i2", seq=2)
        one = in_doubt(lane(first))
        one = replace(one, intents=(*one.intents, second))
        push = Push(one)
        push.read(said(one, 200, {**ACCEPTED, "lastModified": "2026-03-09T14:00:00Z"}, "4"))
        assert push.events == ["acknowledged"]
        push.keep()
        (request,) = push.send()
        push.answer(said(one, 200, {**(request.body or {}), "meta": {"versionId": "5"}}, "5"))
        assert [outcome.words for outcome in push.change.outcomes] == [""]

    def test_the_servers_own_words_are_kept_where_it_never_took_it(self) -> None:
        one = lane(replace(urgent(), settles=READ_BACK_LIMIT - 1))
        push = Push(one)
        push.send()
        push.answer(said(one, 409, words="locked by the ward"))
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["refused"]
        assert "locked by the ward (409)" in push.change.outcomes[0].words


class TestSomethingNewerBesideTheBase:
    def test_is_read_and_compared_before_anything_is_written(self) -> None:
        push = Push(lane(accept(), has_newer_remote=True), lane(accept("i2", "t2")))
        (back,) = push.commands
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests) == ["GET Task/t1"]
        push.read(said(lane(accept()), 200, task(priority="stat", meta={"versionId": "9"}), "9"))
        push.keep()
        assert {one.if_match for one in push.send()} == {'W/"9"', 'W/"3"'}

    def test_is_read_once_where_the_reading_says_nothing_new(self) -> None:
        one = lane(accept(), has_newer_remote=True)
        push = Push(one)
        push.read(said(one, 200, one.base, "3"))
        push.on(m.ChangesSaved((one.key,), (one,), frozenset(), {}, NOW))
        assert paths(push.send()) == ["PUT Task/t1"]
