"""Which decisions wait behind another one, and go where that one goes."""

from __future__ import annotations

from dataclasses import replace

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.fhir.intent_dependencies import behind, resting_on
from tests.fhir.clinic import intent, ref, task


def on(target: str, decision: Intent) -> Intent:
    return replace(decision, target_id=target)


def stuck(decision: Intent) -> Intent:
    return replace(decision, state=IntentState.NEEDS_ATTENTION)


URGENT = intent(IntentKind.SET_PRIORITY, to="urgent")
STAT = intent(IntentKind.SET_PRIORITY, to="stat")
NOTE = intent(IntentKind.ADD_NOTE, text="Called")
ELSEWHERE = on("t2", STAT)
MADE = on("own", intent(IntentKind.CREATE, resource=task("own")))
NOTED_ON_IT = on("own", intent(IntentKind.ADD_NOTE, text="first"))
ABOUT_IT = on("own2", intent(IntentKind.CREATE, resource=task("own2", focus=ref("Task/own"))))


def test_what_was_decided_later_on_the_same_element_rests_on_it() -> None:
    assert resting_on({URGENT.id}, [URGENT, NOTE, ELSEWHERE, STAT]) == (STAT,)
    assert resting_on({STAT.id}, [URGENT, STAT]) == ()


def test_so_does_what_is_to_come_after_it_and_what_rests_on_that() -> None:
    after = replace(NOTE, after=URGENT.id)
    last = on("t3", replace(ELSEWHERE, id="last", after=NOTE.id))
    assert resting_on({URGENT.id}, [URGENT, after, last]) == (after, last)


def test_so_does_what_belongs_or_refers_to_what_it_creates() -> None:
    pending = [MADE, NOTED_ON_IT, NOTE, ABOUT_IT]
    assert resting_on({MADE.id}, pending) == (NOTED_ON_IT, ABOUT_IT)
    assert resting_on({MADE.id}, pending, created=False) == ()


def test_only_what_a_stuck_one_holds_back_waits_behind_it() -> None:
    assert behind([URGENT, STAT]) == frozenset()
    assert behind([stuck(URGENT), STAT, NOTE]) == {STAT.id}
    assert behind([stuck(MADE), NOTED_ON_IT, ABOUT_IT]) == {NOTED_ON_IT.id, ABOUT_IT.id}
    assert behind([stuck(URGENT), stuck(STAT)]) == frozenset()
    kept = replace(STAT, state=IntentState.LOCAL_ONLY)
    assert behind([stuck(URGENT), kept]) == frozenset()
