"""One's own acts: newest first, in the words of the verbs, with their state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from carequeue.domain.intents import IntentEvent
from carequeue.store.engine import quick, writing
from carequeue.store.intent_queries import IntentQueries
from carequeue.store.intent_rows import new_row
from carequeue.store.tables import IntentRow, table
from carequeue.worklist.history import NEWEST
from carequeue.worklist.results import PastAct
from tests.fhir.clinic import DANA, NOW, ref, task
from tests.store.cache import Cache
from tests.sync.parts import note
from tests.worklist.test_undo import happened
from tests.worklist.world import DISCHARGE, FOLLOW_UP, LONE, REFERRAL, queue, send


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


def acts(cache: Cache) -> list[PastAct]:
    return list(cache.desk.undos.history(NOW).acts)


def states(cache: Cache) -> list[str]:
    return [act.state for act in acts(cache)]


def test_are_listed_newest_first_with_client_time_and_group(cache: Cache) -> None:
    assert acts(cache) == []
    cache.desk.act("accept", [LONE], {}, NOW)
    noted = cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW + timedelta(minutes=1))
    newest, oldest = acts(cache)
    assert newest == PastAct(
        noted.group, NOW + timedelta(minutes=1), "OKAFOR, Amara J", "Noted: Called", "waiting",
        "It waits to be sent.", FOLLOW_UP,
    )  # fmt: skip
    assert (oldest.did, oldest.at) == ("Accepted", NOW)


def test_say_to_whom_an_act_of_several_changes_went(cache: Cache) -> None:
    cache.desk.act("refer", ["main:Patient/c1"], {"text": "Bed", "to": "County Shelter"}, NOW)
    assert acts(cache)[0].did == "Referred to County Shelter"
    cache.desk.act("claim", [DISCHARGE], {}, NOW)
    assert acts(cache)[0].did == "Claimed"


def test_an_act_on_several_items_is_one_line(cache: Cache) -> None:
    cache.desk.act("note", [FOLLOW_UP, REFERRAL], {"text": "Called"}, NOW)
    (act,) = acts(cache)
    assert (act.client, act.did) == ("2 items", "Noted: Called")


class TestThePages:
    def test_follow_each_other_to_the_first_act(self, cache: Cache) -> None:
        for number in range(5):
            cache.desk.act("note", [FOLLOW_UP], {"text": str(number)}, NOW)
        pages, before = [], NEWEST
        while before:
            page = cache.desk.undos.history(NOW, before, 2)
            cache.desk.act("note", [REFERRAL], {"text": "meanwhile"}, NOW)
            pages.append([act.did for act in page.acts])
            before = page.before
        assert pages == [["Noted: 4", "Noted: 3"], ["Noted: 2", "Noted: 1"], ["Noted: 0"]]

    def test_cost_no_more_however_long_the_history_is(self, cache: Cache) -> None:
        assert abs(steps_of_a_page(cache, 20_000) - steps_of_a_page(cache, 200)) < 10


def steps_of_a_page(cache: Cache, acts: int) -> int:
    """How many hundred steps SQLite takes for the first page after so many more acts."""
    taken = 0

    def step() -> int:
        nonlocal taken
        taken += 1
        return 0

    with writing(cache.session.engine()) as connection:
        rows = [
            new_row(replace(note("n"), id=f"{acts}-{n}", group=f"{acts}-{n}")) for n in range(acts)
        ]
        connection.execute(insert(table(IntentRow)), rows)
        raw = quick(connection)
        raw.set_progress_handler(step, 100)
        heads = IntentQueries(connection).groups_before(DANA, before=NEWEST, limit=100)
        groups = [head.group for head in heads]
        IntentQueries(connection).of_first_items(groups)
        IntentQueries(connection).states_of(groups)
        raw.set_progress_handler(None, 100)
    assert len(heads) == 100
    return taken


class TestTheState:
    @pytest.mark.parametrize(
        ("events", "state"),
        [
            ((), "waiting"),
            ((IntentEvent.UNSUPPORTED,), "local only"),
            ((IntentEvent.ATTEMPT_RECORDED,), "checking"),
            ((IntentEvent.ATTEMPT_RECORDED, IntentEvent.FOUND_CHANGED), "conflict"),
            ((IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED), "refused"),
            ((IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED), "sent"),
        ],
    )
    def test_is_that_of_the_outbox(
        self, cache: Cache, events: tuple[IntentEvent, ...], state: str
    ) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        for event in events:
            happened(cache, event)
        assert states(cache) == [state]

    def test_of_a_refused_act_has_the_words_of_the_server(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        happened(cache, IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED)
        assert acts(cache)[0].note == "The server refused it: their words."

    def test_of_an_act_on_several_that_was_undone_in_part_counts_the_items(
        self, cache: Cache
    ) -> None:
        cache.desk.act("priority", [FOLLOW_UP, REFERRAL], {"to": "stat"}, NOW)
        send(cache)
        cache.pull(task("t1", owner=ref(DANA), priority="asap", version="10"))
        cache.desk.undo(NOW)
        (act,) = acts(cache)
        assert act.state == "partly undone"
        assert act.note == "Undone on 1 of 2 items; the undo waits to be sent."

    @pytest.mark.parametrize(
        ("events", "note"),
        [
            ((), "Undone; the undo waits to be sent."),
            ((IntentEvent.ATTEMPT_RECORDED,), "Undone; the undo is being checked with the server."),
            (
                (IntentEvent.ATTEMPT_RECORDED, IntentEvent.REFUSED),
                "Undone, but the server refused the undo: x in the queue.",
            ),
            (
                (IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED),
                "Undone; the server has the undo.",
            ),
        ],
    )
    def test_of_an_undone_act_says_where_its_undo_stands(
        self, cache: Cache, events: tuple[IntentEvent, ...], note: str
    ) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(cache)
        cache.desk.undo(NOW)
        for event in events:
            happened(cache, event)
        (act,) = acts(cache)
        assert (act.state, act.note) == ("undone", note)

    def test_is_undone_before_and_after_sending_and_the_undo_is_no_line(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        cache.desk.undo(NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
        send(cache)
        cache.desk.undo(NOW)
        assert states(cache) == ["undone", "undone"]
        cache.desk.undos.redo(NOW)  # the undo had not left
        assert states(cache) == ["sent", "undone"]


def test_an_act_is_undone_by_its_group(cache: Cache) -> None:
    cache.desk.act("note", [FOLLOW_UP], {"text": "Called"}, NOW)
    cache.desk.act("accept", [REFERRAL], {}, NOW)
    cache.desk.undo(NOW, acts(cache)[1].group)
    assert states(cache) == ["waiting", "undone"]
