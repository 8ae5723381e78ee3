"""The scripted day keeps its bounds, and its account sees what a bound is about."""

from __future__ import annotations

from dataclasses import replace

import pytest_asyncio

from carequeue.domain.ranking import Band
from tests.day.account import Account, account_of
from tests.day.outcomes import OUTCOMES
from tests.day.records import day_of


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def account() -> Account:
    return await account_of(seed=7)


def test_the_day_keeps_its_bounds(account: Account) -> None:
    assert account.broken == []
    assert len(account.worked) == sum(outcome.items for outcome in OUTCOMES) == 30


def test_a_routine_item_takes_a_key_or_two(account: Account) -> None:
    assert len(account.routine) >= 19
    assert 1 <= account.keys_per_routine_item <= 1.5
    assert account.corrections == {"undone": 1, "refused": 0}


def test_the_list_ends_with_what_comes_first_tomorrow(account: Account) -> None:
    done, first = account.last_lines
    assert done == "Done for now: nothing of yours is without a next time."
    assert first.startswith("First tomorrow: 08:00 Next try, ")


def test_another_seed_is_another_morning_of_the_same_cases() -> None:
    seven, eight = day_of(7), day_of(8)
    assert seven == day_of(7)
    assert seven.cases.keys() != eight.cases.keys()
    assert sorted(case.name for case in seven.cases.values()) == sorted(
        case.name for case in eight.cases.values()
    )


class TestABoundIsBroken:
    def test_by_keys(self, account: Account) -> None:
        slow = [item._replace(keys=(*item.keys, "j")) for item in account.worked]
        assert "keys per routine item, over 1.5" in replace(account, worked=slow).broken[0]

    def test_by_an_item_of_safety_that_is_passed_over(self, account: Account) -> None:
        first, *others = account.worked
        passed = [first, others[0]._replace(passed="Task/t1"), *others[1:]]
        (broken,) = replace(account, worked=passed).broken
        assert broken.startswith("passed over: Task/t1 behind ")

    def test_by_what_is_not_on_the_list_or_has_no_time(self, account: Account) -> None:
        less = replace(account, left_over=["Task/t1"], untimed=["Call, PARK, Min-jun"])
        assert less.broken == [
            "not worked: Task/t1",
            "without a next time: Call, PARK, Min-jun",
        ]

    def test_by_an_order_that_is_not_the_table_s(self, account: Account) -> None:
        from tests.day.account import _order

        first, *others = account.worked
        assert first.row.band == Band.NOW
        late = [*others, first]
        assert any(text.startswith(first.reference) for text in _order(late))
        low = first._replace(row=first.row._replace(band=Band.DUE))
        assert "stood in Due, not in Now" in next(iter(_order([low])))
