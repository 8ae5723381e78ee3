"""Whether a server looks for a colleague's change is found out, and what follows where it does not.

Known are the version that a server names and what it says of itself; whether it refuses a stale
write is seen only by sending one. So the first update of a source is sent once with a guard that is
wrong, right after its resource was read and compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.sync.protocol.capabilities import Abilities, TypeAbility
from carequeue.sync.push import messages as m
from carequeue.sync.push.request_builder import wrong
from carequeue.sync.push.three_way import OVERWROTE
from tests.fhir.clinic import NOW, task
from tests.sync.parts import (
    NEW,
    R4,
    Push,
    accept,
    create,
    in_doubt,
    lane,
    note,
    paths,
    said,
    urgent,
)

ACCEPTED = task(status="accepted", meta={"versionId": "4"})
CARELESS = R4.seeing({"if_match": "no"})


def of(version: str, **elements: Any) -> dict[str, Any]:
    return task(meta={"versionId": version}, **elements)


def reads(push: Push) -> list[str]:
    (back,) = push.commands
    assert isinstance(back, m.ReadBack)
    return paths(back.requests)


def read(push: Push, one: m.PendingResource, resource: dict[str, Any] | None = None) -> None:
    """What was asked for is read, as the base has it or otherwise, and kept."""
    found = resource or one.base
    assert found is not None
    push.read(said(one, 200, found, found.get("meta", {}).get("versionId", "")))
    push.keep()


def asked(*lanes: m.PendingResource, can: Abilities = NEW) -> Push:
    """A push that has read its first resource and let the question leave."""
    push = Push(*lanes, can=can)
    assert reads(push) == [f"GET Task/{lanes[0].key[1]}"]
    read(push, lanes[0])
    return push


class TestTheQuestion:
    def test_is_the_write_itself_with_a_guard_that_is_wrong(self) -> None:
        push = asked(lane(accept(), version="7"))
        (request,) = push.send()
        assert (request.method, request.path, request.if_match) == ("PUT", "Task/t1", 'W/"6"')
        assert request.probe
        assert request.body is not None
        assert request.body["status"] == "accepted"

    def test_is_asked_once_and_alone_and_nothing_leaves_before_its_answer(self) -> None:
        lanes = [lane(accept(f"i{number}", f"t{number}")) for number in range(3)]
        push = asked(*lanes, can=NEW.seeing({"if_match_batch": "yes"}))
        assert len(push.send()) == 1
        push.answer(said(lanes[0], 412))
        push.keep()
        again = push.send()
        assert {one.key[1] for one in again} == {"t0", "t1", "t2"}
        assert {one.if_match for one in again} == {'W/"3"'}

    @pytest.mark.parametrize("status", [409, 412, 423, 428])
    def test_refused_means_that_it_looks_and_does_not_count_as_a_settle(self, status: int) -> None:
        one = lane(accept())
        push = asked(one)
        push.send()
        push.answer(said(one, status))
        assert push.observed == {"if_match": "yes"}
        assert push.events == ["found_not_applied"]
        assert not push.change.counts_toward_limit
        push.keep()
        (again,) = push.send()
        assert (again.if_match, again.probe) == ('W/"3"', False)

    def test_refused_by_400_with_an_issue_of_conflict_is_refused_as_well(self) -> None:
        one = lane(accept())
        push = asked(one)
        push.send()
        push.answer(said(one, 400, conflict_issue=True))
        assert push.observed == {"if_match": "yes"}

    @pytest.mark.parametrize("status", [400, 403, 422, 500, 502])
    def test_answered_otherwise_is_decided_by_the_right_guard(self, status: int) -> None:
        """A server may stumble over a version that it never gave: that is no refusal of the act."""
        one = lane(accept())
        push = asked(one)
        push.send()
        push.answer(said(one, status, words="what is this?"))
        assert (push.observed, push.events) == ({}, ["found_not_applied"])
        push.keep()
        read(push, one)
        (again,) = push.send()
        assert (again.if_match, again.probe) == ('W/"3"', False)
        push.answer(said(one, 200, ACCEPTED, "4"))
        assert push.observed == {"if_match": "yes"}
        assert push.events == ["acknowledged"]

    def test_of_a_row_that_is_bad_in_itself_says_nothing_and_the_next_row_is_asked(self) -> None:
        bad, good = lane(accept("i1", "t1")), lane(accept("i2", "t2"))
        push = asked(bad, good)
        push.send()
        push.answer(said(bad, 422, words="no"))
        push.keep()
        read(push, bad)
        push.send()
        push.answer(said(bad, 422, words="owner is needed"))
        assert (push.observed, push.events) == ({}, ["refused"])
        push.keep()
        read(push, good)
        (request,) = push.send()
        assert request.probe

    def test_lost_on_its_way_is_settled_like_any_other_write(self) -> None:
        one = lane(accept())
        push = asked(one)
        push.send()
        (back,) = push.answer(m.NoReply(one.key, left=True, why="cut"))
        assert isinstance(back, m.ReadBack)
        push.read(said(one, 200, ACCEPTED, "4"))
        assert push.events == ["acknowledged"]

    def test_is_not_put_to_a_row_whose_answers_were_lost_before(self) -> None:
        """It is read and compared all the same."""
        tried = replace(accept(), settles=1)
        push = asked(lane(tried))
        (request,) = push.send()
        assert (request.probe, request.if_match) == (False, 'W/"3"')

    def test_finds_a_colleagues_change_before_it_is_put(self) -> None:
        one = lane(accept())
        push = Push(one, can=NEW)
        push.read(said(one, 200, of("4", status="cancelled"), "4"))
        assert push.events == ["found_changed"]
        assert push.keep() == ()

    def test_is_not_needed_for_what_is_yet_to_be_created(self) -> None:
        assert paths(Push(lane(create()), can=NEW).send()) == ["PUT Task/own-1"]

    def test_is_not_put_where_it_was_answered(self) -> None:
        for can in (R4, CARELESS):
            one = lane(accept())
            push = Push(one, can=can)
            if can is CARELESS:
                read(push, one)
            (request,) = push.send()
            assert not request.probe

    def test_is_put_again_once_the_server_says_anew_what_it_can(self) -> None:
        assert replace(CARELESS, observed={}).guard == NEW.guard == ""


class TestTheSameQuestionOfBatches:
    """A server may read If-Match and leave `ifMatch` in a batch out of account."""

    ALONE = NEW.seeing({"if_match": "yes"})

    def asked(self, count: int = 3) -> tuple[list[m.PendingResource], Push, m.Exchange]:
        lanes = [lane(accept(f"i{number}", f"t{number}")) for number in range(count)]
        push = Push(*lanes, can=self.ALONE)
        assert reads(push) == ["GET Task/t0"]
        read(push, lanes[0])
        (mark,) = push.commands
        assert isinstance(mark, m.RecordAttempts)
        (exchange,) = push.on(m.AttemptsRecorded(mark.requests))
        assert isinstance(exchange, m.Exchange)
        return lanes, push, exchange

    def test_is_a_batch_of_one_with_a_guard_that_is_wrong(self) -> None:
        _, _, exchange = self.asked()
        (request,) = exchange.requests
        assert (exchange.batch, request.probe, request.if_match) == (True, True, 'W/"2"')

    def test_refused_lets_all_go_at_once(self) -> None:
        lanes, push, _ = self.asked()
        push.answer(said(lanes[0], 412))
        assert push.observed == {"if_match_batch": "yes"}
        push.pending[lanes[0].key] = push.state.pending[lanes[0].key]
        push.keep()
        assert len(push.send()) == 3

    def test_taken_means_one_by_one_where_each_is_guarded(self) -> None:
        lanes, push, _ = self.asked()
        save, back = push.answer(said(lanes[0], 200, {**ACCEPTED, "id": "t0"}, "4"))
        assert isinstance(save, m.SaveChanges)
        assert save.observed == {"if_match_batch": "no", "batch": "no"}
        assert isinstance(back, m.ReadBack)  # that one had no guard: what became of it?
        assert paths(back.requests) == ["GET Task/t0"]
        push.pending[lanes[0].key] = push.state.pending[lanes[0].key]
        push.read(said(lanes[0], 200, {**ACCEPTED, "id": "t0"}, "4"))
        push.keep()
        (request,) = push.send()
        assert (request.probe, request.if_match) == (False, 'W/"3"')

    @pytest.mark.parametrize("batch", [m.Batched.NEVER, m.Batched.REFUSED, m.Batched.TOO_LARGE])
    def test_not_taken_as_a_batch_means_one_by_one(self, batch: m.Batched) -> None:
        lanes, push, _ = self.asked()
        push.answer(batch=batch)
        assert push.observed == {"batch": "no"}
        push.pending[lanes[0].key] = push.state.pending[lanes[0].key]
        push.keep()
        assert len(push.send()) == 1

    def test_not_answered_means_one_by_one_in_this_push_and_smaller_ones_in_the_next(self) -> None:
        """A server that says nothing to batches is not waited for once a row."""
        lanes, push, _ = self.asked()
        push.answer(m.NoReply(lanes[0].key, True, "no reply in time"), batch=m.Batched.SILENT)
        assert push.observed == {"batch_size": "25"}
        push.on(m.ChangesSaved((), (), frozenset(), {}, NOW))
        push.pending[lanes[0].key] = push.state.pending[lanes[0].key]
        push.read(said(lanes[0], 200, lanes[0].base, "3"))
        push.keep()
        assert len(push.send()) == 1

    def test_is_not_put_for_one_change_nor_for_what_is_yet_to_be_created(self) -> None:
        assert len(Push(lane(accept()), can=self.ALONE).send()) == 1
        made = [lane(create(f"i{number}", f"own-{number}")) for number in range(3)]
        assert len(Push(*made, can=self.ALONE).send()) == 3


class TestAWrongVersion:
    @pytest.mark.parametrize(
        ("version", "instead"),
        [("7", "6"), ("10", "09"), ("1", "0"), ("0", "999999999"), ("00", "9999999999"),
         ("a1f", "a1e"), ("B", "A"), ("2026-03-09T14:00:00Z", "2026-03-09T14:00:00Y"),
         ("…-", ""), ("", "")],
    )  # fmt: skip
    def test_looks_like_a_right_one(self, version: str, instead: str) -> None:
        assert wrong(version) == instead

    @given(
        st.text(
            st.characters(codec="ascii", min_codepoint=33, max_codepoint=126),
            min_size=1,
            max_size=40,
        )
    )
    def test_is_never_the_right_one_nor_the_next_number(self, version: str) -> None:
        other = wrong(version)
        assert other != version
        if version.isdecimal():
            assert other.isdecimal()
            assert int(other) != int(version) + 1


class TestAServerThatLooksForNothing:
    """Observed: the write with the wrong guard was taken. It has happened, as any would there."""

    def test_is_remembered_and_what_became_of_the_write_is_read(self) -> None:
        one = lane(accept())
        push = asked(one)
        push.send()
        save, back = push.answer(said(one, 200, ACCEPTED, "4"))
        assert isinstance(save, m.SaveChanges)
        assert (save.observed, save.changes) == ({"if_match": "no"}, ())
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests) == ["GET Task/t1"]
        push.read(said(one, 200, ACCEPTED, "4"))
        assert push.events == ["acknowledged"]

    def test_gets_one_change_at_a_time_each_read_right_before_and_right_after(self) -> None:
        lanes = [lane(accept(f"i{number}", f"t{number}")) for number in range(2)]
        push = Push(*lanes, can=CARELESS)
        for one in lanes:
            done = {**ACCEPTED, "id": one.key[1]}
            assert reads(push) == [f"GET Task/{one.key[1]}"]
            read(push, one)
            assert [each.key for each in push.send()] == [one.key]
            push.answer(said(one, 200, done, "4"))
            assert reads(push) == [f"GET Task/{one.key[1]}"]
            push.read(said(one, 200, done, "4"))
            assert push.events == ["acknowledged"]
            push.keep()
        assert push.commands == ()

    def test_is_still_told_the_version_in_case_it_learns_to_look(self) -> None:
        one = lane(accept())
        push = Push(one, can=CARELESS)
        read(push, one)
        (request,) = push.send()
        assert request.if_match == 'W/"3"'

    def test_a_colleague_who_wrote_right_after_us_is_found_and_ours_goes_on_top(self) -> None:
        one = lane(note())
        push = Push(one, can=CARELESS)
        read(push, one)
        (request,) = push.send()
        push.answer(said(one, 200, {**(request.body or {}), "meta": {"versionId": "4"}}, "4"))
        push.read(said(one, 200, of("5", priority="stat"), "5"))  # by a client that had the old one
        assert push.events == ["found_not_applied"]
        push.keep()
        read(push, one, of("5", priority="stat"))
        (again,) = push.send()
        assert again.body is not None
        assert (again.body["priority"], len(again.body["note"])) == ("stat", 1)

    def test_what_a_lost_answer_left_in_doubt_is_settled_and_then_read_once_more(self) -> None:
        one = in_doubt(lane(accept()))
        push = Push(one, can=CARELESS)
        push.read(said(one, 200, one.base, "3"))
        push.keep()
        (request,) = push.send()  # it was read right before, and alone
        assert request.path == "Task/t1"


class TestWhatLiesBetween:
    """Where a history is offered, it shows whether a colleague's version was written over."""

    SHOWS = replace(
        CARELESS,
        types={
            "Task": TypeAbility(frozenset({"read", "update", "history-instance"})),
        },
    )

    def written(self, *versions: dict[str, Any], decision: Any = None) -> Push:
        """Ours is written as version 5 on base 3; then the server shows these versions."""
        one = lane(decision or urgent())
        push = Push(one, can=self.SHOWS)
        read(push, one)
        push.send()
        push.answer(said(one, 200, of("5", priority="urgent"), "5"))
        assert reads(push) == ["GET Task/t1/_history?_count=20"]
        push.read(said(one, 200, versions[0], "5", many=versions))
        return push

    def test_a_change_that_ours_took_away_is_said_to_whoever_decided(self) -> None:
        between = of("4", status="on-hold")
        push = self.written(of("5", priority="urgent"), between, of("3"))
        (outcome,) = push.change.outcomes
        assert outcome.event.value == "acknowledged"
        assert outcome.words == f"{OVERWROTE}: status (theirs: on-hold)"

    def test_nobody_between_is_nothing_to_say(self) -> None:
        push = self.written(of("5", priority="urgent"), of("3"))
        assert [outcome.words for outcome in push.change.outcomes] == [""]

    def test_the_same_change_by_a_colleague_is_not_lost(self) -> None:
        push = self.written(of("5", priority="urgent"), of("4", priority="urgent"), of("3"))
        assert [outcome.words for outcome in push.change.outcomes] == [""]

    def test_a_history_without_our_version_says_nothing_and_the_resource_is_read(self) -> None:
        push = self.written(of("4"), of("3"))
        assert reads(push) == ["GET Task/t1"]
        one = push.pending["Task", "t1"]
        push.read(said(one, 200, of("5", priority="urgent"), "5"))
        assert push.events == ["acknowledged"]

    @pytest.mark.parametrize("status", [404, 405, 500])
    def test_a_history_that_is_not_given_is_done_without(self, status: int) -> None:
        one = lane(urgent())
        push = Push(one, can=self.SHOWS)
        read(push, one)
        push.send()
        push.answer(said(one, 200, of("5", priority="urgent"), "5"))
        push.read(said(one, status))
        assert reads(push) == ["GET Task/t1"]


