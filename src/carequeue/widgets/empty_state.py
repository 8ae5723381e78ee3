"""The text of a list without rows: nothing yet, nothing left, nothing matches, unknown.

In:  the tab and filter, the tally, `Health`, when my rows come next, the time. Out: lines of parts.
The text says what is empty, what would fill it, and ends in a key. An empty list is never called
good news if the last sync did not reach the server or could not read everything, and no list is
called empty while its tab counts rows: they arrived, but reading them failed.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from carequeue.store.queue_window import Tab, Tally
from carequeue.widgets.clock_words import moment
from carequeue.widgets.read_warnings import troubled, unread_words
from carequeue.widgets.tab_bar import ViewState, count_of
from carequeue.widgets.text_width import wrap
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.store.next_times import NextTimes
    from carequeue.worklist.results import Health

_NOTHING_LEFT = {
    Tab.MINE: "Nothing is waiting for you.",
    Tab.TEAM: "Nothing is waiting for your team.",
    Tab.WAITING: "Nothing is waiting on others.",
    Tab.ALL: "Nothing is open.",
    Tab.WHOLE: "Nothing is open.",
}
_SYNC = ("r", "sync now")
_TRY_NOW = ("r", "try now")


class EmptyState(NamedTuple):
    """Why a list may be empty; the filter hides `hidden` rows.

    `next_times`: when my rows come next, if this is the list of mine.
    """

    view_state: ViewState
    hidden: int
    tally: Tally
    health: Health
    next_times: NextTimes | None = None


class _Text(NamedTuple):
    """A headline, a sentence below it, and keys with their words."""

    headline: str
    body: str
    keys: tuple[tuple[str, str], ...]


def empty_lines(state: EmptyState, now: datetime, zone: tzinfo, width: int) -> list[Parts]:
    """The text of an empty list."""
    text = _text(state, now, zone)
    indent: Part = ("   ", "text")
    lines: list[Parts] = [[indent, (line, "strong")] for line in wrap(text.headline, width - 6)]
    lines += [[indent, (line, "muted")] for line in wrap(text.body, width - 6)]
    keys = [indent]
    for key, word in text.keys:
        keys += [(key, "key"), (f" {word}   ", "text")]
    return [*lines, [], keys]


def _text(state: EmptyState, now: datetime, zone: tzinfo) -> _Text:
    view_state, _, tally, health, _ = state
    if count := count_of(view_state.tab, tally):
        arrived = "1 item has arrived." if count == 1 else f"{count} items have arrived."
        body = "The list could not be read yet. CareQueue will read it again."
        return _Text(arrived, body, (_SYNC,))
    if view_state.filter_text:
        hidden = "1 item is hidden." if state.hidden == 1 else f"{state.hidden} items are hidden."
        keys = (("esc", "show all"), ("/", "change filter"))
        return _Text(f"Nothing matches “{view_state.filter_text}”.", hidden, keys)
    if not health.ever_synced:
        return _nothing_yet(health)
    full = health.last_full
    last = moment(int(full.timestamp()), int(now.timestamp()), zone) if full else "before"
    if not health.whole:
        body = "Items may have arrived since then."
        return _Text(f"Nothing in the copy from {last}.", body, (("r", "try again"),))
    headline, next_up = _day_end(state, now, zone)
    body = f"{next_up}Last sync {last}."
    waiting = tally.tabs.get(Tab.WAITING, 0)
    if waiting and view_state.tab is not Tab.WAITING:
        body += f" {waiting} waiting on others."
        return _Text(headline, body, (("3", "waiting on others"), _SYNC))
    return _Text(headline, body, (_SYNC,))


def _day_end(state: EmptyState, now: datetime, zone: tzinfo) -> tuple[str, str]:
    """What is empty, and what comes next of mine."""
    sentences: tuple[str, ...] = ()
    if state.next_times is not None:
        from carequeue.widgets.day_end import day_end_sentences

        sentences = day_end_sentences(state.next_times, now, zone)
    headline, *rest = sentences or (_NOTHING_LEFT[state.view_state.tab],)
    return headline, "".join(f"{sentence} " for sentence in rest)


def _nothing_yet(health: Health) -> _Text:
    headline = "Nothing has been fetched yet."
    if health.syncing or health.other_syncs:
        body = "You can work as soon as rows appear; your work is saved."
        return _Text(health.progress or "Fetching the most urgent first.", body, (("?", "keys"),))
    if health.online is False:
        reason = health.why_offline or "the server was not reached"
        return _Text(headline, f"Not online: {reason}. CareQueue will try again.", (_TRY_NOW,))
    if troubled(health):
        return _Text(headline, unread_words(health), (_TRY_NOW,))
    if health.signed_out:
        body = "Signed out: the server did not let you in. Check the token."
        return _Text(headline, body, (_TRY_NOW,))
    if health.trouble:
        body = f"Some records could not be read: {health.trouble}."
        return _Text(headline, body, (_TRY_NOW,))
    body = "The first sync with the server starts by itself and fills this list."
    return _Text(headline, body, (_SYNC,))
