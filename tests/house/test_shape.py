"""The house keeps its shape: no file, class, function or docstring is over its limit."""

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
def test_nothing_is_over_its_limit(house: House, criterion: Criterion) -> None:
    assert not criterion.over(house), f"{criterion.title}: the limit is {criterion.limit}"
