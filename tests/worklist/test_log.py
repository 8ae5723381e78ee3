"""Logging a contact: whom it was with, what it met, and when to try again, from FHIR JSON."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.ranking import Band
from carequeue.fhir import codes
from carequeue.store.queue_window import Tab
from carequeue.verbs.log import VERB as LOG
from carequeue.verbs.offers import questions_for
from tests.fhir.clinic import (
    CLINIC,
    DANA,
    HARBOR,
    NOW,
    PATIENT,
    contact,
    ref,
    referral,
    request,
    stay,
    task,
)
from tests.store.cache import Cache, clinic_of_dana

NAME = "OKAFOR, Amara J"
CALL = {"coding": [{"system": codes.TASK_CODE, "code": codes.MAKE_CONTACT}]}
STAY = "main:discharge-contact:Encounter/e1"
MINE = task("t1", owner=ref(DANA), description="Call about the group")
SENT_OUT = [
    referral(CLINIC, HARBOR, id="r1", lastModified="2026-03-05T15:00:00Z"),
    request(requester=ref(CLINIC)),
]
CAME_IN = [referral(HARBOR, DANA, id="r1"), request(requester=ref(HARBOR))]


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[list[Cache]]:
    opened: list[Cache] = []
    yield opened
    for cache in opened:
        cache.close()


def queue(caches: list[Cache], folder: Path, *resources: dict[str, Any]) -> Cache:
    cache = clinic_of_dana(folder, *resources)
    caches.append(cache)
    return cache


def only_key(cache: Cache) -> str:
    (row,) = cache.rows(Tab.WHOLE)
    return str(row.key)


def asked(cache: Cache) -> list[tuple[str, ...]]:
    """Each question about the only row, as the words of its choices."""
    (row,) = cache.rows(Tab.WHOLE)
    questions = questions_for(LOG, [row.verbs])
    return [tuple(choice.words for choice in question.choices) for question in questions]


OUTCOMES = ("reached", "left message", "no answer")


class TestWhom:
    @pytest.mark.parametrize(
        ("resources", "usual"),
        [
            ([MINE], ""),
            ([stay()], ""),
            (SENT_OUT, "partner"),
            (CAME_IN, "client"),
        ],
        ids=["a follow-up", "a discharge", "sent out", "came in"],
    )
    def test_is_asked_where_more_than_one_could_be_meant(
        self, caches: list[Cache], tmp_path: Path, resources: list[Any], usual: str
    ) -> None:
        outcome, *whom = asked(queue(caches, tmp_path, *resources))
        assert outcome == OUTCOMES
        assert [choices[0] for choices in whom] == ([usual] if usual else [])

    def test_of_a_minor_is_the_guardian(self, caches: list[Cache], tmp_path: Path) -> None:
        cache = queue(caches, tmp_path, MINE)
        cache.pull({**PATIENT, "birthDate": "2014-02-03"})
        assert asked(cache)[1] == ("guardian", "client", "somebody else")
        cache.desk.act("log", [only_key(cache)], {"outcome": "reached"}, NOW)
        (intent,) = cache.intents()
        (guardian,) = intent.args["resource"]["contained"]
        assert guardian["relationship"][0]["coding"][0]["code"] == "GUARD"
        assert intent.args["resource"]["recipient"][0]["reference"] == "#guardian"

    def test_a_call_to_the_partner_is_no_contact_and_sets_the_next_nudge(
        self, caches: list[Cache], tmp_path: Path
    ) -> None:
        cache = queue(caches, tmp_path, *SENT_OUT)
        acted = cache.desk.act("log", ["main:Task/r1"], {"outcome": "no answer"}, NOW)
        assert acted.message == (
            f"Logged: {NAME}, no answer with partner. "
            "Now waiting for Harbor Primary Care; nudge Tue 10 Mar 09:00."
        )
        (intent,) = cache.intents()
        made = intent.args["resource"]
        assert made["recipient"] == [{"reference": HARBOR, "display": "Harbor Primary Care"}]
        assert made["category"][0]["coding"] == [{"system": codes.MESSAGE, "code": "call"}]
        assert "tried" not in cache.row("main:Task/r1").title

    def test_an_unknown_answer_changes_nothing(self, caches: list[Cache], tmp_path: Path) -> None:
        cache = queue(caches, tmp_path, *SENT_OUT)
        with pytest.raises(BadQuestion, match="Nothing was changed"):
            cache.desk.act("log", ["main:Task/r1"], {"outcome": "reached", "with": "nobody"}, NOW)
        assert cache.intents() == []


def test_a_note_of_the_profile_goes_with_the_contact(caches: list[Cache], tmp_path: Path) -> None:
    cache = queue(caches, tmp_path, MINE)
    note = "left message: Asked to call back: mornings."
    acted = cache.desk.act("log", ["main:Task/t1"], {"outcome": note}, NOW)
    assert acted.message.startswith(f"Logged: {NAME}, left message: Asked to call back")
    (intent,) = cache.intents()
    made = intent.args["resource"]
    assert made["statusReason"]["coding"][0]["code"] == codes.LEFT_MESSAGE
    assert made["payload"] == [{"contentString": "Asked to call back: mornings."}]


class TestReached:
    def test_says_what_it_met(self, caches: list[Cache], tmp_path: Path) -> None:
        cache = queue(caches, tmp_path, stay())
        acted = cache.desk.act("log", [STAY], {"outcome": "reached"}, NOW)
        assert acted.message == f"Logged: {NAME}, reached. Met: Contact after discharge. Closed."
        assert cache.find(STAY) is None

    def test_says_that_the_rest_stays_open(self, caches: list[Cache], tmp_path: Path) -> None:
        cache = queue(caches, tmp_path, MINE)
        acted = cache.desk.act("log", ["main:Task/t1"], {"outcome": "reached"}, NOW)
        assert acted.message == f"Logged: {NAME}, reached. It stays open."
        assert cache.row("main:Task/t1")

    def test_closes_the_task_that_asked_for_just_this(
        self, caches: list[Cache], tmp_path: Path
    ) -> None:
        cache = queue(caches, tmp_path, {**MINE, "code": CALL})
        acted = cache.desk.act("log", ["main:Task/t1"], {"outcome": "reached"}, NOW)
        assert acted.message.endswith("Closed.")


class TestATry:
    def test_rests_the_row_until_the_next_and_says_when(
        self, caches: list[Cache], tmp_path: Path
    ) -> None:
        cache = queue(caches, tmp_path, MINE)
        acted = cache.desk.act("log", ["main:Task/t1"], {"outcome": "no answer"}, NOW)
        assert acted.message == f"Logged: {NAME}, no answer. Next try Tue 10 Mar 08:00."
        row = cache.row("main:Task/t1")
        assert (row.band, row.unit) == (Band.WAITING, "try")
        assert row.title.endswith(", tried 09:00")

    def test_leaves_a_client_at_risk_in_safety(self, caches: list[Cache], tmp_path: Path) -> None:
        cache = queue(caches, tmp_path, stay())
        acted = cache.desk.act("log", [STAY], {"outcome": "left message"}, NOW)
        assert acted.message.startswith(f"Logged: {NAME}, left message. Next try Mon 9 Mar 13:00.")
        assert cache.row(STAY).band == Band.SAFETY

    def test_offers_the_claim_of_what_is_nobody_s(
        self, caches: list[Cache], tmp_path: Path
    ) -> None:
        cache = queue(caches, tmp_path, task("t1", owner=ref("CareTeam/access")))
        acted = cache.desk.act("log", ["main:Task/t1"], {"outcome": "no answer"}, NOW)
        assert acted.offers == "claim"
        cache.desk.act("claim", ["main:Task/t1"], {}, NOW)
        acted = cache.desk.act("log", ["main:Task/t1"], {"outcome": "no answer"}, NOW)
        assert acted.offers == ""

    def test_offers_a_letter_or_a_visit_after_the_last_call(
        self, caches: list[Cache], tmp_path: Path
    ) -> None:
        calls = [
            contact(
                f"k{n}", status="not-done", sent=f"2026-03-0{n}T15:00:00Z",
                statusReason={"text": "no answer"},
            )
            for n in (6, 7)
        ]  # fmt: skip
        cache = queue(caches, tmp_path, MINE, *calls)
        assert asked(cache)[0] == (*OUTCOMES, "letter sent", "visited, not met")
        acted = cache.desk.act("log", ["main:Task/t1"], {"outcome": "no answer"}, NOW)
        assert acted.message.endswith(
            "Tried 3 times: send a letter, visit, or tell your supervisor."
        )

    @pytest.mark.parametrize("outcome", ["letter sent", "visited, not met"])
    def test_by_letter_or_visit_reaches_nobody(
        self, caches: list[Cache], tmp_path: Path, outcome: str
    ) -> None:
        cache = queue(caches, tmp_path, stay())
        cache.desk.act("log", [STAY], {"outcome": outcome}, NOW)
        assert cache.row(STAY).band == Band.SAFETY
        assert cache.row(STAY).title.endswith(", tried 09:00")
