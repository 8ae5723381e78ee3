"""Whatever is not a clear yes is read back and decided from its content."""

from __future__ import annotations

from dataclasses import replace

import pytest

from carequeue.sync.protocol.failures import READ_BACK_LIMIT
from carequeue.sync.push import messages as m
from tests.fhir.clinic import NOW, task
from tests.sync.parts import Push, accept, in_doubt, lane, paths, said, urgent

ACCEPTED = task(status="accepted", meta={"versionId": "4"})


class TestSettling:
    """Whatever is not a clear yes: read it, and decide from the content."""

    def doubt(self, one: m.PendingResource) -> Push:
        push = Push(one)
        push.send()
        (back,) = push.answer(m.NoReply(one.key, left=True, why="the connection broke"))
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests) == ["GET Task/t1"]
        return push

    def test_the_same_version_means_not_applied_and_is_sent_again(self) -> None:
        one = lane(accept())
        push = self.doubt(one)
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["found_not_applied"]
        push.keep()
        (again,) = push.send()
        assert again.if_match == 'W/"3"'

    def test_the_same_version_is_not_applied_also_where_it_looks_so_already(self) -> None:
        """The base was urgent before: only a newer version could be our doing."""
        one = lane(urgent(), base=task(priority="urgent", meta={"versionId": "3"}))
        push = self.doubt(one)
        push.read(said(one, 200, one.base, "3"))
        assert push.events == ["found_not_applied"]

    def test_satisfied_means_done_by_us_or_by_somebody_else(self) -> None:
        one = lane(accept())
        push = self.doubt(one)
        push.read(said(one, 200, ACCEPTED, "4"))
        assert push.events == ["acknowledged"]
        assert push.change.base == ACCEPTED

    def test_another_element_changed_means_rebased_on_theirs(self) -> None:
        one = lane(accept())
        push = self.doubt(one)
        theirs = task(priority="stat", meta={"versionId": "4"})
        push.read(said(one, 200, theirs, "4"))
        assert push.events == ["found_not_applied"]
        push.keep()
        (again,) = push.send()
        assert again.if_match == 'W/"4"'
        assert again.body is not None
        assert (again.body["priority"], again.body["status"]) == ("stat", "accepted")

    def test_the_own_element_changed_is_a_conflict_and_is_not_sent(self) -> None:
        one = lane(accept())
        push = self.doubt(one)
        push.read(said(one, 200, task(status="cancelled", meta={"versionId": "4"}), "4"))
        assert push.events == ["found_changed"]
        assert push.keep() == ()

    @pytest.mark.parametrize("status", [404, 410])
    def test_gone_is_a_conflict_and_the_base_stays(self, status: int) -> None:
        one = lane(accept())
        push = self.doubt(one)
        push.read(said(one, status))
        assert push.events == ["found_gone"]
        assert push.change.base is None
        assert push.change.outcomes[0].words == "the server no longer has it"

    @pytest.mark.parametrize("status", [409, 412, 423, 428, 404, 410])
    def test_every_way_of_saying_stale_is_read_back(self, status: int) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        (back,) = push.answer(said(one, status))
        assert isinstance(back, m.ReadBack)

    def test_so_is_400_with_an_issue_that_says_conflict(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        (back,) = push.answer(said(one, 400, conflict_issue=True))
        assert isinstance(back, m.ReadBack)

    def test_so_is_an_entry_of_a_batch_that_has_no_status(self) -> None:
        one = lane(accept())
        push = Push(one)
        push.send()
        (back,) = push.answer(said(one, 0))
        assert isinstance(back, m.ReadBack)

    def test_what_an_earlier_run_left_in_doubt_is_read_before_anything_is_sent(self) -> None:
        push = Push(in_doubt(lane(accept("i1", "t1"))), lane(accept("i2", "t2")))
        (back,) = push.commands
        assert isinstance(back, m.ReadBack)
        assert paths(back.requests) == ["GET Task/t1"]

    def test_a_reading_without_the_resource_says_nothing(self) -> None:
        """A proxy that answers 200 with a page of its own: not gone, not taken; asked later."""
        one = lane(accept())
        push = self.doubt(one)
        push.read(said(one, 200, None))
        assert push.events == []
        assert push.change.not_before is not None
        assert push.change.not_before > NOW

    @pytest.mark.parametrize("by", ["answer", "reading"])
    def test_another_resource_than_was_asked_for_says_nothing(self, by: str) -> None:
        one = lane(accept())
        other = {**ACCEPTED, "id": "t2"}
        push = Push(one)
        push.send()
        if by == "answer":
            (back,) = push.answer(said(one, 200, other, "4"))
            assert isinstance(back, m.ReadBack)
        else:
            push.answer(m.NoReply(one.key, left=True, why="cut"))
            push.read(said(one, 200, other, "4"))
            assert (push.events, push.change.base) == ([], None)

    def test_a_reading_that_is_refused_needs_a_person(self) -> None:
        one = lane(accept())
        push = self.doubt(one)
        push.read(said(one, 403, words="not yours"))
        assert push.events == ["refused"]
        assert push.change.outcomes[0].words == "not yours"

    def test_eight_settles_without_progress_need_a_person(self) -> None:
        one = lane(accept())
        push = Push(one)
        tries = 0
        while push.commands and tries < 20:
            tries += 1
            push.send()
            push.answer(said(one, 412))
            push.read(said(one, 200, one.base, "3"))
            last = push.events
            push.keep()
        assert tries == READ_BACK_LIMIT == 8
        assert last == ["refused"]

    def test_a_row_that_is_stuck_does_not_hold_up_another(self) -> None:
        stuck, fine = lane(accept("i1", "t1")), lane(accept("i2", "t2"))
        push = Push(stuck, fine)
        push.send()
        save, back = push.answer(said(stuck, 412), said(fine, 200, {**ACCEPTED, "id": "t2"}, "4"))
        assert isinstance(save, m.SaveChanges)
        assert [change.key for change in save.changes] == [fine.key]
        assert isinstance(back, m.ReadBack)
        assert [request.key for request in back.requests] == [stuck.key]


class TestAServerWithoutVersions:
    """Not every server gives versions; what cannot be guarded is at least looked at first."""

    def test_is_read_before_it_is_written(self) -> None:
        push = Push(lane(accept(), version=""))
        (back,) = push.commands
        assert isinstance(back, m.ReadBack)

    def test_is_guarded_by_the_version_that_the_reading_gave(self) -> None:
        one = lane(accept(), version="")
        push = Push(one)
        push.read(said(one, 200, one.base, "9"))
        push.keep()
        (request,) = push.send()
        assert request.if_match == 'W/"9"'

    def test_is_written_unguarded_where_the_reading_gave_none_either(self) -> None:
        one = lane(accept(), version="")
        push = Push(one)
        push.read(said(one, 200, one.base))
        push.keep()
        (request,) = push.send()
        assert request.if_match == ""

    def test_a_colleagues_change_is_found_by_content(self) -> None:
        one = lane(accept(), version="")
        push = Push(one)
        push.read(said(one, 200, task(status="cancelled")))
        assert push.events == ["found_changed"]
        assert push.keep() == ()


class TestAReadingThatSaysNothing:
    """A web page, too much, or a connection that breaks: the trouble of one resource."""

    def left_in_doubt(self, *keys: str) -> tuple[list[m.PendingResource], Push]:
        lanes = [in_doubt(lane(accept(f"i-{key}", key))) for key in keys]
        return lanes, Push(*lanes)

    def unread(self, one: m.PendingResource) -> m.NoReply:
        return m.NoReply(one.key, left=True, why="a web page", unreadable=True)

    def test_is_put_aside_and_the_others_go_on(self) -> None:
        (odd, other), push = self.left_in_doubt("t1", "t2")
        push.read(self.unread(odd), said(other, 200, other.base, "3"))
        push.keep()
        assert paths(push.send()) == ["PUT Task/t2"]
        assert push.state.stopped is None

    def test_leaves_what_left_in_doubt_and_counts(self) -> None:
        (odd,), push = self.left_in_doubt("t1")
        push.read(self.unread(odd))
        assert push.keep() == ()
        (intent,) = push.pending[odd.key].intents
        assert (intent.state.value, intent.settles) == ("in_doubt", 1)

    def test_is_tried_at_the_next_look_and_then_later_and_later(self) -> None:
        (odd,), push = self.left_in_doubt("t1")
        push.read(self.unread(odd))
        assert push.change.not_before is None
        push.keep()
        push = Push(push.pending[odd.key])
        push.read(self.unread(odd))
        assert push.change.not_before is not None
        assert push.change.not_before > NOW

    def test_is_before_a_person_after_so_many_times(self) -> None:
        (one,), push = self.left_in_doubt("t1")
        for _ in range(READ_BACK_LIMIT - 1):
            push.read(self.unread(one))
            assert push.events == ["found_not_applied"]
            push.keep()
            one = push.pending[one.key]
            push = Push(replace(one, not_before=None))
            push.pending[one.key] = one
        push.read(self.unread(one))
        assert push.events == ["refused"]
        assert "a web page" in push.change.outcomes[0].words

    def test_stops_everything_only_where_there_is_no_network(self) -> None:
        (odd,), push = self.left_in_doubt("t1")
        (stop,) = push.read(m.NoReply(odd.key, left=False, why="cannot be reached"))
        assert stop == m.Stop("cannot be reached", offline=True)
