"""A scripted hour of a person at work: an act a minute, each said only when it has returned.

In:  a cache and the minute at which she goes on. Out: a line a message that she saw.
Every act is known by its minute, which the outbox and the audit log write down: so what she saw
can be looked for afterwards, whatever became of the program.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from carequeue.store.window import QueueRow, View
from carequeue.worklist.desk import Desk
from tests.fhir.clinic import DANA, NOW, ref, task
from tests.store.cache import Cache, clinic_of_dana

MINUTES: Final = 60
CLIENTS: Final = 20
#: Verb and answers; the last is what she does to what she did.
ACTS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("note", {"text": "Called, no answer"}),
    ("claim", {}),
    ("priority", {"to": "urgent"}),
    ("snooze", {"until": "2bd"}),
    ("log", {"outcome": "left message"}),
    ("assign", {"to": "Ortiz"}),
    ("handoff", {"to": "Access", "summary": "Left the ED an hour ago"}),
    ("new", {"text": "Call the school", "until": "2bd"}),
    ("done", {}),
    ("undo", {}),
)


def instant(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def new_hour(folder: Path) -> None:
    """A cache with three rows for each of some clients, closed."""
    people = [
        {"resourceType": "Patient", "id": f"c{number}", "name": [{"text": f"Client {number}"}]}
        for number in range(CLIENTS)
    ]
    tasks = [
        task(f"t{number}-{each}", owner=ref(owner), **{"for": ref(f"Patient/c{number}")})
        for number in range(CLIENTS)
        for each, owner in enumerate((DANA, "CareTeam/access", DANA))
    ]
    clinic_of_dana(folder, *people, *tasks).close()


def work(folder: Path, minute: int, seed: int, pipe: int, say_first: bool) -> None:
    """Go on with the hour from this minute. `say_first`: the safeguard taken away."""
    cache = Cache(folder)
    for now in range(minute, MINUTES):
        cache.instant = instant(now)
        verb, keys, answers = _next_act(cache.desk, now, random.Random(f"{seed}/{now}"))
        line = json.dumps({"minute": now, "verb": verb, "keys": keys}) + "\n"
        if say_first:
            os.write(pipe, line.encode())
        acted = (
            cache.desk.undo(cache.instant)
            if verb == "undo"
            else cache.desk.act(verb, keys, answers, cache.instant)
        )
        if not say_first:
            line = json.dumps({"minute": now, "verb": verb, "keys": acted.changed}) + "\n"
            os.write(pipe, line.encode())
    cache.close()


def _next_act(
    desk: Desk, minute: int, chance: random.Random
) -> tuple[str, list[str], dict[str, str]]:
    """What she does now: to one row, or in every fifth minute to several at once."""
    verb, answers = chance.choice(ACTS)
    if verb == "undo" and minute < 5:
        verb, answers = ACTS[0]
    rows: Sequence[QueueRow] = desk.window(View.ALL, "", 0, 1000)
    fitting = [row.key for row in rows if verb in row.verbs.split()]
    keys = chance.sample(fitting, min(len(fitting), 6 if minute % 5 == 0 else 1))
    return verb, keys, answers


def read_lines(text: bytes) -> list[dict[str, Any]]:
    """The messages that were seen whole."""
    return [json.loads(line) for line in text.splitlines()]
