"""The projection is nothing of its own: dropped and made anew it is the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carequeue.domain.intents import Intent, IntentEvent, IntentState
from carequeue.store import queue_items
from carequeue.store.engine import writing
from carequeue.store.intent_queries import IntentQueries
from carequeue.store.outbox import SourceOutbox
from carequeue.store.queue_window import Tab
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.verbs.offers import names_of
from carequeue.wiring import Session, practice_session
from tests.fhir.clinic import (
    CLIENT,
    DIRECTORY,
    NOW,
    PATIENT,
    contact,
    handoff,
    referral,
    request,
    stay,
    task,
)
from tests.servers.controlled_clinic import ControlledClinic
from tests.store.cache import SOURCE, Cache, clinic_of_dana

#: A Tuesday in winter, ten in the morning at the clinic.
MORNING: Final = datetime(2026, 2, 10, 16, tzinfo=UTC)
_E = IntentEvent
#: How an intent that waits comes into each of the open states.
WAYS: Final[dict[IntentState, tuple[IntentEvent, ...]]] = {
    IntentState.QUEUED: (),
    IntentState.IN_DOUBT: (_E.ATTEMPT_RECORDED,),
    IntentState.CONFLICT: (_E.ATTEMPT_RECORDED, _E.FOUND_CHANGED),
    IntentState.NEEDS_ATTENTION: (_E.ATTEMPT_RECORDED, _E.REFUSED),
    IntentState.LOCAL_ONLY: (_E.UNSUPPORTED,),
    IntentState.ACKNOWLEDGED: (_E.ATTEMPT_RECORDED, _E.ACKNOWLEDGED),
    IntentState.UNDONE: (_E.DROPPED,),
}


class Clock:
    """The time as the person sees it."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Clock]]:
    """A practice clinic as it was synced, with decisions in every state of an intent on it."""
    clock = Clock()
    folder = tmp_path_factory.mktemp("practice")
    with (
        ControlledClinic(seed=11, clients=120, now=MORNING.isoformat()) as clinic,
        practice_session(clinic.base, clinic.token, clinic.me, folder, clock) as session,
    ):
        assert session.sync_once().ok
        for verb, answers in (
            ("note", {"text": "Called"}),
            ("snooze", {"until": "3bd"}),
            ("claim", {}),
            ("log", {"outcome": "no answer"}),
            ("new", {"text": "Call the school", "until": "2bd"}),
            ("done", {"met": "client was seen"}),
        ):
            for way in WAYS.values():
                act_and_then(session, verb, answers, way)
        yield session, clock


def act_and_then(
    session: Session, verb: str, answers: dict[str, str], way: tuple[IntentEvent, ...]
) -> None:
    """An act on a row that nobody has touched yet, and what happens to it."""
    rows = session.desk.window(Tab.ALL, "", 0, 1000)
    key = next(row.key for row in rows if verb in names_of(row.verbs) and not row.sync)
    group = session.desk.act(verb, [key], answers, session.now()).group
    with writing(session.engine()) as connection:
        charts = set()
        for event in way:
            for intent in IntentQueries(connection).in_group(group):
                SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                    intent, event, "the server’s words", session.now()
                )
                charts.add((intent.source, intent.chart))
        session.projector().project(connection, charts, session.now())


def everything(session: Session) -> tuple[list[Any], list[Any]]:
    """Every column of every row, and the counts that are not zero."""
    with session.engine().connect() as connection:
        items = connection.exec_driver_sql("SELECT * FROM item ORDER BY key").all()
        counts = connection.exec_driver_sql(
            "SELECT * FROM tally WHERE count <> 0 ORDER BY tab, band"
        ).all()
    return [tuple(row) for row in items], [tuple(row) for row in counts]


