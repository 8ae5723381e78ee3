"""`kill -9` at random moments of the scripted hour, and what must be true after each.

One warmed process is the parent; each life of the program is a fork of it, which costs a
hundredth of an interpreter's start. The parent holds no cache open while it forks.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from carequeue.store import audit, projection
from carequeue.store.engine import connect
from carequeue.store.keys import read_key
from carequeue.store.profiles import places
from tests.crash.hour import MINUTES, instant, new_hour, read_lines, work
from tests.store.cache import PROFILE, Cache

#: Messages after which the axe may fall, and seconds until it does.
MESSAGES, LONGEST = 8, 0.012


@dataclass
class Hour:
    """One hour of work on one cache: what was seen, and how often it was interrupted."""

    folder: Path
    seen: dict[int, dict[str, Any]] = field(default_factory=dict)
    kills: int = 0
    next_minute: int = 0


@dataclass
class Tally:
    """What all hours came to; `wrong` is empty where every promise was kept."""

    kills: int = 0
    hours: int = 0
    seen: int = 0
    unseen: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.hours} hours: {self.seen} acts whose message was seen, "
            f"{self.unseen} that were kept unseen; {len(self.wrong)} broken promises"
        )


def run(kills: int, seed: int, say_first: bool = False) -> Tally:
    """Kill so many times; what is found wrong stands in the tally."""
    chance, tally = random.Random(seed), Tally()
    while tally.kills < kills and not tally.wrong:
        with _hour() as hour:
            tally.hours += 1
            while hour.next_minute < MINUTES and tally.kills < kills and not tally.wrong:
                killed = _live(hour, seed + tally.hours, chance, say_first)
                tally.kills += killed
                hour.kills += killed
                tally.wrong += _examine(hour)
            tally.seen += len(hour.seen)
            tally.unseen += hour.next_minute - len(hour.seen)
    return tally


@contextmanager
def _hour() -> Iterator[Hour]:
    with tempfile.TemporaryDirectory(prefix="carequeue-hour-") as name:
        new_hour(Path(name))
        yield Hour(Path(name))


def _live(hour: Hour, seed: int, chance: random.Random, say_first: bool) -> bool:
    """One life of the program, from its start to the axe; False where it ended by itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _be_the_program(hour, seed, reading, writing, say_first)
    os.close(writing)
    text = _watch(reading, chance.randrange(MESSAGES), chance.uniform(0, LONGEST))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    while more := os.read(reading, 65536):
        text += more
    os.close(reading)
    for line in read_lines(text):
        hour.seen[line["minute"]] = line
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("the program failed by itself; see above")
    return os.WIFSIGNALED(status)


def _be_the_program(hour: Hour, seed: int, reading: int, pipe: int, say_first: bool) -> None:
    code = 1
    try:
        os.close(reading)
        work(hour.folder, hour.next_minute, seed, pipe, say_first)
        code = 0
    except BaseException:  # noqa: BLE001 - a fork must never return into its parent's code
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


def _watch(pipe: int, messages: int, seconds: float) -> bytes:
    """Read until so many messages were seen, and then for so long; or until it ends."""
    text = b""
    while text.count(b"\n") < messages:
        more = os.read(pipe, 65536)
        if not more:
            return text
        text += more
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and select.select([pipe], [], [], left)[0]:
        more = os.read(pipe, 65536)
        if not more:
            break
        text += more
    return text


# --- what must be true after it -------------------------------------------------------------------


def _examine(hour: Hour) -> list[str]:
    """Open the cache as the next start would; the promises that it breaks. Sets the next minute."""
    wrong = _integrity(hour.folder)
    cache = Cache(hour.folder)
    with cache.session.engine().connect() as connection:
        rows = connection.exec_driver_sql("SELECT at, action, item_key, group_id FROM audit").all()
        groups = connection.exec_driver_sql(
            "SELECT decided_at, group_id, item_key FROM intent"
        ).all()
        if audit.first_break(connection) is not None:
            wrong.append("the audit log is broken")
        kept = {
            (view, band): count
            for view, band, count in connection.exec_driver_sql("SELECT * FROM tally").all()
            if count
        }
        if kept != dict(projection.counted(connection)):
            wrong.append("the counts do not fit the rows")
    cache.close()
    for minute, line in hour.seen.items():
        acts = [row for row in rows if row[0] == instant(minute).isoformat()]
        wrong += _exactly_once(minute, line, acts, groups)
    done = {at for at, *_ in rows}
    unseen = done - {instant(minute).isoformat() for minute in hour.seen}
    if len(unseen) > hour.kills:
        wrong.append(f"{len(unseen)} acts were kept unseen after {hour.kills} kills")
    reached = [minute for minute in range(MINUTES) if instant(minute).isoformat() in done]
    hour.next_minute = max([*reached, *hour.seen], default=-1) + 1
    return wrong


def _integrity(folder: Path) -> list[str]:
    where = places(PROFILE.name, folder)
    connection = connect(where.cache, read_key(where))
    found = connection.execute("PRAGMA integrity_check").fetchall()
    found += connection.execute("PRAGMA cipher_integrity_check").fetchall()
    connection.close()
    return [f"integrity: {words}" for (words,) in found if words != "ok"]


def _exactly_once(
    minute: int, line: dict[str, Any], acts: Sequence[Any], intents: Sequence[Any]
) -> list[str]:
    if line["verb"] != "undo" and not line["keys"]:
        return []  # there was nothing left to do it to
    said = f"minute {minute}, {line['verb']} on {line['keys']}"
    keys = sorted(key for _, _, key, _ in acts)
    if keys != sorted(line["keys"]) and not (line["verb"] == "undo" and keys):
        return [f"{said}: the audit log has {keys}"]
    if len({group for *_, group in acts}) != 1:
        return [f"{said}: it is there as {len({group for *_, group in acts})} groups"]
    if line["verb"] == "undo":
        return []
    filed = {key for at, group, key in intents if at == instant(minute).isoformat()}
    groups = {group for at, group, _ in intents if at == instant(minute).isoformat()}
    if filed != set(line["keys"]) or len(groups) != 1:
        return [f"{said}: the outbox has {sorted(filed)} in {len(groups)} groups"]
    return []
