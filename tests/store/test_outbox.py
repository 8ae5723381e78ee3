"""The outbox on disk: nothing is deleted, and nothing changes but by a legal step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.intents import (
    TRANSITIONS,
    ClientIdentity,
    IllegalStep,
    IntentEvent,
    IntentKind,
    IntentState,
)
from carequeue.fhir import jsontext
from carequeue.store.engine import writing
from carequeue.store.intent_queries import IntentQueries
from carequeue.store.source_repository import SqliteSourceRepository
from tests.fhir.clinic import DANA, NOW, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.sync.parts import accept, create, decision, note, urgent


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path_factory.mktemp("outbox"), task())
    yield cache
    cache.close()


@pytest.fixture
def cache(shared: Cache) -> Cache:
    """A cache whose outbox is empty."""
    with writing(shared.session.engine()) as connection:
        connection.exec_driver_sql("DELETE FROM intent")
        connection.exec_driver_sql("DELETE FROM attempt")
    return shared


ILLEGAL = [
    (state, event)
    for state in IntentState
    for event in IntentEvent
    if (state, event) not in TRANSITIONS
]


class TestAStep:
    @pytest.mark.parametrize(("state", "event"), ILLEGAL, ids=str)
    def test_that_cannot_be_changes_nothing_on_disk(
        self, cache: Cache, state: IntentState, event: IntentEvent
    ) -> None:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append(
                [replace(accept(), state=state, words="as it was")]
            )
        before = cache.table("intent")
        with writing(cache.session.engine()) as connection:
            (intent,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids(["i1"])
            with pytest.raises(IllegalStep):
                SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                    intent, event, "other words", NOW
                )
        assert cache.table("intent") == before

    @pytest.mark.parametrize("pair", list(TRANSITIONS), ids=str)
    def test_that_can_be_is_kept_with_the_words_that_came_with_it(
        self, cache: Cache, pair: tuple[IntentState, IntentEvent]
    ) -> None:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append(
                [replace(accept(), state=pair[0])]
            )
            (intent,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids(["i1"])
            SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                intent, pair[1], "the server’s words", NOW
            )
        (intent,) = cache.intents()
        assert (intent.state, intent.words) == (TRANSITIONS[pair], "the server’s words")


class TestSettles:
    def settles(self, cache: Cache, *happenings: tuple[IntentEvent, bool]) -> int:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append([accept()])
            for event, counts in happenings:
                (intent,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids(["i1"])
                SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                    intent, event, "", NOW, counts
                )
        return cache.intents()[0].settles

    def test_are_counted_until_there_is_progress(self, cache: Cache) -> None:
        again = [(IntentEvent.ATTEMPT_RECORDED, True), (IntentEvent.FOUND_NOT_APPLIED, True)]
        assert self.settles(cache, *again, *again, *again) == 3

    def test_are_not_counted_where_there_was_no_network(self, cache: Cache) -> None:
        again = [(IntentEvent.ATTEMPT_RECORDED, True), (IntentEvent.FOUND_NOT_APPLIED, False)]
        assert self.settles(cache, *again, *again) == 0

    def test_begin_anew_when_a_person_asks_for_another_try(self, cache: Cache) -> None:
        again = [(IntentEvent.ATTEMPT_RECORDED, True), (IntentEvent.FOUND_NOT_APPLIED, True)]
        asked = [(IntentEvent.REFUSED, True), (IntentEvent.RETRIED, True)]
        assert self.settles(cache, *again, *asked) == 0


class TestADecision:
    @given(
        text=st.text(max_size=50),
        number=st.sampled_from(["1.50", "12345678901234567890", "-0", "1E+2"]),
    )
    def test_comes_back_as_it_was_put_in(self, shared: Cache, text: str, number: str) -> None:
        resource = {"resourceType": "Task", "description": text, "x": jsontext.loads(number)}
        intent = replace(
            decision(IntentKind.CREATE, f"i-{id(text)}", resource=resource),
            seen={"status": "draft", "note[x]": [{"text": text}]},
            after="i0",
            inverse_of="group-0",
            window="w1",
            client=ClientIdentity(
                "Patient/c1",
                (("urn:mrn", text),),
                text,
                ("ServiceRequest/r1",),
                "own",
                assumed=True,
            ),
            cause="c",
        )
        with shared.session.engine().begin() as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append([intent])
            (found,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids([intent.id])
            connection.rollback()
        assert replace(found, seq=intent.seq) == intent

    def test_is_marked_with_the_attempt_before_it_leaves(self, cache: Cache) -> None:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append([accept("i1"), urgent("i2")])
            both = SqliteSourceRepository(connection, SOURCE).outbox.by_ids(["i1", "i2"])
            SqliteSourceRepository(connection, SOURCE).outbox.record_attempt(
                both, "PUT", "Task/t1", 'W/"3"', NOW
            )
        assert {intent.state for intent in cache.intents()} == {IntentState.IN_DOUBT}
        assert {intent.attempts for intent in cache.intents()} == {1}
        (attempt,) = cache.table("attempt")
        assert attempt[1:] == ('["i1", "i2"]', "PUT", "Task/t1", 'W/"3"', NOW.isoformat(), "")

    def test_keeps_its_place_in_the_order_of_the_person(self, cache: Cache) -> None:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append([note("i3"), note("i1")])
            SqliteSourceRepository(connection, SOURCE).outbox.append([note("i2")])
            found = SqliteSourceRepository(connection, SOURCE).outbox.open_on("Task", "t1")
        assert [one.id for one in found] == ["i3", "i1", "i2"]

    def test_can_wait_for_its_time(self, cache: Cache) -> None:
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append([note("i1"), note("i2")])
            SqliteSourceRepository(connection, SOURCE).outbox.postpone(
                ["i1"], NOW + timedelta(minutes=1)
            )
            assert SqliteSourceRepository(connection, SOURCE).outbox.not_before() == {
                "i1": NOW + timedelta(minutes=1)
            }
            SqliteSourceRepository(connection, SOURCE).outbox.postpone(["i1"], None)
            assert SqliteSourceRepository(connection, SOURCE).outbox.not_before() == {}


class TestTheLastGroup:
    def test_is_the_persons_own_and_not_taken_back_yet(self, cache: Cache) -> None:
        hers = [create("i1"), note("i2")]
        inverse = replace(note("i4"), group="undo-2", inverse_of="group-i2")
        his = replace(note("i3"), author="Practitioner/noel")
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append([*hers, his])
            assert IntentQueries(connection).last_group(DANA) == "group-i2"
            SqliteSourceRepository(connection, SOURCE).outbox.append([inverse])
            assert IntentQueries(connection).last_group(DANA) == "group-i1"
            (undoing,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids(["i4"])
            SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                undoing, IntentEvent.DROPPED, "", NOW
            )
            assert IntentQueries(connection).last_group(DANA) == "group-i2"
            (second,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids(["i2"])
            SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                second, IntentEvent.DROPPED, "", NOW
            )
            assert IntentQueries(connection).last_group(DANA) == "group-i1"
            (first,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids(["i1"])
            SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                first, IntentEvent.DROPPED, "", NOW
            )
            assert IntentQueries(connection).last_group(DANA) == ""


def test_what_takes_back_a_change_of_a_deeply_nested_element_can_be_read(
    cache: Cache,
) -> None:
    """As deep as a resource may be: in the decision it stands some levels deeper."""
    owner: object = "x"
    for _ in range(jsontext.MAX_DEPTH - 1):
        owner = {"a": owner}
    undone = decision(IntentKind.RESTORE, unit=["owner"], values={"owner": owner})
    with writing(cache.session.engine()) as connection:
        SqliteSourceRepository(connection, SOURCE).outbox.append([undone])
        (found,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids([undone.id])
    assert found.args == undone.args
