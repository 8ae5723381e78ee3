"""A laptop whose time is wrong: a day behind, a year ahead, and right again.

The time of the laptop says what is due and how a row is called; it decides neither the order in
which decisions are sent nor from where a search goes on. That is held here: once with the source of
time in our hands, and once with the whole program in a process whose time is another.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from carequeue.store.profiles import Profile, SourceProfile, profile_paths, save
from carequeue.store.queue_window import Tab
from carequeue.wiring import Session
from tests.bad_input.home import environment
from tests.servers.controlled_clinic import ControlledClinic

SHIFTS: Final = {"a day behind": timedelta(days=-1), "a year ahead": timedelta(days=365)}
KEY, TASK = "clinic:Task/t1", "Task/t1"
#: The program in a process whose every source of time is so many seconds off.
ELSEWHEN: Final = """
import datetime, sys, time
by, real, told = float(sys.argv.pop(1)), datetime.datetime, time.time
class Elsewhen(real):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=by)
datetime.datetime = Elsewhen
time.time = lambda: told() + by
from carequeue.__main__ import main
main()
"""


class Laptop:
    """A cache, its server, and the time that the laptop shows."""

    def __init__(self, clinic: ControlledClinic, home: Path) -> None:
        me = clinic.me
        self.clinic, self.home = clinic, home
        self.where = profile_paths("default", home)
        self.profile = Profile(
            name="default",
            me=me["practitioner"],
            my_name=me["name"],
            time_zone=me["time_zone"],
            sources=(SourceProfile("clinic", clinic.base, token_env="CAREQUEUE_TOKEN"),),
        )
        save(self.profile, self.where)
        self.right, self.shift = datetime.now(UTC), timedelta()

    def open(self) -> Session:
        tokens = {"clinic": self.clinic.token}
        return Session(self.profile, self.where, tokens, lambda: self.right + self.shift)

    def note(self, text: str) -> None:
        with self.open() as session:
            assert session.desk.act("note", [KEY], {"text": text}, session.now()).changed

    def sync(self) -> Any:
        with self.open() as session:
            return session.sync_once()

    def rows(self) -> list[tuple[str, int, int]]:
        """Key, band and points of every row, in the order of the queue as it is now shown."""
        with self.open() as session:
            session.desk.refresh(session.now())
            rows = session.desk.window(Tab.WHOLE, "", 0, 1000)
            return [(row.key, row.band, row.points) for row in rows]

    def read(self, sql: str) -> list[tuple[Any, ...]]:
        with self.open() as session, session.engine().connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql).all()]

    def notes(self) -> list[str]:
        return [note["text"] for note in self.clinic.get(TASK).get("note", [])]


@pytest.fixture(scope="module")
def clinic() -> Iterator[ControlledClinic]:
    with ControlledClinic(seed=4, clients=4) as clinic:
        yield clinic


@pytest.fixture
def laptop(clinic: ControlledClinic, tmp_path: Path) -> Iterator[Laptop]:
    """After its first look, at the right time, with a Task of its person's on the server."""
    clinic.set_quirks()
    clinic.put(
        {
            "resourceType": "Task",
            "id": "t1",
            "status": "in-progress",
            "intent": "order",
            "priority": "routine",
            "description": "Call back",
            "for": {"reference": "Patient/client-0001"},
            "owner": {"reference": clinic.me["practitioner"]},
            "authoredOn": "2026-01-05T10:00:00Z",
        }
    )
    laptop = Laptop(clinic, tmp_path)
    assert laptop.sync().ok
    yield laptop
    clinic.set_quirks()


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS.keys())
class TestALaptopWhoseTimeIsWrong:
    def test_sends_in_the_order_in_which_it_was_decided(
        self, laptop: Laptop, shift: timedelta
    ) -> None:
        for text, by in (("first", timedelta()), ("second", shift), ("third", timedelta())):
            laptop.shift = by
            laptop.note(text)
            with laptop.open() as session:
                to = {"first": "urgent", "second": "stat", "third": "asap"}[text]
                assert session.desk.act("priority", [KEY], {"to": to}, session.now()).changed
        laptop.shift = shift
        assert laptop.sync().ok
        assert laptop.notes() == ["first", "second", "third"]
        assert laptop.clinic.get(TASK)["priority"] == "asap"
        assert laptop.read("SELECT state, count(*) FROM intent GROUP BY state") == [
            ("acknowledged", 6)
        ]

    def test_goes_on_from_the_time_of_the_server(self, laptop: Laptop, shift: timedelta) -> None:
        """A cursor may stand still where nothing is new; it never leaps with the laptop's time."""
        laptop.shift = shift
        assert laptop.sync().ok
        there = datetime.fromisoformat(laptop.clinic.get("Task?_count=1")["meta"]["lastUpdated"])
        for (mark,) in laptop.read("SELECT watermark FROM sync_state"):
            assert timedelta() <= there - datetime.fromisoformat(mark) < timedelta(hours=1)

    def test_sees_what_changed_meanwhile_once_it_is_right_again(
        self, laptop: Laptop, shift: timedelta
    ) -> None:
        laptop.shift = shift
        assert laptop.sync().ok
        laptop.clinic.put({**laptop.clinic.get(TASK), "note": [{"text": "of a colleague"}]})
        laptop.shift = timedelta()
        assert laptop.sync().ok
        ((body,),) = laptop.read("SELECT body FROM resource WHERE type = 'Task' AND id = 't1'")
        assert "of a colleague" in body

    def test_is_found_again_as_it_was_once_it_is_right(
        self, laptop: Laptop, shift: timedelta
    ) -> None:
        order = laptop.rows()
        laptop.shift = shift
        laptop.rows()
        laptop.shift = timedelta()
        assert laptop.rows() == order

    @pytest.mark.parametrize("put_off", ["while it was right", "while it was wrong"])
    def test_does_not_wait_longer_for_what_the_server_put_off(
        self, laptop: Laptop, shift: timedelta, put_off: str
    ) -> None:
        """A server that is asked too often names a time to wait, of an hour at most."""
        first, then = (
            (timedelta(), shift) if put_off == "while it was right" else (shift, timedelta())
        )
        laptop.note("put off")
        laptop.shift = first
        laptop.clinic.set_quirks("throttle-next=2")
        assert not laptop.sync().ok
        laptop.clinic.set_quirks()
        assert laptop.notes() == []
        laptop.shift = then + timedelta(hours=1)
        laptop.sync()
        assert laptop.notes() == ["put off"]


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS.keys())
def test_a_program_in_another_time_sends_and_fetches_like_any(
    laptop: Laptop, shift: timedelta
) -> None:
    laptop.note("before")
    given = {"CAREQUEUE_HOME": str(laptop.home), "CAREQUEUE_TOKEN": laptop.clinic.token}
    for words in (("act", "note", KEY, "--text", "elsewhen"), ("sync",), ("list", "--plain")):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHEN, str(shift.total_seconds()), *words],
            env=environment(given),
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, ""), words
    laptop.note("after")
    assert laptop.sync().ok
    assert laptop.notes() == ["before", "elsewhen", "after"]
    ((at,),) = laptop.read("SELECT decided_at FROM intent WHERE args LIKE '%elsewhen%'")
    off = datetime.fromisoformat(at) - datetime.now(UTC)
    assert abs(off - shift) < timedelta(hours=1), "the child's time was not another"
