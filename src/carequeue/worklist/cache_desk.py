"""The desk over a cache: the use cases of `desk.py`, each of them thin.

Two doors: the window, a connection that only reads and that the screen may use at any time; and
the engine, for everything that writes. Each use case that needs the engine opens one transaction
and calls one function of this room; what it promises stands in `desk.Desk`.
The engine and the modules that need SQLAlchemy are loaded at first use: the first frame does
without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from carequeue.domain.errors import BadQuestion
from carequeue.store.queue_window import QueueRow, Tab, Tally, Urgent, Window

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from carequeue.store.cache_transaction import CacheTransaction
    from carequeue.store.projection import Projector
    from carequeue.sync.net.total_timeout import SlowResponse
    from carequeue.verbs.verb import Verb
    from carequeue.worklist.results import (
        Acted,
        Conflict,
        Detail,
        Health,
        OutboxLine,
        Person,
        Preview,
        Shown,
        Undoable,
    )
    from carequeue.worklist.undoable import Undoer


class CacheDesk:
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
        self._window = window
        self._heading = heading
        self._author = author
        self._sources = sources
        self._engine = engine
        self._projector = projector
        self._now = now
        self._run = run
        self._opened = now()
        self._passed: set[str] = set()  # groups that were changed since: undo goes past them
        self.syncing: Callable[[], bool] = lambda: False
        self.other_syncs: Callable[[], bool] = lambda: False
        self.waits: Callable[[], Mapping[str, SlowResponse]] = (
            dict  # sources that take long just now
        )
        self.decided: Callable[[], None] = lambda: None  # called when the outbox has grown
        self.chose_offline: Callable[[bool], None] = lambda _: None  # called after `set_offline`
        self.is_persistent = True  # False where the folder of the cache goes with the program

    @property
    def heading(self) -> str:
        """The organization and the person."""
        return self._heading

    # --- the queue --------------------------------------------------------------------------------

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
        from carequeue.worklist.item_detail import detail

        with self._reading() as cache:
            return detail(cache, key, now)

    # --- before an act ----------------------------------------------------------------------------

    def people(self, keys: Sequence[str] = ()) -> Sequence[Person]:
        """To whom these items can be given."""
        from carequeue.worklist.people import people

        with self._reading() as cache:
            return people(cache, self._sources_of(keys) or self._sources)

    def why_not(self, verb: str, key: str) -> str | None:
        """Why a verb does not apply; None where it does."""
        from carequeue.worklist.act import Acts
        from carequeue.worklist.answer_parsing import verb_named

        with self._reading() as cache:
            return Acts(cache).reasons([verb_named(verb)], key, self._now()).get(verb)

    def reasons(self, key: str) -> Mapping[str, str]:
        """Verb -> why it does not apply."""
        from carequeue.verbs.table import item_verbs
        from carequeue.worklist.act import Acts

        with self._reading() as cache:
            return Acts(cache).reasons(item_verbs(), key, self._now())

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

        asked, inputs = self._question(verb, keys, answers, now)
        with self._reading() as cache:
            return Acts(cache, self._run, shown).preview(asked, keys, inputs, now)

    def _question(
        self, verb: str, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> tuple[Verb, dict[str, str]]:
        """The verb of a name, and the answers to its questions as an intent keeps them."""
        from carequeue.worklist.answer_parsing import read_answers, verb_named

        asked = verb_named(verb)
        whom = any(question.asks == "whom" for question in asked.asks)
        people = self._people_for(keys) if whom else ()
        calendar = self._projector().site.calendar
        return asked, read_answers(asked, answers, people, calendar, now)

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

    def _sources_of(self, keys: Sequence[str]) -> tuple[str, ...]:
        """The sources of these items, each once."""
        rows = (self._window.row(key) for key in keys)
        return tuple(dict.fromkeys(row.source for row in rows if row))

    # --- acts -------------------------------------------------------------------------------------

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

        asked, inputs = self._question(verb, keys, answers, now)
        with self._writing() as cache:
            return Acts(cache, self._run, shown).act(asked, keys, inputs, now)

    def undoable(self) -> Undoable | None:
        """What there is to undo."""
        from carequeue.worklist.undoable import undoable

        with self._reading() as cache:
            return undoable(cache, self._undoer(), self._now())

    def undo(self, now: datetime, group: str = "") -> Acted:
        """Take back a group, or the last one of this window."""
        from carequeue.worklist.undo import ChangedSince, undo

        try:
            with self._writing() as cache:
                return undo(cache, self._undoer(), now, group)
        except ChangedSince as error:
            self._passed.add(error.group)
            raise

    def _undoer(self) -> Undoer:
        from carequeue.worklist.undoable import Undoer

        return Undoer(self._author, self._opened, self._run, frozenset(self._passed))

    def let_go(self, key: str, now: datetime) -> Acted:
        """Drop what the server did not take."""
        from carequeue.worklist.undo import let_go

        with self._writing() as cache:
            return let_go(cache, self._author, key, now)

    # --- the outbox -------------------------------------------------------------------------------

    def outbox(self, now: datetime) -> Sequence[OutboxLine]:
        """All that is not on the server."""
        from carequeue.worklist.outbox_entries import lines

        with self._reading() as cache:
            return lines(cache, now)

    def conflicts(self, now: datetime) -> Sequence[Conflict]:
        """Every conflict."""
        from carequeue.worklist.conflict_resolution import conflicts

        with self._reading() as cache:
            return conflicts(cache, now)

    def conflict(self, key: str, now: datetime) -> Conflict | None:
        """The conflict of one item."""
        from carequeue.worklist.conflict_resolution import conflict

        with self._reading() as cache:
            return conflict(cache, key, now)

    def resolve_conflict(self, shown: Conflict, how: str, now: datetime) -> Acted:
        """Answer a conflict as it was shown."""
        from carequeue.worklist.conflict_resolution import answer

        with self._writing() as cache:
            return answer(cache, self._author, shown, how, now)

    def retry(self, ids: Sequence[str], now: datetime) -> Acted:
        """Send again what needs attention."""
        from carequeue.worklist.outbox_entries import retry

        with self._writing() as cache:
            return retry(cache, self._author, ids, now)

    def discard(self, ids: Sequence[str], typed: str, now: datetime) -> Acted:
        """Drop what needs attention, for good."""
        from carequeue.worklist.outbox_entries import discard

        with self._writing() as cache:
            return discard(cache, self._author, ids, typed, now)

    def discard_word(self, ids: Sequence[str]) -> str:
        """What has to be typed to discard these."""
        from carequeue.worklist.outbox_entries import discard_word

        with self._reading() as cache:
            return discard_word(cache, ids)

    def export(self, ids: Sequence[str], now: datetime) -> str:
        """Decisions as JSON lines."""
        from carequeue.worklist.outbox_entries import export

        with self._reading() as cache:
            return export(cache, ids)

    def news(self, after: int) -> tuple[int, Sequence[str]]:
        """What became of decisions without a person."""
        from carequeue.worklist.outbox_entries import news

        with self._reading() as cache:
            return news(cache, after, self._now())

    # --- the cache itself -------------------------------------------------------------------------

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
        from carequeue.store.engine import writing

        with self._reading() as cache:
            if not cache.projector.has_moved(cache.connection, now):
                return False
        moves = True
        while moves:  # some at a time: an act may come between
            with writing(self._engine()) as connection:
                moves = self._projector().move_time(connection, now)
        return True

    @contextmanager
    def _reading(self) -> Iterator[CacheTransaction]:
        """The cache as it is at one instant."""
        from carequeue.store.cache_transaction import CacheTransaction

        with self._engine().connect() as connection:
            yield CacheTransaction(connection, self._projector())

    @contextmanager
    def _writing(self) -> Iterator[CacheTransaction]:
        """A transaction for one decision of the person; sync hears of it after the commit."""
        from carequeue.store.cache_transaction import CacheTransaction
        from carequeue.store.engine import writing

        with writing(self._engine()) as connection:
            yield CacheTransaction(connection, self._projector())
        self.decided()


def _folded(filter_text: str) -> str:
    if not filter_text:
        return ""
    from carequeue.domain.sanitize import fold

    return fold(filter_text)