class TestAServerWithoutVersions:
    """There is nothing to guard by: that is observed too, and such a write is unprotected."""

    def test_is_read_written_alone_read_and_remembered(self) -> None:
        one = lane(accept(), version="")
        bare = {name: part for name, part in task().items() if name != "meta"}
        one = replace(one, base=bare)
        push = Push(one, can=NEW)
        assert reads(push) == ["GET Task/t1"]
        read(push, one)
        (request,) = push.send()
        assert request.if_match == ""
        save, back = push.answer(said(one, 200, {**bare, "status": "accepted"}))
        assert isinstance(save, m.SaveChanges)
        assert save.observed == {"if_match": "none"}
        assert isinstance(back, m.ReadBack)
        push.read(said(one, 200, {**bare, "status": "accepted"}))
        assert push.events == ["acknowledged"]

    def test_what_it_has_already_is_done_and_not_sent_for_ever(self) -> None:
        """Base and answer are alike: only the yes tells that it was taken."""
        bare = {name: part for name, part in task(priority="urgent").items() if name != "meta"}
        one = replace(lane(urgent(), version=""), base=bare)
        push = Push(one, can=CARELESS)
        read(push, one)
        push.send()
        push.answer(said(one, 200, bare))
        push.read(said(one, 200, bare))
        assert push.events == ["acknowledged"]


class TestWhatIsSaidOfAServer:
    def test_unprotected_is_what_was_seen_else_what_is_declared(self) -> None:
        none = replace(NEW, types={"Task": TypeAbility(versioning="no-version")})
        assert none.unprotected("Task")
        assert not none.seeing({"if_match": "yes"}).unprotected("Task")
        assert not NEW.unprotected("Task")
        assert NEW.seeing({"if_match": "no"}).unprotected("Task")
        assert NEW.seeing({"if_match": "none"}).unprotected("Task")
