"""What a person decided and what the server has meanwhile, in clinical words and never in JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.intents import Intent, IntentKind
from carequeue.fhir import codes, intent_effects, values
from carequeue.fhir.differences import (
    Say,
    Words,
    changed_at,
    changed_by,
    differences,
    elements,
)
from carequeue.sync.push.three_way import as_seen
from tests.fhir.clinic import DANA, NOEL, ZONE, intent, ref, task

NAMES = {DANA: "Dana Whitfield", NOEL: "Noel Ortiz", "Practitioner/noel2": "Noel Ortiz"}


def name(party: Any) -> str:
    return NAMES.get(values.reference(party), values.text(party, "display"))


def when(instant: datetime) -> str:
    return f"{instant.astimezone(ZONE):%d %b %H:%M}"


SAY = Say(name, when, ZONE)


def told(decision: Intent, theirs: Any, **seen: Any) -> list[Words]:
    """The lines of a conflict about one decision; `seen` is what the person saw of its elements."""
    decision = replace(decision, seen=seen)
    before = as_seen(theirs, [decision])
    return list(
        differences(
            intent_effects.unit(decision),
            before,
            intent_effects.apply(decision, theirs),
            theirs,
            SAY,
        )
    )


class TestTheLines:
    def test_are_only_the_elements_that_differ(self) -> None:
        mine = intent(IntentKind.SET_STATUS, to="accepted")
        theirs = task(status="cancelled", owner=ref(NOEL), priority="stat")
        assert told(mine, theirs, status="requested") == [
            Words("Status", "requested", "accepted", "cancelled")
        ]

    def test_say_a_status_as_the_queue_says_it(self) -> None:
        mine = intent(IntentKind.SET_STATUS, to="rejected", reason="no capacity")
        theirs = task(status="in-progress")
        assert told(mine, theirs, status="requested") == [
            Words("Status", "requested", "declined", "in progress"),
            Words("Reason", "", "no capacity", ""),
        ]

    def test_name_people(self) -> None:
        mine = intent(IntentKind.ASSIGN, owner=ref(DANA))
        theirs = task(owner=ref(NOEL))
        assert told(mine, theirs) == [Words("Owner", "", "Dana Whitfield", "Noel Ortiz")]

    def test_tell_two_people_of_one_name_apart(self) -> None:
        mine = intent(IntentKind.ASSIGN, owner=ref(NOEL))
        (line,) = told(mine, task(owner=ref("Practitioner/noel2")), owner=ref(DANA))
        assert line.mine == "Noel Ortiz (Practitioner/noel)"
        assert line.theirs == "Noel Ortiz (Practitioner/noel2)"
        assert line.before == "Dana Whitfield"

    def test_say_how_long_it_sleeps_in_the_sites_time(self) -> None:
        mine = intent(IntentKind.SNOOZE, until="2026-03-12T14:00:00Z")
        theirs = task(
            extension=[{"url": codes.SNOOZED_UNTIL, "valueDateTime": "2026-03-10T09:30:00-05:00"}]
        )
        assert told(mine, theirs) == [
            Words("Snooze", "", "snoozed until 12 Mar 09:00", "snoozed until 10 Mar 09:30")
        ]

    def test_show_notes_as_text(self) -> None:
        written = {"id": "n1", "text": "Left a message", "authorReference": ref(DANA)}
        mine = intent(IntentKind.REMOVE_NOTE, note="n1")
        theirs = task(note=[{**written, "text": "Left a message at noon"}])
        assert told(mine, theirs, **{"note[n1]": [written]}) == [
            Words("Note", "Left a message", "", "Left a message at noon")
        ]

    def test_show_what_would_be_written_and_not_what_once_was(self) -> None:
        """A reason goes with its status: over theirs, mine takes their reason away."""
        mine = intent(IntentKind.SET_STATUS, to="accepted")
        theirs = task(status="rejected", statusReason={"text": "out of area"})
        assert told(mine, theirs, status="requested")[1] == Words("Reason", "", "", "out of area")

    def test_are_never_empty_where_the_spelling_alone_differs(self) -> None:
        mine = intent(IntentKind.SET_STATUS, to="requested", business_status={"text": "Waiting"})
        theirs = task(businessStatus={"text": "Waiting", "coding": [{"code": "w"}]})
        seen = {"status": "requested", "businessStatus": {"text": "Waiting"}}
        assert told(mine, theirs, **seen) == [Words("Progress", "Waiting", "Waiting", "Waiting")]

    def test_of_several_decisions_begin_before_the_first(self) -> None:
        first = intent(IntentKind.SET_PRIORITY, {"priority": "routine"}, to="urgent")
        second = intent(IntentKind.SET_PRIORITY, {"priority": "urgent"}, to="stat")
        theirs = task(priority="asap")
        both = [first, second]
        found = differences(
            ["priority"], as_seen(theirs, both), intent_effects.fold(theirs, both), theirs, SAY
        )
        assert found == (Words("Priority", "routine", "stat", "asap"),)

    def test_of_what_is_gone_have_nothing_of_theirs(self) -> None:
        mine = intent(IntentKind.SET_PRIORITY, {"priority": "routine"}, to="urgent")
        before = as_seen(task(), [mine])
        found = differences(["priority"], before, intent_effects.apply(mine, before), None, SAY)
        assert found == (Words("Priority", "routine", "urgent", ""),)


class TestWhoAndWhen:
    def test_is_when_the_server_stored_it(self) -> None:
        theirs = task(meta={"lastUpdated": "2026-03-09T13:12:00Z"}, lastModified="2026-03-01")
        assert changed_at(theirs, ZONE) == datetime(2026, 3, 9, 13, 12, tzinfo=UTC)

    def test_is_else_when_it_says_that_it_was_modified(self) -> None:
        theirs = task(lastModified="2026-03-09T13:12:00Z")
        assert changed_at(theirs, ZONE) == datetime(2026, 3, 9, 13, 12, tzinfo=UTC)
        assert changed_at(task(), ZONE) is None

    def test_is_the_author_that_some_servers_add(self) -> None:
        theirs = task(meta={"author": ref(NOEL)})
        assert changed_by(task(), theirs, SAY) == "Noel Ortiz"

    def test_is_who_wrote_a_note_with_the_change(self) -> None:
        note = {"text": "Closed", "time": "2026-03-09T13:12:20Z", "authorReference": ref(NOEL)}
        theirs = task(status="cancelled", lastModified="2026-03-09T13:12:00Z", note=[note])
        assert changed_by(task(), theirs, SAY) == "Noel Ortiz"
        old = {**note, "time": "2026-03-08T13:12:20Z"}
        assert changed_by(task(), {**theirs, "note": [old]}, SAY) == ""

    def test_is_the_owner_of_an_answer_that_only_an_owner_gives(self) -> None:
        assert changed_by(task(), task(status="accepted", owner=ref(NOEL)), SAY) == "Noel Ortiz"
        assert changed_by(task(), task(status="cancelled", owner=ref(NOEL)), SAY) == ""
        assert changed_by(task(), task(priority="stat", owner=ref(NOEL)), SAY) == ""


def test_a_quiet_line_names_elements_in_words() -> None:
    assert elements(["priority"]) == "the priority"
    assert elements(["reasonCode", "priority", "owner", "code"]) == (
        "the owner, the priority and something else"
    )
    assert elements([]) == ""


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "coding", "url", "id", "reference", "valueDateTime", "time"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
ELEMENTS = st.dictionaries(
    st.sampled_from(
        ["status", "statusReason", "businessStatus", "owner", "priority", "note", "extension",
         "output", "meta", "lastModified"]
    ),
    JUNK,
)  # fmt: skip
DECISIONS = [
    intent(IntentKind.SET_STATUS, to="accepted", owner=ref(DANA), output="yes"),
    intent(IntentKind.ASSIGN, owner=ref(DANA)),
    intent(IntentKind.SET_PRIORITY, to="stat"),
    intent(IntentKind.SNOOZE, until="2026-03-12T14:00:00Z"),
    intent(IntentKind.ADD_NOTE, text="x"),
]


@given(st.sampled_from(DECISIONS), ELEMENTS, ELEMENTS)
def test_whatever_a_server_sends_is_told_as_text(
    decision: Intent, seen: dict[str, Any], found: dict[str, Any]
) -> None:
    theirs = {**task(), **found}
    decision = replace(decision, seen=intent_effects.snapshot(intent_effects.unit(decision), seen))
    before = as_seen(theirs, [decision])
    mine = intent_effects.apply(decision, theirs)
    for line in differences(intent_effects.unit(decision), before, mine, theirs, SAY):
        assert all(isinstance(part, str) for part in line)
    assert isinstance(changed_by(before, theirs, SAY), str)
    at = changed_at(theirs, ZONE)
    assert at is None or at.tzinfo is not None
