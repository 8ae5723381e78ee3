"""A home for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty CAREQUEUE_HOME."""
    return Home(tmp_path / "home")
