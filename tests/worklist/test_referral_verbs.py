"""The verbs of referrals: the message, and the row afterwards, from FHIR JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.ranking import Band
from carequeue.fhir import codes
from carequeue.store.queue_window import Tab
from carequeue.verbs.offers import names_of
from tests.fhir.clinic import CLINIC, DANA, HARBOR, NOW, ref, referral, request
from tests.store.cache import Cache, clinic_of_dana
from tests.worklist.world import ANSWERS, send

NAME = "OKAFOR, Amara J"
KEY = "main:Task/r1"
WAITING = {"coding": [{"code": codes.AWAITING_INFORMATION}]}


def sent_out(**elements: Any) -> list[dict[str, Any]]:
    """A referral to Harbor, sent on Thursday."""
    task = referral(CLINIC, HARBOR, id="r1", lastModified="2026-03-05T15:00:00Z", **elements)
    return [task, request(requester=ref(CLINIC))]


def came_in(**elements: Any) -> list[dict[str, Any]]:
    """A referral from Harbor, which arrived on Thursday and is Dana's."""
    task = referral(HARBOR, DANA, id="r1", lastModified="2026-03-05T15:00:00Z", **elements)
    return [task, request(requester=ref(HARBOR))]


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[list[Cache]]:
    opened: list[Cache] = []
    yield opened
    for cache in opened:
        cache.close()


def act(
    caches: list[Cache], folder: Path, resources: list[dict[str, Any]], verb: str, **answers: str
) -> tuple[Cache, str]:
    """The cache after one act on the referral, and the message of the act."""
    cache = clinic_of_dana(folder, *resources)
    caches.append(cache)
    acted = cache.desk.act(verb, [KEY], answers or ANSWERS.get(verb, {}), NOW)
    return cache, acted.message


def change(cache: Cache, reference: str, status: str) -> None:
    """The partner changes the status of a resource."""
    body = cache.base(reference).body
    assert body is not None
    cache.pull({**body, "status": status})


#: verb, the referral before it, its message, then title and band of its row.
AFTER: list[tuple[str, list[dict[str, Any]], str, str, Band]] = [
    (
        "remind",
        sent_out(),
        f"Reminded: {NAME}. Now waiting for Harbor Primary Care; nudge Tue 10 Mar 09:00.",
        "Harbor Primary Care to answer our reminder: Housing support",
        Band.WAITING,
    ),
    (
        "answer",
        sent_out(status="received", businessStatus=WAITING),
        f"Answered: {NAME}. Now waiting for Harbor Primary Care; nudge Wed 11 Mar 09:00.",
        "Harbor Primary Care to answer: Housing support",
        Band.WAITING,
    ),
    (
        "answer",
        sent_out(status="on-hold"),
        f"Answered: {NAME}. Now waiting for Harbor Primary Care; nudge Wed 11 Mar 09:00.",
        "Harbor Primary Care to go on after our answer: Housing support",
        Band.WAITING,
    ),
    (
        "withdraw",
        sent_out(status="in-progress"),
        f"Asked to stop: {NAME}, client declined. "
        "Now waiting for Harbor Primary Care; nudge Wed 11 Mar 09:00.",
        "Harbor Primary Care to stop, as we asked: Housing support",
        Band.WAITING,
    ),
    (
        "ask",
        came_in(),
        f"Asked: {NAME}. Now waiting for Harbor Primary Care; nudge Wed 11 Mar 09:00.",
        "Harbor Primary Care to send what we asked for: Housing support",
        Band.WAITING,
    ),
    (
        "hold",
        came_in(status="accepted"),
        f"On hold: {NAME}, client away until Thu 12 Mar 08:00.",
        "Take up again: Housing support",
        Band.SNOOZED,
    ),
    (
        "resume",
        came_in(status="on-hold"),
        f"Taken up again: {NAME}. Next: Close the loop: Housing support, by Thu 12 Mar 17:00.",
        "Close the loop: Housing support",
        Band.ON_TRACK,
    ),
    (
        "triage",
        came_in(),
        f"Triaged: {NAME} as urgent, no risk found. Next: Answer urgent referral, "
        "Harbor Primary Care: Housing support, overdue.",
        "Answer urgent referral, Harbor Primary Care: Housing support",
        Band.SAFETY,
    ),
]


