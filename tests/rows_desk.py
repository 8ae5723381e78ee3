"""A desk over a list of rows, without a cache: the base of the fakes of screen and command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from carequeue.store.next_times import ComingRow, NextTimes
from carequeue.store.queue_window import QueueRow
from carequeue.verbs.offers import questions_for
from carequeue.verbs.verb import Question, Verb
from carequeue.worklist.desk import Desk
from carequeue.worklist.results import Acted, Preview, Refused, Shown
from carequeue.worklist.short_keys import resolve_keys
from carequeue.worklist.trial_desk import TrialDesk


class NoWarnings(TrialDesk):
    """Trials at a desk where nobody is away; `told`: who is told of any undo."""

    def __init__(self, told: str) -> None:
        self._told = told

    def undo(self, now: datetime, group: str) -> Acted:
        return Acted("", "", (), told=self._told)

    def warnings(
        self, verb: str, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> tuple[str, ...]:
        return ()


class RowsDesk(Desk):
    """Records every act in `acts`; `refused` maps a key to why no verb applies to its item."""

    def __init__(self, rows: Sequence[QueueRow]) -> None:
        self.rows = list(rows)
        self.refused: dict[str, str] = {}
        self.notes: dict[str, str] = {}  # of the profile, for contacts
        self.told_of_undo = ""
        self.acts: list[tuple[str, tuple[str, ...], dict[str, str]]] = []

    @property
    def contact_notes(self) -> Mapping[str, str]:
        return self.notes

    def _row(self, key: str) -> QueueRow | None:
        return next((row for row in self.rows if row.key == key), None)

    def _why_not(self, verb: str, key: str) -> str | None:
        return self.refused.get(key)

    def resolve_keys(self, texts: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        return resolve_keys(texts, [(row.key, "") for row in self.rows])

    def next_times(self, now: datetime) -> NextTimes:
        at = now.timestamp()
        mine = [row for row in self.rows if row.mine > 0]
        timed = sorted((row.due_at, row.key) for row in mine if row.due_at and row.due_at > at)
        untimed = sorted((row.client, row.key) for row in mine if row.due_at is None)
        return NextTimes(
            self._coming(timed[0][1]) if timed else None,
            sum(row.due_at is not None and row.due_at <= at for row in mine),
            len(untimed),
            self._coming(untimed[0][1]) if untimed else None,
        )

    def _coming(self, key: str) -> ComingRow:
        row = self._row(key)
        assert row is not None
        return ComingRow(*(getattr(row, name) for name in ComingRow._fields))

    def questions(self, verb: Verb, keys: Sequence[str]) -> tuple[Question, ...]:
        return questions_for(verb, [row.verbs for row in map(self._row, keys) if row])

    @property
    def trial(self) -> TrialDesk:
        return NoWarnings(self.told_of_undo)

    def preview(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Preview:
        changes, already, refused = [], [], []
        for key in keys:
            row = self._row(key)
            why = self._why_not(verb, key)
            if why or row is None:
                refused.append(Refused(key, row.client if row else key, why or "gone"))
            elif row.sync == "waiting":
                already.append(key)
            else:
                changes.append(key)
        return Preview(verb, tuple(changes), tuple(already), tuple(refused), ())

    def act(
        self,
        verb: str,
        keys: Sequence[str],
        answers: Mapping[str, str],
        now: datetime,
        shown: Mapping[str, Shown] | None = None,
    ) -> Acted:
        rows = [row for row in map(self._row, keys) if row and row.key not in self.refused]
        names = {row.key: row.client for row in self.rows}
        refused = tuple(
            Refused(key, names.get(key, key), self.refused.get(key, "it is gone"))
            for key in keys
            if key in self.refused or key not in names
        )
        if not rows:
            return Acted("", "", (), refused=refused)
        self.acts.append((verb, tuple(keys), dict(answers)))
        message, group = self._do(verb, rows, answers, now)
        return Acted(message, group, tuple(row.key for row in rows), refused=refused)

    def _do(
        self, verb: str, rows: Sequence[QueueRow], answers: Mapping[str, str], now: datetime
    ) -> tuple[str, str]:
        """Do the act to these rows; its message and its group."""
        return f"{verb}: {len(rows)}", "g1"
