"""A clinician at her own CareQueue: what a person does, in a few words a case.

In:  who she is, the address of a server, a folder for her encrypted cache.
Out: acts on items named by what they are about (`Task/referral-routine`), a look at the server,
and her own rows. What the server holds is asked of the server (`http_server.py`), never of her.
Why the instant stands still: a case says when it is later; nothing depends on how quick it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from carequeue.store.client_search import ClientMatch
from carequeue.store.engine import writing
from carequeue.store.profiles import Profile, SourceProfile, profile_paths
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.wiring import Session
from carequeue.worklist.results import Acted, Conflict, Preview, Shown, SyncReport
from tests.servers.small_clinic import ORGANIZATION, TEAM

SOURCE = "clinic"


class Clinician:
    """One person with a session of her own; her items are named by reference or by key."""

    def __init__(
        self, me: str, name: str, base: str, token: str, folder: Path, now: datetime
    ) -> None:
        self.profile = Profile(
            name="mine",
            me=me,
            my_name=name,
            teams=(TEAM,),
            organization=ORGANIZATION,
            organization_name="Riverbend",
            time_zone="America/New_York",
            sources=(SourceProfile(SOURCE, base),),
        )
        self.folder = folder
        self.instant = now
        self.sign_in(token)

    def sign_in(self, token: str) -> None:
        """Start the program, with the cache that is in the folder and this token."""
        self._session = Session(
            self.profile, profile_paths("mine", self.folder), {SOURCE: token}, lambda: self.instant
        )
        self._desk = self._session.desk

    def quit(self) -> None:
        self._session.close()

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.instant += timedelta(**span)

    def cover(self, name: str, until: str) -> None:
        """Make a colleague's moves hers, too."""
        self._desk.colleagues.begin_cover(name, until, self.instant)

    # --- looking ----------------------------------------------------------------------------------

    def sync(self) -> SyncReport:
        return self._session.sync_once()

    def knows_that_it_looks(self) -> None:
        """An earlier write has shown that the server refuses what is stale."""
        with writing(self._session.engine()) as connection:
            for way in ("if_match", "if_match_batch"):
                SqliteSourceRepository(connection, SOURCE).sync_state.observe(
                    way, "yes", self.instant
                )

    def rows(self) -> list[QueueRow]:
        """The whole queue, the snoozed items too, in its order."""
        return list(self._desk.window(Tab.WHOLE, "", 0, 10_000))

    def row(self, item: str) -> QueueRow | None:
        """The row of a key, or of what a row is about."""
        return next((row for row in self.rows() if item in _names(row.key)), None)

    def shown(self, item: str) -> QueueRow:
        row = self.row(item)
        assert row is not None, f"{item} is not in the queue"
        return row

    def titled(self, title: str) -> QueueRow:
        """The row with this title, for what has no name yet but the one she gave it."""
        (row,) = [row for row in self.rows() if row.title == title]
        return row

    def titled_for(self, client: str, title: str) -> QueueRow:
        """The one row of a client with this title."""
        (row,) = [row for row in self.rows() if (row.chart, row.title) == (client, title)]
        return row

    def clients(self, text: str) -> Sequence[ClientMatch]:
        """The clients whom a search finds."""
        return self._desk.clients(text)

    def waiting(self) -> int:
        """How many decisions have not left yet."""
        return self._desk.health(self.instant).waiting

    def told(self) -> list[str]:
        """What she is told of decisions that the server has, since she began."""
        return list(self._desk.outbox.news(0, self.instant)[1])

    def preview(self, verb: str, *items: str, **answers: str) -> Preview:
        """What one thing would do to these items."""
        keys = [self.shown(item).key for item in items]
        return self._desk.preview(verb, keys, answers, self.instant)

    def needs_her(self) -> int:
        """How many decisions wait for an answer of hers."""
        return self._desk.health(self.instant).needs_you

    def reasons(self) -> dict[str, list[str]]:
        """By act (its group): the words with her decisions that are not on the server."""
        words: dict[str, list[str]] = {}
        for line in self._desk.outbox.lines(self.instant):
            words.setdefault(line.group, []).append(line.words)
        return words

    def question(self, item: str) -> Conflict:
        """What she is asked about an item."""
        asked = self._desk.outbox.conflicts(self.instant)
        return next(request for request in asked if item in _names(request.item_key))

    def answer(self, item: str, how: str) -> Acted:
        """Her answer to it, as it is shown now."""
        return self._desk.outbox.resolve(self.question(item), how, self.instant)

    def retry(self) -> Acted:
        """Send everything again that the server refused."""
        return self._desk.outbox.retry([], self.instant)

    # --- acting -----------------------------------------------------------------------------------

    def act(self, verb: str, *items: str, **answers: str) -> Acted:
        """Do one thing to these items, as one group."""
        keys = self._keys(items)
        acted = self._desk.act(verb, keys, answers, self.instant)
        assert acted.changed == tuple(keys), acted
        return acted

    def do(self, verb: str, key: str, **answers: str) -> Acted:
        """Do one thing to the item or the client of a key, whether it applies or not."""
        return self._desk.act(verb, [key], answers, self.instant)

    def act_as_painted(self, verb: str, row: QueueRow, **answers: str) -> Acted:
        """Act on a row as it stood on the screen, whatever it has become meanwhile."""
        shown = {row.key: Shown(row.chart, row.client, row.born)}
        return self._desk.act(verb, [row.key], answers, self.instant, shown)

    def for_client(self, verb: str, client: str, **answers: str) -> Acted:
        """Do one thing for a client who was found by search (`Patient/client-02`)."""
        acted = self._desk.act(verb, [f"{SOURCE}:{client}"], answers, self.instant)
        assert acted.changed, acted
        return acted

    def for_match(self, verb: str, match: ClientMatch, **answers: str) -> Acted:
        """Do one thing for a client as the search showed them, whatever they have become."""
        shown = {match.key: Shown(match.chart, match.name, match.born)}
        return self._desk.act(verb, [match.key], answers, self.instant, shown)

    def _keys(self, items: Sequence[str]) -> list[str]:
        named = {name: row.key for row in reversed(self.rows()) for name in _names(row.key)}
        assert not set(items) - named.keys(), f"{set(items) - named.keys()} not in the queue"
        return [named[item] for item in items]

    def accept(self, *items: str) -> Acted:
        return self.act("accept", *items)

    def decline(self, *items: str, reason: str = "no capacity") -> Acted:
        return self.act("decline", *items, reason=reason)

    def claim(self, *items: str) -> Acted:
        return self.act("claim", *items)

    def assign(self, *items: str, to: str) -> Acted:
        return self.act("assign", *items, to=to)

    def done(self, *items: str, **answers: str) -> Acted:
        """`met`: how, where a person may be at risk or others have the item."""
        return self.act("done", *items, **answers)

    def log(self, *items: str, outcome: str) -> Acted:
        return self.act("log", *items, outcome=outcome)

    def snooze(self, *items: str, until: str) -> Acted:
        return self.act("snooze", *items, until=until)

    def note(self, *items: str, text: str) -> Acted:
        return self.act("note", *items, text=text)

    def prioritize(self, *items: str, to: str) -> Acted:
        return self.act("priority", *items, to=to)

    def hand_off(self, *items: str, to: str, summary: str, **more: str) -> Acted:
        return self.act("handoff", *items, to=to, summary=summary, **more)

    def plan(self, *items: str, text: str, until: str) -> Acted:
        """A new follow-up for the client of an item."""
        return self.act("new", *items, text=text, until=until)

    def undo(self) -> Acted:
        return self._desk.undo(self.instant)

    def redo(self) -> Acted:
        return self._desk.undos.redo(self.instant)


def _names(key: str) -> set[str]:
    """A key, and its parts: `clinic:authorization-end:Coverage/1:2026-12-01` is of Coverage/1."""
    return {key, *key.split(":")}
