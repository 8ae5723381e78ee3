"""What the list says when it has no row: nothing yet, nothing left, nothing matches, unknown.

In:  what is looked at, the tallies, `Health`, `now`. Out: lines of parts. Each says what is empty,
what would fill it, and ends in a key. An empty list is never called good news where the last look
did not reach the server or could not read all, and no list is called empty while its tab counts
rows: they came in, but reading them failed.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from carequeue.store.queue_window import Tally, View
from carequeue.widgets.clock_words import moment
from carequeue.widgets.line import wrap
from carequeue.widgets.read_warnings import troubled, unread_words
from carequeue.widgets.themes import Part, Parts
from carequeue.widgets.view_tabs import Looking, count_of

if TYPE_CHECKING:
    from carequeue.worklist.results import Health

_LEFT = {
    View.MINE: "Nothing waits for you.",
    View.TEAM: "Nothing waits for your team.",
    View.WAITING: "Nothing waits on others.",
    View.ALL: "Nothing is open.",
    View.WHOLE: "Nothing is open.",
}


def empty_lines(
    looking: Looking, hidden: int, tally: Tally, health: Health, now: datetime, zone: tzinfo,
    width: int,
) -> list[Parts]:  # fmt: skip
    """The text of an empty list; `hidden` rows are left out by what narrows it."""
    headline, body, keys = _words(looking, hidden, tally, health, now, zone)
    lines: list[Parts] = [[("   ", "text"), (line, "strong")] for line in wrap(headline, width - 6)]
    lines += [[("   ", "text"), (line, "muted")] for line in wrap(body, width - 6)]
    line: list[Part] = [("   ", "text")]
    for key, word in keys:
        line += [(key, "key"), (f" {word}   ", "text")]
    return [*lines, [], line]


def _words(
    looking: Looking, hidden: int, tally: Tally, health: Health, now: datetime, zone: tzinfo
) -> tuple[str, str, list[tuple[str, str]]]:
    again = ("r", "look again")
    if count := count_of(looking.view, tally):
        items = "1 item has" if count == 1 else f"{count} items have"
        body = "The list could not be read yet. It is read again by itself."
        return f"{items} come in.", body, [again]
    if looking.narrow:
        items = "1 item is hidden." if hidden == 1 else f"{hidden} items are hidden."
        keys = [("esc", "show all"), ("/", "change")]
        return f"Nothing matches “{looking.narrow}”.", items, keys
    if not health.ever_synced:
        return _nothing_yet(health, again)
    last = _when(health, now, zone)
    if not health.whole:
        body = "This is not proof that nothing came in."
        return f"Nothing in the copy from {last}.", body, [("r", "try again")]
    waiting = tally.views.get(View.WAITING, 0)
    keys = [again]
    body = f"Last look {last}."
    if waiting and looking.view is not View.WAITING:
        body += f" {waiting} waiting on others."
        keys = [("3", "what waits on others"), again]
    return _LEFT[looking.view], body, keys


def _nothing_yet(health: Health, again: tuple[str, str]) -> tuple[str, str, list[tuple[str, str]]]:
    if health.syncing or health.other_syncs:
        first = "Fetching the most urgent first."
        body = "You can work as soon as rows appear; what you do is kept."
        return health.progress or first, body, [("?", "keys")]
    if health.online is False:
        why = health.why_offline or "the server was not reached"
        body = f"Not online: {why}. It is tried again by itself."
        return "Nothing has been fetched yet.", body, [("r", "try now")]
    if troubled(health):
        return "Nothing has been fetched yet.", unread_words(health), [("r", "try now")]
    if health.signed_out:
        body = "Signed out: the server did not let you in. Check the token."
        return "Nothing has been fetched yet.", body, [("r", "try now")]
    if health.trouble:
        body = f"Not all could be read: {health.trouble}."
        return "Nothing has been fetched yet.", body, [("r", "try now")]
    body = "The first look at the server begins by itself and fills it."
    return "Nothing has been fetched yet.", body, [again]


def _when(health: Health, now: datetime, zone: tzinfo) -> str:
    if health.last_full is None:
        return "before"
    return moment(int(health.last_full.timestamp()), int(now.timestamp()), zone)
