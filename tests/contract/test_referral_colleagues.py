"""Two people's clients decide about one referral at once: what the server holds, who is told what.

Dana Whitfield and Priya Raman are of one team; the partner changes its Task at the server. Which
of two decisions comes first is the order in which their clients sync.
"""

from __future__ import annotations

import pytest

from tests.contract.client import Clinician
from tests.contract.effects import held_of
from tests.contract.server import change, code, held, status
from tests.contract.test_referral_acts import codes, messages, triages
from tests.servers.harness import FhirServer
from tests.servers.small_clinic import (
    ACCEPTED_REFERRAL,
    DECLINED_REFERRAL,
    ME,
    PARTNER,
    QUESTIONED_REFERRAL,
    ROUTINE_REFERRAL,
    UNANSWERED_REFERRAL,
)

MESSAGE = "https://carequeue.dev/fhir/CodeSystem/message"


def texts(clinic: FhirServer, item: str) -> list[str]:
    """What was written to partners about an item."""
    return [message["payload"][0]["contentString"] for message in messages(clinic, item)]


def quiet(*people: Clinician) -> bool:
    """True if nobody has anything that waits for the server or for an answer."""
    return all(person.waiting() == person.needs_her() == 0 for person in people)


def test_two_who_remind_send_two_reminders_that_name_their_senders(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    """A message changes no record: neither can know of the other, and neither is lost."""
    before = held(clinic, UNANSWERED_REFERRAL)
    dana.act("remind", UNANSWERED_REFERRAL)
    priya.act("remind", UNANSWERED_REFERRAL)
    for person in (dana, priya, dana):
        assert person.sync().ok
    senders = {message["sender"]["reference"] for message in messages(clinic, UNANSWERED_REFERRAL)}
    assert senders == {ME, "Practitioner/priya-raman"}
    assert held(clinic, UNANSWERED_REFERRAL) == before
    for person in (dana, priya):
        assert person.preview("remind", UNANSWERED_REFERRAL).already
    assert quiet(dana, priya)


def test_who_reminds_after_a_colleagues_reminder_has_come_is_told_that_it_was_done(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.act("remind", UNANSWERED_REFERRAL)
    assert dana.sync().ok
    assert priya.sync().ok
    again = priya.do("remind", priya.shown(UNANSWERED_REFERRAL).key)
    assert not again.changed
    assert "was brought up once: call" in again.message
    assert len(messages(clinic, UNANSWERED_REFERRAL)) == 1


def test_who_withdraws_what_the_partner_accepts_is_asked_and_may_withdraw_anew(
    dana: Clinician, clinic: FhirServer
) -> None:
    dana.act("withdraw", UNANSWERED_REFERRAL, reason="client declined")
    theirs = change(clinic, UNANSWERED_REFERRAL, status="accepted")
    assert dana.sync().conflicts == 1
    assert held(clinic, UNANSWERED_REFERRAL) == theirs
    question = dana.question(UNANSWERED_REFERRAL)
    (said,) = [differs for differs in question.differences if differs.label == "Status"]
    assert (said.mine, said.theirs) == ("cancelled", "accepted")
    dana.answer(UNANSWERED_REFERRAL, "theirs")
    assert dana.sync().ok
    assert held(clinic, UNANSWERED_REFERRAL) == theirs
    dana.act("withdraw", UNANSWERED_REFERRAL, reason="client declined")
    assert dana.sync().ok
    assert status(clinic, UNANSWERED_REFERRAL) == "cancelled"


def test_who_withdraws_what_a_colleague_withdrew_is_told_and_nothing_is_written_twice(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.act("withdraw", UNANSWERED_REFERRAL, reason="client declined")
    priya.act("withdraw", UNANSWERED_REFERRAL, reason="found another place")
    assert dana.sync().ok
    theirs = held(clinic, UNANSWERED_REFERRAL)
    assert priya.sync().ok
    assert held(clinic, UNANSWERED_REFERRAL) == theirs
    assert theirs["statusReason"] == {"text": "client declined"}
    (told,) = priya.told()
    assert "withdrawn" in told.lower()
    assert quiet(dana, priya)


def test_two_who_send_it_elsewhere_leave_one_new_request_and_one_task_of_it(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    before = held_of(clinic)
    for person in (dana, priya):
        person.act("redirect", UNANSWERED_REFERRAL, to="Harbor", consent="covered")
    assert dana.sync().ok
    assert priya.sync().ok
    new = held_of(clinic).keys() - before.keys()
    assert sorted(name.partition("/")[0] for name in new) == ["ServiceRequest", "Task"]
    assert status(clinic, UNANSWERED_REFERRAL) == "cancelled"
    assert quiet(dana, priya)


@pytest.mark.parametrize("item", [UNANSWERED_REFERRAL, DECLINED_REFERRAL])
def test_who_sends_elsewhere_what_a_colleague_sent_to_another_partner_is_asked(
    dana: Clinician, priya: Clinician, clinic: FhirServer, item: str
) -> None:
    before, chart = held_of(clinic), dana.shown(item).chart
    dana.act("redirect", item, to="Harbor", consent="covered")
    priya.act("redirect", item, to="Lakeshore", consent="covered")
    assert dana.sync().ok
    after = held_of(clinic)
    new = sorted(name.partition("/")[0] for name in after.keys() - before.keys())
    assert new == ["ServiceRequest", "Task"]
    assert priya.sync().conflicts == 1
    assert held_of(clinic) == after  # nothing of hers was written
    assert priya.shown(item).sync == "conflict"
    titles = [row.title for row in priya.rows() if row.chart == chart]
    assert [title for title in titles if "Lakeshore" in title] == []
    assert len([title for title in titles if title.startswith("Harbor General Hospital")]) == 1
    question = priya.question(item)
    assert (question.gone, question.can) == ("sent_on", ("theirs",))
    assert question.did == "Sent elsewhere to Lakeshore Health Plan"
    assert question.theirs_by == "Dana Whitfield"
    (said,) = question.differences
    assert (said.label, said.mine) == ("Sent to", "Lakeshore Health Plan")
    assert said.theirs == "Harbor General Hospital"
    told = priya.answer(item, "theirs").message
    assert told.endswith("Not sent: Sent elsewhere to Lakeshore Health Plan.")
    assert priya.sync().ok
    assert held_of(clinic) == after
    assert priya.row(item) is None
    title = "Harbor General Hospital to answer: Outpatient therapy, intake"
    assert priya.titled_for(chart, title).sync == ""
    assert quiet(dana, priya)


def test_who_was_asked_about_a_colleagues_partner_may_send_the_new_request_on(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.act("redirect", UNANSWERED_REFERRAL, to="Harbor", consent="covered")
    priya.act("redirect", UNANSWERED_REFERRAL, to="Lakeshore", consent="covered")
    assert dana.sync().ok
    assert priya.sync().conflicts == 1
    priya.answer(UNANSWERED_REFERRAL, "theirs")
    title = "Harbor General Hospital to answer: Outpatient therapy, intake"
    theirs = priya.titled_for("Patient/client-04", title).key
    assert priya.do("redirect", theirs, to="Lakeshore", consent="covered").changed
    assert priya.sync().ok
    title = "Lakeshore Health Plan to answer: Outpatient therapy, intake"
    assert priya.titled_for("Patient/client-04", title)
    assert priya.row(theirs) is None
    assert quiet(dana, priya)


def test_who_sends_on_what_a_colleague_sent_on_and_entered_in_error_is_asked(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    """The colleague undid hers: taken for ours, the old one would be closed and nobody asked."""
    dana.act("redirect", UNANSWERED_REFERRAL, to="Harbor", consent="covered")
    priya.act("redirect", UNANSWERED_REFERRAL, to="Harbor", consent="covered")
    assert dana.sync().ok
    dana.undo()
    assert dana.sync().ok
    assert status(clinic, UNANSWERED_REFERRAL) == "requested"
    assert priya.sync().conflicts == 1
    assert status(clinic, UNANSWERED_REFERRAL) == "requested"
    (said,) = priya.question(UNANSWERED_REFERRAL).differences
    assert (said.label, said.mine, said.theirs) == ("Status", "active", "entered in error")
    priya.answer(UNANSWERED_REFERRAL, "theirs")
    priya.act("redirect", UNANSWERED_REFERRAL, to="Harbor", consent="covered")
    assert priya.sync().ok
    assert status(clinic, UNANSWERED_REFERRAL) == "cancelled"
    title = "Harbor General Hospital to answer: Outpatient therapy, intake"
    assert priya.titled_for("Patient/client-04", title)
    assert quiet(dana, priya)


def test_two_who_triage_differently_leave_both_records_and_the_later_counts_for_both(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    known = len(triages(clinic, ROUTINE_REFERRAL))
    dana.act("triage", ROUTINE_REFERRAL, level="routine", risk="n")
    priya.later(minutes=1)
    priya.act("triage", ROUTINE_REFERRAL, level="urgent", risk="y")
    assert priya.sync().ok
    dana.later(minutes=2)
    assert dana.sync().ok
    assert priya.sync().ok
    assert len(triages(clinic, ROUTINE_REFERRAL)) == known + 2
    for person in (dana, priya):
        assert "urgent" in person.shown(ROUTINE_REFERRAL).title
    assert quiet(dana, priya)


def test_who_accepts_what_a_colleague_asks_the_sender_about_is_asked(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.act("ask", ROUTINE_REFERRAL, text="Which medication?")
    priya.accept(ROUTINE_REFERRAL)
    assert dana.sync().ok
    assert priya.sync().conflicts == 1
    assert status(clinic, ROUTINE_REFERRAL) == "requested"
    assert texts(clinic, ROUTINE_REFERRAL) == ["Which medication?"]
    priya.answer(ROUTINE_REFERRAL, "mine")
    assert priya.sync().ok
    after = held(clinic, ROUTINE_REFERRAL)
    assert after["status"] == "accepted"
    assert "businessStatus" not in after  # it waits for the sender no longer
    assert dana.sync().ok
    assert dana.shown(ROUTINE_REFERRAL).title == priya.shown(ROUTINE_REFERRAL).title
    assert quiet(dana, priya)


def test_who_asks_the_sender_about_what_a_colleague_accepts_sends_no_question_before_she_answers(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.act("ask", ROUTINE_REFERRAL, text="Which medication?")
    priya.accept(ROUTINE_REFERRAL)
    assert priya.sync().ok
    theirs = held(clinic, ROUTINE_REFERRAL)
    assert dana.sync().conflicts == 1
    assert (held(clinic, ROUTINE_REFERRAL), texts(clinic, ROUTINE_REFERRAL)) == (theirs, [])
    dana.answer(ROUTINE_REFERRAL, "theirs")
    assert dana.sync().ok
    assert (held(clinic, ROUTINE_REFERRAL), texts(clinic, ROUTINE_REFERRAL)) == (theirs, [])
    assert quiet(dana, priya)


def test_who_closes_what_a_colleague_puts_on_hold_is_asked(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.act("hold", ACCEPTED_REFERRAL, reason="client away", until="3bd")
    priya.done(ACCEPTED_REFERRAL, met="client was seen")
    assert dana.sync().ok
    assert priya.sync().conflicts == 1
    assert status(clinic, ACCEPTED_REFERRAL) == "on-hold"
    priya.answer(ACCEPTED_REFERRAL, "mine")
    assert priya.sync().ok
    assert status(clinic, ACCEPTED_REFERRAL) == "completed"
    assert dana.sync().ok
    assert dana.row(ACCEPTED_REFERRAL) is None
    assert quiet(dana, priya)


def test_who_holds_what_a_colleague_closes_is_asked_and_the_closed_item_gets_no_snooze(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.act("hold", ACCEPTED_REFERRAL, reason="client away", until="3bd")
    priya.done(ACCEPTED_REFERRAL, met="client was seen")
    assert priya.sync().ok
    theirs = held(clinic, ACCEPTED_REFERRAL)
    assert dana.sync().conflicts == 1
    assert held(clinic, ACCEPTED_REFERRAL) == theirs
    dana.answer(ACCEPTED_REFERRAL, "theirs")
    assert dana.sync().ok
    assert held(clinic, ACCEPTED_REFERRAL) == theirs
    assert dana.row(ACCEPTED_REFERRAL) is None
    assert quiet(dana, priya)


def test_two_who_answer_the_partner_send_both_answers_and_the_second_is_told(
    dana: Clinician, priya: Clinician, clinic: FhirServer
) -> None:
    dana.act("answer", QUESTIONED_REFERRAL, text="Medicaid")
    priya.act("answer", QUESTIONED_REFERRAL, text="Medicaid, number on file")
    assert dana.sync().ok
    assert priya.sync().ok
    assert sorted(texts(clinic, QUESTIONED_REFERRAL)) == ["Medicaid", "Medicaid, number on file"]
    assert code(held(clinic, QUESTIONED_REFERRAL)["businessStatus"]) == "information-sent"
    (told,) = priya.told()
    assert "answered" in told.lower()
    assert quiet(dana, priya)


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
