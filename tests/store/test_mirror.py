"""The mirror: what came from a server, whole, and what may move it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.fhir import jsontext
from carequeue.store import audit
from carequeue.store.engine import writing
from carequeue.store.intent_queries import IntentQueries
from carequeue.store.source_repository import SqliteSourceRepository
from tests.fhir.clinic import CLIENT, NOW, ref, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana

KEY = "main:Task/t1"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """Dana's cache with one Task in version 1."""
    cache = clinic_of_dana(tmp_path, version(1))
    yield cache
    cache.close()


def version(number: int, **elements: Any) -> dict[str, Any]:
    """The Task as the server has it in a version."""
    return task(**{"description": "Call", "meta": {"versionId": str(number)}, **elements})


def close(cache: Cache, event: IntentEvent, *before: IntentEvent) -> None:
    """Something happens to the one open intent, as a push would keep it."""
    with writing(cache.session.engine()) as connection:
        for each in (*before, event):
            (intent,) = cache.intents()[-1:]
            SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                SqliteSourceRepository(connection, SOURCE).outbox.by_ids([intent.id])[0],
                each,
                "",
                NOW,
            )
        source = SqliteSourceRepository(connection, SOURCE)
        source.mirror.apply_theirs("Task", "t1", NOW)
        cache.session.projector().project(connection, source.charts, NOW)


class TestARowThatNothingHoldsBack:
    def test_is_replaced_by_what_the_server_has(self, cache: Cache) -> None:
        cache.pull(version(2, priority="urgent"))
        assert cache.base("Task/t1").version == "2"
        assert cache.base("Task/t1").theirs is None

    def test_that_did_not_change_is_not_written(self, cache: Cache) -> None:
        assert cache.pull(version(1)).changed == 0
        assert cache.pull(version(1, priority="urgent")).changed == 1

    @pytest.mark.parametrize("order", [1, -1])
    def test_that_a_page_shows_twice_is_the_newer_of_the_two(
        self, cache: Cache, order: int
    ) -> None:
        pair = [
            version(number, description=f"Call {number}",
                    meta={"versionId": str(number),
                          "lastUpdated": (NOW + timedelta(minutes=number)).isoformat()})
            for number in (2, 3)
        ][::order]  # fmt: skip
        cache.pull(*pair)
        assert cache.base("Task/t1").version == "3"

    def test_keeps_every_letter_of_every_number(self, cache: Cache) -> None:
        text = (
            '{"resourceType":"Task","id":"n","extension":[{"v":1.50},{"v":12345678901234567890}]}'
        )
        cache.pull(jsontext.loads(text))
        with cache.session.engine().connect() as connection:
            (body,) = connection.exec_driver_sql("SELECT body FROM resource WHERE id = 'n'").one()
        assert body == text


class TestARowThatADecisionHoldsBack:
    """What the pull brings lies beside it; the base does not move under what is to be sent."""

    def test_keeps_its_base_and_what_the_server_has_meanwhile(self, cache: Cache) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        cache.pull(version(2, owner=ref("CareTeam/access")))
        base = cache.base("Task/t1")
        assert (base.version, base.theirs_version) == ("1", "2")
        assert base.body == version(1)
        assert base.theirs == version(2, owner=ref("CareTeam/access"))

    def test_shows_the_decision_over_its_base(self, cache: Cache) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        cache.pull(version(2, description="Visit"))
        row = cache.row(KEY)
        assert (row.title, row.sync) == ("Call", "waiting")

    def test_takes_the_newest_of_what_came_beside_it(self, cache: Cache) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        cache.pull(version(2))
        cache.pull(version(3, description="Visit"))
        assert cache.base("Task/t1").theirs_version == "3"

    @pytest.mark.parametrize(
        "end",
        [
            (IntentEvent.DROPPED,),
            (IntentEvent.ACKNOWLEDGED,),
            (IntentEvent.ACKNOWLEDGED, IntentEvent.ATTEMPT_RECORDED),
            (IntentEvent.TOOK_THEIRS, IntentEvent.ATTEMPT_RECORDED, IntentEvent.FOUND_CHANGED),
            (IntentEvent.DISCARDED, IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED),
            (IntentEvent.UNSUPPORTED,),
        ],
    )
    def test_takes_it_as_its_base_when_the_last_decision_is_closed(
        self, cache: Cache, end: tuple[IntentEvent, ...]
    ) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        cache.pull(version(2, description="Visit"))
        close(cache, *end)
        base = cache.base("Task/t1")
        assert (base.version, base.theirs) == ("2", None)
        assert cache.row(KEY).title == "Visit"

    def test_does_not_take_it_while_another_decision_is_open(self, cache: Cache) -> None:
        cache.desk.act("note", [KEY], {"text": "first"}, NOW)
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        cache.pull(version(2))
        close(cache, IntentEvent.DROPPED)
        assert cache.base("Task/t1").version == "1"

    @pytest.mark.parametrize(
        "events",
        [
            (),
            (IntentEvent.ATTEMPT_RECORDED,),
            (IntentEvent.ATTEMPT_RECORDED, IntentEvent.FOUND_CHANGED),
            (IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED),
        ],
    )
    def test_is_held_by_every_open_state_but_kept_here(
        self, cache: Cache, events: tuple[IntentEvent, ...]
    ) -> None:
        cache.desk.act("priority", [KEY], {"to": "urgent"}, NOW)
        if events:
            close(cache, events[-1], *events[:-1])
        cache.pull(version(2))
        assert cache.base("Task/t1").version == "1"

    def test_that_is_kept_here_follows_the_server_and_shows_the_decision_over_it(
        self, cache: Cache
    ) -> None:
        cache.desk.act("snooze", [KEY], {"until": "3bd"}, NOW)
        close(cache, IntentEvent.UNSUPPORTED)
        cache.pull(version(2, description="Visit"))
        assert cache.base("Task/t1").version == "2"
        row = cache.row(KEY)
        assert (row.title, row.unit, row.sync) == ("Visit", "sleep", "kept_here")


