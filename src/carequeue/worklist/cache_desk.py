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
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from carequeue.store.queue_window import QueueRow, Tab, Tally, Urgent, Window

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from carequeue.store.cache_transaction import CacheTransaction
    from carequeue.store.projection import Projector
    from carequeue.sync.net.total_timeout import SlowResponse
    from carequeue.worklist.act_inputs import ActInputs
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


@dataclass(frozen=True, slots=True)
class DeskOwner:
    """Whose desk it is.

    `author`: the reference of the person. `sources`: what people call each source, by its name.
    `run`: the opaque id of this run of the program, which its acts carry as their window.
    """

    heading: str
    author: str
    sources: Mapping[str, str]
    run: str = ""


class CacheDesk:
    """One person's queue over one cache; see `desk.Desk` for what each method promises."""

    def __init__(
        self,
        window: Window,
        owner: DeskOwner,
        engine: Callable[[], Engine],
        projector: Callable[[], Projector],
        now: Callable[[], datetime],
    ) -> None:
        self._window = window
        self._owner = owner
        self._engine = engine
        self._projector = projector
        self._now = now
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
        return self._owner.heading

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
            names=self._owner.sources,
            waits=self.waits(),
        )

    def detail(self, key: str, now: datetime) -> Detail | None:
        """One item in full."""
        from carequeue.worklist.item_detail import detail

        with self.reading() as cache:
            return detail(cache, key, now)

    # --- before an act ----------------------------------------------------------------------------

    def people(self, keys: Sequence[str] = ()) -> Sequence[Person]:
        """To whom these items can be given."""
        from carequeue.worklist.act_inputs import sources_of
        from carequeue.worklist.people import people

        with self.reading() as cache:
            return people(cache, sources_of(self._window, keys) or self._owner.sources)

    def why_not(self, verb: str, key: str) -> str | None:
        """Why a verb does not apply; None where it does."""
        from carequeue.worklist.act import Acts
        from carequeue.worklist.answer_parsing import verb_named

        with self.reading() as cache:
            return Acts(cache).reasons([verb_named(verb)], key, self._now()).get(verb)

    def reasons(self, key: str) -> Mapping[str, str]:
        """Verb -> why it does not apply."""
        from carequeue.verbs.table import item_verbs
        from carequeue.worklist.act import Acts

        with self.reading() as cache:
            return Acts(cache).reasons(item_verbs(), key, self._now())

    def check_input(
        self, verb: str, question: str, text: str, now: datetime, keys: Sequence[str] = ()
    ) -> tuple[bool, str]:
        """Whether an answer is understood, and how."""
        return self._inputs().check(verb, question, text, now, keys)

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

        asked, inputs = self._inputs().read(verb, keys, answers, now)
        with self.reading() as cache:
            return Acts(cache, self._owner.run, shown).preview(asked, keys, inputs, now)

    def _inputs(self) -> ActInputs:
        from carequeue.worklist.act_inputs import ActInputs

        return ActInputs(self._window, self.people, self._projector().site.calendar)

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

        asked, inputs = self._inputs().read(verb, keys, answers, now)
        with self._writing() as cache:
            return Acts(cache, self._owner.run, shown).act(asked, keys, inputs, now)

    def undoable(self) -> Undoable | None:
        """What there is to undo."""
        from carequeue.worklist.undoable import undoable

        with self.reading() as cache:
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

        return Undoer(self._owner.author, self._opened, self._owner.run, frozenset(self._passed))

    def let_go(self, key: str, now: datetime) -> Acted:
        """Drop what the server did not take."""
        from carequeue.worklist.undo import let_go

        with self._writing() as cache:
            return let_go(cache, self._owner.author, key, now)

    # --- the outbox -------------------------------------------------------------------------------

    def outbox(self, now: datetime) -> Sequence[OutboxLine]:
        """All that is not on the server."""
        from carequeue.worklist.outbox_entries import lines

        with self.reading() as cache:
            return lines(cache, now)

    def conflicts(self, now: datetime) -> Sequence[Conflict]:
        """Every conflict."""
        from carequeue.worklist.conflict_resolution import conflicts

        with self.reading() as cache:
            return conflicts(cache, now)

    def conflict(self, key: str, now: datetime) -> Conflict | None:
        """The conflict of one item."""
        from carequeue.worklist.conflict_resolution import conflict

        with self.reading() as cache:
            return conflict(cache, key, now)

    def resolve_conflict(self, shown: Conflict, how: str, now: datetime) -> Acted:
        """Answer a conflict as it was shown."""
        from carequeue.worklist.conflict_resolution import answer

        with self._writing() as cache:
            return answer(cache, self._owner.author, shown, how, now)

    def retry(self, ids: Sequence[str], now: datetime) -> Acted:
        """Send again what needs attention."""
        from carequeue.worklist.outbox_entries import retry

        with self._writing() as cache:
            return retry(cache, self._owner.author, ids, now)

    def discard(self, ids: Sequence[str], typed: str, now: datetime) -> Acted:
        """Drop what needs attention, for good."""
        from carequeue.worklist.outbox_entries import discard

        with self._writing() as cache:
            return discard(cache, self._owner.author, ids, typed, now)

    def discard_word(self, ids: Sequence[str]) -> str:
        """What has to be typed to discard these."""
        from carequeue.worklist.outbox_entries import discard_word

        with self.reading() as cache:
            return discard_word(cache, ids)

    def export(self, ids: Sequence[str], now: datetime) -> str:
        """Decisions as JSON lines."""
        from carequeue.worklist.outbox_entries import export

        with self.reading() as cache:
            return export(cache, ids)

    def news(self, after: int) -> tuple[int, Sequence[str]]:
        """What became of decisions without a person."""
        from carequeue.worklist.outbox_entries import news

        with self.reading() as cache:
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
        from carequeue.store.projection import catch_up

        return catch_up(self._engine(), self._projector(), now)

    @contextmanager
    def reading(self) -> Iterator[CacheTransaction]:
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
