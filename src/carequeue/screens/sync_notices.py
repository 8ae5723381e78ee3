"""What is said about sync without being asked: how a look ended, what became of one's acts.

In:  `Health`, what the message line says just now, the desk's quiet lines. Out: a message, or None
where nothing is new.
A message about an act is never pushed aside by these, but by the return of the network: what is
said here takes the place of an empty line, or of its own earlier sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from carequeue.domain.errors import CareQueueError
from carequeue.screens.overlay import Stage
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.read_warnings import unread_words

if TYPE_CHECKING:
    from carequeue.worklist.results import Health

LOOKING: Final = Message("Looking at the server now.")
FIRST_SYNC: Final = Message("The first sync is under way. You can work now; what you do is kept.")
FIRST_DONE: Final = Message("The first sync is done.", hint="? shows the keys")
MENDED: Final = Message("All could be read again.")


class SyncNews:
    """Remembers what was asked for, and what it last said was wrong."""

    def __init__(self) -> None:
        self._asked_at: datetime | None = None
        self._wrong = Message()

    def asked(self, now: datetime) -> Message:
        """The person asked for a look."""
        self._asked_at = now.replace(microsecond=0)
        return LOOKING

    def after(self, health: Health, said: Message, *, back: bool) -> Message | None:
        """What there is to say now, after what was said; `back`: the network has just come."""
        told = self._after(health, said, back=back)
        if told is not None:
            self._wrong = told if told == _trouble(health) else Message()
        return told

    def passes(self, said: Message) -> bool:
        """Whether it is gone with the next key: what is wrong stands in the header all the time."""
        return bool(said.text) and said == self._wrong

    def _after(self, health: Health, said: Message, *, back: bool) -> Message | None:
        if back:
            return _back_online(health)
        if self._asked_at is not None and not health.syncing:
            ended = _ended(health, self._asked_at)
            if ended:
                self._asked_at = None
                return ended if said == LOOKING else None
        elif not said.text and health.syncing and not health.ever_synced:
            return FIRST_SYNC
        elif said == FIRST_SYNC and not health.syncing and (trouble := _trouble(health)):
            return trouble
        elif said == FIRST_SYNC and health.ever_synced:
            return FIRST_DONE
        elif self.passes(said) and not health.syncing and (now := _since(health)) != said:
            return now
        return None


def _ended(health: Health, asked_at: datetime) -> Message | None:
    """How a look that was asked for ended; None where that is not known yet."""
    if health.last_look is None or health.last_look < asked_at:
        return None
    if health.online is False and health.silent_since:
        return _not_answering(health)
    if health.online is False:
        why = health.why_offline or "it did not answer"
        return Message(f"Not reached: {why}. What you did is kept and goes out later.")
    if trouble := _trouble(health):
        return trouble
    if left := health.waiting + health.checking:
        return Message(f"CycleResult; {left} of yours still {'waits' if left == 1 else 'wait'}.")
    return Message(f"CycleResult; {_needs(health)}" if health.needs_you else "Up to date.")


def _not_answering(health: Health) -> Message:
    """The server took a request and said nothing: what may have arrived, and what waits."""
    counts = ((health.checking, "to be checked"), (health.waiting, "waiting"))
    yours = ", ".join(f"{count} {what}" for count, what in counts if count)
    kept = f"{yours}, all kept" if yours else "nothing of yours waits"
    return Message(f"The server did not answer: {kept}. It is asked again by itself.")


def _trouble(health: Health) -> Message | None:
    """What a look that reached a server could not do, and what to do next."""
    words = unread_words(health)
    return Message(words, Tone.WARNING) if words else None


def _since(health: Health) -> Message:
    """What is said in the place of a trouble: the one of now, that it is over, or nothing where
    the header says more.
    """
    return _trouble(health) or (MENDED if health.whole else Message())


def _back_online(health: Health) -> Message:
    """The network is back: what becomes of what waited."""
    if trouble := _trouble(health):
        return trouble
    if health.needs_you:
        return Message(f"Back online; {_needs(health)}")
    left = health.waiting + health.checking
    return Message(f"Back online; {left} to be sent." if left else "Back online; nothing waits.")


def _needs(health: Health) -> str:
    return "1 needs you (x)." if health.needs_you == 1 else f"{health.needs_you} need you (x)."


class Told:
    """The desk's quiet lines: merged with a colleague's change, or done already by somebody.

    They wait for an empty line; of several the first is said, and how many more there are.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._mark = -1
        self._asked = False
        self._waiting: list[str] = []

    def ask(self) -> None:
        """Ask what is new since the last time; one question is under way at a time."""
        if not self._asked:
            self._asked = True
            self._stage.look(self._news, self._came)

    def _news(self) -> tuple[int, Sequence[str]]:
        try:
            return self._stage.desk.news(self._mark)
        except CareQueueError:  # what cannot be read now is asked for again
            return self._mark, ()

    def _came(self, news: tuple[int, Sequence[str]]) -> None:
        self._asked = False
        self._mark = news[0]
        self._waiting += news[1]

    def next(self, said: Message) -> Message | None:
        """What to say in the place of what is said now."""
        if said.text or not self._waiting:
            return None
        first, more = self._waiting[0], len(self._waiting) - 1
        self._waiting.clear()
        return Message(first, hint=f"and {more} more" if more else "")