def anew(session: Session) -> None:
    """Drop the projection, and make it from the mirror and the outbox."""
    with writing(session.engine()) as connection:
        connection.exec_driver_sql("DELETE FROM item")
        connection.exec_driver_sql("DELETE FROM tally")
        session.projector().rebuild(connection, session.now())


class TestMadeAnew:
    def test_it_is_the_same_in_every_column(self, synced: tuple[Session, Clock]) -> None:
        session, _ = synced
        before = everything(session)
        states = {row.sync for row in session.desk.window(Tab.WHOLE, "", 0, 1000)}
        assert states == {"", "waiting", "checking", "conflict", "needs_you", "kept_here"}
        anew(session)
        assert everything(session) == before

    @pytest.mark.parametrize("hours", [1, 5, 24, 24 * 3, 24 * 30])
    def test_it_is_what_time_has_made_of_it(
        self, synced: tuple[Session, Clock], hours: int
    ) -> None:
        """Only the rows that have crossed their instant are recomputed, and none is forgotten."""
        session, clock = synced
        try:
            clock.now = MORNING + timedelta(hours=hours)
            session.desk.refresh(clock.now)
            before = everything(session)
            anew(session)
            assert everything(session) == before
        finally:
            clock.now = MORNING
            anew(session)

    def test_nothing_changes_where_nothing_has(self, synced: tuple[Session, Clock]) -> None:
        session, clock = synced
        with writing(session.engine()) as connection:
            assert not session.projector().rebuild(connection, clock.now)


class TestTheCounts:
    def test_are_those_of_the_rows(self, synced: tuple[Session, Clock]) -> None:
        session, _ = synced
        with session.engine().connect() as connection:
            counted = queue_items.counted(connection)
        kept = {(view, band): count for view, band, count in everything(session)[1]}
        assert kept == dict(counted)

    def test_stay_those_of_the_rows_through_acts_and_time_and_taking_back(
        self, tmp_path: Path
    ) -> None:
        cache = clinic_of_dana(tmp_path, task("t1"), task("t2"), referral(), request())
        steps: list[Callable[[], object]] = [
            lambda: cache.desk.act("snooze", ["main:Task/t2"], {"until": "3bd"}, cache.instant),
            lambda: cache.desk.act("done", ["main:Task/t1"], {}, cache.instant),
            lambda: cache.desk.undo(cache.instant),
            lambda: cache.pull(task("t1", status="completed"), task("t5"), task("t6")),
            lambda: cache.later(days=4),
            lambda: cache.desk.refresh(cache.instant),
            lambda: cache.pull(*(task(f"t{number}", status="cancelled") for number in (5, 6))),
        ]
        for step in steps:
            step()
            with cache.session.engine().connect() as connection:
                counted = dict(queue_items.counted(connection))
            kept = {(view, band): count for view, band, count in everything(cache.session)[1]}
            assert kept == counted
        cache.close()


class TestTheOrder:
    def test_does_not_depend_on_what_came_first(self, tmp_path: Path) -> None:
        """Ties are broken by what the server says, so that two people see one order."""
        resources = [
            *(task(f"t{number}") for number in range(9)),
            request(),
            referral(id="t9"),
            stay(),
        ]
        orders = []
        for number, sequence in enumerate((resources, resources[::-1])):
            cache = clinic_of_dana(tmp_path / str(number))
            for one in sequence:
                cache.pull(one)
            orders.append([row.key for row in cache.rows()])
            cache.close()
        assert orders[0] == orders[1]
        assert len(orders[0]) > 9


_HOSTILE: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [None, 7, True, [], {}, "", "\ud800", "\x1b]52;c;x\x07", "‮", "[/red]", "9" * 5000,
     [[]], {"reference": "Patient/c1"}, {"reference": 5}, ["x"], "2026-13-45", "9999-12-31",
     "0001-01-01T00:00:00+14:00", {"coding": "x"}, [{"coding": [None, 5]}], {"text": "\ud800"}]
)  # fmt: skip


