"""The table `rows_after.txt`: where the row of an item goes after each verb, in each situation.

A paragraph for each situation; its first line is the row before, and each other line is a verb that
applies: its message, then the row's band, the rule of the clock that places it, whose move it is,
and its title; "the same" if none of them is another. `python -m tests.worklist.rows_after` writes
the table after a change of a rule or a verb; read the difference before you commit it.
`test_rows_after.py` compares it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from carequeue.domain.clocks import clocks_of
from carequeue.domain.ranking import rank
from carequeue.sync.protocol.capabilities import TypeAbility
from carequeue.verbs.offers import names_of
from carequeue.verbs.table import client_verbs, item_verbs
from tests.fhir.clinic import NOW
from tests.store.cache import ALL, SOURCE, WRITABLE, Cache, clinic_of_dana
from tests.worklist.situations import SITUATIONS, key_of
from tests.worklist.world import ANSWERS

TABLE: Final = Path(__file__).with_name("rows_after.txt")
_CLIENT: Final = "OKAFOR, Amara J"
#: A source that takes everything that our verbs write.
_TAKES_ALL: Final = replace(
    WRITABLE,
    types={
        kind: TypeAbility(ALL, update_create=True)
        for kind in (*WRITABLE.types, "ServiceRequest", "Encounter", "Appointment")
    },
)
#: Answers of the verbs about a client who was found by search; the others are in `world.py`.
_ANSWERS: Final = {
    **ANSWERS,
    "refer": {"text": "Housing support", "to": "Harbor", "priority": "urgent"},
    "heard_crisis": {"where": "988 call"},
    "heard_discharge": {
        "kind": "e",
        "when": "yesterday 20:00",
        "where": "Harbor ED",
        "reason": "p",
    },
}


@contextmanager
def clinic(folder: Path, situation: str) -> Iterator[Cache]:
    """Dana's cache with one situation in it."""
    cache = clinic_of_dana(folder, *SITUATIONS[situation], can=_TAKES_ALL)
    try:
        yield cache
    finally:
        cache.close()


def lines_of(cache: Cache, situation: str) -> list[str]:
    """The paragraph of a situation; each act is undone before the next."""
    before = _row(cache, key_of(situation))
    lines = [f"# {situation}: {before}" if before else f"# {situation}"]
    for name in applicable(cache, situation):
        acted = cache.desk.act(name, [key_of(situation)], _ANSWERS.get(name, {}), NOW)
        assert acted.changed, (situation, name, acted.message)
        after = _row(cache, _made_or(cache, key_of(situation)))
        then = "the same" if after == before else after or "no row"
        lines.append(f"{name}: {acted.message.replace(_CLIENT, '@')} | {then}")
        cache.desk.undo(NOW)
        assert _row(cache, key_of(situation)) == before, (situation, name)
    return lines


def applicable(cache: Cache, situation: str) -> list[str]:
    """The verbs that apply, in the order of help."""
    if situation == "client":
        verbs = (*item_verbs(), *client_verbs())
        return [verb.name for verb in verbs if verb.on_client]
    row = cache.find(key_of(situation))
    offered = names_of(row.verbs) if row else []
    return [verb.name for verb in item_verbs() if verb.name in offered]


def _made_or(cache: Cache, key: str) -> str:
    """The row of an item; for a client, the row that the act made."""
    if cache.find(key) is None and key == key_of("client"):
        return next((row.key for row in cache.rows()), key)
    return key


def _row(cache: Cache, key: str) -> str:
    """A row as band, clock rule, whose move, title; "" where there is none."""
    row = cache.find(key)
    if row is None:
        return ""
    with cache.desk.reading() as reading:
        bases = reading.source(SOURCE).views.bases(row.chart)
        items = reading.projector.read_items(reading.connection, SOURCE, row.chart, bases, NOW)
        (item,) = [item for item in items if item.key == key]
        clocks = clocks_of(item, reading.site.rules, reading.site.calendar)
        placed = rank(item, clocks, reading.site.calendar, NOW)
    clock = placed.clock.rule if placed.clock else "no clock"
    move = f"{row.move} {row.move_name}".strip()
    return f"{placed.band.title} | {clock} | {move} | {row.title}"


def table() -> str:
    """The whole table."""
    paragraphs = []
    for situation in SITUATIONS:
        with tempfile.TemporaryDirectory() as folder, clinic(Path(folder), situation) as cache:
            paragraphs.append("\n".join(lines_of(cache, situation)))
    return "\n\n".join(paragraphs) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