MALFORMED: list[Any] = [
    None,
    7,
    "text",
    [],
    [1, [2]],
    {},
    {"resourceType": "Task"},
    {"resourceType": 5, "id": "x"},
    {"resourceType": "Task", "id": {"a": 1}},
    {"resourceType": "Task", "id": "no/such id"},
    {"resourceType": "Task", "id": "x" * 5000},
    {"resourceType": "T" * 5000, "id": "long"},
    {"resourceType": "Task", "id": "list", "status": ["requested"]},
    {"resourceType": "Task", "id": "for", "for": [ref(CLIENT)]},
    {"resourceType": "Task", "id": "meta", "meta": [1], "for": ref(CLIENT), "status": "requested"},
    {"resourceType": "Task", "id": "focus", "focus": {"reference": "Task/focus"}},
    {"resourceType": "Task", "id": "\ud800", "for": ref(CLIENT)},
    jsontext.loads('{"resourceType":"Task","id":"twice","status":"draft","status":"ready"}'),
]


class TestWhatIsMalformed:
    def test_is_kept_and_stops_nothing(self, cache: Cache) -> None:
        saved = cache.pull(*MALFORMED, version(2, description="after all of them"))
        assert saved.changed == len(MALFORMED) + 1
        assert cache.row(KEY).title == "after all of them"

    def test_is_named_with_what_is_wrong_and_without_its_content(self, cache: Cache) -> None:
        cache.pull(*MALFORMED)
        with cache.session.engine().connect() as connection:
            named: dict[str, str] = dict(
                connection.exec_driver_sql(
                    "SELECT type || '/' || id, trouble FROM resource WHERE trouble <> ''"
                ).all()
            )
        assert named["Task/list"] == "its status is not a code"
        assert named["Task/for"] == "its client is not a reference"
        assert "element twice" in named["Task/twice"]
        told = [one.what for one in cache.session.doctor()]
        for key in ("list", "for", "twice"):
            (line,) = [one for one in told if f"Task/{key}" in one]
            assert named[f"Task/{key}"] in line

    def test_comes_back_as_it_came(self, cache: Cache) -> None:
        cache.pull(*MALFORMED)
        with cache.session.engine().connect() as connection:
            kept = [
                body
                for (body,) in connection.exec_driver_sql("SELECT body FROM resource")
                if jsontext.loads(body) in MALFORMED
            ]
        assert len(kept) == len(MALFORMED)

    def test_is_the_same_when_it_comes_again(self, cache: Cache) -> None:
        cache.pull(*MALFORMED)
        assert cache.pull(*MALFORMED).changed == 0


