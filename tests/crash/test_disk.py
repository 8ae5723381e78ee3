"""A disk that fills up while the queue is open: the act is refused in a sentence, and nothing else.

The program is a process whose files may not grow beyond a limit; the limit is put down and up again
while it runs, as when somebody frees some space. What a start on a full or a read-only disk says is
held by `tests/bad_input/test_disk.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.bad_input.home import Home, environment, task

#: Notes until one is refused; room again; one note more. A line for each: kept, or the sentence.
FILLS_UP: Final = """
import json, os, resource, signal, sys
from pathlib import Path
from carequeue.domain.errors import CareQueueError
from carequeue.wiring import open_session
home, killed = Path(sys.argv[1]), sys.argv[2] == "killed"

def note(text):
    try:
        acted = session.desk.act("note", ["main:Task/t1"], {"text": text}, session.now())
        line = {"kept": text} if acted.changed else {"refused": acted.message}
    except CareQueueError as told:
        line = {"refused": str(told), "code": told.exit_code}
    print(json.dumps(line), flush=True)
    return "kept" in line

with open_session("default", home) as session:
    assert note("before")
    wal = session.paths.cache.with_name("cache.db-wal").stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal + 100_000, hard))
    number = 0
    while note(f"{number} " + "x" * 2000):
        number += 1
    assert session.desk.window("whole", "", 0, 10), "the queue is not shown any more"
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert note("after")
"""
SENTENCE: Final = "What you did last was not saved; everything before it is safe."


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.write_profile("http://127.0.0.1:9/fhir")
    home.fill(task())
    return home


def fill_up(home: Home, end: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of the program, and what it said of each act."""
    done = subprocess.run(
        [sys.executable, "-c", FILLS_UP, str(home.root), end],
        env=environment({"CAREQUEUE_HOME": str(home.root)}),
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def kept(home: Home) -> list[str]:
    """The notes in the outbox; asserts that the cache is whole."""
    assert home.counts()["intent"] == home.counts()["audit"]
    found = home.rows("SELECT args FROM intent ORDER BY seq")
    return [json.loads(args)["text"] for (args,) in found]


@pytest.mark.skipif(os.name != "posix", reason="the limit of a file's size is of POSIX")
class TestADiskThatFillsUp:
    def test_refuses_one_act_and_takes_the_next_when_there_is_room(self, home: Home) -> None:
        code, said = fill_up(home, "left")
        assert code == 0
        refused = [line for line in said if "refused" in line]
        assert len(refused) == 1
        assert refused[0]["code"] == 5
        assert SENTENCE in refused[0]["refused"]
        assert "the disk" in refused[0]["refused"]  # what to look at next
        assert said.index(refused[0]) == len(said) - 2 > 1
        assert kept(home) == [line["kept"] for line in said if "kept" in line]
        assert kept(home)[-1] == "after"

    def test_leaves_a_whole_cache_behind_a_program_that_was_killed(self, home: Home) -> None:
        code, said = fill_up(home, "killed")
        assert code == -signal.SIGKILL
        assert "refused" in said[-1]
        assert kept(home) == [line["kept"] for line in said if "kept" in line]
        ran = home.run("act", "note", "main:Task/t1", "--text", "the next day")
        assert ran.code == 0, ran
        assert kept(home)[-1] == "the next day"
