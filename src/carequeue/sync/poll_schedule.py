"""When to look at a source next. Pure: instants in seconds, chance as an argument.

In:  what a look came to, what a person did, what the server hinted. Out: when the next full look is
due, and until when nothing is to be sent at all.
Why these figures: a colleague's change is to be seen within half a minute while a team works, and
an organization's server must not be asked by a hundred quiet laptops every half minute; so the gap
grows by half with each look that finds nothing, and jitter keeps the laptops apart. A server that
asks us to wait (`Retry-After`) is obeyed; a person's own wish to know is the one thing that is not
made to wait for it.
Not here: threads (`workers.py`), how often all ids are compared (`sync_cycle.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

#: Seconds between two looks while things change.
QUICK: Final = 25.0
#: The longest gap while nothing does: the person looks on; looks elsewhere.
SLOW: Final = 300.0
UNFOCUSED: Final = 600.0
#: The shortest gap while the server itself tells of changes, and while nobody looks on.
HINTED: Final = 120.0
AWAY: Final = 60.0
GROWTH: Final = 1.5
#: After an act: what it set off on the server is looked for so soon, but never oftener than QUICK.
AFTER_ACT: Final = 8.0
#: After a hint: at least, and at most, so that a hundred laptops that hear one do not ask as one.
AFTER_HINT: Final = 0.5
AFTER_HINT_LAST: Final = 3.0
#: Seconds between two looks that hints caused; doubled while they keep coming, up to QUICK.
HINT_GAP: Final = 5.0
#: A person who comes back sees at once what is new, if the last look is older than this.
OLD: Final = 20.0
#: Offline: the first and the longest pause between two tries.
RETRY_FIRST: Final = 3.0
RETRY_LAST: Final = 15.0
#: Another process syncs; a sign-in that only a person can mend.
OTHER: Final = 5.0
SIGN_IN: Final = 60.0
SIGN_IN_LAST: Final = 600.0
#: The longest wait that a server can ask for in one go.
LONGEST_WAIT: Final = 3600.0


class CycleOutcome(StrEnum):
    """What a look came to, as far as the next one depends on it."""

    NEWS = "news"  # something came or was sent
    NOTHING = "nothing"
    TROUBLE = "trouble"  # the server answers, but not all could be read
    OFFLINE = "offline"
    SIGN_IN = "sign in"
    OTHER = "other"  # another process syncs this source


@dataclass(frozen=True, slots=True)
class PollState:
    """Where the rhythm of one source stands. Instants and spans are seconds of one steady clock.

    `due`: when the next full look is. `not_before`: the server asked us to wait until then.
    `gap`: the present pause between looks; `last`: the end of the last one, None before the first.
    """

    due: float
    gap: float = QUICK
    last: float | None = None
    not_before: float = 0.0
    offline: bool = False
    focused: bool = True
    hinted: bool = False  # a connection on which the server tells of changes is open
    told: bool = False  # the next look is because of a hint
    hint_gap: float = HINT_GAP

    def cycle_due(self, now: float) -> bool:
        """Whether everything is to be looked at now."""
        return now >= self.due and now >= self.not_before

    def may_send(self, now: float) -> bool:
        """Whether the server lets anything be sent now."""
        return now >= self.not_before

    def rest(self, now: float) -> float:
        """Seconds until something is due by itself."""
        return max(self.due - now, self.not_before - now, 0.0)


def after_cycle(
    pace: PollState, saw: CycleOutcome, now: float, chance: float, wait: float = 0.0
) -> PollState:
    """After a full look, or a try at one. `chance` is 0 to 1; `wait`: what the server asked for."""
    gap = _gap(pace, saw)
    jitter = 0.8 + 0.4 * chance
    held = now + min(wait, LONGEST_WAIT) if wait > 0 else 0.0
    return replace(
        pace,
        gap=gap,
        due=max(now + gap * jitter, held),
        not_before=held,
        offline=saw is CycleOutcome.OFFLINE,
        last=pace.last if saw in (CycleOutcome.OFFLINE, CycleOutcome.OTHER) else now,
        told=False,
        hint_gap=min(pace.hint_gap * 2, QUICK) if pace.told else HINT_GAP,
    )


def after_push(
    pace: PollState, saw: CycleOutcome, now: float, chance: float, wait: float = 0.0
) -> PollState:
    """After the outbox alone was sent: what that set off is looked for soon, a trouble at its time.

    The gap starts again from the quick one: where somebody works, things change.
    """
    if wait > 0 or saw in (CycleOutcome.OFFLINE, CycleOutcome.SIGN_IN, CycleOutcome.OTHER):
        return replace(after_cycle(pace, saw, now, chance, wait), last=pace.last)
    soon = now + AFTER_ACT
    if pace.last is not None:
        soon = max(soon, pace.last + QUICK)
    return replace(pace, gap=QUICK, offline=False, due=min(pace.due, soon))


def on_request(pace: PollState, now: float) -> PollState:
    """A person wants to know, or works online again: at once, whatever the server asked for."""
    return replace(pace, due=now, not_before=0.0)


def on_hint(pace: PollState, now: float, chance: float) -> PollState:
    """The server says that something changed; many such within a moment are one."""
    soon = now + AFTER_HINT + (AFTER_HINT_LAST - AFTER_HINT) * chance
    if pace.last is not None:
        soon = max(soon, pace.last + pace.hint_gap)
    return replace(pace, gap=QUICK, due=min(pace.due, soon), told=True)


def on_focus(pace: PollState, focused: bool, now: float) -> PollState:
    """The person looks on, or elsewhere."""
    changed = replace(pace, focused=focused)
    if focused and not pace.focused and (pace.last is None or now - pace.last > OLD):
        return replace(changed, gap=QUICK, due=min(pace.due, now))
    return changed


def on_connection(pace: PollState, connected: bool, now: float) -> PollState:
    """The connection for hints is open, or gone: then the quick pace begins again."""
    changed = replace(pace, hinted=connected)
    if pace.hinted and not connected:
        return replace(changed, gap=QUICK, due=min(pace.due, now + QUICK))
    return changed


def _gap(pace: PollState, saw: CycleOutcome) -> float:
    """The next pause, before jitter."""
    if saw is CycleOutcome.OFFLINE:
        grown = pace.gap * GROWTH if pace.offline else RETRY_FIRST
        return min(max(grown, RETRY_FIRST), RETRY_LAST)
    if saw is CycleOutcome.OTHER:
        return OTHER
    if saw is CycleOutcome.SIGN_IN:
        return min(max(pace.gap * GROWTH, SIGN_IN), SIGN_IN_LAST)
    least = max(QUICK, HINTED if pace.hinted else 0.0, 0.0 if pace.focused else AWAY)
    if saw is CycleOutcome.NEWS:
        return least
    before = QUICK if pace.offline else max(pace.gap, QUICK)
    return max(least, min(before * GROWTH, SLOW if pace.focused else UNFOCUSED))
