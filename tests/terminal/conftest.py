"""One cache of 1,000 invented clients for all; each test works on a copy of its own."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.terminal.caches import a_clinic

if sys.platform == "win32":  # it has no pty
    collect_ignore_glob = ["test_*.py"]
else:
    from tests.terminal.seat import Seat

ENTRY = "import sys; from carequeue.__main__ import main; sys.exit(main())"


@pytest.fixture(scope="session")
def nobody() -> Iterator[str]:
    """The address of a server that is not there: its port is held, and nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/fhir"


@pytest.fixture(scope="session")
def thousand(tmp_path_factory: pytest.TempPathFactory, nobody: str) -> Path:
    """A home with 1,000 items; to be copied, not used."""
    home = tmp_path_factory.mktemp("thousand")
    a_clinic(home, 1_000, nobody)
    return home


@pytest.fixture
def home(thousand: Path, tmp_path: Path) -> Path:
    """A home with 1,000 items, and a server that is not there."""
    return shutil.copytree(thousand, tmp_path / "home")


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Callable[..., Seat]]:
    """Start CareQueue with these words, as its own command does; all are ended with the test."""
    seats: list[Seat] = []
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    def start(
        *words: str,
        home: Path,
        entry: tuple[str, ...] = ("-c", ENTRY),
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
    ) -> Seat:
        places = {"CAREQUEUE_HOME": str(home), "TMPDIR": str(temporary), **(environment or {})}
        seat = Seat([sys.executable, *entry, *words], size=size, environment=places)
        seats.append(seat)
        return seat

    yield start
    for seat in seats:
        seat.close()
