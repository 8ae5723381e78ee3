"""The desk's part that is about what is not on the server: taking back, outbox, conflicts.

Each use case is thin: it opens a transaction, and what it promises stands in `desk.Desk`.
The engine is loaded at first use, for the first frame does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from carequeue.store.projection import Projector
    from carequeue.worklist.results import Acted, Conflict, OutboxLine, Undoable

_Found = TypeVar("_Found")


class Unsent:
    """What a person decided that the server does not have, and what they can do about it."""

    def __init__(
        self,
        engine: Callable[[], Engine],
        projector: Callable[[], Projector],
        author: str,
        now: Callable[[], datetime],
        run: str,
    ) -> None:
        self._engine = engine
        self._projector = projector
        self._author = author
        self._now = now
        self._run = run
        self._opened = now()
        self._passed: set[str] = set()  # groups that were changed since: undo goes past them
        self.decided: Callable[[], None] = lambda: None  # called when the outbox has grown

    def undoable(self) -> Undoable | None:
        """What there is to undo."""
        from carequeue.worklist.undoable import undoable

        return self._read(
            partial(
                undoable,
                author=self._author,
                window=self._run,
                opened=self._opened,
                now=self._now(),
                passed=frozenset(self._passed),
            )
        )

    def undo(self, now: datetime, group: str = "") -> Acted:
        """Take back a group, or the last one of this window."""
        from carequeue.worklist.undo import ChangedSince, undo

        passed = frozenset(self._passed)
        try:
            return self._write(partial(undo, now=now, group=group, window=self._run, passed=passed))
        except ChangedSince as error:
            self._passed.add(error.group)
            raise

    def let_go(self, key: str, now: datetime) -> Acted:
        """Drop what the server did not take."""
        from carequeue.worklist.undo import let_go

        return self._write(partial(let_go, key=key, now=now))

    def outbox(self, now: datetime) -> Sequence[OutboxLine]:
        """All that is not on the server."""
        from carequeue.worklist import outbox_entries

        return self._read(partial(outbox_entries.lines, now=now))

    def conflicts(self, now: datetime) -> Sequence[Conflict]:
        """Every conflict."""
        from carequeue.worklist import conflict_resolution

        return self._read(partial(conflict_resolution.conflicts, now=now))

    def conflict(self, key: str, now: datetime) -> Conflict | None:
        """The conflict of one item."""
        from carequeue.worklist import conflict_resolution

        return self._read(partial(conflict_resolution.conflict, key=key, now=now))

    def resolve_conflict(self, shown: Conflict, how: str, now: datetime) -> Acted:
        """Answer a conflict as it was shown."""
        from carequeue.worklist import conflict_resolution

        return self._write(partial(conflict_resolution.answer, shown=shown, how=how, now=now))

    def retry(self, ids: Sequence[str], now: datetime) -> Acted:
        """Send again what needs attention."""
        from carequeue.worklist import outbox_entries

        return self._write(partial(outbox_entries.retry, ids=ids, now=now))

    def discard(self, ids: Sequence[str], typed: str, now: datetime) -> Acted:
        """Drop what needs attention, for good."""
        from carequeue.worklist import outbox_entries

        return self._write(partial(outbox_entries.discard, ids=ids, typed=typed, now=now))

    def discard_word(self, ids: Sequence[str]) -> str:
        """What has to be typed to discard these."""
        from carequeue.worklist import outbox_entries

        with self._engine().connect() as connection:
            return outbox_entries.discard_word(connection, ids)

    def export(self, ids: Sequence[str], now: datetime) -> str:
        """Decisions as JSON lines."""
        from carequeue.worklist import outbox_entries

        with self._engine().connect() as connection:
            return outbox_entries.export(connection, ids)

    def news(self, after: int) -> tuple[int, Sequence[str]]:
        """What became of decisions without a person."""
        from carequeue.worklist import outbox_entries

        return self._read(partial(outbox_entries.news, after=after, now=self._now()))

    def _read(self, does: Callable[[Connection, Projector], _Found]) -> _Found:
        """A reading at one instant."""
        with self._engine().connect() as connection:
            return does(connection, self._projector())

    def _write(self, does: Callable[[Connection, Projector, str], Acted]) -> Acted:
        """A use case in a transaction of its own."""
        from carequeue.store.engine import writing

        with writing(self._engine()) as connection:
            acted = does(connection, self._projector(), self._author)
        self.decided()
        return acted
