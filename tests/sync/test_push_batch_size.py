"""How many changes one request may hold, after each kind of reply to a batch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.sync.push import messages as m
from carequeue.sync.push.state import Sizing
from tests.sync.parts import R4, Push, many


class TestABatch:
    def after(self, batch: m.Batched, count: int = 40) -> Push:
        push = Push(*many(count))
        assert len(push.send()) == count
        push.answer(batch=batch)
        return push

    @pytest.mark.parametrize("batch", [m.Batched.TOO_LARGE, m.Batched.REFUSED])
    def test_that_is_refused_whole_goes_again_in_halves_and_nothing_counts(
        self, batch: m.Batched
    ) -> None:
        push = self.after(batch)
        assert push.observed == {"batch_size": "20"}
        save = push.commands[0]
        assert isinstance(save, m.SaveChanges)
        assert not any(change.counts_toward_limit for change in save.changes)
        push.keep()
        assert len(push.send()) == 20

    def test_of_a_server_that_has_none_is_the_last(self) -> None:
        push = self.after(m.Batched.NEVER)
        assert push.observed == {"batch": "no"}
        push.keep()
        assert len(push.send()) == 1

    def test_is_no_larger_than_was_learned(self) -> None:
        assert len(Push(*many(40), can=R4.seeing({"batch_size": "12"})).send()) == 12
        assert len(Push(*many(40), can=R4.seeing({"batch_size": "0"})).send()) == 1
        assert len(Push(*many(60), can=R4.seeing({"batch_size": "9000"})).send()) == 50
        assert len(Push(*many(60), can=R4.seeing({"batch_size": "-1"})).send()) == 50


class TestHowManyAtOnce:
    def test_is_halved_until_it_is_one_and_then_there_are_no_batches(self) -> None:
        sizing, tried = Sizing(), []
        while sizing.size > 1:
            tried.append(sizing.size)
            sizing = sizing.failed(sizing.size, too_large=False)
        assert tried == [50, 25, 12, 6, 3]
        assert not sizing.hopeless(3)
        assert sizing.hopeless(2)

    def test_grows_again_after_eight_that_went_well(self) -> None:
        sizing = Sizing(size=10)
        for _ in range(7):
            sizing = sizing.worked(10)
        assert sizing.size == 10
        assert sizing.worked(10).size == 20

    def test_does_not_grow_by_small_ones(self) -> None:
        sizing = Sizing(size=10)
        for _ in range(50):
            sizing = sizing.worked(3)
        assert sizing.size == 10

    def test_does_not_grow_back_to_what_was_too_large(self) -> None:
        sizing = Sizing().failed(50, too_large=True).failed(25, too_large=True)
        for _ in range(50):
            sizing = sizing.worked(sizing.size)
        assert sizing.size == 24

    @given(st.lists(st.sampled_from(["worked", "refused", "too_large"])))
    def test_is_always_one_to_fifty(self, course: list[str]) -> None:
        sizing = Sizing()
        for one in course:
            if one == "worked":
                sizing = sizing.worked(sizing.size)
            else:
                sizing = sizing.failed(sizing.size, too_large=one == "too_large")
            assert 1 <= sizing.size <= 50
