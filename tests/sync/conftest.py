"""An office after its first look. Laws hold on a busy machine too: time is no part of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.sync.shelf import MANY, Office

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """With three rows."""
    office = Office.after_a_look(tmp_path)
    yield office
    office.close()


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Office]:
    """With many rows: enough for the brake."""
    office = Office.after_a_look(tmp_path, MANY)
    yield office
    office.close()
