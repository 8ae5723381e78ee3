"""`python -m tests.terminal.busy --seconds 60 --every 0.3`: a person who never stops pressing keys.

In:  the practice clinic at its busy pace, a real CareQueue on a terminal, and a second window that
     syncs the same cache after each crisis that a colleague sends. Out: how long each new item of
     Now or Safety had been in the cache when the screen named it, and whether an empty list was
     called empty under a tab that counts rows.
What reached the cache is seen by a connection of our own; what was named, on the message line of
the terminal (or above the list, where it is narrow). Of several that came within one look, the
first must be named and the rest counted. The exit code is 1 where one waited longer than five
seconds. It takes as long as it says, so it is no test of the suite; the same law is held there by a
time that is moved by hand (`tests/screens/test_urgent_items.py`).
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Final

from carequeue.practice.people.organizations import team
from carequeue.practice.people.record_builder import RecordBuilder
from carequeue.practice.people.task_templates import Handoff
from carequeue.store import profiles
from carequeue.wiring import Session, open_session
from tests.servers.controlled_clinic import ControlledClinic
from tests.terminal.seat import Seat

ENTRY: Final = "import sys; from carequeue.__main__ import main; sys.exit(main())"
LONGEST: Final = 5.0
POLL_SECONDS: Final = 1.0
#: Seconds between two crises that a colleague sends, and how long one thing is done at a time.
APART: Final = 3.0
STAY: Final = 4.0
#: What a person is at: the keys that open it, those that are pressed on and on, and those that
#: leave it. None of them acts on anybody.
AT: Final = {
    "the list": ("", "jk", ""),
    "a note": ("n", "abc ", "\x15\x1b"),
    "the filter": ("/", "ab\x7f\x7f", "\x1b"),
    "the detail": ("\r", "jk", "q"),
    "the palette": (":", "a\x7f", "\x1b"),
    "the tabs": ("", "41", ""),
    "the outbox": ("o", "jk", "q"),
    "marks": ("", " ", "\\"),
    "the keys": ("?", "e\x7f", "\x1b"),
}
EMPTY: Final = ("Nothing is waiting", "Nothing is open", "Nothing in the copy", "Nothing has been")
STORY: Final = ("Found by mobile crisis, not safe alone.", "See today.", "Else call the team.")


@dataclass
class Found:
    """What was seen: seconds until each item was named or counted, and what was untrue."""

    named: dict[str, float] = field(default_factory=dict)
    counted: dict[str, float] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    keys: int = 0
    written: int = 0

    def __str__(self) -> str:
        waits = [*self.named.values(), *self.counted.values()]
        middle, most = (statistics.median(waits), max(waits)) if waits else (0.0, 0.0)
        lines = [
            f"{self.keys} keys, {self.written / max(1, self.keys):.0f} bytes a key",
            f"{len(waits) + len(self.missed)} new items in Now or Safety reached the cache: "
            f"{len(self.named)} named, {len(self.counted)} counted beside a name, "
            f"{len(self.missed)} neither",
            f"seconds until the screen said so: median {middle:.2f}, longest {most:.2f}",
            *(f"missed: {words}" for words in self.missed),
            *(f"untrue: {words}" for words in self.untrue),
        ]
        return "\n".join(lines)

    @property
    def kept(self) -> bool:
        """Whether the promise was kept, and anything was there to be named."""
        waits = [*self.named.values(), *self.counted.values()]
        return bool(waits) and max(waits) <= LONGEST and not self.missed and not self.untrue


class Colleague(threading.Thread):
    """Sends a crisis now and then, and has the second window sync it into the cache."""

    def __init__(self, clinic: ControlledClinic, session: Session, ended: threading.Event) -> None:
        super().__init__(name="colleague", daemon=True)
        self._clinic, self._session, self._ended = clinic, session, ended

    def run(self) -> None:
        number = 0
        while not self._ended.wait(APART):
            number += 1
            self._send(number)
            self._session.sync_once()

    def _send(self, number: int) -> None:
        """A person who is new here, and an unstable handoff about them to whoever sits there."""
        family = f"Arrived{chr(65 + number // 26)}{chr(65 + number % 26)}"
        name = [{"family": family, "given": ["Rui"]}]
        self._clinic.put({"resourceType": "Patient", "id": f"busy-{number}", "name": name})
        book = RecordBuilder(datetime.now(UTC), mark=f"busy-{number}-")
        client = {"reference": f"Patient/busy-{number}", "display": family}
        owner = {"reference": str(self._clinic.me["practitioner"]), "display": "Dana"}
        crisis = team("mobile-crisis")
        Handoff(client, "unstable", STORY, crisis, owner, book.ago(0.01)).write(book)
        for _, tree in book.made:
            self._clinic.put(tree)


class Watch:
    """Compares what reached the cache with what the terminal shows."""

    def __init__(self, seat: Seat, session: Session, found: Found) -> None:
        self._seat, self._desk, self._found = seat, session.desk, found
        self._stamp = self._desk.stamp()
        self._known = {one.key for one in self._desk.urgent()}
        self._since: dict[str, float] = {}  # when each new item reached the cache
        self._called: dict[str, set[str]] = {}  # how its client is called; a Patient may come later
        self._waiting: set[str] = set()
        self._untrue_since: float | None = None

    def look(self) -> None:
        """One look at both."""
        if (stamp := self._desk.stamp()) != self._stamp:
            self._stamp = stamp
            self._read(time.monotonic())
        lines = self._seat.lines
        said = f"{lines[1]}\n{lines[-2]}"
        for key in sorted(self._waiting):
            self._answer(key, said)
        self._true(lines)

    def _read(self, at: float) -> None:
        for one in self._desk.urgent():
            if one.key not in self._known:
                self._known.add(one.key)
                self._waiting.add(one.key)
                self._since[one.key] = at
            self._called.setdefault(one.key, set()).add(one.client)

    def _names(self, said: str, key: str) -> bool:
        """Whether a line names the client of an item: a long name is cut behind its beginning."""
        return any(name[:10] in said for name in self._called[key])

    def _answer(self, key: str, said: str) -> None:
        waited = time.monotonic() - self._since[key]
        beside = [
            other
            for other, since in self._since.items()
            if abs(since - self._since[key]) <= POLL_SECONDS and self._names(said, other)
        ]
        if key in beside:
            self._found.named[key] = waited
        elif beside and re.search(r"\+\d|\d more", said):
            self._found.counted[key] = waited
        elif waited > 2 * LONGEST:
            self._found.missed.append(f"{sorted(self._called[key])}, {waited:.1f} s in the cache")
        else:
            return
        self._waiting.remove(key)

    def _true(self, lines: list[str]) -> None:
        """An empty sentence under a tab that counts rows; a frame that is half written is none."""
        text = "\n".join(lines)
        mine = re.search(r"1 Mine (\d+)", lines[1])
        if not (mine and int(mine[1]) and any(words in text for words in EMPTY)):
            self._untrue_since = None
        elif self._untrue_since is None:
            self._untrue_since = time.monotonic()
        elif time.monotonic() - self._untrue_since > 0.5:
            self._found.untrue.append(f"an empty sentence under {mine[0]}")
            self._untrue_since = float("inf")

    @property
    def over(self) -> bool:
        """Whether nothing is waited for any more."""
        return not self._waiting


def keys(stay: float, every: float) -> Iterator[str]:
    """What is pressed, one burst a time: a thing is opened, worked in for a while, and left."""
    for opened, pressed, left in cycle(AT.values()):
        if opened:
            yield opened
        for _, key in zip(range(max(1, int(stay / every))), cycle(pressed), strict=False):
            yield key
        yield from left


def run(seconds: float, every: float, size: tuple[int, int], clients: int) -> Found:
    """Sit there for so long."""
    found, ended = Found(), threading.Event()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="carequeue-busy-")))
        clinic = stack.enter_context(ControlledClinic(clients=clients, pace="busy"))
        session = stack.enter_context(_session(home, clinic))
        environment = {"CAREQUEUE_HOME": str(home), "CAREQUEUE_TOKEN": clinic.token}
        seat = Seat([sys.executable, "-c", ENTRY], size=size, environment=environment)
        stack.callback(seat.close)
        seat.wait_for("online", "1 Mine", "▌", "synced")
        seat.settle(1.0)
        watch, colleague = Watch(seat, session, found), Colleague(clinic, session, ended)
        colleague.start()
        before = len(seat.written)
        _press(seat, watch, found, seconds, every)
        found.written = len(seat.written) - before
        ended.set()
        colleague.join()
        end = time.monotonic() + 2 * LONGEST + 1
        while not watch.over and time.monotonic() < end:
            seat.read(0.05)
            watch.look()
    return found


def _press(seat: Seat, watch: Watch, found: Found, seconds: float, every: float) -> None:
    pressed, start = keys(STAY, every), time.monotonic()
    due = start
    while (now := time.monotonic()) - start < seconds:
        if now >= due:
            seat.press(next(pressed))
            found.keys += 1
            due += every
        seat.read(0.02)
        watch.look()


def _session(home: Path, clinic: ControlledClinic) -> Session:
    """The profile of the clinic's person, written to disk, and the second window over its cache."""
    import os

    me = clinic.me
    where = profiles.profile_paths("default", home)
    os.environ["CAREQUEUE_TOKEN"] = clinic.token
    profile = profiles.Profile(
        name="default",
        me=str(me["practitioner"]),
        my_name=str(me["name"]),
        teams=tuple(me["teams"]),
        organization=str(me["organization"]),
        organization_name=str(me["organization_name"]),
        time_zone=str(me["time_zone"]),
        sources=(profiles.SourceProfile("practice", clinic.base, token_env="CAREQUEUE_TOKEN"),),
    )
    profiles.save(profile, where)
    return open_session("default", home)


def main() -> int:
    """Sit there as asked, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.terminal.busy", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=0.3, help="seconds from key to key")
    parser.add_argument("--size", default="80x24", help="columns x lines")
    parser.add_argument("--clients", type=int, default=200)
    asked = parser.parse_args()
    columns, _, lines = asked.size.partition("x")
    found = run(asked.seconds, asked.every, (int(columns), int(lines)), asked.clients)
    print(found)
    return 0 if found.kept else 1


if __name__ == "__main__":
    sys.exit(main())
