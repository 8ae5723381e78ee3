"""The outbox as pending resources: which waits for which, and what a push saves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from carequeue.domain.intents import Intent, IntentEvent, IntentKind, IntentState
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push import messages as m
from carequeue.sync.push.pending import BEHIND, PAUSE, save_changes
from tests.fhir.clinic import NOW, task
from tests.store.cache import SOURCE, Cache, clinic_of_dana
from tests.sync.outbox import file, happened, keep, lanes
from tests.sync.parts import accept, create, decision, note


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path, task("t1"), task("t2"))
    yield cache
    cache.close()


class TestASettleThatFoundNothingOut:
    @pytest.mark.parametrize("left", [True, False])
    def test_counts_and_leaves_the_decision_where_it_was(self, cache: Cache, left: bool) -> None:
        file(cache, note("i1", "t1"))
        if left:
            happened(cache, "i1", IntentEvent.ATTEMPT_RECORDED)
        (one,) = lanes(cache).values()
        (before,) = one.intents
        outcome = m.IntentOutcome(before, IntentEvent.FOUND_NOT_APPLIED, "a web page")
        keep(cache, m.Change(one.key, (outcome,), read_failed=True))
        (after,) = cache.intents()
        assert (after.state, after.settles, after.words) == (before.state, 1, "a web page")


class TestWhatRefersToWhatIsYetToBeCreated:
    def about(self, reference: str, key: str = "i2", seq: int = 2) -> Intent:
        resource = task("own-2", basedOn=[{"reference": reference}])
        return decision(IntentKind.CREATE, key, "own-2", seq, resource=resource)

    def test_waits_for_it(self, cache: Cache) -> None:
        file(cache, create("i1", "own-1"), self.about("Task/own-1"))
        found = lanes(cache)
        assert found["Task/own-1"].waits_for == frozenset()
        assert found["Task/own-2"].waits_for == {"i1"}

    def test_waits_also_while_a_person_is_asked_about_it(self, cache: Cache) -> None:
        file(cache, create("i1", "own-1"), self.about("Task/own-1"))
        happened(cache, "i1", IntentEvent.REFUSED)
        assert lanes(cache)["Task/own-2"].waits_for == {"i1"}

    @pytest.mark.parametrize(
        "events",
        [(IntentEvent.UNSUPPORTED,), (IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED)],
    )
    def test_does_not_wait_for_what_is_kept_here_or_is_there(
        self, cache: Cache, events: tuple[IntentEvent, ...]
    ) -> None:
        file(cache, create("i1", "own-1"), self.about("Task/own-1"))
        happened(cache, "i1", *events)
        assert lanes(cache)["Task/own-2"].waits_for == frozenset()

    def test_and_what_names_the_servers_own_waits_for_nothing(self, cache: Cache) -> None:
        file(cache, create("i1", "own-1"), self.about("Task/t1"), accept("i3", "t1", seq=3))
        assert all(not one.waits_for for one in lanes(cache).values())

    def test_never_waits_for_what_waits_for_it(self, cache: Cache) -> None:
        """A Task of ours, a contact that names it, and the Task is completed after the contact."""
        done = decision(IntentKind.SET_STATUS, "i3", "own-1", 3, to="completed")
        completed = replace(done, after="i2")
        file(cache, create("i1", "own-1"), self.about("Task/own-1"), completed)
        found = lanes(cache)
        assert [intent.id for intent in found["Task/own-1"].intents] == ["i1"]
        assert found["Task/own-1"].waits_for == frozenset()
        assert found["Task/own-2"].waits_for == {"i1"}
        happened(cache, "i1", IntentEvent.ATTEMPT_RECORDED, IntentEvent.ACKNOWLEDGED)
        found = lanes(cache)
        assert found["Task/own-2"].waits_for == frozenset()
        assert found["Task/own-1"].waits_for == {"i2"}


class TestWhatIsKeptHere:
    def test_is_loaded_with_its_row_and_holds_nothing_up(self, cache: Cache) -> None:
        file(cache, accept("i1", "t1"), note("i2", "t1", seq=2))
        happened(cache, "i1", IntentEvent.UNSUPPORTED)
        (one,) = lanes(cache).values()
        assert ([i.id for i in one.local_only], [i.id for i in one.intents]) == (["i1"], ["i2"])

    def test_is_not_looked_at_behind_what_a_person_is_asked_about(self, cache: Cache) -> None:
        file(cache, accept("i1", "t1"), accept("i2", "t1", seq=2))
        happened(cache, "i1", IntentEvent.ATTEMPT_RECORDED, IntentEvent.FOUND_CHANGED)
        happened(cache, "i2", IntentEvent.UNSUPPORTED)
        assert lanes(cache) == {}

    def test_goes_to_the_queue_and_on_from_there_in_one_transaction(self, cache: Cache) -> None:
        file(cache, accept("i1", "t1"))
        happened(cache, "i1", IntentEvent.UNSUPPORTED)
        (one,) = lanes(cache).values()
        (kept,) = one.local_only
        queued = replace(kept, state=IntentState.QUEUED)
        outcomes = (
            m.IntentOutcome(kept, IntentEvent.SUPPORTED_NOW),
            m.IntentOutcome(queued, IntentEvent.FOUND_CHANGED, "changed"),
        )
        keep(cache, m.Change(one.key, outcomes))
        (after,) = cache.intents()
        assert (after.state.value, after.words) == ("conflict", "changed")

    def test_keeps_the_words_that_say_why_while_the_server_is_busy(self, cache: Cache) -> None:
        file(cache, accept("i1", "t1"), note("i2", "t1", seq=2))
        happened(cache, "i1", IntentEvent.UNSUPPORTED)
        (one,) = lanes(cache).values()
        until = NOW + timedelta(minutes=1)
        keep(cache, m.Change(one.key, not_before=until, words="busy", busy=True))
        kept, queued = cache.intents()
        assert (kept.words, kept.busy, queued.words, queued.busy) == ("", 0, "busy", 1)
        assert next(iter(lanes(cache).values())).not_before == until


class TestWhatAPushLearns:
    def keep(self, cache: Cache, save: m.SaveChanges) -> None:
        with writing(cache.session.engine()) as connection:
            save_changes(SqliteSourceRepository(connection, SOURCE), save, NOW)

    def test_is_remembered_and_until_when_the_source_is_left_alone(self, cache: Cache) -> None:
        self.keep(cache, m.SaveChanges((), NOW + timedelta(minutes=2), {"batch_size": "25"}))
        with cache.session.engine().connect() as connection:
            rows = SqliteSourceRepository(connection, SOURCE)
            assert rows.sync_state.observed()["batch_size"] == "25"
            assert rows.sync_state.get_meta(PAUSE) == (NOW + timedelta(minutes=2)).isoformat()

    def test_counts_busy_answers_in_a_row_until_another_kind_of_answer(self, cache: Cache) -> None:
        file(cache, accept("i1", "t1"))
        happened(cache, "i1", IntentEvent.ATTEMPT_RECORDED)
        key = ("Task", "t1")
        for _ in range(3):
            self.keep(
                cache, m.SaveChanges((m.Change(key, not_before=NOW, words="busy", busy=True),))
            )
        assert cache.intents()[0].busy == 3
        happened(cache, "i1", IntentEvent.FOUND_NOT_APPLIED, IntentEvent.ATTEMPT_RECORDED)
        assert cache.intents()[0].busy == 0

    def test_is_said_by_what_waits_behind_a_decision_that_was_not_taken(self, cache: Cache) -> None:
        file(cache, create("i1", "own-1"), note("i2", "own-1", seq=2), accept("i3", "t1", seq=3))
        one = lanes(cache)["Task/own-1"]
        first = one.intents[0]
        self.keep(
            cache,
            m.SaveChanges(
                (m.Change(one.key, (m.IntentOutcome(first, IntentEvent.REFUSED, "no"),)),)
            ),
        )
        assert [intent.words for intent in cache.intents()] == ["no", BEHIND, ""]
