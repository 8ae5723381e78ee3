"""News about sync that nobody asked for: how a sync ended, what became of acts.

In:  `Health`, the current message, the desk's news. Out: a message, or None if there is no news.
A notice replaces an empty line or an earlier notice. It never replaces a message about an act,
except when the network is back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from carequeue.domain.errors import CareQueueError
from carequeue.screens.screen_context import ScreenContext
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.read_warnings import unread_words

if TYPE_CHECKING:
    from carequeue.worklist.results import Health

SYNCING: Final = Message("Syncing with the server.")
FIRST_SYNC: Final = Message("The first sync is running. You can work now; your work is saved.")
FIRST_DONE: Final = Message("The first sync is done.", hint="? shows the keys")
READ_AGAIN: Final = Message("Everything could be read again.")


class SyncNotices:
    """Remembers which sync the person asked for, and which problem was last named."""

    def __init__(self) -> None:
        self._requested_at: datetime | None = None
        self._problem = Message()

    def requested(self, now: datetime) -> Message:
        """The message after the person asked for a sync."""
        self._requested_at = now.replace(microsecond=0)
        return SYNCING

    def after(self, health: Health, current: Message, *, back: bool) -> Message | None:
        """The notice that replaces the current message, if any; `back`: the network is back."""
        notice = self._notice(health, current, back=back)
        if notice is not None:
            self._problem = notice if notice == _problem(health) else Message()
        return notice

    def ends_with_key(self, current: Message) -> bool:
        """Whether the next key clears this message: the header shows the problem all the time."""
        return bool(current.text) and current == self._problem

    def _notice(self, health: Health, current: Message, *, back: bool) -> Message | None:
        if back:
            return _back_online(health)
        if self._requested_at is not None and not health.syncing:
            ended = _ended(health, self._requested_at)
            if ended:
                self._requested_at = None
                return ended if current == SYNCING else None
        elif not current.text and health.syncing and not health.ever_synced:
            return FIRST_SYNC
        elif current == FIRST_SYNC and not health.syncing and (problem := _problem(health)):
            return problem
        elif current == FIRST_SYNC and health.ever_synced:
            return FIRST_DONE
        elif self.ends_with_key(current) and not health.syncing:
            # An empty message if the header says more.
            latest = _problem(health) or (READ_AGAIN if health.whole else Message())
            return latest if latest != current else None
        return None


def _ended(health: Health, requested_at: datetime) -> Message | None:
    """How a requested sync ended; None while that is not known."""
    if health.last_sync is None or health.last_sync < requested_at:
        return None
    if health.online is False and health.silent_since:
        return _not_answering(health)
    if health.online is False:
        why = health.why_offline or "it did not answer"
        return Message(f"Server not reached: {why}. Your work is saved and will be sent later.")
    if problem := _problem(health):
        return problem
    if unsent := health.waiting + health.checking:
        verb = "is" if unsent == 1 else "are"
        return Message(f"Synced; {unsent} of your changes {verb} still waiting.")
    return Message(f"Synced; {_needs_you(health)}" if health.needs_you else "Up to date.")


def _not_answering(health: Health) -> Message:
    """The server took a request and did not answer: what may have arrived, and what waits."""
    counts = ((health.checking, "to be checked"), (health.waiting, "waiting"))
    unsent = ", ".join(f"{count} {state}" for count, state in counts if count)
    saved = f"{unsent}, all saved" if unsent else "nothing of yours is waiting"
    return Message(f"The server did not answer: {saved}. CareQueue will try again.")


def _problem(health: Health) -> Message | None:
    """The records that a server which answered did not give, and what to do next."""
    text = unread_words(health)
    return Message(text, Tone.WARNING) if text else None


def _back_online(health: Health) -> Message:
    """The network is back: what happens to unsent changes."""
    if problem := _problem(health):
        return problem
    if health.needs_you:
        return Message(f"Back online; {_needs_you(health)}")
    unsent = health.waiting + health.checking
    return Message(f"Back online; {unsent} to be sent." if unsent else "Back online; all is sent.")


def _needs_you(health: Health) -> str:
    return "1 needs you (x)." if health.needs_you == 1 else f"{health.needs_you} need you (x)."


class OutcomeNotices:
    """The desk's news: changes merged with a colleague's, or done already by somebody.

    They wait for an empty message line; of several the first is shown, with a count of the others.
    """

    def __init__(self, context: ScreenContext) -> None:
        self._context = context
        self._after = -1  # the desk's counter at the last call
        self._asked = False
        self._waiting: list[str] = []

    def ask(self) -> None:
        """Read the news since the last call; only one read runs at a time."""
        if not self._asked:
            self._asked = True
            self._context.submit_read(self._read, self._received)

    def _read(self) -> tuple[int, Sequence[str]]:
        try:
            return self._context.desk.outbox.news(self._after, self._context.now())
        except CareQueueError:  # it is read again at the next change
            return self._after, ()

    def _received(self, news: tuple[int, Sequence[str]]) -> None:
        self._asked = False
        self._after = news[0]
        self._waiting += news[1]

    def next(self, current: Message) -> Message | None:
        """The news that replaces the current message, if any."""
        if current.text or not self._waiting:
            return None
        first, more = self._waiting[0], len(self._waiting) - 1
        self._waiting.clear()
        return Message(first, hint=f"and {more} more" if more else "")
