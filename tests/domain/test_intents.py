"""The states of an intent: every step is one of the table, or no step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from carequeue.domain.intents import IllegalStep, IntentEvent, IntentState, step

_S, _E = IntentState, IntentEvent
#: What may become of a decision, sentence by sentence; written down apart from `TRANSITIONS`.
LEGAL = {
    (_S.QUEUED, _E.ATTEMPT_RECORDED, _S.IN_DOUBT),
    (_S.QUEUED, _E.DROPPED, _S.UNDONE),
    (_S.QUEUED, _E.UNSUPPORTED, _S.LOCAL_ONLY),
    (_S.QUEUED, _E.ACKNOWLEDGED, _S.ACKNOWLEDGED),
    (_S.QUEUED, _E.FOUND_CHANGED, _S.CONFLICT),
    (_S.QUEUED, _E.FOUND_GONE, _S.CONFLICT),
    (_S.QUEUED, _E.FOUND_OTHER_CLIENT, _S.CONFLICT),
    (_S.QUEUED, _E.REFUSED, _S.NEEDS_ATTENTION),
    (_S.IN_DOUBT, _E.ACKNOWLEDGED, _S.ACKNOWLEDGED),
    (_S.IN_DOUBT, _E.FOUND_NOT_APPLIED, _S.QUEUED),
    (_S.IN_DOUBT, _E.FOUND_CHANGED, _S.CONFLICT),
    (_S.IN_DOUBT, _E.FOUND_GONE, _S.CONFLICT),
    (_S.IN_DOUBT, _E.FOUND_OTHER_CLIENT, _S.CONFLICT),
    (_S.IN_DOUBT, _E.REFUSED, _S.NEEDS_ATTENTION),
    (_S.IN_DOUBT, _E.UNSUPPORTED, _S.LOCAL_ONLY),
    (_S.LOCAL_ONLY, _E.SUPPORTED_NOW, _S.QUEUED),
    (_S.LOCAL_ONLY, _E.DROPPED, _S.UNDONE),
    (_S.LOCAL_ONLY, _E.FOUND_OTHER_CLIENT, _S.CONFLICT),
    (_S.CONFLICT, _E.KEPT_MINE, _S.QUEUED),
    (_S.CONFLICT, _E.TOOK_THEIRS, _S.UNDONE),
    (_S.NEEDS_ATTENTION, _E.RETRIED, _S.QUEUED),
    (_S.NEEDS_ATTENTION, _E.DISCARDED, _S.UNDONE),
}


def pairs() -> Iterator[tuple[IntentState, IntentEvent]]:
    yield from product(IntentState, IntentEvent)


class TestTheStatesOfADecision:
    @pytest.mark.parametrize(("state", "event"), list(pairs()), ids=str)
    def test_a_step_is_one_of_the_table_or_no_step(
        self, state: IntentState, event: IntentEvent
    ) -> None:
        targets = [target for source, what, target in LEGAL if (source, what) == (state, event)]
        if targets:
            assert step(state, event) is targets[0]
        else:
            with pytest.raises(IllegalStep, match=f"{state} cannot be {event}"):
                step(state, event)

    def test_only_success_or_a_person_ends_one(self) -> None:
        by_a_person = {_E.DROPPED, _E.TOOK_THEIRS, _E.DISCARDED}
        for _, event, target in LEGAL:
            if target is _S.UNDONE:
                assert event in by_a_person
            if target is _S.ACKNOWLEDGED:
                assert event is _E.ACKNOWLEDGED

    def test_what_ended_stays_ended(self) -> None:
        assert not {state for state, _, _ in LEGAL} & {_S.ACKNOWLEDGED, _S.UNDONE}

    def test_what_is_not_sent_is_never_in_doubt(self) -> None:
        assert {(state, event) for state, event, to in LEGAL if to is _S.IN_DOUBT} == {
            (_S.QUEUED, _E.ATTEMPT_RECORDED)
        }
