"""The part of the desk that says what an act would do, and what to know before it.

A trial is the act itself in a transaction that is rolled back, so it cannot differ from the act.
All methods are slow. Not here: the preview of a verb on items (`act.py`), which needs no trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine

from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.engine import rolled_back
from carequeue.store.projection import Projector, Site
from carequeue.worklist.act_inputs import ActInputs
from carequeue.worklist.results import Acted
from carequeue.worklist.undo import undo
from carequeue.worklist.undoable import Undoer


class TrialDesk:
    """Trials of one person."""

    def __init__(self, engine: Engine, site: Site, inputs: ActInputs, undoer: Undoer) -> None:
        self._engine, self._site = engine, site
        self._inputs, self._undoer = inputs, undoer

    @contextmanager
    def transaction(self) -> Iterator[CacheTransaction]:
        """A transaction of which nothing is stored."""
        with rolled_back(self._engine) as connection:
            # A projector of its own: nothing that it read may serve after the roll back.
            yield CacheTransaction(connection, Projector(self._site))

    def undo(self, now: datetime, group: str) -> Acted:
        """The result that `Desk.undo` would have now; raises what it raises."""
        with self.transaction() as cache:
            return undo(cache, self._undoer, now, group)

    def warnings(
        self, verb: str, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> tuple[str, ...]:
        """What to know before an act with these answers: a person whom they name is away.

        Raises BadQuestion as `Desk.act` does.
        """
        return self._inputs.read(verb, keys, answers, now).warnings
