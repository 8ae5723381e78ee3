"""The outbox to the server: what leaves, when, and what an answer means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from carequeue.domain.intents import IntentEvent, IntentKind, IntentState
from carequeue.fhir import codes
from carequeue.sync.protocol.capabilities import Abilities, TypeAbility
from carequeue.sync.protocol.failures import READ_BACK_LIMIT
from carequeue.sync.push import messages as m
from tests.fhir.clinic import NOW, task
from tests.sync.parts import (
    R4,
    Push,
    accept,
    create,
    decision,
    in_doubt,
    lane,
    note,
    paths,
    said,
    urgent,
)

ACCEPTED = task(status="accepted", meta={"versionId": "4"})


def state_of(push: Push) -> IntentState:
    return push.state.pending["Task", "t1"].intents[0].state


class TestNothingLeavesUnmarked:
    def test_a_decision_is_written_down_before_it_is_sent(self) -> None:
        push = Push(lane(accept()))
        (mark,) = push.commands
        assert isinstance(mark, m.RecordAttempts)
        assert [request.intents for request in mark.requests] == [("i1",)]
        assert state_of(push) is IntentState.QUEUED
        (exchange,) = push.on(m.AttemptsRecorded(mark.requests))
        assert isinstance(exchange, m.Exchange)
        assert state_of(push) is IntentState.IN_DOUBT

    def test_what_a_person_took_back_meanwhile_does_not_leave(self) -> None:
        push = Push(lane(accept()))
        assert push.on(m.ChangesSaved((("Task", "t1"),), (), frozenset(), {}, NOW)) == ()

    def test_nothing_to_send_is_nothing_to_do(self) -> None:
        assert Push().commands == ()


class TestAWrite:
    def test_is_the_base_with_the_decision_guarded_by_the_bases_version(self) -> None:
        (request,) = Push(lane(accept(), version="7")).send()
        assert (request.method, request.path) == ("PUT", "Task/t1")
        assert request.if_match == 'W/"7"'
        assert request.body is not None
        assert request.body["status"] == "accepted"
        assert request.body["authoredOn"] == task()["authoredOn"]

    def test_holds_all_decisions_on_its_resource_in_order(self) -> None:
        (request,) = Push(lane(urgent("i1"), accept("i2", seq=2), note("i3", seq=3))).send()
        assert request.body is not None
        assert request.intents == ("i1", "i2", "i3")
        assert (request.body["priority"], request.body["status"]) == ("urgent", "accepted")
        assert [each["id"] for each in request.body["note"]] == ["i3"]

    def test_at_most_fifty_leave_at_a_time(self) -> None:
        lanes = [lane(accept(f"i{number}", f"t{number}")) for number in range(60)]
        push = Push(*lanes)
        first = push.send()
        push.answer(*(said(one, 200, {**ACCEPTED, "id": one.key[1]}, "4") for one in lanes[:50]))
        push.keep()
        second = push.send()
        assert (len(first), len(second)) == (50, 10)
        assert {request.key for request in first + second} == {one.key for one in lanes}

    def test_they_leave_as_a_batch_where_the_server_has_batches(self) -> None:
        push = Push(lane(accept("i1", "t1")), lane(accept("i2", "t2")))
        (mark,) = push.commands
        assert isinstance(mark, m.RecordAttempts)
        (exchange,) = push.on(m.AttemptsRecorded(mark.requests))
        assert isinstance(exchange, m.Exchange)
        assert exchange.batch

    def test_they_leave_one_by_one_where_it_has_none(self) -> None:
        can = replace(R4, batch=False)
        push = Push(lane(accept("i1", "t1")), lane(accept("i2", "t2")), can=can)
        (mark,) = push.commands
        assert isinstance(mark, m.RecordAttempts)
        assert len(mark.requests) == 1

    def test_they_leave_one_by_one_once_a_batch_was_not_taken(self) -> None:
        lanes = [lane(accept(f"i{number}", f"t{number}")) for number in range(60)]
        push = Push(*lanes)
        push.send()
        push.answer(batch=m.Batched.NEVER)
        push.keep()
        assert len(push.send()) == 1

    def test_names_what_we_created_by_the_servers_id(self) -> None:
        base = task("t1", partOf=[{"reference": "Task/own-1"}], basedOn=[{"reference": "Task/x"}])
        push = Push(lane(accept(), base=base), aliases={"Task/own-1": "Task/9001"})
        (request,) = push.send()
        assert request.body is not None
        assert request.body["partOf"] == [{"reference": "Task/9001"}]
        assert request.body["basedOn"] == [{"reference": "Task/x"}]

    def test_an_id_that_is_given_during_the_push_is_known_to_what_follows(self) -> None:
        contact = lane(create("i1", "own-1"))
        about = task("t2", partOf=[{"reference": "Task/own-1"}])
        waiting = lane(accept("i2", "t2"), base=about, waits_for=frozenset({"i1"}))
        push = Push(contact, waiting)
        assert paths(push.send()) == ["PUT Task/own-1"]
        push.answer(said(contact, 201, task("9001"), "1"))
        named = {"Task/own-1": "Task/9001"}
        push.on(m.ChangesSaved((contact.key,), (), frozenset({"i1"}), named, NOW))
        (request,) = push.send()
        assert request.body is not None
        assert request.body["partOf"] == [{"reference": "Task/9001"}]

    def test_waits_for_what_must_come_first(self) -> None:
        first = lane(create("i1", "own-1"))
        waiting = lane(accept("i2", "t2"), waits_for=frozenset({"i1"}))
        push = Push(first, waiting)
        assert paths(push.send()) == ["PUT Task/own-1"]
        push.answer(said(first, 201, task("own-1"), "1"))
        push.keep()
        assert paths(push.send()) == ["PUT Task/t2"]

    def test_stays_where_what_must_come_first_was_refused(self) -> None:
        first = lane(create("i1", "own-1"))
        push = Push(first, lane(accept("i2", "t2"), waits_for=frozenset({"i1"})))
        push.send()
        push.answer(said(first, 422, words="no"))
        assert push.keep() == ()

    def test_waits_for_its_time(self) -> None:
        later = NOW + timedelta(minutes=1)
        assert Push(lane(accept(), not_before=later)).commands == ()
        assert Push(lane(accept(), not_before=NOW)).commands != ()


class TestCreating:
    def test_our_own_is_put_under_our_id_so_that_twice_is_once(self) -> None:
        (request,) = Push(lane(create())).send()
        assert (request.method, request.path) == ("PUT", "Task/own-1")
        assert (request.if_match, request.if_none_exist) == ("", "")
        assert request.body is not None
        assert request.body["id"] == "own-1"

    def test_what_others_see_too_is_made_only_where_it_does_not_exist(self) -> None:
        derived = create(identifier="discharge-contact:Encounter/e 1")
        (request,) = Push(lane(derived)).send()
        assert (request.method, request.path) == ("POST", "Task")
        system = "https%3A%2F%2Fcarequeue.dev%2Ffhir%2Fidentifier%2Fitem"
        assert request.if_none_exist == (
            f"identifier={system}%7Cdischarge-contact%3AEncounter%2Fe%201"
        )
        assert request.body is not None
        assert "id" not in request.body

    def test_our_own_is_made_only_once_where_the_server_chooses_the_ids(self) -> None:
        able = replace(R4.types["Task"], update_create=False)
        push = Push(lane(create()), can=replace(R4, types={"Task": able}))
        (request,) = push.send()
        assert (request.method, request.path) == ("POST", "Task")
        assert request.if_none_exist.endswith("%7Cown-1")

    def test_a_lost_reply_to_our_own_is_looked_for_under_our_id(self) -> None:
        push = Push(lane(create()))
        push.send()
        (back,) = push.answer(m.NoReply(("Task", "own-1"), left=True, why="cut"))
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests) == ["GET Task/own-1"]

    def test_a_lost_reply_to_what_others_see_is_looked_for_by_its_identifier(self) -> None:
        push = Push(lane(create(identifier="authorization-end:Coverage/c")))
        push.send()
        (back,) = push.answer(m.NoReply(("Task", "own-1"), left=True, why="cut"))
        assert isinstance(back, m.ReadBack)
        (path,) = paths(back.requests)
        assert path.startswith("GET Task?identifier=")

    def test_not_found_is_sent_again(self) -> None:
        one = lane(create())
        push = Push(one)
        push.send()
        push.answer(m.NoReply(one.key, left=True, why="cut"))
        push.read(said(one, 404))
        assert push.events == ["found_not_applied"]
        push.keep()
        assert paths(push.send()) == ["PUT Task/own-1"]

    def test_found_is_acknowledged_with_what_was_decided_after_it(self) -> None:
        one = lane(create(), note("i2", "own-1", seq=2))
        push = Push(one)
        (request,) = push.send()
        push.answer(m.NoReply(one.key, left=True, why="cut"))
        assert request.body is not None
        push.read(said(one, 200, request.body, "1"))
        assert push.events == ["acknowledged", "acknowledged"]

    def test_what_a_colleague_made_first_is_ours_too_and_the_rest_goes_on_top(self) -> None:
        """If-None-Exist found one: the server answers 200 with what is there."""
        one = lane(create(identifier="discharge-contact:Encounter/e1"), note("i2", "own-1", seq=2))
        push = Push(one)
        push.send()
        named = [{"system": codes.IDENTIFIER, "value": "discharge-contact:Encounter/e1"}]
        theirs = task("9001", identifier=named, meta={"versionId": "5"})
        push.answer(said(one, 200, theirs, "5"))
        assert push.events == ["acknowledged", "found_not_applied"]
        assert push.change.base == theirs

    def test_a_stranger_in_the_answer_is_never_taken_for_what_we_created(self) -> None:
        """Servers leave out a parameter that they do not know, and answer with everything."""
        one = lane(create(identifier="discharge-contact:Encounter/e1"))
        push = Push(one)
        push.send()
        push.answer(m.NoReply(one.key, left=True, why="cut"))
        push.read(said(one, 200, task("somebody-elses"), "5"))
        assert push.events == ["refused"]
        assert push.change.base is None


class TestAClearYes:
    def test_keeps_what_the_server_returned_as_the_new_base(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        returned = {**ACCEPTED, "extension": [{"url": "https://x.example", "valueString": "y"}]}
        push.answer(said(one, 200, returned, "4"))
        assert push.events == ["acknowledged"]
        assert (push.change.base, push.change.version) == (returned, "4")

    def test_without_a_body_is_read_back(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        (back,) = push.answer(said(one, 204))
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests) == ["GET Task/t1"]

    def test_that_does_not_hold_what_was_decided_needs_a_person(self) -> None:
        one = lane(accept("i1"), urgent("i2", seq=2))
        push = Push(one)
        push.send()
        push.answer(said(one, 200, task(priority="urgent", meta={"versionId": "4"}), "4"))
        assert push.events == ["refused", "acknowledged"]
        assert (
            push.change.outcomes[0].words == "the server accepted it, but returned something else"
        )


class TestANo:
    @pytest.mark.parametrize("status", [400, 403, 413, 422])
    def test_for_good_needs_a_person_and_keeps_the_servers_words(self, status: int) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        push.answer(said(one, status, words="Task.owner is needed"))
        assert push.events == ["refused"]
        assert push.change.outcomes[0].words == "Task.owner is needed"

    def test_concerns_its_own_resource_alone(self) -> None:
        lanes = [lane(accept(f"i{number}", f"t{number}")) for number in range(3)]
        push = Push(*lanes)
        push.send()
        push.answer(
            said(lanes[0], 200, {**ACCEPTED, "id": "t0"}, "4"),
            said(lanes[1], 422, words="no"),
            said(lanes[2], 200, {**ACCEPTED, "id": "t2"}, "4"),
        )
        (save,) = push.commands
        assert isinstance(save, m.SaveChanges)
        events = {out.intent.id: out.event for change in save.changes for out in change.outcomes}
        assert events == {"i0": "acknowledged", "i1": "refused", "i2": "acknowledged"}

    def test_who_are_you_stops_everything_and_changes_nothing(self) -> None:
        lanes = [lane(accept(f"i{number}", f"t{number}")) for number in range(2)]
        push = Push(*lanes)
        push.send()
        (stop,) = push.answer(said(lanes[0], 401), said(lanes[1], 401))
        assert isinstance(stop, m.Stop)
        assert stop.sign_in
        assert not stop.offline
        assert set(push.state.pending) == {one.key for one in lanes}

    def test_who_are_you_still_keeps_what_was_answered_beside_it(self) -> None:
        taken, asked = lane(accept("i1", "t1")), lane(accept("i2", "t2"))
        push = Push(taken, asked)
        push.send()
        push.answer(said(taken, 200, ACCEPTED, "4"), said(asked, 401))
        assert push.events == ["acknowledged"]
        (stop,) = push.keep()
        assert isinstance(stop, m.Stop)

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
    def test_not_now_waits_as_long_as_the_server_asks(self, status: int) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        push.answer(said(one, status, retry_after="120"))
        assert push.events == []
        assert push.change.not_before == NOW + timedelta(seconds=120)
        left = push.keep()
        assert not left or isinstance(left[0], m.Stop)

    def test_not_now_without_a_time_waits_a_little_longer_each_time(self) -> None:
        def longest(attempts: int) -> timedelta:
            waits = []
            for seed in range(200):
                one = lane(accept(), attempts=attempts)
                push = Push(one)
                push.state = replace(push.state, seed=seed)
                push.send()
                push.answer(said(one, 503))
                assert push.change.not_before is not None
                waits.append(push.change.not_before - NOW)
            assert min(waits) >= timedelta(seconds=1)
            return max(waits)

        assert longest(1) < longest(4) < longest(8) <= timedelta(minutes=15)

    def test_what_waited_is_read_back_before_it_is_sent_again(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        push.answer(said(one, 500, retry_after="1"))
        (back,) = push.keep(NOW + timedelta(seconds=2))
        assert isinstance(back, m.ReadBack)


class TestNoNetwork:
    def test_stops_and_takes_everything_back_to_waiting(self) -> None:
        lanes = [lane(accept(f"i{number}", f"t{number}")) for number in range(2)]
        push = Push(*lanes)
        push.send()
        gone = [m.NoReply(one.key, left=False, why="cannot be reached") for one in lanes]
        (save,) = push.answer(*gone)
        assert isinstance(save, m.SaveChanges)
        events = [out.event for change in save.changes for out in change.outcomes]
        assert events == [IntentEvent.FOUND_NOT_APPLIED] * 2
        (stop,) = push.keep()
        assert stop == m.Stop("cannot be reached", offline=True)

    def test_never_counts_against_a_decision(self) -> None:
        one = lane(accept())
        for _ in range(3 * READ_BACK_LIMIT):
            push = Push(one)
            push.send()
            push.answer(m.NoReply(one.key, left=False, why="cannot be reached"))
            assert not push.change.counts_toward_limit
            push.keep()
            one = push.pending[one.key]
        assert one.intents[0].state is IntentState.QUEUED
        assert one.intents[0].settles == 0

    def test_in_the_middle_of_reading_back_leaves_it_in_doubt(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        push.answer(m.NoReply(one.key, left=True, why="the connection broke"))
        (stop,) = push.read(m.NoReply(one.key, left=False, why="cannot be reached"))
        assert isinstance(stop, m.Stop)
        assert stop.offline
        assert push.state.pending[one.key].intents[0].state is IntentState.IN_DOUBT


class TestNoPlace:
    READ_ONLY = Abilities("", "4.0.1", {"Task": TypeAbility(frozenset({"read"}))}, True, True)

    def test_what_the_server_does_not_offer_is_kept_here_and_not_sent(self) -> None:
        push = Push(lane(accept()), can=self.READ_ONLY)
        assert push.events == ["no_place"]
        assert push.keep() == ()

    def test_so_is_what_it_would_have_to_create(self) -> None:
        push = Push(lane(create(), note("i2", "own-1", seq=2)), can=self.READ_ONLY)
        assert push.events == ["no_place", "no_place"]

    def test_so_is_what_belongs_to_a_resource_that_is_kept_here(self) -> None:
        orphan = replace(lane(note()), base=None, version="")
        assert Push(orphan).events == ["no_place"]

    @pytest.mark.parametrize("status", [405, 501])
    def test_what_it_offers_and_does_not_do_is_kept_here_and_remembered(self, status: int) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        (back,) = push.answer(said(one, status, words="not here"))
        assert isinstance(back, m.ReadBack)  # R4 answers so as well where it is only gone
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["no_place"]
        assert push.observed == {"update:Task": "no"}
        assert push.change.outcomes[0].words == "not here"

    def test_what_it_was_seen_not_to_do_is_not_tried_again(self) -> None:
        can = replace(R4, observed={"update:Task": "no"})
        assert Push(lane(accept()), can=can).events == ["no_place"]

    def test_what_left_before_that_was_known_is_settled_first(self) -> None:
        push = Push(in_doubt(lane(accept())), can=self.READ_ONLY)
        (back,) = push.commands
        assert isinstance(back, m.ReadBack)


def test_a_decision_on_nothing_that_creates_nothing_has_no_place_in_any_kind() -> None:
    for kind in IntentKind:
        if kind is not IntentKind.CREATE:
            orphan = replace(lane(decision(kind, to="x", text="x", note="x")), base=None)
            assert Push(orphan).events == ["no_place"], kind
