"""The desk: what a shell may ask, one method a use case.

The terminal, the command line and the tests type against this protocol; `cache_desk.py` is the
desk over a cache. Reading methods are quick enough for the event loop (one prepared statement);
those marked *slow* write or read charts, and belong on a worker thread. None of them touches the
network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from carequeue.store.queue_window import QueueRow, Tab, Tally, Urgent
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


class Desk(Protocol):
    """One person's queue over one cache."""

    @property
    def heading(self) -> str:
        """The organization and the person, as the header shows them."""
        ...

    @property
    def is_persistent(self) -> bool:
        """Whether the cache is there the next time too, and with it what waits to be sent."""
        ...

    def window(self, tab: Tab, filter_text: str, offset: int, limit: int) -> Sequence[QueueRow]:
        """Rows `offset` to `offset + limit` of a view, in the order of the queue."""
        ...

    def tally(self, tab: Tab, filter_text: str) -> Tally:
        """How many rows there are, per view and per band of this view."""
        ...

    def row_index(self, tab: Tab, filter_text: str, key: str) -> int | None:
        """The offset of a key in a view, None where it is not in it."""
        ...

    def keys_of(self, tab: Tab, filter_text: str) -> Sequence[str]:
        """All keys of a view, in order (to mark all that match)."""
        ...

    def urgent(self) -> Sequence[Urgent]:
        """All items in the bands Now and Safety, in the order of the queue."""
        ...

    def stamp(self) -> int:
        """A number that changes when anything in the cache may have changed; almost free."""
        ...

    def detail(self, key: str, now: datetime) -> Detail | None:
        """One item in full; None where the key is no longer in the queue. *Slow*."""
        ...

    def health(self, now: datetime) -> Health:
        """The true sentence about sync."""
        ...

    def people(self, keys: Sequence[str] = ()) -> Sequence[Person]:
        """To whom these items can be given, of their own source; the last used first. *Slow*."""
        ...

    def why_not(self, verb: str, key: str) -> str | None:
        """Why a verb does not apply to an item, naming the client; None where it does. *Slow*."""
        ...

    def reasons(self, key: str) -> Mapping[str, str]:
        """Verb -> why it does not apply to an item; those that apply are not in it. *Slow*."""
        ...

    def check_input(
        self, verb: str, question: str, text: str, now: datetime, keys: Sequence[str] = ()
    ) -> tuple[bool, str]:
        """Whether an answer can be understood, and how it was read ("Mon 1 Dec 09:00").

        `keys`: the items that it is about; whom it may name depends on their source.
        """
        ...

    def preview(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Preview:
        """What a verb would change, what is already so, what is not allowed. *Slow*."""
        ...

    def act(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Acted:
        """Keep a decision about one or many items in the outbox, as one group. *Slow*.

        `shown`: whom the items were about when the person looked. An item that names another
        client by now is refused, and both clients are named.

        Raises BadQuestion where an answer is missing or cannot be read; nothing is changed then.
        """
        ...

    def undoable(self) -> Undoable | None:
        """The act that is the next to undo, None where there is none. *Slow*.

        It is the last one of this window. Where this window has none left, it is the last one of
        the same person by another window, an earlier run or the command line: `where` says so, and
        it is undone only after a question that names it.
        """
        ...

    def undo(self, now: datetime, group: str = "") -> Acted:
        """Undo a group, whoever made it; without one the last of this window. *Slow*.

        Raises BadQuestion, naming the act, where it is no longer there to undo, was changed since
        or waits for an answer; nothing is changed then, and no other act is undone in its place.
        """
        ...

    def let_go(self, key: str, now: datetime) -> Acted:
        """Drop what the server did not take of the acts on an item. *Slow*.

        Raises BadQuestion where nothing is stuck there; nothing is changed then.
        """
        ...

    def outbox(self, now: datetime) -> Sequence[OutboxLine]:
        """All that is not on the server: what needs a person first, then in order. *Slow*."""
        ...

    def conflicts(self, now: datetime) -> Sequence[Conflict]:
        """Every conflict, in the order of the queue. *Slow*."""
        ...

    def conflict(self, key: str, now: datetime) -> Conflict | None:
        """The conflict of one item; None where it has none (any more). *Slow*."""
        ...

    def resolve_conflict(self, shown: Conflict, how: str, now: datetime) -> Acted:
        """Answer a conflict as it was shown: `how` is "mine" or "theirs". *Slow*.

        A third answer is "theirs", and any act after it: the item is as the server has it then.
        Raises BadQuestion where what the server has is no longer what was shown, or where the
        answer is not possible; nothing is changed then.
        """
        ...

    def retry(self, ids: Sequence[str], now: datetime) -> Acted:
        """Send again what needs attention (all of it where `ids` is empty). *Slow*.

        What a colleague has changed meanwhile becomes a conflict instead. Raises BadQuestion where
        an id names nothing that can be tried again; nothing is changed then.
        """
        ...

    def discard(self, ids: Sequence[str], typed: str, now: datetime) -> Acted:
        """Drop what needs attention, for good; it stays in the history. *Slow*.

        `typed` must be `discard_word(ids)`. Raises BadQuestion where it is not, or where an id
        names nothing that can be discarded; nothing is changed then.
        """
        ...

    def discard_word(self, ids: Sequence[str]) -> str:
        """What has to be typed to discard these, and what rests on them: "discard 3". *Slow*."""
        ...

    def export(self, ids: Sequence[str], now: datetime) -> str:
        """Decisions as JSON lines, to keep or to send to support (all open ones). *Slow*."""
        ...

    def news(self, after: int) -> tuple[int, Sequence[str]]:
        """What became of decisions without a person: merged with a colleague's other change, or
        found to be done already by somebody. *Slow*.

        `after` is the mark of the last call, -1 at the first: then nothing is told, only the mark.
        Out: the new mark, and sentences that name the client, the oldest first. All text is clean.
        """
        ...

    def set_offline(self, offline: bool) -> None:
        """Work offline by choice, until this is called again; kept with the cache. *Slow*."""
        ...

    def refresh(self, now: datetime) -> bool:
        """Move the rows that time has moved since they were projected; whether any did. *Slow*."""
        ...