@pytest.mark.parametrize(
    ("verb", "resources", "message", "title", "band"),
    AFTER,
    ids=[f"{verb}-{resources[0]['status']}" for verb, resources, *_ in AFTER],
)
def test_each_verb_says_what_comes_next_and_the_row_goes_there(
    caches: list[Cache],
    tmp_path: Path,
    verb: str,
    resources: list[dict[str, Any]],
    message: str,
    title: str,
    band: Band,
) -> None:
    cache, said = act(caches, tmp_path, resources, verb)
    row = cache.row(KEY)
    assert (said, row.title, Band(row.band)) == (message, title, band)
    send(cache)
    assert (cache.row(KEY).title, Band(cache.row(KEY).band)) == (title, band)


@pytest.mark.parametrize("status", ["requested", "rejected", "failed"])
def test_what_is_sent_elsewhere_goes_on_as_one_new_request(
    caches: list[Cache], tmp_path: Path, status: str
) -> None:
    there = sent_out(status=status)
    there[1]["reasonCode"] = [{"text": "No place to stay"}]
    cache, said = act(caches, tmp_path, there, "redirect")
    waits = "Now waiting for County Shelter; nudge"
    assert said.startswith(f"Sent elsewhere: {NAME} to County Shelter. {waits} ")
    assert cache.find(KEY) is None
    (row,) = cache.rows(Tab.WHOLE)
    assert row.title == "County Shelter to answer: Housing support"
    request, task, close = cache.intents()
    made = request.args["resource"]
    assert made["replaces"] == [{"reference": "ServiceRequest/s1"}]
    assert (made["code"], made["reasonCode"]) == (there[1]["code"], there[1]["reasonCode"])
    assert task.args["resource"]["focus"] == {"reference": f"ServiceRequest/{made['id']}"}
    assert (task.after, close.after) == (request.id, task.id)
    send(cache)
    assert [row.title for row in cache.rows(Tab.WHOLE)] == [row.title]


def test_without_consent_nothing_is_sent_elsewhere(caches: list[Cache], tmp_path: Path) -> None:
    cache = clinic_of_dana(tmp_path, *sent_out())
    caches.append(cache)
    with pytest.raises(BadQuestion, match="Get the client’s consent first"):
        cache.desk.act("redirect", [KEY], {"to": "County Shelter", "consent": "n"}, NOW)
    assert cache.intents() == []


