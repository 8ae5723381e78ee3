"""The house keeps its shape: nothing grows over a limit, and what is over one only shrinks."""

from __future__ import annotations

import pytest

from tests.house.limits import CRITERIA, Criterion
from tests.house.source import House, read_house

each_criterion = pytest.mark.parametrize("criterion", CRITERIA, ids=lambda it: it.title)


@pytest.fixture(scope="module")
def house() -> House:
    return read_house()


def test_there_is_a_house_to_measure(house: House) -> None:
    assert len(house.modules) > 200
    assert len(house.functions) > 2_000


@each_criterion
def test_nothing_new_is_over_a_limit_and_nothing_old_grew(
    house: House, criterion: Criterion
) -> None:
    worse = {
        name: measure
        for name, measure in criterion.over(house).items()
        if measure > criterion.exceptions.get(name, criterion.limit)
    }
    assert not worse, f"{criterion.title}: the limit is {criterion.limit}"


@each_criterion
def test_what_keeps_its_limit_again_is_no_exception_any_more(
    house: House, criterion: Criterion
) -> None:
    done = set(criterion.exceptions) - set(criterion.over(house))
    assert not done, f"{criterion.title}: take these out of tests/house/not_yet.py"
