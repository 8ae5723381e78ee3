"""The caches that are measured on: made once, kept in the temporary folder, used again while fresh.

A cache is of one version of the schema and of its generator, and a few hours old at most (its due
times are relative to its making): else it is made anew. The server of its profile is not there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from carequeue.domain.errors import CareQueueError
from carequeue.store import migrations
from carequeue.store.engine import writing
from carequeue.store.private_files import private_folder
from carequeue.store.queue_window import Tab
from carequeue.wiring import open_session
from tests.terminal import caches

FRESH: Final = 6 * 3600.0  # seconds
#: The port for discarded bytes, which nobody serves: a sync ends at once, offline.
NOBODY: Final = "http://127.0.0.1:9/fhir"


def folder() -> Path:
    """Where caches and bytecode are kept, for this person only."""
    user = os.getuid() if hasattr(os, "getuid") else "me"
    found = Path(tempfile.gettempdir()) / f"carequeue-benchmarks-{user}"
    private_folder(found, CareQueueError)
    return found


def home_of(items: int) -> Path:
    """The home of a cache with so many items, as of now."""
    home = folder() / f"{items}-{_version()}"
    ready = home / "ready"
    if not ready.exists() or time.time() - ready.stat().st_mtime > FRESH:
        shutil.rmtree(home, ignore_errors=True)
        caches.a_clinic(home, items, NOBODY)
        ready.touch()
    with open_session("default", home) as session, writing(session.engine()) as connection:
        session.projector().move_time(connection, datetime.now(UTC))
    return home


def first_rows(home: Path) -> tuple[str, ...]:
    """The clients of the first three rows of the queue, as they stand on the screen."""
    with open_session("default", home) as session:
        return tuple(row.client for row in session.desk.window(Tab.MINE, "", 0, 3))


def _version() -> str:
    made_of = Path(caches.__file__).read_bytes() + migrations.STEPS[-1].encode()
    return hashlib.sha256(made_of).hexdigest()[:8]
