"""Which act is the next to undo, and what it is called.

In:  the outbox, the window that asks (one run of the program). Out: an `Undoable`.
It is the last act of this window. Where this window has none left, it is the last act of the same
person by another window, an earlier run or the command line: `where` says so, and a shell undoes
that one only after a question that names it. Another person's act is never offered.
Not here: whether it can still be undone, and how (`undo.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from carequeue.domain.intents import COMMAND_LINE, Intent, IntentState
from carequeue.domain.sanitize import clean
from carequeue.store import outbox
from carequeue.store.projection import Projector
from carequeue.verbs.table import find_verb
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Undoable, Where


def undoable(
    connection: Connection,
    projector: Projector,
    author: str,
    window: str,
    opened: datetime,
    now: datetime,
    passed: Collection[str] = (),
) -> Undoable | None:
    """The next act to undo, seen from a window that was opened at an instant.

    `passed`: groups that were found to be changed since, and are passed over.
    """
    group = last_of(connection, projector, author, window, passed) or last_of(
        connection, projector, author, None, passed
    )
    intents = not_undone(connection, group)
    if not intents:
        return None
    return described(
        Wording(connection, projector, now), intents, _where(intents[0], window, opened)
    )


def last_of(
    connection: Connection,
    projector: Projector,
    author: str,
    window: str | None,
    passed: Collection[str],
) -> str:
    """The last group of a person that is not undone, in one window or (None) in any; or ""."""
    authors = (us.me for us in projector.site.us.values())
    return outbox.last_group(connection, author, *authors, window=window, besides=passed)


def not_undone(connection: Connection, group: str) -> list[Intent]:
    """What is not undone yet of a group, in order."""
    acts = outbox.of_group(connection, group)
    return [one for one in acts if one.state is not IntentState.UNDONE]


def described(wording: Wording, intents: Sequence[Intent], where: Where = Where.HERE) -> Undoable:
    """What a group is called, by the intents of it that are still to be undone (at least one)."""
    first = intents[0]
    count = len({one.item_key for one in intents})
    verb = find_verb(first.verb)
    kind = wording.kind(first) if count == 1 else ""
    return Undoable(
        group=first.group,
        did=verb.label_for(kind) if verb else clean(first.verb, 40),
        short=verb.label_for(kind, narrow=True) if verb else clean(first.verb, 40),
        client=wording.client(first) if count == 1 else "",
        count=count,
        at=first.decided_at,
        where=where,
    )


def _where(intent: Intent, window: str, opened: datetime) -> Where:
    if intent.window == window:
        return Where.HERE
    if intent.window.startswith(COMMAND_LINE):
        return Where.COMMAND_LINE
    return Where.EARLIER if intent.decided_at < opened else Where.OTHER_WINDOW
