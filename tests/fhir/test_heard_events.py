"""What somebody heard of, as FHIR JSON: its row, its clock, and the record that joins it later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from carequeue.domain.items import Kind, WorkItem
from carequeue.fhir import codes
from carequeue.fhir.heard_events import CRISIS, EMERGENCY, INPATIENT, HeardEvent, heard_of
from tests.fhir.clinic import CLIENT, DANA, NOEL, contact, none, only, read, ref, stay, task

TOLD = datetime(2026, 3, 8, 2, 0, tzinfo=UTC)  # Saturday evening at the clinic
PSYCHIATRIC = ("psychiatric", "psychiatric or self-harm")


def heard(
    kind: str = EMERGENCY,
    when: datetime | date = TOLD,
    words: str = "Harbor ED, overdose",
    key: str = "h1",
    **elements: Any,
) -> dict[str, Any]:
    reason = None if kind == CRISIS else PSYCHIATRIC
    event = HeardEvent(kind, when, words, reason)
    by = {"reference": NOEL, "display": "Ortiz, Noel"}
    return {**heard_of(event, key, ref(CLIENT), by), **elements}


def identifier(encounter: dict[str, Any]) -> str:
    return str(encounter["identifier"][0]["value"])


def key_of(encounter: dict[str, Any], about: str = codes.DISCHARGE_CONTACT) -> str:
    return f"main:{about}:Encounter/{identifier(encounter)}"


def companion(encounter: dict[str, Any], about: str = codes.DISCHARGE_CONTACT, **more: Any) -> Any:
    value = key_of(encounter, about).partition(":")[2]
    named = [{"system": codes.IDENTIFIER, "value": value}]
    return task("t9", identifier=named, owner=ref(DANA), **more)


# --- what is written


def test_a_discharge_is_an_encounter_that_ended() -> None:
    encounter = heard()
    assert encounter["status"] == "finished"
    assert encounter["class"]["code"] == "EMER"
    assert encounter["period"] == {"end": "2026-03-08T02:00:00Z"}
    assert encounter["subject"] == ref(CLIENT)
    assert encounter["type"][0]["coding"] == [{"system": codes.HEARD, "code": "discharge"}]
    assert [reason["text"] for reason in encounter["reasonCode"]] == [
        "psychiatric or self-harm",
        "Harbor ED, overdose",
    ]
    assert encounter["extension"][0]["valueReference"]["reference"] == NOEL


def test_an_inpatient_stay_has_its_class() -> None:
    assert heard(INPATIENT)["class"]["code"] == "IMP"


def test_nothing_is_written_of_what_was_not_said() -> None:
    event = HeardEvent(CRISIS, TOLD)
    encounter = heard_of(event, "h1", ref(CLIENT), None)
    assert not {"reasonCode", "extension", "serviceProvider"} & encounter.keys()


SAME = [
    (heard(), heard(key="h2", when=TOLD + timedelta(minutes=59)), "the hour"),
    (heard(), heard(key="h2", words="harbor ed, OVERDOSE"), "the words, whatever their case"),
]
OTHERS = [
    (heard(), heard(when=TOLD + timedelta(hours=1)), "another hour"),
    (heard(), heard(words="County ED"), "other words"),
    (heard(), heard(INPATIENT), "another kind"),
    (heard(), heard(when=date(2026, 3, 8)), "a day without an hour"),
]


@pytest.mark.parametrize(("one", "other"), [case[:2] for case in SAME], ids=[c[2] for c in SAME])
def test_two_people_who_hear_the_same_name_it_alike(one: Any, other: Any) -> None:
    assert identifier(one) == identifier(other)


@pytest.mark.parametrize(
    ("one", "other"), [case[:2] for case in OTHERS], ids=[c[2] for c in OTHERS]
)
def test_what_differs_is_never_swallowed(one: Any, other: Any) -> None:
    assert identifier(one) != identifier(other)


def test_an_identifier_that_is_used_up_is_not_used_again() -> None:
    event = HeardEvent(CRISIS, TOLD)
    first = heard_of(event, "a", ref(CLIENT), None)
    second = heard_of(event, "b", ref(CLIENT), None, {identifier(first)})
    third = heard_of(event, "c", ref(CLIENT), None, {identifier(first), identifier(second)})
    assert len({identifier(first), identifier(second), identifier(third)}) == 3


# --- the rows


def test_a_discharge_that_was_heard_of_asks_for_a_contact() -> None:
    item = only(heard())
    assert (item.kind, item.title) == (Kind.FOLLOW_UP, "First contact after ED discharge")
    assert item.key == key_of(heard())
    assert item.facts["discharged_at"] == TOLD
    assert {"discharge", "no-contact", "open"} <= item.flags
    assert "overdose" in item.about


def test_a_crisis_that_was_heard_of_asks_for_a_response() -> None:
    item = only(heard(CRISIS))
    assert item.title == "Respond to a crisis: Harbor ED, overdose"
    assert item.key == key_of(heard(CRISIS), codes.CRISIS_RESPONSE)
    assert item.facts["crisis_at"] == TOLD
    assert "discharge" not in item.flags


def test_a_discharge_on_a_day_counts_from_its_beginning_and_a_contact_from_its_end() -> None:
    told = heard(when=date(2026, 3, 8))
    item = only(told, contact(sent="2026-03-08T15:00:00Z"))
    assert item.facts["discharged_at"] == datetime(2026, 3, 8, 6, 0, tzinfo=UTC)
    assert none(told, contact(sent="2026-03-09T13:00:00Z"))


@pytest.mark.parametrize("kind", [CRISIS, EMERGENCY, INPATIENT])
def test_the_row_goes_with_the_contact(kind: str) -> None:
    assert none(heard(kind), contact(sent="2026-03-08T15:00:00Z"))
    assert not none(heard(kind), contact(sent="2026-03-07T15:00:00Z"))


@pytest.mark.parametrize("kind", [CRISIS, EMERGENCY])
@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_what_was_taken_back_has_no_row(kind: str, status: str) -> None:
    assert none(heard(kind, status=status))


@pytest.mark.parametrize("kind", [CRISIS, EMERGENCY])
def test_what_is_long_past_has_no_row(kind: str) -> None:
    assert none(heard(kind, TOLD - timedelta(days=61)))
    assert not none(heard(kind, TOLD - timedelta(days=58)))


@pytest.mark.parametrize("kind", [CRISIS, EMERGENCY])
def test_nobody_is_asked_to_reach_the_dead(kind: str) -> None:
    dead = {"resourceType": "Patient", "id": "c1", "deceasedBoolean": True}
    assert read(heard(kind), dead).items == ()


def test_two_reports_of_one_discharge_are_one_row() -> None:
    first, second = heard(), heard(words="County ED", when=TOLD + timedelta(hours=20), key="h2")
    item = only(second, first)
    assert item.key == key_of(first)
    assert item.facts["discharged_at"] == TOLD


def test_two_crises_on_two_days_are_two_and_the_later_one_counts() -> None:
    later = heard(CRISIS, TOLD + timedelta(hours=30), key="h2")
    assert only(heard(CRISIS), later).key == key_of(later, codes.CRISIS_RESPONSE)


# --- the record comes


def record(end: str = "2026-03-08T02:40:00Z", **elements: Any) -> dict[str, Any]:
    return stay(period={"start": "2026-03-07T20:00:00Z", "end": end}, **elements)


def test_the_record_is_the_row_and_starts_the_only_clock() -> None:
    item = only(heard(), record())
    assert item.key == "main:discharge-contact:Encounter/e1"
    assert item.facts["discharged_at"] == datetime(2026, 3, 8, 2, 40, tzinfo=UTC)


def test_the_report_stays_in_the_story() -> None:
    story = [(line.text, line.by) for line in only(heard(), record()).story]
    words = "heard: left the ED: psychiatric or self-harm, Harbor ED, overdose"
    assert (words, "Ortiz, Noel") in story
    assert sum("left the ED" in text for text, _ in story) == 2


NEARBY = [
    ("a day later", "2026-03-09T01:59:00Z", True),
    ("a day and an hour later", "2026-03-09T03:01:00Z", False),
]


@pytest.mark.parametrize(("end", "joins"), [c[1:] for c in NEARBY], ids=[c[0] for c in NEARBY])
def test_a_record_within_a_day_joins(end: str, joins: bool) -> None:
    late = stay(period={"start": end, "end": end})
    keys = {item.key for item in read(heard(), late, companion(heard())).items}
    assert (("main:discharge-contact:Encounter/e1" in keys), len(keys)) == (not joins, 2 - joins)


def test_a_record_of_another_class_does_not_join() -> None:
    item = only(heard(INPATIENT), record(), companion(heard(INPATIENT)))
    assert (item.title, item.anchor.id) == ("First contact after inpatient discharge", "h1")


def test_the_record_of_a_stay_that_goes_on_leaves_the_report_its_row() -> None:
    going_on = record(status="in-progress")
    going_on["period"].pop("end")
    assert only(heard(), going_on).key == key_of(heard())


def test_a_readmission_voids_the_report() -> None:
    again = stay("e2", status="in-progress", period={"start": "2026-03-09T01:00:00Z"})
    assert none(heard(), again)


def test_a_task_made_on_the_report_is_the_row_of_the_record() -> None:
    item = only(heard(), record(), companion(heard()))
    assert item.target is not None
    assert item.anchor.id == "e1"
    assert item.facts["discharged_at"] == datetime(2026, 3, 8, 2, 40, tzinfo=UTC)
    assert item.title == "First contact after ED discharge"


def test_work_done_on_the_report_is_done_for_the_record() -> None:
    assert none(heard(), record(), companion(heard(), status="completed"))


def test_a_contact_made_on_the_report_counts_although_the_record_ends_later() -> None:
    call = contact(sent="2026-03-08T02:20:00Z")  # after the report, before the record's end
    assert none(heard(), record(), call)
    assert not none(record(), call)


def test_a_contact_during_a_long_stay_counts_for_no_report_of_its_middle() -> None:
    long = stay(kind="IMP", period={"start": "2026-03-01T10:00:00Z", "end": "2026-03-08T20:00:00Z"})
    told = heard(INPATIENT, datetime(2026, 3, 4, 20, 0, tzinfo=UTC))
    assert not none(told, long, contact(sent="2026-03-05T15:00:00Z"))


def test_an_attempt_on_the_report_is_an_attempt_of_the_record() -> None:
    tried = contact(
        sent="2026-03-08T15:00:00Z", status="not-done", about=[ref("Encounter/h1")],
    )  # fmt: skip
    assert only(heard(), record(), tried).attempts == 1


# --- a crisis and the stay that it led to


def only_titles(*resources: Any) -> list[str]:
    return sorted(item.title for item in read(*resources).items)


def test_a_stay_that_a_crisis_led_to_takes_it_over() -> None:
    crisis = heard(CRISIS, datetime(2026, 3, 7, 19, 0, tzinfo=UTC))
    assert only_titles(crisis, record()) == ["First contact after ED discharge"]


def test_a_crisis_after_a_stay_is_a_new_one() -> None:
    crisis = heard(CRISIS, datetime(2026, 3, 8, 12, 0, tzinfo=UTC))
    assert only_titles(crisis, record()) == [
        "First contact after ED discharge",
        "Respond to a crisis: Harbor ED, overdose",
    ]


def test_an_open_task_of_the_crisis_becomes_the_row_of_the_stay() -> None:
    crisis = heard(CRISIS, datetime(2026, 3, 7, 19, 0, tzinfo=UTC))
    item: WorkItem = only(crisis, record(), companion(crisis, codes.CRISIS_RESPONSE))
    assert item.title == "First contact after ED discharge"
    assert item.target is not None


def test_a_response_before_the_stay_ended_is_no_contact_after_it() -> None:
    crisis = heard(CRISIS, datetime(2026, 3, 7, 19, 0, tzinfo=UTC))
    answered = companion(crisis, codes.CRISIS_RESPONSE, status="completed")
    call = contact(sent="2026-03-07T19:30:00Z")
    assert only_titles(crisis, record(), answered, call) == ["First contact after ED discharge"]


def test_an_impossible_record_hides_no_report() -> None:
    odd = [stay("x1", period="soon"), stay("x2", period={"end": 7}), {**stay("x3"), "class": None}]
    assert [item.key for item in read(heard(), *odd).items] == [key_of(heard())]
