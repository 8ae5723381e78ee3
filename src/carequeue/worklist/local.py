"""The desk over a cache: the use cases of `desk.py`, each of them thin.

Two doors: the window, a connection that only reads and that the screen may use at any time; and
the engine, for everything that writes, loaded at first use (the first frame does without it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from carequeue.domain.errors import BadQuestion
from carequeue.store.window import QueueRow, Tally, View, Window

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from carequeue.store.projection import Projector
    from carequeue.worklist.answers import (
        Acted,
        Conflict,
        Detail,
        Health,
        OutboxLine,
        Person,
        Preview,
    )
    from carequeue.worklist.verbs import Verb

_CLOSED = "is no longer in the queue"


class LocalDesk:
    """One person's queue over one cache; see `desk.Desk` for what each method promises."""

    def __init__(
        self,
        window: Window,
        heading: str,
        author: str,
        sources: tuple[str, ...],
        engine: Callable[[], Engine],
        projector: Callable[[], Projector],
        now: Callable[[], datetime],
    ) -> None:
        self._window = window
        self._heading = heading
        self._author = author
        self._sources = sources
        self._engine = engine
        self._projector = projector
        self._now = now
        self.syncing: Callable[[], bool] = lambda: False
        self.other_syncs: Callable[[], bool] = lambda: False
        self.decided: Callable[[], None] = lambda: None  # called when the outbox has grown
        self.keeps = True  # False where the folder of the cache goes with the program

    @property
    def heading(self) -> str:
        """The organization and the person."""
        return self._heading

    # --- reading ----------------------------------------------------------------------------------

    def window(self, view: View, narrow: str, offset: int, limit: int) -> Sequence[QueueRow]:
        """Rows of a view."""
        return self._window.rows(view, _folded(narrow), offset, limit)

    def tally(self, view: View, narrow: str) -> Tally:
        """Counts of views and bands."""
        return self._window.tally(view, _folded(narrow))

    def place(self, view: View, narrow: str, key: str) -> int | None:
        """Offset of a key."""
        return self._window.place(view, _folded(narrow), key)

    def keys_of(self, view: View, narrow: str) -> Sequence[str]:
        """All keys of a view."""
        return self._window.keys(view, _folded(narrow))

    def row(self, key: str) -> QueueRow | None:
        """One row as the list shows it."""
        return self._window.row(key)

    def stamp(self) -> int:
        """Changes with every commit."""
        return self._window.stamp()

    def health(self, now: datetime) -> Health:
        """The truth about sync."""
        from carequeue.worklist.health import health

        return health(self._window, syncing=self.syncing(), other_syncs=self.other_syncs())

    def detail(self, key: str, now: datetime) -> Detail | None:
        """One item in full."""
        from carequeue.worklist import query

        with self._engine().connect() as connection:
            return query.detail(connection, self._projector(), key, now)

    def people(self) -> Sequence[Person]:
        """To whom an item can be given, the last used first."""
        from carequeue.fhir.us import assignable
        from carequeue.store import outbox
        from carequeue.store.projection import directory

        found: dict[str, Person] = {}
        with self._engine().connect() as connection:
            recent = outbox.recent_assignees(connection)
            for source in self._sources:
                projector = self._projector()
                us = projector.us(connection, source)
                base = projector.site.base_urls.get(source, "")
                for reference, name, team in assignable(directory(connection, source), us, base):
                    found[reference] = _person(reference, name, team)
        order = {reference: number for number, reference in enumerate(recent)}
        return sorted(found.values(), key=lambda one: order.get(one.reference, len(order)))

    def why_not(self, verb: str, key: str) -> str | None:
        """Why a verb does not apply; None where it does."""
        from carequeue.worklist.questions import verb_named

        return self._refused([verb_named(verb)], key).get(verb)

    def reasons(self, key: str) -> Mapping[str, str]:
        """Verb -> why it does not apply."""
        from carequeue.worklist.verbs import VERBS

        return self._refused([verb for verb in VERBS if verb.on_item], key)

    def _refused(self, verbs: Sequence[Verb], key: str) -> dict[str, str]:
        """One reading of the chart for all verbs: it costs as much as the rest together."""
        from carequeue.worklist.act import Acts

        acts = Acts(self._projector())
        found: dict[str, str] = {}
        with self._engine().connect() as connection:
            now = self._now()
            items = acts.items(connection, [key], now)
            if key not in items:
                return dict.fromkeys((verb.name for verb in verbs), f"It {_CLOSED}.")
            for verb in verbs:
                checked = next(acts.check(connection, verb, [key], items, now))
                if not checked.verdict.ok:
                    found[verb.name] = f"{checked.client} {checked.refused.why}"
        return found

    def check_answer(self, verb: str, question: str, text: str, now: datetime) -> tuple[bool, str]:
        """Whether an answer is understood, and how."""
        from carequeue.worklist.questions import question_named, read_answer, verb_named

        asked = question_named(verb_named(verb), question)
        people = self.people() if asked.asks == "whom" else ()
        try:
            return True, read_answer(asked, text, people, self._projector().site.calendar, now)[1]
        except BadQuestion as error:
            return False, str(error)

    # --- writing ----------------------------------------------------------------------------------

    def preview(
        self, verb: str, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> Preview:
        """What a verb would do to many."""
        from carequeue.worklist.act import Acts

        found, read = self._question(verb, answers, now)
        with self._engine().connect() as connection:
            return Acts(self._projector()).preview(connection, found, keys, read, now)

    def act(
        self, verb: str, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> Acted:
        """Keep a decision."""
        from carequeue.store.engine import writing
        from carequeue.worklist.act import Acts

        found, read = self._question(verb, answers, now)
        with writing(self._engine()) as connection:
            acted = Acts(self._projector()).act(connection, found, keys, read, now)
        self.decided()
        return acted

    def _question(
        self, verb: str, answers: Mapping[str, str], now: datetime
    ) -> tuple[Verb, dict[str, str]]:
        from carequeue.worklist.questions import read_answers, verb_named

        found = verb_named(verb)
        people = self.people() if any(one.asks == "whom" for one in found.asks) else ()
        calendar = self._projector().site.calendar
        return found, read_answers(found, answers, people, calendar, now)

    def undo(self, now: datetime, group: str = "") -> Acted:
        """Take back a group, or the last one."""
        from carequeue.store.engine import writing
        from carequeue.worklist.undo import undo

        with writing(self._engine()) as connection:
            acted = undo(connection, self._projector(), self._author, now, group)
        self.decided()
        return acted

    def let_go(self, key: str, now: datetime) -> Acted:
        """Drop what the server did not take."""
        from carequeue.store.engine import writing
        from carequeue.worklist.undo import let_go

        with writing(self._engine()) as connection:
            acted = let_go(connection, self._projector(), self._author, key, now)
        self.decided()
        return acted

    # --- what is not on the server ----------------------------------------------------------------

    def outbox(self, now: datetime) -> Sequence[OutboxLine]:
        """All that is not on the server."""
        from carequeue.worklist import outbox

        with self._engine().connect() as connection:
            return outbox.lines(connection, self._projector(), now)

    def conflicts(self, now: datetime) -> Sequence[Conflict]:
        """Every conflict."""
        from carequeue.worklist import conflicts

        with self._engine().connect() as connection:
            return conflicts.conflicts(connection, self._projector(), now)

    def conflict(self, key: str, now: datetime) -> Conflict | None:
        """The conflict of one item."""
        from carequeue.worklist import conflicts

        with self._engine().connect() as connection:
            return conflicts.conflict(connection, self._projector(), key, now)

    def answer(self, shown: Conflict, how: str, now: datetime) -> Acted:
        """Answer a conflict as it was shown."""
        from carequeue.worklist import conflicts

        return self._write(partial(conflicts.answer, shown=shown, how=how, now=now))

    def retry(self, ids: Sequence[str], now: datetime) -> Acted:
        """Send again what needs attention."""
        from carequeue.worklist import outbox

        return self._write(partial(outbox.retry, ids=ids, now=now))

    def discard(self, ids: Sequence[str], typed: str, now: datetime) -> Acted:
        """Drop what needs attention, for good."""
        from carequeue.worklist import outbox

        return self._write(partial(outbox.discard, ids=ids, typed=typed, now=now))

    def discard_word(self, ids: Sequence[str]) -> str:
        """What has to be typed to discard these."""
        from carequeue.worklist import outbox

        with self._engine().connect() as connection:
            return outbox.discard_word(connection, ids)

    def export(self, ids: Sequence[str], now: datetime) -> str:
        """Decisions as JSON lines."""
        from carequeue.worklist import outbox

        with self._engine().connect() as connection:
            return outbox.export(connection, ids)

    def news(self, after: int) -> tuple[int, Sequence[str]]:
        """What became of decisions without a person."""
        from carequeue.worklist import outbox

        with self._engine().connect() as connection:
            return outbox.news(connection, self._projector(), after, self._now())

    def _write(self, does: Callable[[Connection, Projector, str], Acted]) -> Acted:
        """A use case in a transaction of its own."""
        from carequeue.store.engine import writing

        with writing(self._engine()) as connection:
            acted = does(connection, self._projector(), self._author)
        self.decided()
        return acted

    def refresh(self, now: datetime) -> bool:
        """Move the rows that time has moved."""
        with self._engine().connect() as connection:
            if not self._projector().has_moved(connection, now):
                return False
        from carequeue.store.engine import writing

        moves = True
        while moves:  # some at a time: an act may come between
            with writing(self._engine()) as connection:
                moves = self._projector().move_time(connection, now)
        return True


def _folded(narrow: str) -> str:
    if not narrow:
        return ""
    from carequeue.domain.text import fold

    return fold(narrow)


def _person(reference: str, name: str, team: bool) -> Person:
    from carequeue.domain.text import clean
    from carequeue.worklist.answers import Person

    return Person(reference, str(clean(name, 60)), team)
