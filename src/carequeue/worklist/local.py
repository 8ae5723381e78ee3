"""The desk over a cache: the use cases of `desk.py`, each of them thin.

Two doors: the window, a connection that only reads and that the screen may use at any time; and
the engine, for everything that writes, loaded at first use (the first frame does without it).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from carequeue.domain.errors import BadQuestion
from carequeue.store.queue_window import QueueRow, Tab, Tally, Urgent, Window
from carequeue.worklist.unsent import Unsent

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from carequeue.store.projection import Projector
    from carequeue.sync.net.total_timeout import Waits
    from carequeue.verbs.verb import Verb
    from carequeue.worklist.results import (
        Acted,
        Detail,
        Health,
        Person,
        Preview,
        Shown,
    )

_CLOSED = "is no longer in the queue"


class LocalDesk(Unsent):
    """One person's queue over one cache; see `desk.Desk` for what each method promises.

    `sources`: what people call each source, by its name. `run`: the opaque id of this run of the
    program, which its acts carry as their window.
    """

    def __init__(
        self,
        window: Window,
        heading: str,
        author: str,
        sources: Mapping[str, str],
        engine: Callable[[], Engine],
        projector: Callable[[], Projector],
        now: Callable[[], datetime],
        run: str = "",
    ) -> None:
        super().__init__(engine, projector, author, now, run)
        self._window = window
        self._heading = heading
        self._sources = sources
        self.syncing: Callable[[], bool] = lambda: False
        self.other_syncs: Callable[[], bool] = lambda: False
        self.waits: Callable[[], Mapping[str, Waits]] = dict  # sources that take long just now
        self.chose_offline: Callable[[bool], None] = lambda _: None  # called after `set_offline`
        self.is_persistent = True  # False where the folder of the cache goes with the program

    @property
    def heading(self) -> str:
        """The organization and the person."""
        return self._heading

    # --- reading ----------------------------------------------------------------------------------

    def window(self, tab: Tab, filter_text: str, offset: int, limit: int) -> Sequence[QueueRow]:
        """Rows of a view."""
        return self._window.rows(tab, _folded(filter_text), offset, limit)

    def tally(self, tab: Tab, filter_text: str) -> Tally:
        """Counts of views and bands."""
        return self._window.tally(tab, _folded(filter_text))

    def row_index(self, tab: Tab, filter_text: str, key: str) -> int | None:
        """Offset of a key."""
        return self._window.row_index(tab, _folded(filter_text), key)

    def keys_of(self, tab: Tab, filter_text: str) -> Sequence[str]:
        """All keys of a view."""
        return self._window.keys(tab, _folded(filter_text))

    def urgent(self) -> Sequence[Urgent]:
        """All items in Now and Safety."""
        return self._window.urgent()

    def row(self, key: str) -> QueueRow | None:
        """One row as the list shows it."""
        return self._window.row(key)

    def stamp(self) -> int:
        """Changes with every commit."""
        return self._window.stamp()

    def health(self, now: datetime) -> Health:
        """The truth about sync."""
        from carequeue.worklist.health import health

        return health(
            self._window,
            syncing=self.syncing(),
            other_syncs=self.other_syncs(),
            names=self._sources,
            waits=self.waits(),
        )

    def detail(self, key: str, now: datetime) -> Detail | None:
        """One item in full."""
        from carequeue.worklist import item_detail

        with self._engine().connect() as connection:
            return item_detail.detail(connection, self._projector(), key, now)

    def people(self, keys: Sequence[str] = ()) -> Sequence[Person]:
        """To whom these items can be given, the last used first."""
        from carequeue.fhir.our_directory import assignable
        from carequeue.store import outbox
        from carequeue.store.views import directory

        found: list[Person] = []
        projector = self._projector()
        with self._engine().connect() as connection:
            recent = outbox.recent_assignees(connection)
            for source in self._sources_of(keys) or self._sources:
                us = projector.us(connection, source)
                base = projector.site.base_urls.get(source, "")
                for reference, name, team in assignable(directory(connection, source), us, base):
                    found.append(_person(reference, name, team))
        order = {reference: number for number, reference in enumerate(recent)}
        return sorted(found, key=lambda one: order.get(one.reference, len(order)))

    def _sources_of(self, keys: Sequence[str]) -> tuple[str, ...]:
        """The sources of these items, each once."""
        rows = (self._window.row(key) for key in keys)
        return tuple(dict.fromkeys(row.source for row in rows if row))

    def _people_for(self, keys: Sequence[str]) -> Sequence[Person]:
        """Whom an answer may name: of the items' own source, for another knows nobody by that id.

        Raises BadQuestion for items of several sources.
        """
        if len(self._sources_of(keys)) > 1:
            raise BadQuestion(
                "These items are on different servers, and each knows its own people. Nothing was "
                "changed. Mark those of one server, and do the others after them."
            )
        return self.people(keys)

    def why_not(self, verb: str, key: str) -> str | None:
        """Why a verb does not apply; None where it does."""
        from carequeue.worklist.answer_parsing import verb_named

        return self._refused([verb_named(verb)], key).get(verb)

    def reasons(self, key: str) -> Mapping[str, str]:
        """Verb -> why it does not apply."""
        from carequeue.verbs.table import item_verbs

        return self._refused(item_verbs(), key)

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
                if not checked.permission.ok:
                    found[verb.name] = f"{checked.client} {checked.refused.why}"
        return found

    def check_input(
        self, verb: str, question: str, text: str, now: datetime, keys: Sequence[str] = ()
    ) -> tuple[bool, str]:
        """Whether an answer is understood, and how."""
        from carequeue.worklist.answer_parsing import question_named, read_answer, verb_named

        asked = question_named(verb_named(verb), question)
        try:
            people = self._people_for(keys) if asked.asks == "whom" else ()
            return True, read_answer(asked, text, people, self._projector().site.calendar, now)[1]
        except BadQuestion as error:
            return False, str(error)

    # --- writing ----------------------------------------------------------------------------------

    def preview(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Preview:
        """What a verb would do to many."""
        from carequeue.worklist.act import Acts

        found, read = self._question(verb, keys, answers, now)
        with self._engine().connect() as connection:
            acts = Acts(self._projector(), self._run, shown)
            return acts.preview(connection, found, keys, read, now)

    def act(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Acted:
        """Keep a decision."""
        from carequeue.worklist.act import Acts

        found, read = self._question(verb, keys, answers, now)

        def write(connection: Connection, projector: Projector, _: str) -> Acted:
            return Acts(projector, self._run, shown).act(connection, found, keys, read, now)

        return self._write(write)

    def _question(
        self, verb: str, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> tuple[Verb, dict[str, str]]:
        from carequeue.worklist.answer_parsing import read_answers, verb_named

        found = verb_named(verb)
        people = self._people_for(keys) if any(one.asks == "whom" for one in found.asks) else ()
        calendar = self._projector().site.calendar
        return found, read_answers(found, answers, people, calendar, now)

    def set_offline(self, offline: bool) -> None:
        """Work offline by choice, or end that."""
        from carequeue.store import sync_state
        from carequeue.store.engine import writing
        from carequeue.worklist.health import FORCED_OFFLINE

        with writing(self._engine()) as connection:
            sync_state.set_meta(connection, FORCED_OFFLINE, "1" if offline else "")
        self.chose_offline(offline)

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


def _folded(filter_text: str) -> str:
    if not filter_text:
        return ""
    from carequeue.domain.sanitize import fold

    return fold(filter_text)


def _person(reference: str, name: str, team: bool) -> Person:
    from carequeue.domain.sanitize import clean
    from carequeue.worklist.results import Person

    return Person(reference, str(clean(name, 60)), team)
