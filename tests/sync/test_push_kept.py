"""What a server cannot take is kept here, said, not tried for ever, and sent once it can be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.fhir.bundles import Issue
from carequeue.fhir.jsontext import loads
from carequeue.sync.protocol.capabilities import UNSUPPORTED_STATUS
from carequeue.sync.push import messages as m
from carequeue.sync.push.three_way import ALREADY_SO
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

THREE = Issue("business-rule", (), "Task.status is one of a, b here; accepted is not taken.")


def kept(intent: Intent, **seen: Any) -> Intent:
    """The decision, kept here since its author saw this."""
    return replace(intent, state=IntentState.LOCAL_ONLY, seen=seen or {"status": "requested"})


def waiting(*intents: Intent, base: dict[str, Any] | None = None) -> m.PendingResource:
    """A resource of which nothing is to be sent but what is kept here."""
    first = intents[0]
    found = base or task(first.target_id, meta={"versionId": "3"})
    return m.PendingResource(
        (first.target_type, first.target_id), (), found, "3", local_only=intents
    )


def at(version: str, **elements: Any) -> dict[str, Any]:
    return task(meta={"versionId": version}, **elements)


class TestOnceTheSourceCan:
    def test_the_row_is_read_and_what_was_kept_is_sent(self) -> None:
        one = waiting(kept(accept()))
        push = Push(one)
        (back,) = push.commands
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests) == ["GET Task/t1"]
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["place_found"]
        push.keep()
        (request,) = push.send()
        assert request.body is not None
        assert request.body["status"] == "accepted"

    def test_what_a_colleague_changed_since_is_a_conflict_although_the_base_has_it(self) -> None:
        """What is kept here does not hold the base back: the pull has brought their change."""
        theirs = at("5", status="cancelled")
        one = waiting(kept(accept()), base=theirs)
        push = Push(replace(one, version="5"))
        push.read(said(one, 200, theirs, "5"))
        assert push.events == ["place_found", "found_changed"]
        assert push.keep() == ()

    def test_a_change_of_something_else_is_none_of_its_business(self) -> None:
        theirs = at("5", priority="stat")
        one = waiting(kept(accept()))
        push = Push(one)
        push.read(said(one, 200, theirs, "5"))
        assert push.events == ["place_found"]
        push.keep()
        (request,) = push.send()
        assert request.body is not None
        assert (request.body["priority"], request.body["status"]) == ("stat", "accepted")

    def test_what_somebody_did_meanwhile_is_done_and_said(self) -> None:
        one = waiting(kept(accept()))
        push = Push(one)
        push.read(said(one, 200, at("5", status="accepted"), "5"))
        assert push.events == ["place_found", "acknowledged"]
        assert push.change.outcomes[-1].words == ALREADY_SO

    def test_what_is_gone_is_a_conflict(self) -> None:
        one = waiting(kept(accept()))
        push = Push(one)
        push.read(said(one, 410))
        assert push.events == ["place_found", "found_gone"]

    def test_several_in_a_row_are_compared_with_what_was_before_the_first(self) -> None:
        done = decision(IntentKind.SET_STATUS, "i2", seq=2, to="completed")
        one = waiting(kept(accept()), kept(done, status="accepted"))
        push = Push(one)
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["place_found", "place_found"]
        push.keep()
        (request,) = push.send()
        assert request.body is not None
        assert request.body["status"] == "completed"

    def test_what_is_yet_to_be_created_is_looked_for_first(self) -> None:
        own = kept(create())
        one = m.PendingResource(
            ("Task", "own-1"), (), None, "", local_only=(own, kept(note("i2", "own-1", 2)))
        )
        push = Push(one)
        push.read(said(one, 404))
        assert push.events == ["place_found", "place_found"]
        push.keep()
        assert paths(push.send()) == ["PUT Task/own-1"]

    def test_what_is_yet_to_be_created_is_not_done_by_what_was_decided_later(self) -> None:
        """Two statuses kept here, the first one decided anew: no server has either so far."""
        made, again = create(), decision(IntentKind.SET_STATUS, "i3", "own-1", 3, to="completed")
        first = kept(decision(IntentKind.SET_STATUS, "i2", "own-1", 2, to="completed"))
        one = replace(in_doubt(lane(made, again)), local_only=(first,))
        push = Push(one)
        push.read(said(one, 404))
        assert "acknowledged" not in push.events
        assert "place_found" in push.events

    def test_nothing_is_asked_while_it_cannot(self) -> None:
        read_only = R4.seeing({"update:Task": "no"})
        assert Push(waiting(kept(accept())), can=read_only).commands == ()
        no_create = R4.seeing({"create:Task": "no", "update-create:Task": "no"})
        own = m.PendingResource(
            ("Task", "own-1"), (), None, "", local_only=(kept(create()), kept(note()))
        )
        assert Push(own, can=no_create).commands == ()

    def test_what_came_malformed_is_never_written_back(self) -> None:
        twice = loads(b'{"resourceType":"Task","id":"t1","status":"requested","status":"draft"}')
        assert Push(waiting(kept(accept()), base=twice)).commands == ()

    @pytest.mark.parametrize("status", [403, 500])
    def test_a_reading_that_says_nothing_leaves_it_where_it_is_until_later(
        self, status: int
    ) -> None:
        one = waiting(kept(accept()))
        push = Push(one)
        push.read(said(one, status, words="no"))
        assert push.events == []
        assert push.keep() == ()


class TestAStatusThatTheServerDoesNotKnow:
    def refused(self, one: m.PendingResource, *issues: Issue, status: int = 422) -> Push:
        push = Push(one)
        push.send()
        push.answer(said(one, status, words="no", issues=issues))
        return push

    @pytest.mark.parametrize(
        "issue",
        [
            THREE,
            Issue("code-invalid", ("Task.status",), "unknown code"),
            Issue("value", ("Task.status",), ""),
            Issue("not-supported", (), "status accepted"),
            Issue("invalid", ("Task.status",), "accepted is not in the value set"),
        ],
    )
    def test_is_remembered_and_what_sets_it_is_kept_here(self, issue: Issue) -> None:
        push = self.refused(lane(accept()), issue)
        assert push.observed == {"status:Task:accepted": "no"}
        assert push.events == ["no_place"]
        assert push.change.outcomes[0].words == UNSUPPORTED_STATUS
        assert push.keep() == ()  # and it is not tried again

    def test_lets_the_rest_of_the_row_go_on(self) -> None:
        push = self.refused(lane(accept(), note("i2", seq=2)), THREE)
        assert push.events == ["no_place", "found_not_applied"]
        push.keep()
        (request,) = push.send()
        assert request.intents == ("i2",)
        assert request.body is not None
        assert request.body["status"] == "requested"

    @pytest.mark.parametrize(
        "issue",
        [
            Issue("business-rule", (), "Task.status cannot go from requested to accepted"),
            Issue("business-rule", (), "owner is needed for accepted tasks"),
            Issue("required", ("Task.owner",), "accepted tasks have an owner"),
            Issue("security", (), "you may not set status accepted"),
            Issue("value", ("Task.priority",), "unknown code"),
        ],
    )
    def test_is_not_what_a_rule_or_another_element_is_refused_for(self, issue: Issue) -> None:
        push = self.refused(lane(accept()), issue)
        assert (push.observed, push.events) == ({}, ["refused"])

    def test_is_kept_here_at_once_where_it_was_seen_before(self) -> None:
        can = R4.seeing({"status:Task:accepted": "no"})
        push = Push(lane(accept(), urgent("i2", seq=2)), can=can)
        assert push.events == ["no_place"]
        push.keep()
        (request,) = push.send()
        assert request.intents == ("i2",)

    def test_is_asked_again_once_the_server_says_anew_what_it_can(self) -> None:
        can = R4.seeing({"status:Task:accepted": "no"})
        one = waiting(kept(accept()))
        assert Push(one, can=can).commands == ()
        assert Push(one, can=R4).commands != ()

    def test_is_compared_before_what_was_decided_on_top_of_it_leaves(self) -> None:
        """It hides the base: what a colleague made of it meanwhile, the person has never seen."""
        done = decision(IntentKind.SET_STATUS, "i2", seq=2, to="completed")
        one = replace(lane(done), local_only=(kept(accept()),))
        push = Push(can=R4.seeing({"status:Task:accepted": "no"}))
        push.state = replace(push.state, already_read=frozenset({one.key}))  # for another decision
        (back,) = push.on(m.Loaded((one,), NOW))
        assert isinstance(back, m.ReadBack)
        push.read(said(one, 200, at("3", status="on-hold"), "3"))
        assert push.events == ["place_found", "found_changed"]

    def test_goes_along_under_a_later_one_that_it_knows(self) -> None:
        """Accepted here, completed there: the person's acceptance must not come back on top."""
        can = R4.seeing({"status:Task:accepted": "no"})
        done = decision(IntentKind.SET_STATUS, "i2", seq=2, to="completed")
        one = replace(lane(done), local_only=(kept(accept()),))
        push = Push(one, can=can)
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["place_found"]
        push.keep()
        (request,) = push.send()
        assert request.intents == ("i1", "i2")
        assert request.body is not None
        assert request.body["status"] == "completed"


