"""A yes without the resource: what its status, version and location say outlives the reading.

HAPI FHIR answers so in a batch that does not ask for resources, other servers always.
"""

from __future__ import annotations

import json
from dataclasses import replace

import httpx
import pytest

from carequeue.domain.intents import IntentState
from carequeue.fhir import codes
from carequeue.sync.protocol.capabilities import TypeAbility
from carequeue.sync.push import messages as m
from carequeue.sync.push.http import exchange
from carequeue.sync.push.next_step import OTHER
from carequeue.sync.push.three_way import ALREADY_SO, CREATED_AGAIN
from tests.fhir.clinic import NOW, task
from tests.sync.parts import (
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
from tests.sync.test_push_http import bundle, outcome, put
from tests.sync.wire import BASE, Wire, answer

ACCEPTED = task(status="accepted", meta={"versionId": "4"})
NEED = "discharge-contact:Encounter/e1"
NAMED = [{"system": codes.IDENTIFIER, "value": NEED}]


def made(key: str = "own") -> m.Request:
    body = {"resourceType": "Task"}
    return m.Request(("Task", key), "POST", "Task", body, "", "x", ("i1",), creates=True)


class TestAYesWithoutAResource:
    """Its status, version and location are all that is known until it is read back."""

    def alone(self, request: m.Request, reply: httpx.Response) -> m.Reply:
        ((got,), _) = exchange(Wire(lambda _: reply).transport, m.Exchange((request,), False))
        assert isinstance(got, m.Reply)
        return got

    def inside(self, request: m.Request, entry: object) -> m.Reply:
        wire = Wire(lambda _: bundle(entry, {"response": {"status": "200"}}))
        (got, _), _ = exchange(wire.transport, m.Exchange((request, put("9")), True))
        assert isinstance(got, m.Reply)
        return got

    @pytest.mark.parametrize("status", [200, 201, 204])
    @pytest.mark.parametrize("body", [b"", json.dumps(outcome()).encode()])
    def test_says_what_it_says_alone(self, status: int, body: bytes) -> None:
        got = self.alone(put("1"), answer(body, status, etag='W/"7"'))
        assert (got.status, got.resource, got.version, got.bare) == (status, None, "7", True)

    @pytest.mark.parametrize("status", ["200", "201 Created", "204"])
    @pytest.mark.parametrize("more", [{}, {"resource": outcome()}])
    def test_says_what_it_says_in_a_batch(self, status: str, more: dict[str, object]) -> None:
        got = self.inside(put("1"), {"response": {"status": status, "etag": 'W/"7"'}, **more})
        said = (got.status, got.resource, got.version, got.bare)
        assert said == (int(status[:3]), None, "7", True)

    @pytest.mark.parametrize(
        ("location", "key"),
        [("Task/12/_history/1", "12"), ("Task/12", "12"), (f"{BASE}/Task/12/_history/1", "12"),
         ("/r4/Task/12", "12"), ("https://inner.invalid/fhir/Task/12/_history/1", "12"),
         ("Patient/12", ""), ("", ""), ("Task/..", "")],
    )  # fmt: skip
    def test_says_where_it_stands(self, location: str, key: str) -> None:
        said = {"status": "201", "location": location}
        assert self.inside(made(), {"response": said}).location == key
        assert self.alone(made(), answer(b"", 201, location=location)).location == key

    @pytest.mark.parametrize("location", ["Task/2/_history/7", f"{BASE}/Task/2"])
    def test_of_another_row_says_nothing(self, location: str) -> None:
        said = {"status": "201", "location": location, "etag": 'W/"7"'}
        got = self.inside(put("1"), {"response": said})
        assert (got.bare, got.version, got.location) == (False, "", "")

    def test_of_its_own_row_says_so(self) -> None:
        said = {"status": "201", "location": "Task/1/_history/7", "etag": 'W/"7"'}
        got = self.inside(put("1"), {"response": said})
        assert (got.bare, got.version, got.location) == (True, "7", "")

    def test_with_the_resource_of_another_says_nothing_either(self) -> None:
        other = {"resourceType": "Patient", "id": "2"}
        said = {"status": "201", "location": "Task/12", "etag": 'W/"7"'}
        got = self.inside(made(), {"response": said, "resource": other})
        assert (got.bare, got.resource, got.version, got.location) == (False, None, "", "")

    @pytest.mark.parametrize("status", ["409", "412", "0", ""])
    def test_is_none_where_the_answer_is_no_yes(self, status: str) -> None:
        got = self.inside(put("1"), {"response": {"status": status, "etag": 'W/"7"'}})
        assert (got.bare, got.version) == (False, "")


def beside(push_of: m.PendingResource, batch: bool) -> Push:
    """A push of this lane, alone or in a batch with another; it has left."""
    other = lane(accept("i9", "t9"))
    push = Push(push_of, other) if batch else Push(push_of)
    push.send()
    return push


def answered(push: Push, batch: bool, reply: m.Reply) -> list[str]:
    """The reading that follows, as paths; the other lane of a batch was done with its resource."""
    done = m.Reply(("Task", "t9"), 200, {**ACCEPTED, "id": "t9"}, "4")
    *_, back = push.answer(*([reply, done] if batch else [reply]))
    assert isinstance(back, m.ReadBack)
    return paths(back.requests)


def told(push: Push) -> list[tuple[str, str]]:
    """What happened to the intents of its one change, and what is said of each."""
    return [(out.event.value, out.words) for out in push.change.outcomes]


@pytest.mark.parametrize("batch", [False, True], ids=["alone", "in a batch"])
class TestAnUpdateThatIsAnsweredWithoutTheResource:
    def bare(
        self, push: Push, one: m.PendingResource, batch: bool, status: int, version: str = ""
    ) -> None:
        reply = said(one, status, None, version, bare=True)
        assert answered(push, batch, reply) == ["GET Task/t1"]

    @pytest.mark.parametrize(
        ("status", "words"), [(200, ""), (201, CREATED_AGAIN), (202, ""), (204, "")]
    )
    @pytest.mark.parametrize("version", ["", "4"])
    def test_is_done_once_it_is_read_and_what_was_made_anew_is_told(
        self, batch: bool, status: int, words: str, version: str
    ) -> None:
        one = lane(accept("i1"), note("i2", seq=2))
        push = beside(one, batch)
        self.bare(push, one, batch, status, version)
        sent = push.pending[one.key]
        noted = {"id": "i2", "text": "Called"}
        push.read(said(sent, 200, {**ACCEPTED, "note": [noted]}, "4"))
        assert told(push) == [("acknowledged", words)] * 2

    @pytest.mark.parametrize(("status", "words"), [(200, ""), (201, CREATED_AGAIN)])
    def test_is_compared_where_somebody_wrote_after_it(
        self, batch: bool, status: int, words: str
    ) -> None:
        one = lane(accept("i1"), urgent("i2", seq=2))
        push = beside(one, batch)
        self.bare(push, one, batch, status, "4")
        theirs = {**ACCEPTED, "priority": "stat", "meta": {"versionId": "5"}}
        push.read(said(one, 200, theirs, "5"))
        (first, second) = told(push)
        assert first == ("acknowledged", words)
        assert second[0] == "found_changed"

    def test_that_does_not_show_what_it_has_just_written_needs_a_person(self, batch: bool) -> None:
        one = lane(accept("i1"), urgent("i2", seq=2))
        push = beside(one, batch)
        self.bare(push, one, batch, 200, "4")
        push.read(said(one, 200, ACCEPTED, "4"))
        assert told(push) == [("acknowledged", ""), ("refused", OTHER)]

    def test_that_speaks_of_another_row_says_nothing_of_this_one(self, batch: bool) -> None:
        one = lane(accept("i1"))
        push = beside(one, batch)
        assert answered(push, batch, said(one, 201)) == ["GET Task/t1"]
        push.read(said(one, 200, ACCEPTED, "4"))
        assert told(push) == [("acknowledged", "")]

    def test_is_read_and_not_its_history_where_its_write_was_guarded(self, batch: bool) -> None:
        shows = frozenset({"read", "update", "create", "history-instance"})
        can = replace(R4, types={"Task": TypeAbility(shows, update_create=True)})
        one = lane(accept("i1"))
        push = Push(one, can=can)
        push.send()
        self.bare(push, one, False, 200, "4")


def test_an_unguarded_update_without_the_resource_is_looked_for_in_the_history() -> None:
    """A colleague's change may lie under it; the entity tag says where to look."""
    shows = frozenset({"read", "update", "create", "history-instance"})
    can = replace(R4, types={"Task": TypeAbility(shows)}).seeing({"if_match": "no"})
    one = lane(accept("i1"))
    push = Push(one, can=can)
    push.read(said(one, 200, one.base, "3"))
    push.keep()
    push.send()
    (back,) = push.answer(said(one, 200, None, "5", bare=True))
    assert isinstance(back, m.ReadBack)
    assert paths(back.requests) == ["GET Task/t1/_history?_count=20"]


@pytest.mark.parametrize("batch", [False, True], ids=["alone", "in a batch"])
class TestACreateThatIsAnsweredWithoutTheResource:
    def sent(self, batch: bool) -> tuple[m.PendingResource, Push]:
        one = lane(create(identifier=NEED), note("i2", "own-1", seq=2))
        return one, beside(one, batch)

    def read(
        self, one: m.PendingResource, push: Push, noted: bool = False, version: str = "1"
    ) -> None:
        notes = {"note": [{"id": "i2", "text": "Called"}]} if noted else {}
        found = task("9001", identifier=NAMED, meta={"versionId": version}, **notes)
        push.read(said(one, 200, found, version))

    @pytest.mark.parametrize("where", ["9001", ""], ids=["with a location", "without"])
    def test_where_somebody_has_made_it_before_is_theirs_and_the_rest_goes_on_top(
        self, batch: bool, where: str
    ) -> None:
        one, push = self.sent(batch)
        reads = answered(push, batch, said(one, 200, None, "1", location=where, bare=True))
        assert reads[0].startswith("GET Task/9001" if where else "GET Task?identifier=")
        self.read(one, push)
        assert told(push) == [("acknowledged", ALREADY_SO), ("found_not_applied", "")]
        assert push.change.base is not None
        assert push.change.base["id"] == "9001"

    @pytest.mark.parametrize(
        ("status", "where"),
        [(200, "9001"), (200, ""), (201, "9001"), (201, ""), (204, "9001"), (204, "")],
    )
    def test_is_done_where_it_shows_all_that_was_decided(
        self, batch: bool, status: int, where: str
    ) -> None:
        one, push = self.sent(batch)
        answered(push, batch, said(one, status, None, "1", location=where, bare=True))
        self.read(one, push, noted=True)
        assert push.events == ["acknowledged", "acknowledged"]
        assert push.change.base is not None

    @pytest.mark.parametrize("where", ["9001", ""], ids=["with a location", "without"])
    def test_and_was_changed_before_it_is_read_is_compared(self, batch: bool, where: str) -> None:
        one, push = self.sent(batch)
        answered(push, batch, said(one, 201, None, "1", location=where, bare=True))
        self.read(one, push, version="2")
        assert told(push) == [("acknowledged", ""), ("found_not_applied", "")]

    def test_that_does_not_show_what_it_has_just_made_needs_a_person(self, batch: bool) -> None:
        one, push = self.sent(batch)
        answered(push, batch, said(one, 201, None, "1", location="9001", bare=True))
        self.read(one, push)
        assert told(push) == [("acknowledged", ""), ("refused", OTHER)]

    def test_under_an_id_of_ours_is_ours_whatever_its_status(self, batch: bool) -> None:
        one = lane(create(), note("i2", "own-1", seq=2))
        for status in (200, 201, 204):
            push = beside(one, batch)
            reply = said(one, status, None, "1", location="own-1", bare=True)
            assert answered(push, batch, reply) == ["GET Task/own-1"]
            own = [{**NAMED[0], "value": "own-1"}]
            noted = [{"id": "i2", "text": "Called"}]
            push.read(said(one, 200, task("own-1", identifier=own, note=noted), "1"))
            assert told(push) == [("acknowledged", "")] * 2


class TestHowManyAreReadAtOnce:
    def changed_meanwhile(self, count: int) -> tuple[m.PendingResource, ...]:
        lanes = (lane(accept(f"i{n}", f"t{n}")) for n in range(count))
        return tuple(replace(one, has_newer_remote=True) for one in lanes)

    def test_is_one_for_what_an_earlier_push_left_in_doubt(self) -> None:
        push = Push(*(in_doubt(lane(accept(f"i{n}", f"t{n}"))) for n in range(20)), can=R4)
        (back,) = push.commands
        assert isinstance(back, m.ReadBack)
        assert (len(back.requests), back.at_once) == (20, 1)

    @pytest.mark.parametrize(
        ("observed", "at_once"), [({}, 50), ({"batch_size": "12"}, 12), ({"batch": "no"}, 1)]
    )
    def test_is_what_one_request_may_hold_there(
        self, observed: dict[str, str], at_once: int
    ) -> None:
        push = Push(*self.changed_meanwhile(20), can=R4.seeing(observed))
        (back,) = push.commands
        assert isinstance(back, m.ReadBack)
        assert (len(back.requests), back.at_once) == (20, at_once)

    def test_is_one_after_a_batch_that_was_not_answered(self) -> None:
        lanes = [lane(accept(f"i{n}", f"t{n}")) for n in range(6)]
        push = Push(*lanes)
        push.send()
        lost = [m.NoReply(one.key, left=True, why="it failed") for one in lanes]
        (_, back) = push.answer(*lost, batch=m.Batched.SILENT)
        assert isinstance(back, m.ReadBack)
        assert (len(back.requests), back.at_once) == (6, 1)

    @pytest.mark.parametrize(
        ("there", "learned"), [(True, {"batch_size": "10"}), (False, {})], ids=["there", "outage"]
    )
    def test_is_half_where_the_server_is_there_and_a_batch_of_readings_was_not_answered(
        self, there: bool, learned: dict[str, str]
    ) -> None:
        lanes = self.changed_meanwhile(20)
        push = Push(*lanes)
        push.state = replace(push.state, silent=there)  # then the look began with a small request
        lost = [
            m.NoReply(lane.key, left=True, why="silence", sent_in_failed_batch=True)
            for lane in lanes
        ]
        push.read(*lost)
        assert push.observed == learned
        save = push.commands[0]
        assert isinstance(save, m.SaveChanges)
        assert all(change.read_failed and not change.outcomes for change in save.changes)
        assert push.keep() == ()
        (kept, *_) = push.pending.values()
        assert kept.intents[0].state is IntentState.QUEUED
        assert kept.intents[0].settles == 0

    def test_ends_at_one_so_that_a_server_that_answers_no_batch_is_read_at_last(self) -> None:
        can, looks = R4, 0
        while can.batch_size > 1:
            assert can.batch
            looks += 1
            assert looks < 8
            push = Push(*self.changed_meanwhile(50), can=can)
            push.state = replace(push.state, silent=True)
            (back,) = push.commands
            assert isinstance(back, m.ReadBack)
            crowd = back.requests[: back.at_once]
            push.read(
                *(
                    m.NoReply(request.key, True, "silence", sent_in_failed_batch=request in crowd)
                    for request in back.requests
                )
            )
            can = can.seeing(push.observed)


def test_a_row_whose_answer_is_on_its_way_is_not_asked_again_for_what_was_mapped_to_it() -> None:
    one = lane(accept())
    push = Push(one)
    push.send()
    more = replace(one, intents=(*one.intents, note("i9", seq=9)))
    commands = push.on(m.ChangesSaved((one.key,), (more,), frozenset(), {}, NOW))
    assert commands == ()
    assert push.pending[one.key].phase is m.Phase.ASKED
    assert [intent.id for intent in push.pending[one.key].intents] == ["i1"]
