"""Killed at any moment, the program has lost no act whose message was seen, and doubled none."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carequeue.practice.clinic import PracticeClinic
from carequeue.store.window import View
from carequeue.wiring import Session, practice_session

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(os.name != "posix", reason="fork and kill -9 are of POSIX")
class TestAScriptedHour:
    """In a process of its own, which has no other threads when it forks."""

    def killed(self, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.crash", *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )

    def test_killed_two_hundred_times_holds_every_act_that_was_seen(self) -> None:
        done = self.killed("--kills", "200", "--seed", "7")
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        assert re.match(r"200 kills in \d+ hours: \d{3,} acts whose message was seen", done.stdout)
        assert done.stdout.endswith("; 0 broken promises\n")

    def test_would_show_a_program_that_speaks_before_it_keeps(self) -> None:
        """The measure itself: with the safeguard taken away the same kills find it out."""
        done = self.killed("--kills", "60", "--seed", "7", "--say-first")
        assert done.returncode == 1, done.stdout
        assert "the audit log has []" in done.stdout


@pytest.fixture
def clinic() -> Iterator[PracticeClinic]:
    """A server that takes its time, so that a look lasts long enough to be met by another."""
    with PracticeClinic(seed=5, clients=30, quirks=("slow=3", "no-batch")) as clinic:
        yield clinic


class Programs:
    """Programs that sync one cache, started beside each other."""

    def __init__(self, clinic: PracticeClinic, folder: Path) -> None:
        self.clinic, self.folder = clinic, folder

    def session(self) -> Session:
        """The person's own program, which acts and does not sync."""
        return practice_session(self.clinic.base, self.clinic.token, self.clinic.me, self.folder)

    def start(self, times: int = 1) -> subprocess.Popen[str]:
        clinic = self.clinic
        arguments = (clinic.base, clinic.token, json.dumps(clinic.me), str(times))
        return subprocess.Popen(
            [sys.executable, "-m", "tests.crash.looks", str(self.folder), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kill_after(self, writes: int) -> None:
        """Start a look, and kill it when the server has seen so many of its writes."""
        self.clinic.control(clear_log=True)
        program = self.start()
        while program.poll() is None:
            if sum(one["method"] in ("PUT", "POST") for one in self.clinic.log()) >= writes:
                program.kill()
                break
        program.communicate()

    def waiting(self) -> int:
        """How many decisions were not acknowledged when it was killed."""
        with self.session() as session:
            health = session.desk.health(session.now())
        return health.waiting + health.checking

    def decide(self, number: int) -> Counter[str]:
        """A few acts on a few rows; what each must come to on the server, by a mark of its own."""
        wanted: Counter[str] = Counter()
        with self.session() as session:
            rows = session.desk.window(View.ALL, "", 0, 500)
            noted = [row.key for row in rows if "note" in row.verbs.split() and "Task/" in row.key]
            for at, key in enumerate(noted[:6]):
                text = f"note {number}-{at}"
                assert session.desk.act("note", [key], {"text": text}, session.now()).changed
                wanted[text] += 1
            for at, row in enumerate([row for row in rows if "log" in row.verbs.split()][:4]):
                session.desk.act("log", [row.key], {"outcome": "no answer"}, session.now())
                text = f"new {number}-{at}"
                answers = {"text": text, "until": "2bd"}
                session.desk.act("new", [row.key], answers, session.now())
                wanted["contact"] += 1
                wanted[text] += 1
        return wanted

    def on_the_server(self) -> Counter[str]:
        """The same, counted by plain reading."""
        found: Counter[str] = Counter()
        for one in self._all("Task"):
            found.update(note["text"] for note in one.get("note", []) if "text" in note)
            found[one.get("description", "")] += 1
        ours = "https://carequeue.dev/fhir/identifier/item"
        for one in self._all("Communication"):
            found["contact"] += any(
                each.get("system") == ours for each in one.get("identifier", [])
            )
        return found

    def _all(self, kind: str) -> list[dict[str, Any]]:
        bundle = self.clinic.get(f"{kind}?_count=1000")
        assert not [link for link in bundle["link"] if link["relation"] == "next"]
        return [entry["resource"] for entry in bundle["entry"]]


@pytest.fixture
def programs(clinic: PracticeClinic, tmp_path: Path) -> Programs:
    programs = Programs(clinic, tmp_path)
    with programs.session() as session:
        assert session.sync_once().ok
    return programs


class TestTwoThatSyncOneCache:
    def test_at_the_same_time_double_nothing(self, programs: Programs) -> None:
        before, wanted = programs.on_the_server(), Counter[str]()
        for number in range(3):
            wanted += programs.decide(number)
            both = [programs.start(times=2), programs.start(times=2)]
            said = [program.communicate()[0].split("\n") for program in both]
            assert [program.returncode for program in both] == [0, 0]
            assert all(lines[0] == "ready" for lines in said)
        assert programs.on_the_server() - before == wanted
        with programs.session() as session:
            assert session.sync_once().ok

    def test_one_of_them_killed_at_any_moment_doubles_and_loses_nothing(
        self, programs: Programs
    ) -> None:
        before, wanted = programs.on_the_server(), Counter[str]()
        chance = random.Random(11)
        left = []
        for number in range(6):
            wanted += programs.decide(number)
            programs.kill_after(chance.randint(1, 8))
            left.append(programs.waiting())
        assert any(count > 0 for count in left), "no look was ever cut in the middle"
        with programs.session() as session:
            report = session.sync_once()
            assert report.ok, report
        assert programs.on_the_server() - before == wanted