class TestCreatingWhereTheServerIsOtherwise:
    @pytest.mark.parametrize("status", [404, 405, 501])
    def test_an_id_of_ours_that_is_not_taken_is_left_to_the_server(self, status: int) -> None:
        one = lane(create(), note("i2", "own-1", seq=2))
        push = Push(one)
        push.send()
        push.answer(said(one, status))
        assert push.observed == {"update-create:Task": "no"}
        assert not push.change.counts_toward_limit
        push.keep()
        (request,) = push.send()
        assert (request.method, request.path) == ("POST", "Task")
        assert request.if_none_exist.endswith("%7Cown-1")

    def test_only_where_that_is_not_taken_either_is_it_kept_here(self) -> None:
        one = lane(create())
        can = R4.seeing({"update-create:Task": "no"})
        push = Push(one, can=can)
        push.send()
        push.answer(said(one, 405))
        assert push.observed == {"create:Task": "no"}
        assert push.events == ["no_place"]

    def test_several_that_match_the_condition_are_a_persons_question(self) -> None:
        one = lane(create(identifier="discharge-contact:Encounter/e1"))
        made = one.intents[0].args["resource"]["identifier"]
        push = Push(one)
        push.send()
        push.answer(said(one, 412))
        found = (task("a", identifier=made), task("b", identifier=made))
        push.read(said(one, 200, found[0], many=found))
        assert push.events == ["refused"]
        assert "2 of it" in push.change.outcomes[0].words

    def test_made_without_a_body_is_read_where_the_server_says_it_is(self) -> None:
        one = lane(create(identifier="discharge-contact:Encounter/e1"))
        push = Push(one)
        push.send()
        (back,) = push.answer(said(one, 201, location="9001"))
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests) == ["GET Task/9001"]
        push.read(said(one, 200, task("9001"), "1"))
        assert push.events == ["acknowledged"]

    def test_made_without_a_body_or_a_place_is_looked_for(self) -> None:
        one = lane(create(identifier="discharge-contact:Encounter/e1"))
        push = Push(one)
        push.send()
        (back,) = push.answer(said(one, 201))
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests)[0].startswith("GET Task?identifier=")

    def bare(self) -> tuple[m.PendingResource, Push]:
        """In doubt, at a server that does not say that it reads If-None-Exist."""
        one = lane(create(identifier="discharge-contact:Encounter/e1"), note("i2", "own-1", seq=2))
        push = Push(one)
        push.send()
        push.answer(m.NoReply(one.key, left=True, why="cut"))
        return one, push

    def test_a_bare_one_that_is_not_found_is_never_sent_again_by_itself(self) -> None:
        one, push = self.bare()
        push.read(said(one, 404))
        assert push.events == ["refused", "found_not_applied"]
        assert "could create it twice" in push.change.outcomes[0].words

    def test_a_bare_one_that_is_found_is_there(self) -> None:
        one, push = self.bare()
        made = one.intents[0].args["resource"]["identifier"]
        push.read(said(one, 200, task("9001", identifier=made), "1"))
        assert push.events == ["acknowledged", "found_not_applied"]

    def test_a_conditional_one_is_sent_again(self) -> None:
        able = replace(R4.types["Task"], conditional_create=True)
        one = lane(create(identifier="discharge-contact:Encounter/e1"))
        push = Push(one, can=replace(R4, types={"Task": able}))
        push.send()
        push.answer(m.NoReply(one.key, left=True, why="cut"))
        push.read(said(one, 404))
        assert push.events == ["found_not_applied"]

    def test_two_that_name_each_other_are_a_persons_question_and_not_a_wait_for_ever(self) -> None:
        first = lane(create("i1", "own-1"), waits_for=frozenset({"i2"}))
        second = lane(create("i2", "own-2"), waits_for=frozenset({"i1"}))
        third = lane(accept("i3", "t3"), waits_for=frozenset({"i1"}))
        push = Push(first, second, third)
        (save,) = push.commands
        assert isinstance(save, m.SaveChanges)
        asked = {
            out.intent.id: out.event.value for change in save.changes for out in change.outcomes
        }
        assert asked == {"i1": "refused", "i2": "refused"}  # what waits for them goes on waiting
