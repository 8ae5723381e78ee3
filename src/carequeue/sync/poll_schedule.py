"""The time of the next sync of a source. Pure: instants in seconds, chance as an argument.

In:  how a cycle ended, what a person did, what the server announced. Out: when the next full cycle
is due, and until when nothing may be sent.
Why these figures: a colleague's change should be seen within half a minute while a team works, and
an organization's server must not be asked by a hundred idle laptops every half minute; so the gap
grows by half with each cycle that finds nothing, and jitter keeps the laptops apart. A server that
asks us to wait (`Retry-After`) is obeyed, except by a manual sync (`r`).
Not here: threads (`workers.py`), how often the manifest is compared (`manifest/policy.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

#: Seconds between two cycles while things change.
QUICK: Final = 25.0
#: The longest gap while nothing changes: with the terminal in focus; out of focus.
SLOW: Final = 300.0
UNFOCUSED: Final = 600.0
#: The shortest gap while the server announces changes, and while the terminal is out of focus.
HINTED: Final = 120.0
AWAY: Final = 60.0
GROWTH: Final = 1.5
#: After a decision: its effects on the server are looked for this soon, but never more often than
#: QUICK.
AFTER_ACT: Final = 8.0
#: After a notification: at least and at most, so that a hundred laptops do not ask at once.
AFTER_HINT: Final = 0.5
AFTER_HINT_LAST: Final = 3.0
#: Seconds between two cycles caused by notifications; doubled while they keep coming, up to QUICK.
HINT_GAP: Final = 5.0
#: A person who comes back sees at once what is new, if the last cycle is older than this.
OLD: Final = 20.0
#: Offline: the first and the longest pause between two tries.
RETRY_FIRST: Final = 3.0
RETRY_LAST: Final = 15.0
#: Another process syncs; a sign-in that only a person can fix.
OTHER: Final = 5.0
SIGN_IN: Final = 60.0
SIGN_IN_LAST: Final = 600.0
#: The longest wait that a server can ask for at a time.
LONGEST_WAIT: Final = 3600.0


class CycleOutcome(StrEnum):
    """How a cycle ended, as far as the next one depends on it."""

    NEWS = "news"  # something came or was sent
    NOTHING = "nothing"
    TROUBLE = "trouble"  # the server answers, but not everything could be read
    OFFLINE = "offline"
    SIGN_IN = "sign in"
    OTHER = "other"  # another process syncs this source


@dataclass(frozen=True, slots=True)
class PollState:
    """The schedule of one source. Instants and spans are seconds of one steady clock.

    `due`: when the next full cycle is. `not_before`: the server asked us to wait until then. `gap`:
    the present pause between cycles; `last`: the end of the last one, None before the first.
    """

    due: float
    gap: float = QUICK
    last: float | None = None
    not_before: float = 0.0
    offline: bool = False
    focused: bool = True
    hinted: bool = False  # a connection for notifications is open
    told: bool = False  # the next cycle was caused by a notification
    hint_gap: float = HINT_GAP

    def cycle_due(self, now: float) -> bool:
        """Whether a full cycle is due now."""
        return now >= self.due and now >= self.not_before

    def may_send(self, now: float) -> bool:
        """Whether the server allows sending now."""
        return now >= self.not_before

    def rest(self, now: float) -> float:
        """Seconds until something is due by itself."""
        return max(self.due - now, self.not_before - now, 0.0)


def after_cycle(
    pace: PollState, saw: CycleOutcome, now: float, chance: float, wait: float = 0.0
) -> PollState:
    """After a full cycle, or a try. `chance` is 0 to 1; `wait`: the pause the server asked for."""
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
    """After the outbox alone was sent: its effects are looked for soon, a failure is retried on
    schedule.

    The gap starts again from the quick one: where somebody works, things change.
    """
    if wait > 0 or saw in (CycleOutcome.OFFLINE, CycleOutcome.SIGN_IN, CycleOutcome.OTHER):
        return replace(after_cycle(pace, saw, now, chance, wait), last=pace.last)
    soon = now + AFTER_ACT
    if pace.last is not None:
        soon = max(soon, pace.last + QUICK)
    return replace(pace, gap=QUICK, offline=False, due=min(pace.due, soon))


def on_request(pace: PollState, now: float) -> PollState:
    """A person wants to sync, or works online again: at once, whatever the server asked for."""
    return replace(pace, due=now, not_before=0.0)


def on_hint(pace: PollState, now: float, chance: float) -> PollState:
    """The server announces a change; several within a moment count as one."""
    soon = now + AFTER_HINT + (AFTER_HINT_LAST - AFTER_HINT) * chance
    if pace.last is not None:
        soon = max(soon, pace.last + pace.hint_gap)
    return replace(pace, gap=QUICK, due=min(pace.due, soon), told=True)


def on_focus(pace: PollState, focused: bool, now: float) -> PollState:
    """The terminal gets or loses the focus."""
    changed = replace(pace, focused=focused)
    if focused and not pace.focused and (pace.last is None or now - pace.last > OLD):
        return replace(changed, gap=QUICK, due=min(pace.due, now))
    return changed


def on_connection(pace: PollState, connected: bool, now: float) -> PollState:
    """The connection for notifications opened or closed; when it closes, the quick pace begins
    again.
    """
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