class TestReferences:
    def test_to_what_is_not_here_are_named(self, cache: Cache) -> None:
        saved = cache.pull(task("t2", **{"for": ref("Patient/new"), "owner": ref("Device/x")}))
        assert saved.missing == {"Patient/new"}

    def test_that_the_server_did_not_give_are_not_asked_for_again(self, cache: Cache) -> None:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).removals.record_absent(
                ["Patient/new"], "not given", NOW
            )
        assert cache.pull(task("t2", **{"for": ref("Patient/new")})).missing == set()

    def test_that_turn_up_after_all_are_kept(self, cache: Cache) -> None:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).removals.record_absent(
                ["Patient/new"], "not given", NOW
            )
        cache.pull({"resourceType": "Patient", "id": "new", "name": [{"text": "Ines"}]})
        assert cache.base("Patient/new").body is not None

    def test_that_a_page_left_open_are_remembered_until_they_were_asked_for(
        self, cache: Cache
    ) -> None:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).sync_state.enqueue_fetch(
                {"Patient/a", "Patient/b"}, ()
            )
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).sync_state.enqueue_fetch(
                {"Patient/c"}, ["Patient/a"]
            )
            assert SqliteSourceRepository(connection, SOURCE).sync_state.references_to_fetch() == (
                "Patient/b",
                "Patient/c",
            )
            assert (
                SqliteSourceRepository(connection, "another").sync_state.references_to_fetch() == ()
            )
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).sync_state.enqueue_fetch(
                {"Patient/a", "Patient/b"}, ["Patient/b"]
            )
            assert SqliteSourceRepository(connection, SOURCE).sync_state.references_to_fetch() == (
                "Patient/a",
                "Patient/c",
            )

    def test_that_are_refreshed_only_where_known_add_nothing(self, cache: Cache) -> None:
        page = [{"resourceType": "Patient", "id": key} for key in ("c1", "stranger")]
        with writing(cache.session.engine()) as connection:
            mirror = SqliteSourceRepository(connection, SOURCE).mirror
            saved = mirror.save([*page, None], NOW, known_only=True)
            assert mirror.base("Patient", "c1").body == page[0]
            assert mirror.base("Patient", "stranger").body is None
        assert saved.changed == 1


class TestTheAuditLog:
    def test_has_one_row_an_act_and_is_whole(self, cache: Cache) -> None:
        for number in range(5):
            cache.desk.act("note", [KEY], {"text": str(number)}, NOW + timedelta(minutes=number))
        cache.desk.undo(NOW)
        with cache.session.engine().connect() as connection:
            assert audit.first_break(connection) is None
        assert [row[3] for row in sorted(cache.table("audit"))] == ["note"] * 5 + ["undo"]

    @pytest.mark.parametrize(
        ("deed", "found"),
        [
            ("UPDATE audit SET action = 'done' WHERE seq = 2", 2),
            ("UPDATE audit SET at = '2026-03-09T15:00:00+00:00' WHERE seq = 3", 3),
            ("UPDATE audit SET actor = 'Practitioner/noel' WHERE seq = 1", 1),
            ("UPDATE audit SET item_key = '', group_id = item_key || group_id WHERE seq = 2", 2),
            ("DELETE FROM audit WHERE seq = 2", 3),
            ("DELETE FROM audit WHERE seq = 1", 2),
            ("UPDATE audit SET hash = 'x' WHERE seq = 4", 4),
        ],
    )
    def test_shows_where_it_was_changed(self, cache: Cache, deed: str, found: int) -> None:
        for number in range(4):
            cache.desk.act("note", [KEY], {"text": str(number)}, NOW)
        with writing(cache.session.engine()) as connection:
            connection.exec_driver_sql(deed)
        with cache.session.engine().connect() as connection:
            assert audit.first_break(connection) == found
        assert f"The audit log was changed at row {found}." in [
            one.what for one in cache.session.doctor() if one.level == "problem"
        ]

    def test_holds_no_name_of_a_client(self, cache: Cache) -> None:
        cache.desk.act("note", [KEY], {"text": "about Amara"}, NOW)
        assert "Amara" not in repr(cache.table("audit"))
        assert "OKAFOR" not in repr(cache.table("audit"))


def test_an_intent_is_closed_for_good_when_it_ends(cache: Cache) -> None:
    cache.desk.act("note", [KEY], {"text": "x"}, NOW)
    close(cache, IntentEvent.ACKNOWLEDGED, IntentEvent.ATTEMPT_RECORDED)
    (intent,) = cache.intents()
    assert intent.state is IntentState.ACKNOWLEDGED
    with cache.session.engine().connect() as connection:
        assert IntentQueries(connection).open() == []
