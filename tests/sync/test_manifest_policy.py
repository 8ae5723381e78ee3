"""The rules of a count: what differs, what became of a row, when to ask, what to send again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.bundles import Page
from carequeue.sync.manifest.policy import (
    Manifest,
    ManifestReason,
    compare,
    fate,
    first,
    manifest_reason,
    stamps,
)
from carequeue.sync.ports import Absence
from carequeue.sync.pull.search_plan import OVERLAP, Search, scope_fingerprint
from carequeue.sync.restore import recovery
from carequeue.sync.restore.brake import (
    FEW,
    Held,
    HoldKind,
    another_server,
    brake,
    identity,
    store_hold,
    stored_hold,
    too_many,
)
from tests.fhir.clinic import NOW
from tests.simulation.memory import MemoryDisk

TASKS = Search("Task", "Task")
MINE = Search("Task", "Task", (("owner", "Practitioner/1"),))
LONG_AGO = NOW - timedelta(days=3)


def at(minutes: int) -> str:
    return (LONG_AGO + timedelta(minutes=minutes)).isoformat()


class TestWhenToCount:
    READ = NOW.isoformat()

    def counted(self, **span: float) -> Manifest:
        return Manifest((NOW - timedelta(**span)).isoformat(), scope_fingerprint(TASKS))

    @pytest.mark.parametrize(
        ("span", "why"),
        [({"hours": 23}, ManifestReason.NOT_NOW), ({"hours": 24}, ManifestReason.DAILY)],
    )
    def test_is_once_a_day(self, span: dict[str, float], why: ManifestReason) -> None:
        assert manifest_reason(TASKS, self.READ, self.counted(**span), NOW, asked=False) is why

    def test_is_when_a_person_asks(self) -> None:
        count = self.counted(hours=1)
        assert manifest_reason(TASKS, self.READ, count, NOW, asked=True) is ManifestReason.ASKED

    def test_is_when_the_scope_is_another(self) -> None:
        count = self.counted(hours=1)
        assert manifest_reason(MINE, self.READ, count, NOW, asked=False) is ManifestReason.SCOPE

    def test_is_not_before_the_search_was_read_to_its_end(self) -> None:
        assert (
            manifest_reason(TASKS, "", self.counted(days=9), NOW, asked=True)
            is ManifestReason.NOT_NOW
        )

    def test_is_never_of_what_is_only_referred_to(self) -> None:
        clients = Search("Patient", "Patient", known_only=True)
        assert (
            manifest_reason(clients, self.READ, first(clients, LONG_AGO), NOW, True)
            is ManifestReason.NOT_NOW
        )


class TestTheDifference:
    @pytest.mark.parametrize(
        ("here", "there", "found"),
        [
            (("1", at(0)), ("1", at(0)), ""),
            (("1", at(0)), ("2", at(1)), "missed"),
            (("1", at(0)), ("1", at(1)), "missed"),
            (("2", at(1)), ("1", at(0)), "back"),
            (("2", at(1)), ("2", at(0)), "back"),
            (("", at(0)), ("", at(1)), "missed"),
            (("1", ""), ("2", ""), "missed"),
            (("", ""), ("", ""), ""),
            (("1", at(0)), ("1", ""), ""),
            (("1", at(0)), ("1", at(0).replace("+00:00", "Z")), ""),
            (("2", NOW.isoformat()), ("1", at(0)), ""),  # an index may lag
            (("1", "yesterday"), ("1", "2026"), ""),
        ],
    )
    def test_of_one_row(self, here: Any, there: Any, found: str) -> None:
        difference = compare({"a": here}, {"a": there}, NOW)
        assert difference.missing == ()
        assert difference.missed == (("a",) if found == "missed" else ())
        assert difference.back == (("a",) if found == "back" else ())

    def test_of_what_was_deleted_and_is_there_again(self) -> None:
        """Long after: a backup brought it back. Shortly after: an index may lag."""
        there = {"a": ("1", at(0)), "b": ("1", at(0))}
        found = compare({}, there, NOW, {"a": at(1), "b": NOW.isoformat()})
        assert (found.returned, found.missed) == (("a",), ("b",))

    @given(
        ours=st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.just(("1", at(0)))),
        listed=st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.just(("1", at(0)))),
    )
    def test_accounts_for_every_row_once(self, ours: Any, listed: Any) -> None:
        found = compare(ours, listed, NOW)
        assert set(found.missing) == set(ours) - set(listed)
        assert set(found.missed) == set(listed) - set(ours)

    def test_is_made_of_rows_of_its_own_type_with_an_id_that_can_be_asked_for(self) -> None:
        entries: list[Any] = [
            {"resourceType": "Task", "id": "a", "meta": {"versionId": "1", "lastUpdated": at(0)}},
            {"resourceType": "Task", "id": "b", "meta": [7]},
            {"resourceType": "Task", "id": "no/id"},
            {"resourceType": "Task", "id": 7},
            {"resourceType": "Patient", "id": "c"},
        ]
        assert stamps("Task", Page(entries=entries)) == {"a": ("1", at(0)), "b": ("", "")}


class TestTheFateOfARow:
    @pytest.mark.parametrize(
        ("search", "status", "updated", "found"),
        [
            (TASKS, 410, "", Absence.DELETED),
            (TASKS, 404, "", Absence.DELETED),
            (TASKS, 403, "", Absence.FORBIDDEN),
            (TASKS, 400, "", Absence.UNKNOWN),
            (TASKS, 302, "", Absence.UNKNOWN),
            (TASKS, 200, at(0), Absence.HERE),
            (MINE, 200, at(0), Absence.OUT_OF_SCOPE),
            (MINE, 200, "", Absence.OUT_OF_SCOPE),
            (MINE, 200, (NOW - OVERLAP / 2).isoformat(), Absence.HERE),
        ],
    )
    def test_by_how_it_was_answered(
        self, search: Search, status: int, updated: str, found: Absence
    ) -> None:
        assert fate(search, status, updated, NOW) is found


class TestTheBrake:
    @pytest.mark.parametrize(
        ("leaving", "of", "held"),
        [(FEW, 21, False), (FEW + 1, 21, True), (200, 1000, False), (201, 1000, True)],
    )
    def test_holds_for_more_than_a_fifth_and_more_than_a_few(
        self, leaving: int, of: int, held: bool
    ) -> None:
        assert too_many(leaving, of) is held
        assert (brake(leaving, 0, of, None, NOW) is not None) is held

    def test_holds_for_one_version_that_goes_back(self) -> None:
        found = brake(0, 1, 1000, None, NOW)
        assert found is not None
        assert found.kind is HoldKind.RESTORED

    def test_lets_go_for_as_much_as_was_accepted(self) -> None:
        was = replace(Held(HoldKind.REMOVAL, 300, 0, 1000), answer="accept")
        assert brake(300 + FEW, 0, 1000, was, NOW) is None
        again_held = brake(301 + FEW, 0, 1000, was, NOW)
        assert again_held is not None
        assert again_held.asks

    def test_does_not_take_one_answer_for_another(self) -> None:
        was = replace(Held(HoldKind.REMOVAL, 300, 0, 1000), answer="accept")
        found = brake(0, 300, 1000, was, NOW)
        assert found is not None
        assert (found.kind, found.asks) == (HoldKind.RESTORED, True)

    def test_does_not_ask_again_what_was_refused(self) -> None:
        was = replace(Held(HoldKind.REMOVAL, 300, 0, 1000), answer="refuse")
        assert brake(290, 0, 1000, was, NOW) == was

    def test_is_read_back_as_it_was_kept_and_nothing_else_is(self) -> None:
        held = Held(HoldKind.RESTORED, 3, 4, 100, at(0))
        state = MemoryDisk("").rows().sync_state
        assert stored_hold(state) is None
        store_hold(state, held)
        assert stored_hold(state) == held
        for odd in ("null", "{}", "[]", "{", '{"kind": "x"}', '{"kind": "removal", "more": 1}'):
            state.set_meta("held", odd)
            assert stored_hold(state) is None


@pytest.mark.parametrize(
    ("known", "base", "software", "other"),
    [
        ("", "https://a", "x", False),
        (identity("https://a", "x"), "https://a", "x", False),
        (identity("https://a", "x"), "https://b", "x", True),
        (identity("https://a", "x"), "https://a", "y", True),
        (identity("https://a", ""), "https://a", "y", False),
        (identity("https://a", "x"), "https://a", "", False),
    ],
)
def test_who_answers_is_known_by_address_and_software(
    known: str, base: str, software: str, other: bool
) -> None:
    assert another_server(known, base, software) is other


def intent(number: int, kind: IntentKind, args: Mapping[str, Any], key: str = "t1") -> Intent:
    return Intent(
        f"i{number}", f"g{number}", number, "main", "Task", key, f"main:Task/{key}", kind, args,
        "verb", datetime(2026, 3, 8, tzinfo=NOW.tzinfo), "Practitioner/dana", "Dana",
        state=IntentState.ACKNOWLEDGED,
    )  # fmt: skip


URGENT = intent(1, IntentKind.SET_PRIORITY, {"to": "urgent"})
STAT = intent(2, IntentKind.SET_PRIORITY, {"to": "stat"})
NOTE = intent(3, IntentKind.ADD_NOTE, {"text": "Called"})
TASK = ("Task", "t1")
BASE: dict[str, Any] = {"resourceType": "Task", "id": "t1", "status": "requested"}


class TestWhatAServerHasLost:
    def test_is_what_was_true_before_and_is_not_now(self) -> None:
        before = intent_effects.apply(NOTE, intent_effects.apply(STAT, BASE))
        assert recovery.lost_after_restore([URGENT, STAT, NOTE], {TASK: before}, {TASK: BASE}) == (
            STAT,
            NOTE,
        )

    def test_is_nothing_that_it_has_still(self) -> None:
        before = intent_effects.apply(STAT, BASE)
        assert recovery.lost_after_restore([STAT], {TASK: before}, {TASK: before}) == ()

    def test_is_nothing_that_was_not_looked_at(self) -> None:
        assert recovery.lost_after_restore([STAT], {}, {}) == ()

    def test_is_what_was_made_here_and_what_was_decided_on_it(self) -> None:
        make = intent(0, IntentKind.CREATE, {"resource": BASE})
        before = intent_effects.apply(STAT, BASE)
        assert recovery.lost_after_restore([make, STAT], {TASK: before}, {TASK: None}) == (
            make,
            STAT,
        )

    def test_is_not_a_decision_on_somebody_elses_record_that_is_gone(self) -> None:
        assert (
            recovery.lost_after_restore(
                [STAT], {TASK: intent_effects.apply(STAT, BASE)}, {TASK: None}
            )
            == ()
        )

    def test_is_not_what_a_later_decision_stands_over(self) -> None:
        """Unless that one is lost as well: then both are done anew, in their order."""
        later = replace(STAT, id="later", seq=STAT.seq + 5, args={"to": "routine"})
        assert recovery.not_superseded([STAT, NOTE], [STAT, NOTE, later]) == (NOTE,)
        assert recovery.not_superseded([STAT, NOTE, later], [later]) == (STAT, NOTE, later)
        assert recovery.not_superseded([STAT], [later], among=[later]) == (STAT,)
        earlier = replace(later, seq=STAT.seq - 1)
        assert recovery.not_superseded([STAT], [earlier]) == (STAT,)

    def test_is_compared_with_what_those_before_it_make_of_the_row(self) -> None:
        make = intent(0, IntentKind.CREATE, {"resource": {**BASE, "priority": "asap"}}, "t1")
        _, rest = recovery.refile([make, STAT], {TASK: None}, iter("gab").__next__)
        assert rest.seen == {"priority": "asap"}

    def test_is_decided_anew_in_one_group_with_its_own_time_and_author(self) -> None:
        ids = iter(f"new{number}" for number in range(9))
        filed = recovery.refile([STAT, NOTE], {TASK: BASE}, lambda: next(ids))
        assert {one.group for one in filed} == {"new0"}
        assert [one.id for one in filed] == ["new1", "new2"]
        assert {one.state for one in filed} == {IntentState.QUEUED}
        assert {(one.decided_at, one.author) for one in filed} == {(STAT.decided_at, STAT.author)}
        assert [one.inverse_of for one in filed] == ["", ""]

    @pytest.mark.parametrize(
        ("kind", "to"), [("Appointment", "cancelled"), ("Communication", "entered-in-error")]
    )
    def test_is_not_made_again_if_it_was_undone(self, kind: str, to: str) -> None:
        made = {"resourceType": kind, "id": "t1", "status": "booked"}
        make = replace(intent(0, IntentKind.CREATE, {"resource": made}), target_type=kind)
        void = replace(intent(1, IntentKind.SET_STATUS, {"to": to}), target_type=kind)
        assert recovery.refile([make, void], {(kind, "t1"): None}, iter("gab").__next__) == ()

    def test_waits_for_what_it_waited_for_and_is_made_under_its_first_id(self) -> None:
        make = intent(0, IntentKind.CREATE, {"resource": {**BASE, "id": "ours"}}, "t1")
        rests = replace(STAT, after=make.id)
        made, rest = recovery.refile([make, rests], {TASK: None}, iter("gab").__next__)
        assert (made.target_id, rest.target_id) == ("ours", "ours")
        assert rest.after == made.id
