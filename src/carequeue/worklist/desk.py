"""The desk: what the screen and the command line may ask, one method a use case.

The window is a connection that only reads, and the screen may use it at any time. The engine is for
everything else: a use case that needs it opens one transaction and calls one function of this room.
Methods marked *slow* belong on a worker thread; the others are quick enough for the event loop (one
prepared statement). No method touches the network.
The engine and the modules that need SQLAlchemy are imported at first use: the first frame does
without them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from carequeue.store.queue_window import QueueRow, Tab, Tally, Urgent, Window
from carequeue.verbs.table import item_verbs
from carequeue.verbs.verb import Asks

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from carequeue.store.cache_transaction import CacheTransaction
    from carequeue.store.client_search import ClientMatch
    from carequeue.store.next_times import NextTimes
    from carequeue.store.projection import Projector
    from carequeue.sync.net.total_timeout import SlowResponse
    from carequeue.verbs.verb import Question, Verb
    from carequeue.worklist.act_inputs import ActInputs
    from carequeue.worklist.colleague_desk import ColleagueDesk
    from carequeue.worklist.outbox_desk import OutboxDesk
    from carequeue.worklist.results import Acted, Detail, Health, Person, Preview, Shown, Undoable
    from carequeue.worklist.trial_desk import TrialDesk
    from carequeue.worklist.undo_desk import UndoDesk


@dataclass(frozen=True, slots=True)
class DeskOwner:
    """The person at the desk.

    `author`: the reference of the person. `sources`: what people call each source, by its name.
    `run`: the opaque id of this run of the program, which its acts carry as their window.
    `contact_notes`: a key -> an outcome of a contact with a note, by the profile.
    """

    heading: str
    author: str
    sources: Mapping[str, str]
    run: str = ""
    contact_notes: Mapping[str, str] = field(default_factory=dict)


class Desk:
    """One person's queue over one cache."""

    def __init__(
        self,
        window: Window,
        owner: DeskOwner,
        engine: Callable[[], Engine],
        projector: Callable[[], Projector],
        now: Callable[[], datetime],
    ) -> None:
        self._window, self._owner = window, owner
        self._engine, self._projector, self._now = engine, projector, now
        self._opened = now()
        self.syncing: Callable[[], bool] = lambda: False
        self.other_syncs: Callable[[], bool] = lambda: False
        self.waits: Callable[[], Mapping[str, SlowResponse]] = dict  # sources that are slow now
        self.decided: Callable[[], None] = lambda: None  # called when the outbox has grown
        self.chose_offline: Callable[[bool], None] = lambda _: None  # called after `set_offline`
        self.is_persistent = True  # False if the folder of the cache goes with the program

    @property
    def heading(self) -> str:
        """The organization and the person, as the header shows them."""
        return self._owner.heading

    @property
    def contact_notes(self) -> Mapping[str, str]:
        """A key -> an outcome of a contact with a note, as the profile has them."""
        return self._owner.contact_notes

    # --- the queue --------------------------------------------------------------------------------

    def window(self, tab: Tab, filter_text: str, offset: int, limit: int) -> Sequence[QueueRow]:
        """Rows `offset` to `offset + limit` of a tab, in the order of the queue."""
        return self._window.rows(tab, _folded(filter_text), offset, limit)

    def tally(self, tab: Tab, filter_text: str) -> Tally:
        """How many rows there are, per tab and per band of this tab."""
        return self._window.tally(tab, _folded(filter_text))

    def row_index(self, tab: Tab, filter_text: str, key: str) -> int | None:
        """The offset of a key in a tab; None if the tab does not list it."""
        return self._window.row_index(tab, _folded(filter_text), key)

    def keys_of(self, tab: Tab, filter_text: str) -> Sequence[str]:
        """All keys of a tab, in order."""
        return self._window.keys(tab, _folded(filter_text))

    def resolve_keys(self, texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """Text -> the key of the item that it names, and the texts that name no item.

        Raises BadQuestion, with all of them, for a text that names several items.
        """
        from carequeue.worklist.short_keys import resolve_keys

        return resolve_keys(texts, self._window.keys_and_resources())

    def urgent(self) -> Sequence[Urgent]:
        """All items in the bands Now and Safety, in the order of the queue."""
        return self._window.urgent()

    def next_times(self, now: datetime) -> NextTimes:
        """When each row of mine comes next, whatever tab is shown."""
        return self._window.next_times(int(now.timestamp()))

    def stamp(self) -> int:
        """A number that changes when anything in the cache may have changed; almost free."""
        return self._window.stamp()

    def health(self, now: datetime) -> Health:
        """The state of sync, of the whole cache and of each source."""
        from carequeue.worklist.health import health

        return health(
            self._window,
            syncing=self.syncing(),
            other_syncs=self.other_syncs(),
            names=self._owner.sources,
            waits=self.waits(),
        )

    def detail(self, key: str, now: datetime) -> Detail | None:
        """One item in full; None if the key is no longer in the queue. *Slow*."""
        from carequeue.worklist.item_detail import detail

        with self.reading() as cache:
            return detail(cache, key, now)

    def refresh(self, now: datetime) -> bool:
        """Move the rows that time has moved since they were projected; whether any did. *Slow*."""
        from carequeue.store.projection import catch_up

        return catch_up(self._engine(), self._projector(), now)

    # --- acts -------------------------------------------------------------------------------------

    def clients(self, text: str) -> Sequence[ClientMatch]:
        """The clients who have every word of a text in name, birth date or record number."""
        return self._window.clients(_folded(text))

    def client(self, source: str, chart: str) -> ClientMatch | None:
        """The client of a chart; None if the client's record is not here."""
        return self._window.client(source, chart)

    def people(self, keys: Sequence[str] = (), asks: str = "whom") -> Sequence[Person]:
        """To whom these items can be given, by their source and the kind of question. *Slow*."""
        from carequeue.worklist.act_inputs import people, sources_of

        with self.reading() as cache:
            sources = sources_of(self._window, keys) or self._owner.sources
            return people(cache, sources, self._now(), Asks(asks))

    def reasons(self, key: str) -> Mapping[str, str]:
        """Verb -> why it does not apply to an item, naming the client. *Slow*."""
        from carequeue.worklist.act import Acts

        with self.reading() as cache:
            return Acts(cache).reasons(item_verbs(), key, self._now())

    def questions(self, verb: Verb, keys: Sequence[str]) -> tuple[Question, ...]:
        """The questions that a verb asks about at least one of these items. *Slow* for many."""
        return self._inputs().questions(verb, keys)

    def check_input(
        self, verb: str, question: str, text: str, now: datetime, keys: Sequence[str] = ()
    ) -> tuple[bool, str]:
        """Whether an answer can be understood, and how it was read ("Mon 1 Dec 09:00").

        `keys`: the items that it is about; whom it may name depends on their source.
        """
        return self._inputs().check(verb, question, text, now, keys)

    def _inputs(self) -> ActInputs:
        from carequeue.worklist.act_inputs import ActInputs

        return ActInputs(self._window, self.people, self._projector().site.calendar)

    def preview(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Preview:
        """The items that a verb would change, that are already so, or not allowed. *Slow*."""
        from carequeue.worklist.act import Acts

        asked, inputs, away = self._inputs().read(verb, keys, answers, now)
        with self.reading() as cache:
            return Acts(cache, self._owner.run, shown, away).preview(asked, keys, inputs, now)

    def act(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Acted:
        """Put a decision about one or many items into the outbox, as one group. *Slow*.

        `shown`: whom the items were about when the person looked. An item that names another
        client by now is refused, and both clients are named.

        Raises BadQuestion if an answer is missing or cannot be read; nothing is changed then.
        """
        from carequeue.worklist.act import Acts

        asked, inputs, away = self._inputs().read(verb, keys, answers, now)
        with self._writing() as cache:
            acted = Acts(cache, self._owner.run, shown, away).act(asked, keys, inputs, now)
        if acted.changed:
            self.undos.acted()
        return acted

    def undoable(self) -> Undoable | None:
        """The act that is the next to undo (`undoable.py`); None if there is none. *Slow*."""
        return self.undos.undoable(self._now())

    def undo(self, now: datetime, group: str = "") -> Acted:
        """Undo a group, whoever made it; without a group the last of this window. *Slow*.

        Raises BadQuestion, naming the act, if the group is no longer there to undo, was changed
        since or waits for an answer; nothing is changed then, and no other act is undone instead.
        """
        return self.undos.undo(now, group)

    @cached_property
    def undos(self) -> UndoDesk:
        """The desk for undo, redo and the person's own acts."""
        from carequeue.worklist.undo_desk import UndoDesk

        owner = self._owner
        return UndoDesk(owner.author, owner.run, self._opened, self.reading, self._writing)

    # --- sync and the cache -----------------------------------------------------------------------

    @property
    def outbox(self) -> OutboxDesk:
        """The desk for all that is not on the server."""
        from carequeue.worklist.outbox_desk import OutboxDesk

        return OutboxDesk(self._owner.author, self.reading, self._writing)

    @property
    def colleagues(self) -> ColleagueDesk:
        """The desk for covering a colleague, and for the queue as a colleague has it."""
        from carequeue.worklist.colleague_desk import ColleagueDesk

        calendar, trial = self._projector().site.calendar, self.trial.transaction
        return ColleagueDesk(self._window, calendar, self.reading, self._writing, trial)

    @property
    def trial(self) -> TrialDesk:
        """The desk for what an act would do, and what to know before it."""
        from carequeue.worklist.trial_desk import TrialDesk

        return TrialDesk(self._engine(), self._projector().site, self._inputs(), self.undos.undoer)

    def set_offline(self, offline: bool) -> None:
        """Work offline by choice, until this is called again; kept with the cache. *Slow*."""
        from carequeue.worklist.health import set_forced_offline

        set_forced_offline(self._engine(), offline)
        self.chose_offline(offline)

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
