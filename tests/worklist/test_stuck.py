"""What the server did not take is never shown as done, and half an act is never sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push.pending import load_pending
from tests.fhir.clinic import DANA, NOW, ref, request, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.worklist.world import DISCHARGE, FOLLOW_UP, REFERRAL, give_up, queue

ORPHAN: Final = task("o1", owner=ref(DANA), focus=ref("ServiceRequest/s7"), **{"for": None})
COLLEAGUE: Final[dict[str, Any]] = {
    "resourceType": "PractitionerRole",
    "id": "role-new",
    "active": True,
    "practitioner": ref("Practitioner/new"),
}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    found = queue(tmp_path / "dana")
    yield found
    found.close()


def refuse(cache: Cache, event: IntentEvent, *, kind: str = "", key: str = "") -> None:
    """The server does not take the intents of a type (of all types), and the queue says so."""
    with writing(cache.session.engine()) as connection:
        for intent in cache.intents():
            if kind in ("", intent.target_type) and key in ("", intent.item_key):
                for each in (IntentEvent.ATTEMPT_RECORDED, event):
                    (now,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids([intent.id])
                    SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                        now, each, "no", NOW
                    )
        charts = {(SOURCE, intent.chart) for intent in cache.intents()}
        cache.session.projector().project(connection, charts, NOW)


@pytest.mark.parametrize("event", [IntentEvent.REFUSED, IntentEvent.FOUND_CHANGED])
@pytest.mark.parametrize("key", [FOLLOW_UP, DISCHARGE])
def test_a_done_that_was_not_taken_leaves_its_row_in_sight(
    cache: Cache, key: str, event: IntentEvent
) -> None:
    cache.desk.act("done", [key], {"met": "client was seen"}, NOW)
    assert cache.find(key) is None
    refuse(cache, event)
    row = cache.find(key)
    assert row is not None
    assert row.sync in ("needs_you", "conflict")
    assert cache.desk.detail(key, NOW) is not None


def test_a_contact_that_was_not_taken_meets_no_clock(cache: Cache) -> None:
    cache.desk.act("log", [DISCHARGE], {"outcome": "reached"}, NOW)
    refuse(cache, IntentEvent.REFUSED)
    row = cache.find(DISCHARGE)
    assert row is not None
    assert row.sync == "needs_you"


def test_what_is_stuck_is_answered_before_the_same_element_is_decided_again(cache: Cache) -> None:
    cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
    refuse(cache, IntentEvent.REFUSED)
    acted = cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
    assert acted.changed == ()
    assert "that the server refused: x first" in acted.message
    assert cache.desk.act("note", [FOLLOW_UP], {"text": "asked the desk"}, NOW).changed


def test_a_conflict_with_a_colleague_who_closed_it_is_still_in_sight(cache: Cache) -> None:
    cache.desk.act("done", [FOLLOW_UP], {}, NOW)
    theirs = task("t1", status="cancelled", owner=ref(DANA))
    with writing(cache.session.engine()) as connection:
        SqliteSourceRepository(connection, SOURCE).mirror.move_base(theirs, "7", NOW)
    refuse(cache, IntentEvent.FOUND_CHANGED)
    row = cache.find(FOLLOW_UP)
    assert row is not None
    assert row.sync == "conflict"
    give_up(cache, FOLLOW_UP)
    assert cache.find(FOLLOW_UP) is None


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (IntentEvent.FOUND_CHANGED, "Kept theirs: OKAFOR, Amara J. Yours stays in the history."),
        (IntentEvent.REFUSED, "Discarded: 1 decision. The server's record is unchanged."),
    ],
)
def test_what_is_given_up_on_one_item_leaves_the_rest_of_its_group(
    cache: Cache, event: IntentEvent, message: str
) -> None:
    cache.desk.act("priority", [FOLLOW_UP, REFERRAL], {"to": "urgent"}, NOW)
    refuse(cache, event, kind="Task", key=FOLLOW_UP)
    assert give_up(cache, FOLLOW_UP).message == message
    states = {intent.item_key: intent.state for intent in cache.intents()}
    assert states == {FOLLOW_UP: IntentState.UNDONE, REFERRAL: IntentState.QUEUED}
    assert cache.row(FOLLOW_UP).sync == ""


def make_contact(cache: Cache) -> str:
    """A follow-up that asks for a contact: reaching the client completes it."""
    cache.pull(
        task(
            "made",
            owner=ref(DANA),
            description="First contact",
            identifier=[
                {
                    "system": "https://carequeue.dev/fhir/identifier/item",
                    "value": "discharge-contact:Encounter/e1",
                }
            ],
        )
    )
    return DISCHARGE


def test_a_discarded_contact_does_not_complete_its_task(cache: Cache) -> None:
    key = make_contact(cache)
    cache.desk.act("log", [key], {"outcome": "reached"}, NOW)
    assert {intent.target_type for intent in cache.intents()} == {"Communication", "Task"}
    refuse(cache, IntentEvent.REFUSED, kind="Communication")
    give_up(cache, key)
    assert {intent.state for intent in cache.intents()} == {IntentState.UNDONE}
    with cache.session.engine().connect() as connection:
        assert load_pending(SqliteSourceRepository(connection, SOURCE)) == ()
    assert cache.row(key).sync == ""


class TestATaskThatNamesNoClient:
    """It stands in the chart of what it is about, and so do the decisions about it."""

    @pytest.fixture
    def alone(self, tmp_path: Path) -> Iterator[Cache]:
        found = clinic_of_dana(tmp_path / "alone", ORPHAN)
        yield found
        found.close()

    def test_a_decision_shows(self, alone: Cache) -> None:
        acted = alone.desk.act("priority", ["main:Task/o1"], {"to": "stat"}, NOW)
        assert acted.changed == ("main:Task/o1",)
        assert alone.row("main:Task/o1").sync == "waiting"

    def test_it_still_shows_when_its_request_comes_later(self, alone: Cache) -> None:
        alone.desk.act("note", ["main:Task/o1"], {"text": "who is this?"}, NOW)
        alone.pull(request("s7"))
        row = alone.row("main:Task/o1")
        assert row.client.startswith("OKAFOR")
        assert row.sync == "waiting"
        detail = alone.desk.detail("main:Task/o1", NOW)
        assert [note.text for note in detail.notes] == ["who is this?"]


class TestTheDirectory:
    """What is known of colleagues is of the instant that is read, in every thread and process."""

    def test_a_colleague_who_came_in_another_process_is_one_of_ours(self, cache: Cache) -> None:
        projector = cache.session.projector()
        with cache.session.engine().connect() as connection:
            assert not projector.us(connection, SOURCE).is_ours("Practitioner/new")
        other = Cache(cache.folder)
        organization = cache.profile.organization
        other.pull({**COLLEAGUE, "organization": ref(organization)})
        other.close()
        with cache.session.engine().connect() as connection:
            assert projector.us(connection, SOURCE).is_ours("Practitioner/new")

    def test_a_change_that_is_rolled_back_was_never_there(self, cache: Cache) -> None:
        projector = cache.session.projector()
        organization = cache.profile.organization
        with pytest.raises(RuntimeError), writing(cache.session.engine()) as connection:  # noqa: PT012
            role = {**COLLEAGUE, "organization": ref(organization)}
            SqliteSourceRepository(connection, SOURCE).mirror.save([role], NOW)
            assert projector.us(connection, SOURCE).is_ours("Practitioner/new")
            raise RuntimeError
        with cache.session.engine().connect() as connection:
            assert not projector.us(connection, SOURCE).is_ours("Practitioner/new")
