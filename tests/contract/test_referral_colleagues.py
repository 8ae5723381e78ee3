"""The acts on referrals where something goes wrong, or two people decide at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.client import Clinician
from tests.contract.server import change, held, of_client, sent, status
from tests.contract.test_referral_acts import ACTS, client_of, codes, each_act, messages, triages
from tests.servers.harness import FhirServer
from tests.servers.proxy import FaultProxy, answer, drop_reply
from tests.servers.small_clinic import (
    ACCEPTED_REFERRAL,
    PARTNER,
    QUESTIONED_REFERRAL,
    ROUTINE_REFERRAL,
    UNANSWERED_REFERRAL,
)

MESSAGE = "https://carequeue.dev/fhir/CodeSystem/message"
#: The acts that change the Task itself.
ON_THE_TASK = [act for act in ACTS if act[0] in ("withdraw", "answer", "ask", "hold")]


def effects(clinic: FhirServer, item: str) -> tuple[int, int, int]:
    """How many messages, triages and Tasks of the client the server holds."""
    tasks = of_client(clinic, "Task", client_of(clinic, item))
    return len(messages(clinic, item)), len(triages(clinic, item)), len(tasks)


@each_act
def test_an_act_whose_reply_is_lost_has_exactly_one_effect(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy, verb: str, item: str, answers: Any
) -> None:
    before = effects(clinic, item)
    dana.act(verb, item, **answers)
    proxy.once(drop_reply, "POST", "")
    proxy.once(drop_reply, "PUT", "")
    for _ in range(4):
        dana.sync()
        dana.later(minutes=10)
    assert dana.sync().ok
    assert (dana.waiting(), dana.needs_her()) == (0, 0)
    after = effects(clinic, item)
    made = 1 if verb in ("remind", "answer", "ask", "triage", "redirect") else 0
    assert sum(after) - sum(before) == made


@each_act
def test_an_act_that_the_server_refuses_waits_with_its_words(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy, verb: str, item: str, answers: Any
) -> None:
    before = held(clinic, item)
    dana.act(verb, item, **answers)
    for method in ("POST", "PUT"):
        proxy.always(answer(422), method)
    report = dana.sync()
    assert report.needs_attention >= 1
    assert held(clinic, item) == before
    assert dana.shown(item).sync == "needs_you"
    proxy.heal()
    dana.retry()
    assert dana.sync().ok
    assert (dana.waiting(), dana.needs_her()) == (0, 0)


@pytest.mark.parametrize(("verb", "item", "answers"), ON_THE_TASK, ids=[a[0] for a in ON_THE_TASK])
def test_a_change_of_something_else_meanwhile_is_kept_beside_hers(
    dana: Clinician, clinic: FhirServer, verb: str, item: str, answers: Any
) -> None:
    dana.act(verb, item, **answers)
    change(clinic, item, description="Ask for Nurse Okoye")
    assert dana.sync().ok
    assert held(clinic, item)["description"] == "Ask for Nurse Okoye"
    assert (dana.waiting(), dana.needs_her()) == (0, 0)


@pytest.mark.parametrize(("verb", "item", "answers"), ON_THE_TASK, ids=[a[0] for a in ON_THE_TASK])
@pytest.mark.parametrize("answer_", ["mine", "theirs"])
def test_a_change_of_the_same_thing_meanwhile_is_asked(
    dana: Clinician, clinic: FhirServer, verb: str, item: str, answers: Any, answer_: str
) -> None:
    dana.act(verb, item, **answers)
    theirs = change(clinic, item, status="failed", statusReason={"text": "closed the program"})
    assert dana.sync().conflicts >= 1
    assert held(clinic, item) == theirs
    dana.answer(item, answer_)
    assert dana.sync().ok
    assert dana.needs_her() == 0
    assert (status(clinic, item) == "failed") == (answer_ == "theirs")


class TestTwoPeopleAtOnce:
    def test_remind_and_the_partner_has_two_reminders_that_name_their_senders(
        self, dana: Clinician, priya: Clinician, clinic: FhirServer
    ) -> None:
        """A message is no change of a record: neither knows of the other, and neither is lost."""
        dana.act("remind", UNANSWERED_REFERRAL)
        priya.act("remind", UNANSWERED_REFERRAL)
        assert dana.sync().ok
        assert priya.sync().ok
        assert dana.sync().ok
        senders = {
            message["sender"]["reference"] for message in messages(clinic, UNANSWERED_REFERRAL)
        }
        assert len(senders) == 2
        refused = dana.preview("remind", UNANSWERED_REFERRAL)
        assert refused.already

    def test_withdraw_what_the_partner_accepts_and_are_asked(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        dana.act("withdraw", UNANSWERED_REFERRAL, reason="client declined")
        theirs = change(clinic, UNANSWERED_REFERRAL, status="accepted")
        assert dana.sync().conflicts == 1
        assert held(clinic, UNANSWERED_REFERRAL) == theirs

    def test_triage_differently_and_the_later_counts_for_both(
        self, dana: Clinician, priya: Clinician, clinic: FhirServer
    ) -> None:
        known = len(triages(clinic, ROUTINE_REFERRAL))
        dana.act("triage", ROUTINE_REFERRAL, level="routine", risk="n")
        priya.later(minutes=1)
        priya.act("triage", ROUTINE_REFERRAL, level="urgent", risk="y")
        assert priya.sync().ok
        dana.later(minutes=2)
        assert dana.sync().ok
        assert len(triages(clinic, ROUTINE_REFERRAL)) == known + 2
        assert "urgent" in dana.shown(ROUTINE_REFERRAL).title

    def test_hold_and_close_and_the_second_is_asked(
        self, dana: Clinician, priya: Clinician, clinic: FhirServer
    ) -> None:
        dana.act("hold", ACCEPTED_REFERRAL, reason="client away", until="3bd")
        priya.done(ACCEPTED_REFERRAL, met="client was seen")
        assert dana.sync().ok
        assert priya.sync().conflicts == 1
        assert status(clinic, ACCEPTED_REFERRAL) == "on-hold"

    def test_send_it_elsewhere_and_one_new_request_is_there(
        self, dana: Clinician, priya: Clinician, clinic: FhirServer
    ) -> None:
        before = effects(clinic, UNANSWERED_REFERRAL)
        for person in (dana, priya):
            person.act("redirect", UNANSWERED_REFERRAL, to="Harbor", consent="covered")
        assert dana.sync().ok
        assert priya.sync().ok
        assert sum(effects(clinic, UNANSWERED_REFERRAL)) == sum(before) + 1
        assert status(clinic, UNANSWERED_REFERRAL) == "cancelled"
        assert (priya.waiting(), priya.needs_her()) == (0, 0)

    def test_answer_the_partner_and_both_answers_are_there(
        self, dana: Clinician, priya: Clinician, clinic: FhirServer
    ) -> None:
        dana.act("answer", QUESTIONED_REFERRAL, text="Medicaid")
        priya.act("answer", QUESTIONED_REFERRAL, text="Medicaid, number on file")
        assert dana.sync().ok
        assert priya.sync().ok
        assert len(messages(clinic, QUESTIONED_REFERRAL)) == 2
        assert priya.needs_her() == 0


def test_a_call_to_the_partner_is_recorded_with_the_partner(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.log(UNANSWERED_REFERRAL, outcome="left message")
    assert dana.sync().ok
    (call,) = messages(clinic, UNANSWERED_REFERRAL)
    assert codes(call)[0] == (MESSAGE, "call")
    assert call["status"] == "not-done"
    assert [recipient["reference"] for recipient in call["recipient"]] == [PARTNER]
    assert dana.shown(UNANSWERED_REFERRAL).unit == "nudge"


@each_act
def test_an_act_that_was_done_is_not_done_again_by_a_second_sync(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy, verb: str, item: str, answers: Any
) -> None:
    dana.act(verb, item, **answers)
    assert dana.sync().ok
    since = len(proxy.asked())
    dana.later(minutes=10)
    assert dana.sync().ok
    assert sent(proxy, since) == []