def profile_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a resource."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for name, part in inner:
        found.append((*path, name))
        if isinstance(part, dict | list):
            found += profile_paths(part, (*path, name))
    return found


def altered(resource: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The resource with another value at a place."""
    changed = deepcopy(resource)
    inner: Any = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


WORLD: Final = [
    task("t1", note=[{"text": "x"}], owner={"reference": "Practitioner/dana"}, priority="urgent"),
    referral(id="t2"),
    request(),
    handoff(),
    stay(),
    PATIENT,
    *DIRECTORY,
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path_factory.mktemp("hostile"))
    yield cache
    cache.close()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_server_sends_is_kept_and_the_queue_goes_on(
    hostile: Cache, data: st.DataObject
) -> None:
    """One malformed element must not hide the other rows, nor stop the pull."""
    at = data.draw(st.integers(0, len(WORLD) - 1))
    path = data.draw(st.sampled_from(profile_paths(WORLD[at])))
    broken = altered(WORLD[at], path, data.draw(_HOSTILE))
    hostile.pull(*WORLD[:at], broken, *WORLD[at + 1 :], task("whole"))
    rows = hostile.rows()
    assert "main:Task/whole" in {row.key for row in rows}
    for row in rows:
        shown = " ".join(str(part) for part in row)
        assert shown.isprintable(), shown
        hostile.desk.detail(row.key, NOW)
    with hostile.session.engine().connect() as connection:
        counted = dict(queue_items.counted(connection))
    assert counted == {(view, band): count for view, band, count in everything(hostile.session)[1]}


def test_a_mother_who_is_fetched_after_her_call_takes_the_row_of_a_minor_out(
    tmp_path: Path,
) -> None:
    cache = clinic_of_dana(tmp_path)
    mother = {
        "resourceType": "RelatedPerson", "id": "r1", "patient": {"reference": CLIENT},
        "relationship": [{"text": "Mother"}],
    }  # fmt: skip
    talk = contact(recipient=[{"reference": "RelatedPerson/r1"}])
    saved = cache.pull({**PATIENT, "birthDate": "2012-02-03"}, stay(), talk)
    assert "RelatedPerson/r1" in saved.missing
    assert [row.key for row in cache.rows()] == ["main:discharge-contact:Encounter/e1"]
    cache.pull(mother)
    assert cache.rows() == []
    cache.pull(PATIENT)  # born in 1990: the mother of an adult
    assert [row.key for row in cache.rows()] == ["main:discharge-contact:Encounter/e1"]
    cache.close()


def test_a_view_is_the_base_with_the_open_decisions_on_it(tmp_path: Path) -> None:
    cache = clinic_of_dana(tmp_path, task("t1", priority="routine"))
    cache.desk.act("priority", ["main:Task/t1"], {"to": "stat"}, NOW)
    with cache.session.engine().connect() as connection:
        view = SqliteSourceRepository(connection, SOURCE).views.resource("Task", "t1")
        base = SqliteSourceRepository(connection, SOURCE).mirror.base("Task", "t1").body
    assert view == {**task("t1"), "priority": "stat"}
    assert base == task("t1", priority="routine")
    cache.close()


def test_the_open_decisions_of_a_chart_are_read_once_for_all_of_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = clinic_of_dana(tmp_path, task("t1"), task("t2"))
    cache.desk.act("note", ["main:Task/t1", "main:Task/t2"], {"text": "Called"}, NOW)
    asked: list[str] = []
    open_in_chart = SourceOutbox.open_in_chart

    def asks(outbox: SourceOutbox, chart: str) -> list[Intent]:
        asked.append(chart)
        return open_in_chart(outbox, chart)

    monkeypatch.setattr(SourceOutbox, "open_in_chart", asks)
    with writing(cache.session.engine()) as connection:
        cache.session.projector().project(connection, [(SOURCE, CLIENT)], NOW)
    assert asked == [CLIENT]
    cache.close()
