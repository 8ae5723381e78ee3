"""What a partner is told when an act that the partner may have seen is undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.intents import Intent, IntentEvent
from carequeue.fhir import codes, values
from tests.fhir.clinic import CLINIC, HARBOR, NOW, ref, referral, request
from tests.store.cache import WRITABLE, Cache
from tests.worklist.test_undo import happened
from tests.worklist.world import ANSWERS, FOLLOW_UP, HANDOFF, LONE, REFERRAL, SENT, queue, send

HELD, BEGUN, ACCEPTED = "main:Task/r4", "main:Task/r5", "main:Task/r6"
MORE = [
    referral(id="r4", owner="CareTeam/access", status="on-hold"),
    referral(CLINIC, HARBOR, id="r5", focus=ref("ServiceRequest/s5"), status="in-progress"),
    request("s5", requester=ref(CLINIC)),
    referral(id="r6", owner="CareTeam/access", status="accepted"),
]
CLIENT = "main:Patient/c1"
HARBOR_NAME = "Harbor Primary Care"
DISREGARD = "Please disregard"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path, *MORE)
    yield cache
    cache.close()


def messages(cache: Cache) -> list[Intent]:
    """The waiting messages about an undo."""
    return [
        intent
        for intent in cache.intents(["queued"])
        if intent.inverse_of and intent.target_type == "Communication"
        and intent.kind.value == "create"
    ]  # fmt: skip


def words(message: Intent) -> str:
    return str(values.text(message.args["resource"]["payload"][0], "contentString"))


def undone(cache: Cache, verb: str, key: str, **answers: str) -> Any:
    """The act is done, sent and undone."""
    assert cache.desk.act(verb, [key], answers or ANSWERS.get(verb, {}), NOW).changed
    send(cache)
    return cache.desk.undo(NOW)


@pytest.mark.parametrize(
    ("verb", "key", "told"),
    [
        ("accept", REFERRAL, f"This referral is open again. {DISREGARD} that we had accepted it."),
        ("accept", LONE, f"This referral is open again. {DISREGARD} that we had accepted it."),
        ("decline", REFERRAL, "We reopened this referral, which we had declined."),
        ("done", ACCEPTED, "We reopened this referral, which we had marked as done."),
        ("hold", ACCEPTED, f"This referral is open again. {DISREGARD} that we had put it on hold."),
        (
            "resume", HELD,
            f"This referral is on hold again. {DISREGARD} that we had taken it up again.",
        ),
        (
            "done", HELD,
            "We reopened this referral, which we had marked as done. It is on hold again.",
        ),
        ("withdraw", SENT, "We reopened this referral, which we had cancelled."),
        (
            "withdraw", BEGUN,
            "Our request of March 9, 2026 to stop was withdrawn. Please go on.",
        ),
        ("remind", SENT, f"Our message of March 9, 2026 was withdrawn. {DISREGARD} it."),
        ("ask", REFERRAL, f"Our message of March 9, 2026 was withdrawn. {DISREGARD} it."),
    ],
)  # fmt: skip
def test_the_partner_is_told_as_what_it_is(cache: Cache, verb: str, key: str, told: str) -> None:
    acted = undone(cache, verb, key)
    (message,) = messages(cache)
    assert words(message) == told
    resource = message.args["resource"]
    assert [party["reference"] for party in resource["recipient"]] == [HARBOR]
    assert values.has_code(resource["category"], codes.CORRECTION, codes.MESSAGE)
    assert "OKAFOR" not in told
    assert acted.message.endswith(f" {HARBOR_NAME} will be told.")
    assert acted.told == f"{HARBOR_NAME} will be told."


def test_it_waits_for_the_undo_and_is_of_its_group(cache: Cache) -> None:
    acted = undone(cache, "decline", REFERRAL)
    inverse, message = cache.intents(["queued"])
    assert (inverse.kind.value, message.after) == ("restore", inverse.id)
    assert {inverse.group, message.group} == {acted.group}
    assert message.client == inverse.client
    about = [part["reference"] for part in message.args["resource"]["about"]]
    assert about == ["Task/r1", "ServiceRequest/s1"]


def test_the_withdrawal_of_a_message_is_about_what_the_message_was_about(cache: Cache) -> None:
    undone(cache, "remind", SENT)
    sent = cache.intents()[0].args["resource"]["about"]
    assert messages(cache)[0].args["resource"]["about"] == sent


def test_a_referral_of_any_client_is_withdrawn_from_its_partner(cache: Cache) -> None:
    undone(cache, "refer", CLIENT, to="County Shelter", text="Housing")
    (message,) = messages(cache)
    assert words(message) == "Our request of March 9, 2026 was withdrawn. Please do not act on it."
    (task,) = [intent for intent in cache.intents(["acknowledged"]) if intent.target_type == "Task"]
    about = [part["reference"] for part in message.args["resource"]["about"]]
    assert about == [f"Task/{task.target_id}"]


def test_a_referral_that_was_sent_elsewhere_is_told_to_both_partners(cache: Cache) -> None:
    acted = undone(cache, "redirect", SENT)
    told = {
        message.args["resource"]["recipient"][0]["display"]: words(message)
        for message in messages(cache)
    }
    assert told == {
        HARBOR_NAME: "We reopened this referral, which we had cancelled.",
        "County Shelter": "Our request of March 9, 2026 was withdrawn. Please do not act on it.",
    }
    assert acted.told == f"{HARBOR_NAME} and County Shelter will be told."


def test_an_act_on_several_tells_each_partner_of_each_item(cache: Cache) -> None:
    cache.desk.act("accept", [REFERRAL, LONE], {}, NOW)
    send(cache)
    acted = cache.desk.undo(NOW)
    assert {message.item_key for message in messages(cache)} == {REFERRAL, LONE}
    assert acted.told == f"{HARBOR_NAME} will be told."


class TestNothingIsTold:
    @pytest.mark.parametrize(
        ("verb", "key"),
        [
            ("note", REFERRAL), ("priority", REFERRAL), ("assign", REFERRAL), ("triage", REFERRAL),
            ("log", REFERRAL), ("snooze", REFERRAL), ("done", FOLLOW_UP), ("accept", HANDOFF),
            ("new", CLIENT),
        ],
    )  # fmt: skip
    def test_of_what_is_no_message_to_a_partner(self, cache: Cache, verb: str, key: str) -> None:
        acted = undone(cache, verb, key)
        assert messages(cache) == []
        assert acted.told == ""

    @pytest.mark.parametrize("verb", ["accept", "decline", "ask"])
    def test_of_what_never_left(self, cache: Cache, verb: str) -> None:
        cache.desk.act(verb, [REFERRAL], ANSWERS.get(verb, {}), NOW)
        acted = cache.desk.undo(NOW)
        assert cache.intents(["queued"]) == []
        assert acted.told == ""

    def test_of_a_referral_to_a_team_of_ours(self, cache: Cache) -> None:
        undone(cache, "refer", CLIENT, to="Access", text="Housing")
        assert messages(cache) == []

    def test_by_a_trial(self, cache: Cache) -> None:
        done = cache.desk.act("decline", [REFERRAL], {"reason": "no capacity"}, NOW)
        send(cache)
        assert cache.desk.trial.undo(NOW, done.group).told == f"{HARBOR_NAME} will be told."
        assert messages(cache) == []


def test_what_may_be_on_the_server_is_told(cache: Cache) -> None:
    cache.desk.act("accept", [REFERRAL], {}, NOW)
    happened(cache, IntentEvent.ATTEMPT_RECORDED)
    cache.desk.undo(NOW)
    assert len(messages(cache)) == 1


def test_where_the_source_takes_no_message_the_person_is_asked_to_tell(tmp_path: Path) -> None:
    types = {name: able for name, able in WRITABLE.types.items() if name != "Communication"}
    cache = queue(tmp_path, can=replace(WRITABLE, types=types))
    acted = undone(cache, "decline", REFERRAL)
    assert acted.told == f"Tell {HARBOR_NAME} yourself: this server takes no messages."
    assert [intent.kind.value for intent in cache.intents(["queued"])] == ["restore"]
    cache.close()


def test_the_outbox_names_who_is_told(cache: Cache) -> None:
    undone(cache, "decline", REFERRAL)
    said = [line.did for line in cache.desk.outbox.lines(NOW)]
    assert said == ["Undone: declined", f"Undone: declined (tells {HARBOR_NAME})"]


class TestARedo:
    def test_before_the_undo_left_drops_the_message_too(self, cache: Cache) -> None:
        undone(cache, "decline", REFERRAL)
        cache.desk.undos.redo(NOW)
        assert cache.intents(["queued"]) == []

    def test_after_it_was_told_is_a_new_act_that_can_be_undone_and_told_again(
        self, cache: Cache
    ) -> None:
        undone(cache, "decline", REFERRAL)
        send(cache)
        cache.desk.undos.redo(NOW + timedelta(minutes=1))
        assert [intent.verb for intent in cache.intents(["queued"])] == ["decline"]
        send(cache)
        cache.desk.undo(NOW + timedelta(minutes=2))
        assert len(messages(cache)) == 1

    def test_of_a_message_is_a_new_message(self, cache: Cache) -> None:
        undone(cache, "remind", SENT)
        send(cache)
        cache.desk.undos.redo(NOW + timedelta(minutes=1))
        (reminder,) = cache.intents(["queued"])
        first = cache.intents()[0]
        assert reminder.target_id != first.target_id
        assert words(reminder) == words(first)
