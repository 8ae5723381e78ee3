"""The machine of a decision as a table: every state times every event, with how often it happened.

In:  the counts of runs. Out: lines. A cell without a number says why it cannot be: that it was not
only unseen is what `domain.intents.TRANSITIONS` and this page agree upon (a test holds them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from carequeue.domain.intents import TRANSITIONS, IntentEvent, IntentState

_S, _E = IntentState, IntentEvent
Cell = tuple[IntentState, IntentEvent]

_ENDED: Final = {
    _S.ACKNOWLEDGED: "it is on the server: what comes later is a decision of its own",
    _S.UNDONE: "it has ended: it is history",
}
_ASKED: Final = {
    _S.CONFLICT: "a person is asked, and until the answer nothing is sent or settled",
    _S.NEEDS_ATTENTION: "a person is asked, and until the answer nothing is sent or settled",
}
_KEPT: Final = "nothing of it leaves, so nothing is found out about it"
_ONLY: Final = {
    _E.ATTEMPT_RECORDED: "only a queued intent is recorded as sent; one in doubt already is",
    _E.FOUND_NOT_APPLIED: "only what may be there can be found not to be",
    _E.SUPPORTED_NOW: "only what is kept here can find a place",
    _E.DROPPED: "only what surely has not left is dropped; in doubt, its inverse is filed",
    _E.KEPT_MINE: "an answer to a conflict",
    _E.TOOK_THEIRS: "an answer to a conflict",
    _E.RETRIED: "an answer to what needs attention",
    _E.DISCARDED: "an answer to what needs attention",
    _E.UNSUPPORTED: "it is kept here already",
}


def why_not(state: IntentState, event: IntentEvent) -> str:
    """Why an event cannot happen in a state; "" where it can."""
    if (state, event) in TRANSITIONS:
        return ""
    if state in _ENDED:
        return _ENDED[state]
    answers = (_E.KEPT_MINE, _E.TOOK_THEIRS, _E.RETRIED, _E.DISCARDED)
    if state in _ASKED and event not in answers:
        return _ASKED[state]
    if state is _S.LOCAL_ONLY and event not in (*answers, _E.UNSUPPORTED):
        return _KEPT
    return _ONLY[event]


def lines(cells: Mapping[Cell, int]) -> Iterator[str]:
    """The table; a cell that can be and was not seen is named."""
    for state in _S:
        yield f"{state.value}"
        for event in _E:
            count, target = cells.get((state, event), 0), TRANSITIONS.get((state, event))
            if target is not None:
                said = f"{count:>9,} times" if count else "NOT SEEN in these runs"
                yield f"  {event.value:<18} {said:>15}  -> {target.value}"
            elif count:
                yield f"  {event.value:<18} {count:>9,} times, AND IT IS NO STEP OF THE MACHINE"
            else:
                yield f"  {event.value:<18} {'never':>15}  {why_not(state, event)}"


def unseen(cells: Mapping[Cell, int]) -> list[Cell]:
    """The steps of the machine that did not happen."""
    return [cell for cell in TRANSITIONS if not cells.get(cell)]
