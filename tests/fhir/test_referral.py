"""Referrals: whose move it is, what has to happen, and what is over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from carequeue.domain.items import Direction, Kind, Mover, Priority, Us
from carequeue.fhir import codes
from carequeue.fhir.chart import Resource
from tests.fhir.clinic import (
    CLIENT,
    CLINIC,
    DANA,
    HARBOR,
    NOEL,
    US,
    contact,
    none,
    only,
    read,
    ref,
    referral,
    request,
    stay,
    task,
)

SENT = datetime(2026, 3, 5, 14, tzinfo=UTC)
CHANGED = datetime(2026, 3, 6, 16, tzinfo=UTC)
BSER = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"
WAITING = {"coding": [{"code": "awaiting-information"}]}


def outbound(**elements: Any) -> Resource:
    return referral(DANA, HARBOR, **{"lastModified": "2026-03-06T16:00:00Z", **elements})


def test_an_urgent_referral_that_came_in_is_ours_to_answer() -> None:
    item = only(request(priority="urgent"), referral(HARBOR, CLINIC))
    assert item.title == "Answer urgent referral, Harbor Primary Care: Housing support"
    assert (item.kind, item.direction) == (Kind.REFERRAL, Direction.INBOUND)
    assert (item.move.who, item.move.name) == (Mover.TEAM, "Riverbend")
    assert item.facts["requested_at"] == SENT  # the request's own date, not the Task's
    assert item.key == "main:Task/t1"
    assert item.target is not None
    assert item.target.reference == "Task/t1"
    assert item.anchor.reference == "ServiceRequest/s1"
    assert item.priority is Priority.URGENT
    assert {"inbound", "open", "triage:none", "priority:urgent"} <= item.flags


@pytest.mark.parametrize(
    ("requester", "owner", "direction", "who"),
    [
        (HARBOR, CLINIC, Direction.INBOUND, Mover.TEAM),
        (HARBOR, DANA, Direction.INBOUND, Mover.ME),
        (HARBOR, "PractitionerRole/role-dana", Direction.INBOUND, Mover.ME),
        (HARBOR, None, Direction.INBOUND, Mover.TEAM),
        (CLIENT, None, Direction.INBOUND, Mover.TEAM),
        (DANA, HARBOR, Direction.OUTBOUND, Mover.PARTNER),
        ("PractitionerRole/role-noel", HARBOR, Direction.OUTBOUND, Mover.PARTNER),
        (DANA, CLIENT, Direction.OUTBOUND, Mover.CLIENT),
        (DANA, NOEL, Direction.INTERNAL, Mover.TEAM),
        (DANA, None, Direction.INTERNAL, Mover.TEAM),
        (HARBOR, "Organization/elsewhere", Direction.INTERNAL, Mover.PARTNER),
    ],
)
def test_direction_and_move_are_read_from_requester_and_owner_against_us(
    requester: str, owner: str | None, direction: Direction, who: Mover
) -> None:
    item = only(request(), referral(requester, owner))
    assert (item.direction, item.move.who) == (direction, who)


@pytest.mark.parametrize(
    ("status", "business", "who", "title"),
    [
        ("requested", None, Mover.PARTNER, "{harbor} to answer: {what}"),
        ("received", None, Mover.PARTNER, "{harbor} to answer: {what}"),
        ("received", WAITING, Mover.ME, "Answer {harbor}’s question: {what}"),
        ("accepted", None, Mover.PARTNER, "{harbor} to set a date: {what}"),
        ("in-progress", None, Mover.PARTNER, "{harbor} to send the result: {what}"),
        ("on-hold", None, Mover.ME, "Ask {harbor} what holds it up: {what}"),
        ("rejected", None, Mover.ME, "Reroute: {what}, declined by {harbor}"),
        ("cancelled", None, Mover.ME, "Decide again: {what}, called off by {harbor}"),
        ("failed", None, Mover.ME, "Decide again: {what}, not achieved by {harbor}"),
        ("a status of tomorrow", None, Mover.PARTNER, "{harbor} to answer: {what}"),
    ],
)
def test_what_we_sent_says_who_must_act(status: str, business: Any, who: Mover, title: str) -> None:
    item = only(request(), outbound(status=status, businessStatus=business))
    said = title.format(harbor="Harbor Primary Care", what="Housing support")
    assert (item.move.who, item.title) == (who, said)
    assert item.move.since == CHANGED


@pytest.mark.parametrize(
    ("owner", "who"), [(DANA, Mover.ME), (NOEL, Mover.TEAM), (CLINIC, Mover.TEAM)]
)
def test_a_partner_who_gives_the_task_back_asks_whom_it_is_given_to(owner: str, who: Mover) -> None:
    asked = request(requester=ref(DANA), performer=[ref(HARBOR)])
    item = only(asked, referral(DANA, owner, status="received", businessStatus=WAITING))
    assert item.title == "Answer Harbor Primary Care’s question: Housing support"
    assert (item.direction, item.move.who) == (Direction.OUTBOUND, who)
    assert item.owner is not None
    assert item.owner.reference == HARBOR
    assert "info_asked_at" in item.facts


@pytest.mark.parametrize(
    "performer",
    [[], [ref(NOEL)], [{"display": ""}], "Harbor"],
    ids=["none", "ours", "empty", "odd"],
)
def test_a_question_among_us_stays_among_us(performer: Any) -> None:
    asked = request(requester=ref(DANA), performer=performer)
    item = only(asked, referral(DANA, NOEL, status="received", businessStatus=WAITING))
    assert item.direction is Direction.INTERNAL


@pytest.mark.parametrize(
    ("status", "who", "title"),
    [
        ("received", Mover.TEAM, "Answer referral, Harbor Primary Care: Housing support"),
        ("accepted", Mover.TEAM, "Book first service: Housing support"),
        ("in-progress", Mover.TEAM, "Close the loop: Housing support"),
        ("on-hold", Mover.TEAM, "Take up again: Housing support"),
    ],
)
def test_what_came_in_stays_ours_until_it_is_closed(status: str, who: Mover, title: str) -> None:
    item = only(request(), referral(status=status))
    assert (item.move.who, item.title) == (who, title)


def test_a_question_that_we_asked_is_the_senders_move_and_no_clock_of_ours() -> None:
    item = only(request(), referral(status="received", businessStatus=WAITING))
    assert item.move.who is Mover.PARTNER
    assert item.title == "Harbor Primary Care to send what we asked for: Housing support"
    assert "info_asked_at" not in item.facts
    assert "answered_at" in item.facts


@pytest.mark.parametrize("status", ["draft", "completed"])
def test_what_is_closed_or_not_yet_asked_has_no_row(status: str) -> None:
    assert none(request(), referral(status=status))
    assert none(request(), outbound(status=status))


def test_a_task_that_never_was_leaves_its_request_to_be_answered() -> None:
    item = only(request(requester=ref(HARBOR)), referral(status="entered-in-error"))
    assert item.key == "main:ServiceRequest/s1"


@pytest.mark.parametrize("status", ["rejected", "cancelled", "failed"])
def test_what_we_declined_ourselves_is_over(status: str) -> None:
    assert none(request(), referral(status=status))


@pytest.mark.parametrize("status", ["revoked", "completed", "entered-in-error"])
def test_what_a_partner_declined_is_over_with_its_request(status: str) -> None:
    assert none(request(status=status), outbound(status="rejected"))


def test_a_decline_starts_the_time_to_send_it_elsewhere() -> None:
    item = only(request(), outbound(status="rejected", statusReason={"text": "no capacity"}))
    assert item.facts["declined_at"] == CHANGED
    assert "open" not in item.flags


def test_a_decline_about_which_we_decided_is_over() -> None:
    coding = {"system": codes.BUSINESS_STATUS, "code": codes.DECIDED}
    assert none(request(), outbound(status="rejected", businessStatus={"coding": [coding]}))


def test_what_a_job_cancelled_as_expired_is_not_done_whoever_asked() -> None:
    """OpenSRP FHIR Core cancels Tasks whose due date has passed."""
    item = only(request(), referral(status="cancelled", statusReason={"text": "Expired"}))
    assert item.title.startswith("Decide again: Housing support")
    assert item.move.who is Mover.TEAM


def test_a_request_that_no_task_carries_is_shown() -> None:
    item = only(request(requester=ref(HARBOR)))
    assert (item.key, item.target, item.status) == ("main:ServiceRequest/s1", None, "")
    assert item.direction is Direction.INBOUND
    assert item.title == "Answer referral, Harbor Primary Care: Housing support"


def test_a_task_takes_the_place_of_its_request() -> None:
    assert [item.key for item in read(request(), referral()).items] == ["main:Task/t1"]


def test_our_own_task_for_a_lone_request_keeps_its_key() -> None:
    mine = [{"system": codes.IDENTIFIER, "value": "ServiceRequest/s1"}]
    item = only(request(requester=ref(HARBOR)), referral(identifier=mine))
    assert item.key == "main:ServiceRequest/s1"
    assert item.target is not None


@pytest.mark.parametrize("elements", [
    {"status": "revoked"}, {"status": "draft"}, {"intent": "proposal"},
    {"category": [{"coding": [{"code": "108252007"}]}]},
])  # fmt: skip
def test_plans_laboratory_orders_and_withdrawn_requests_are_no_referrals(elements: Any) -> None:
    assert none(request(**elements))


def test_a_task_with_a_request_in_focus_is_a_referral_without_the_code() -> None:
    item = only(request(), task(focus=ref("ServiceRequest/s1"), requester=ref(HARBOR)))
    assert item.kind is Kind.REFERRAL


def test_a_platforms_part_for_another_organization_is_not_listed_twice() -> None:
    whole = outbound(id="whole", status="accepted")
    part = referral(HARBOR, "Organization/pantry", id="part", partOf=[ref("Task/whole")])
    assert [item.key for item in read(request(), whole, part).items] == ["main:Task/whole"]


@pytest.mark.parametrize("link", ["basedOn", "supportingInformation"])
def test_a_booked_visit_and_a_service_move_the_referral_on(link: str) -> None:
    visit: Resource = {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "booked",
        "created": "2026-03-06T10:00:00Z",
        link: [ref("ServiceRequest/s1")],
        "participant": [{"actor": ref(CLIENT)}],
    }
    booked = only(request(), outbound(status="accepted"), visit)
    assert booked.title == "Harbor Primary Care to see the client: Housing support"
    assert booked.facts["scheduled_at"] == datetime(2026, 3, 6, 10, tzinfo=UTC)
    seen = stay(kind="AMB", basedOn=[ref("ServiceRequest/s1")])
    served = only(request(), outbound(status="accepted"), visit, seen)
    assert served.title == "Harbor Primary Care to send the result: Housing support"


BOOKED: Resource = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "booked",
    "created": "2026-03-06T10:00:00Z",
    "start": "2026-03-11T13:00:00Z",
    "participant": [{"actor": ref(CLIENT)}],
}
BOOKED_AT = datetime(2026, 3, 6, 10, tzinfo=UTC)
ALONE = referral(status="accepted", focus=None, description="Housing support")


def test_a_visit_for_a_task_without_a_request_names_the_task_beside_it() -> None:
    """R4 knows only a request as the base of an Appointment."""
    before = only(ALONE)
    assert before.title == "Book first service: Housing support"
    assert "scheduled_at" not in before.facts
    booked = only(ALONE, {**BOOKED, "supportingInformation": [ref("Task/t1")]})
    assert booked.title == "See the client: Housing support"
    assert booked.facts["scheduled_at"] == BOOKED_AT


@pytest.mark.parametrize(
    "named", [ref("Task/t1"), ref("ServiceRequest/s1"), [ref("Group/g"), ref("Task/t1")]]
)
def test_a_visit_may_name_the_request_or_its_task(named: Any) -> None:
    visit = {**BOOKED, "supportingInformation": named if isinstance(named, list) else [named]}
    item = only(request(), referral(status="accepted"), visit)
    assert item.facts["scheduled_at"] == BOOKED_AT


@pytest.mark.parametrize(
    "elements",
    [
        {"supportingInformation": [ref("Task/t2")]},
        {"supportingInformation": [ref("https://elsewhere.example/Task/t1")]},
        {"supportingInformation": [{"display": "Task/t1"}]},
        {"supportingInformation": "Task/t1"},
        {"supportingInformation": [None, 7, {"reference": ["Task/t1"]}]},
        {"supportingInformation": None},
        {"status": "cancelled"},
        {"status": "noshow"},
        {"status": "proposed"},
        {"status": "waitlist"},
    ],
)
def test_a_visit_for_something_else_or_one_that_is_off_books_nothing(
    elements: dict[str, Any],
) -> None:
    visit = {**BOOKED, "supportingInformation": [ref("Task/t1")], **elements}
    item = only(ALONE, visit)
    assert "scheduled_at" not in item.facts
    assert item.title == "Book first service: Housing support"


@pytest.mark.parametrize(
    ("without", "since"),
    [
        ({"created": None}, datetime(2026, 3, 11, 13, tzinfo=UTC)),
        (
            {"created": "soon", "meta": {"lastUpdated": "2026-03-07T10:00:00Z"}},
            datetime(2026, 3, 7, 10, tzinfo=UTC),
        ),
    ],
)
def test_a_visit_without_the_day_of_its_booking_was_booked_when_it_was_stored(
    without: dict[str, Any], since: datetime
) -> None:
    visit = {**BOOKED, "supportingInformation": [ref("Task/t1")], **without}
    assert only(ALONE, visit).facts["scheduled_at"] == since


@pytest.mark.parametrize(("place", "served"), [(None, False), (CLINIC, True), (HARBOR, False)])
def test_a_visit_at_our_place_is_the_first_service(place: str | None, served: bool) -> None:
    visit = stay(kind="AMB", serviceProvider=ref(place) if place else None)
    item = only(request(), referral(status="accepted"), visit)
    assert ("served_at" in item.facts) is served


@pytest.mark.parametrize("code", ["5.1.1", "visit-scheduled"])
def test_a_business_status_says_that_a_visit_is_booked(code: str) -> None:
    business = {"coding": [{"system": BSER, "code": code}]}
    item = only(request(), outbound(status="accepted", businessStatus=business))
    assert item.facts["scheduled_at"] == CHANGED


RESTRICTION = {"restriction": {"period": {"end": "2026-03-20"}}}
REQUESTED = {
    "extension": [{"url": codes.REQUESTED_PERIOD, "valuePeriod": {"end": "2026-03-19T12:00:00Z"}}]
}
EXECUTION = {"executionPeriod": {"end": "2026-03-18T12:00:00Z"}}


@pytest.mark.parametrize(
    ("elements", "due"),
    [
        (RESTRICTION | REQUESTED | EXECUTION, datetime(2026, 3, 21, 4, 59, 59, tzinfo=UTC)),
        (REQUESTED | EXECUTION, datetime(2026, 3, 19, 12, tzinfo=UTC)),
        (EXECUTION, datetime(2026, 3, 18, 12, tzinfo=UTC)),
    ],
)
def test_a_due_date_is_read_by_its_precedence(elements: Any, due: datetime) -> None:
    item = only(request(), referral(**elements))
    assert item.facts["due_at"] == due
    assert "dated" in item.flags


def test_a_due_date_before_the_start_is_left_out_and_said() -> None:
    item = only(request(), referral(restriction={"period": {"end": "2026-02-01"}}))
    assert "due_at" not in item.facts
    assert "impossible-date" in item.flags


def test_a_start_in_the_future_is_replaced_by_the_servers_own_time() -> None:
    """A day and a month that were swapped (golden day, G19)."""
    stored = {"lastUpdated": "2026-03-06T17:00:00Z"}
    item = only(request(authoredOn="2026-09-03"), referral(authoredOn="2026-09-03", meta=stored))
    assert item.facts["requested_at"] == datetime(2026, 3, 6, 17, tzinfo=UTC)
    assert {"impossible-date", "approximate"} <= item.flags


def test_a_start_with_a_date_only_is_the_start_of_that_day_at_our_place() -> None:
    item = only(request(authoredOn="2026-03-06"), referral())
    assert item.facts["requested_at"] == datetime(2026, 3, 6, 6, tzinfo=UTC)
    assert "approximate" in item.flags


def test_tries_since_the_start_are_counted_if_they_are_about_this_or_about_nothing() -> None:
    missed = {"status": "not-done"}
    item = only(
        request(),
        referral(),
        contact("k1", **missed),
        contact("k2", about=[ref("Task/t1")], **missed),
        contact("k3", about=[ref("Task/other")], **missed),
        contact("k4", sent="2026-03-01T09:00:00Z", **missed),
    )
    assert item.attempts == 2


def test_a_message_to_a_partner_is_no_contact_with_the_client() -> None:
    note = contact(recipient=[ref(HARBOR)])
    assert "contacted_at" not in only(request(), referral(), note).facts
    assert "contacted_at" in only(request(), referral(), contact()).facts


def test_a_logical_party_is_named_and_is_nobody_of_ours() -> None:
    item = only(request(), referral(DANA, None) | {"owner": {"display": "County Detox"}})
    assert (item.move.who, item.move.name) == (Mover.PARTNER, "County Detox")


def test_a_contained_party_has_its_name() -> None:
    inside = [{"resourceType": "Organization", "id": "o", "name": "County Detox"}]
    item = only(request(), referral(DANA, "#o", contained=inside))
    assert item.move.name == "County Detox"


def test_somebody_of_ours_who_also_works_for_a_partner_acts_for_the_partner_there() -> None:
    role: Resource = {
        "resourceType": "PractitionerRole",
        "id": "dana-at-harbor",
        "practitioner": ref(DANA),
        "organization": ref(HARBOR),
    }
    asked = referral(NOEL, "PractitionerRole/dana-at-harbor")
    item = only(request(), asked, role)
    assert (item.direction, item.move.who) == (Direction.OUTBOUND, Mover.PARTNER)


def test_without_a_profile_nothing_is_ours_and_everything_is_shown() -> None:
    item = only(request(), referral(), us=Us())
    assert item.direction is Direction.INTERNAL
    assert item.move.who is Mover.PARTNER


def test_a_title_speaks_no_status_of_fhir() -> None:
    known = ("in-progress", "on-hold", "entered-in-error", "requested", "received", "fulfill")
    for status in ("requested", "received", "accepted", "in-progress", "on-hold", "rejected"):
        title = only(request(), outbound(status=status)).title
        assert not any(word in title for word in known)


def test_the_client_is_named_in_full() -> None:
    client = only(request(), referral(), us=US).client
    assert (client.family, client.given) == ("Okafor", "Amara J")
    assert (client.mrn, client.birth_date, client.phone) == ("00418827", "1990-02-03", "555-0100")
