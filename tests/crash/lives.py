"""The programs that share one cache, and their lives: forked, watched by a pipe, killed or ended.

`Queue` works as the open queue does: acts through the desk, with the background sync beside it. Its
line on the pipe is written when an act has returned, and only what the parent has read counts.
`Command` is one `carequeue ...` from its start to its end; what it prints is its line. One warmed
process is the parent of all, so that a start costs a hundredth of an interpreter's; it holds no
cache open and has no thread.
Not here: when a life ends (`rounds.py`, `points.py`), what must be true after it (`promises.py`).
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from carequeue.domain.errors import BadQuestion, CacheError
from carequeue.store.queue_window import Tab
from carequeue.verbs.offers import names_of
from carequeue.wiring import Session, open_session
from carequeue.worklist.desk import Desk
from tests.crash.points import Say, install, weaken

TOKEN: Final = "CAREQUEUE_TOKEN"
ERRORS: Final = "stderr"  # the file beside the home where every program's complaints go
#: Verb, answers, and how often it comes.
ACTS: Final[tuple[tuple[str, Mapping[str, str], int], ...]] = (
    ("note", {"text": "?"}, 10),
    ("priority", {"to": "?"}, 4),
    ("snooze", {"until": "2bd"}, 3),
    ("claim", {}, 3),
    ("assign", {"to": "Ortiz"}, 1),
    ("log", {"outcome": "left message"}, 3),
    ("new", {"text": "?", "until": "2bd"}, 1),
    ("done", {}, 1),
    ("undo", {}, 2),
)
PRIORITIES: Final = ("routine", "urgent", "asap", "stat")
#: Seconds between two acts, at most: without any the sync beside them finds no gap to write in.
REST: Final = 0.03
TOP: Final = 10  # rows at the top of the queue, to which half of the acts are done
MANY: Final = 10  # one act in so many is done to several rows


@dataclass(frozen=True, slots=True)
class Fate:
    """How a life is to end: at a point, or so many seconds after so many messages."""

    point: str = ""
    times: int = 1
    messages: int = 0
    seconds: float = 0.0


class Life:
    """One life of a program, seen from outside."""

    def __init__(
        self, name: str, work: Callable[[Say, int], None], fate: Fate, without: str = ""
    ) -> None:
        self.name, self.fate = name, fate
        self.text = b""
        self.killed_at = ""
        self.code: int | None = None  # where it ended by itself
        self._taken = 0
        self._doomed: float | None = None
        self.pipe, writing = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            os.close(self.pipe)
            _live(work, writing, fate, without)
        os.close(writing)

    def read(self) -> bool:
        """Take in what it has said; False where it has ended."""
        more = os.read(self.pipe, 1 << 16)
        self.text += more
        if not more:
            self._end()
        return bool(more)

    def to_the_end(self) -> Life:
        """Read until it has ended."""
        while self.read():
            pass
        return self

    def new_lines(self) -> list[bytes]:
        """The lines that were seen whole, each given once."""
        end = self.text.rfind(b"\n") + 1
        found, self._taken = self.text[self._taken : end], max(end, self._taken)
        return found.splitlines()

    def kill_when_due(self, now: float) -> None:
        """Let the axe fall where its time has come."""
        if self.killed_at:
            return
        if self._doomed is None and self.text.count(b"\n") >= self.fate.messages:
            self._doomed = now + self.fate.seconds
        if self._doomed is not None and now >= self._doomed:
            self.kill("at random")

    def kill(self, where: str) -> None:
        """End it now; the end of its pipe follows."""
        os.kill(self._pid, signal.SIGKILL)
        self.killed_at = where

    def _end(self) -> None:
        os.close(self.pipe)
        _, status = os.waitpid(self._pid, 0)
        if not os.WIFSIGNALED(status):
            self.killed_at, self.code = "", os.WEXITSTATUS(status)
            return
        said = [line for line in self.text.splitlines() if line.startswith(b'{"point"')]
        self.killed_at = json.loads(said[-1])["point"] if said else self.killed_at or "by others"


def _live(work: Callable[[Say, int], None], pipe: int, fate: Fate, without: str) -> None:
    """Be the program; never returns."""
    code = 1

    def say(line: Mapping[str, Any]) -> None:
        os.write(pipe, json.dumps(line).encode() + b"\n")

    try:
        weaken(without)
        if fate.point:
            install(fate.point, fate.times, say)
        work(say, pipe)
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 0
    except BaseException:  # noqa: BLE001 - a fork must never return into its parent's code
        traceback.print_exc()
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


# --- the open queue -------------------------------------------------------------------------------


@dataclass(slots=True)
class Queue:
    """The open queue with somebody at it who hardly rests."""

    home: Path
    seed: int
    say_first: bool = False
    _said: int = field(default=0, init=False)

    def __call__(self, say: Say, pipe: int) -> None:
        _complaints(self.home)
        chance = random.Random(self.seed)
        with open_session("default", self.home) as session:
            background = session.background()
            background.start()
            while True:
                self._act(session, chance, say)
                time.sleep(chance.uniform(0, REST))
                if chance.random() < 0.02:
                    background.sync_now()  # `r`

    def _act(self, session: Session, chance: random.Random, say: Say) -> None:
        at = session.now()
        verb, keys, answers = self._next(session.desk, chance)
        line = {"at": at.isoformat(), "verb": verb, "keys": keys, "text": answers.get("text", "")}
        if self.say_first:
            say(line)
        try:
            acted = (
                session.desk.undo(at)
                if verb == "undo"
                else session.desk.act(verb, keys, answers, at)
            )
        except (BadQuestion, CacheError) as told:  # a refusal: said as one, and nothing is kept
            say({"refused": str(told), "verb": verb, "at": line["at"]})
            return
        if not acted.group:
            say({"refused": acted.message, "verb": verb, "at": line["at"]})
        elif not self.say_first:
            say({**line, "keys": acted.changed, "group": acted.group})

    def _next(
        self, desk: Desk, chance: random.Random
    ) -> tuple[str, Sequence[str], Mapping[str, str]]:
        (verb, answers, _) = chance.choices(ACTS, [often for *_, often in ACTS])[0]
        rows = desk.window(Tab.WHOLE, "", 0, 1000)
        fitting = [row.key for row in rows if verb in names_of(row.verbs)]
        if chance.random() < 0.5:
            fitting = fitting[:TOP]
        many = 5 if chance.random() * MANY < 1 else 1
        self._said += 1
        named = {
            name: (chance.choice(PRIORITIES) if name == "to" else f"{self.seed}-{self._said}")
            if text == "?"
            else text
            for name, text in answers.items()
        }
        return verb, chance.sample(fitting, min(len(fitting), many)), named


# --- one command ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """`carequeue` with these words."""

    home: Path
    words: tuple[str, ...]

    def __call__(self, say: Say, pipe: int) -> None:
        from carequeue.__main__ import main

        _complaints(self.home)
        os.dup2(pipe, 1)
        sys.argv = ["carequeue", *self.words]
        main()


def printed(text: bytes) -> dict[str, Any]:
    """What `act --json` printed, where it was seen whole; {} where it was not."""
    lines = [line for line in text.splitlines() if not line.startswith(b'{"point"')]
    try:
        found = json.loads(b"\n".join(lines))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _complaints(home: Path) -> None:
    """Standard error of a program goes to one file, which is read at the end of the round."""
    handle = os.open(home.with_name(ERRORS), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 2)