def test_work_that_began_is_asked_back_before_it_is_sent_elsewhere(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache, said = act(caches, tmp_path, sent_out(status="in-progress"), "redirect")
    assert "ask Harbor Primary Care to stop first (W)" in said
    assert cache.intents() == []


def test_a_result_closes_the_loop_for_us_and_leaves_the_status_to_the_partner(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache, said = act(caches, tmp_path, sent_out(status="in-progress"), "result")
    assert said == f"Result: {NAME}, heard by phone. Closed."
    assert cache.find(KEY) is None
    status, note = cache.intents()
    assert status.args["to"] == "in-progress"
    assert note.args["text"] == "Result: heard by phone"


def test_a_booked_visit_is_an_appointment_of_the_request(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache, said = act(caches, tmp_path, came_in(status="accepted"), "schedule")
    assert said.startswith(f"Booked: {NAME} for Wed 11 Mar 08:00.")
    (intent,) = cache.intents()
    made = intent.args["resource"]
    assert (made["status"], made["basedOn"]) == ("booked", [{"reference": "ServiceRequest/s1"}])
    assert (made["start"], made["end"]) == ("2026-03-11T13:00:00Z", "2026-03-11T14:00:00Z")
    actors = [participant["actor"]["reference"] for participant in made["participant"]]
    assert actors == ["Patient/c1", DANA]


def test_a_withdrawal_before_work_began_ends_the_referral(
    caches: list[Cache], tmp_path: Path
) -> None:
    cache, said = act(caches, tmp_path, sent_out(status="accepted"), "withdraw")
    assert said == f"Withdrawn: {NAME}, client declined. Closed."
    assert cache.find(KEY) is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("requested", "to stop, as we asked"),
        ("rejected", "goes on, although asked to stop"),
        ("entered-in-error", "to send the result"),
    ],
)
def test_the_answer_to_a_request_to_stop_is_shown(
    caches: list[Cache], tmp_path: Path, status: str, words: str
) -> None:
    cache, _ = act(caches, tmp_path, sent_out(status="in-progress"), "withdraw")
    send(cache)
    (intent,) = cache.intents()
    change(cache, f"Task/{intent.target_id}", status)
    assert words in cache.row(KEY).title
    assert len(cache.rows()) == 1


class TestAReminder:
    def test_is_offered_once_in_each_state(self, caches: list[Cache], tmp_path: Path) -> None:
        cache, _ = act(caches, tmp_path, sent_out(), "remind")
        again = cache.desk.act("remind", [KEY], {}, NOW)
        assert again.message == (
            f"{NAME} was brought up once: call Harbor Primary Care now, and note it (n)."
        )
        send(cache)
        change(cache, "Task/r1", "accepted")
        assert "remind" in names_of(cache.row(KEY).verbs)

    def test_is_no_contact_with_the_client(self, caches: list[Cache], tmp_path: Path) -> None:
        cache, _ = act(caches, tmp_path, sent_out(), "remind")
        assert "attempt" not in str(cache.desk.detail(KEY, NOW))

    @pytest.mark.parametrize("status", ["requested", "accepted", "in-progress"])
    def test_that_is_not_answered_asks_for_a_call(
        self, caches: list[Cache], tmp_path: Path, status: str
    ) -> None:
        cache, _ = act(caches, tmp_path, sent_out(status=status), "remind")
        later = NOW + timedelta(days=2)
        detail = cache.desk.detail(KEY, later)
        (clock,) = [clock for clock in detail.clocks if "reminder" in clock.label]
        assert clock.label == "Call the partner: no answer to our reminder"
        assert Band(detail.band) in (Band.DUE, Band.SOON)


def test_the_senders_message_ends_the_wait_for_it(caches: list[Cache], tmp_path: Path) -> None:
    cache, _ = act(caches, tmp_path, came_in(), "ask")
    send(cache)
    reply = {
        "resourceType": "Communication",
        "id": "reply",
        "status": "completed",
        "subject": ref("Patient/c1"),
        "about": [ref("Task/r1")],
        "sender": ref(HARBOR),
        "recipient": [ref(CLINIC)],
        "sent": "2026-03-09T14:30:00Z",
    }
    cache.pull(reply)
    assert cache.row(KEY).title == "Answer referral, Harbor Primary Care: Housing support"


def test_a_risk_that_a_triage_found_ranks_higher(caches: list[Cache], tmp_path: Path) -> None:
    safe, _ = act(caches, tmp_path / "a", came_in(), "triage", level="urgent", risk="n")
    at_risk, _ = act(caches, tmp_path / "b", came_in(), "triage", level="urgent", risk="y")
    lower, higher = (cache.desk.detail(KEY, NOW).points for cache in (safe, at_risk))
    assert higher == lower + 120


def test_a_crisis_starts_its_clock_at_once(caches: list[Cache], tmp_path: Path) -> None:
    cache, _ = act(caches, tmp_path, came_in(), "triage", level="crisis", risk="y")
    assert Band(cache.row(KEY).band) is Band.NOW
