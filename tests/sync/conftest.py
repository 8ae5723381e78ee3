"""An office after its first look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.shelf import MANY, Office


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
