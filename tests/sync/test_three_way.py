"""Laws of settling: what became of a write, from the base, theirs and the decisions alone.

The sentence behind all of them: what is said to be done is on the server, what
is said not to be applied can be sent on top of theirs, and whatever else is a person's to answer.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from carequeue.domain.intents import Intent, IntentKind
from carequeue.fhir import codes, intent_effects
from carequeue.fhir.chart import Resource
from carequeue.sync.push.three_way import Comparison, compare, runs
from tests.fhir.clinic import DANA, HARBOR, NOEL, ref, task
from tests.sync.parts import create, decision

K = IntentKind
STATUSES = ("requested", "received", "accepted", "in-progress", "completed", "rejected")
PRIORITIES = ("routine", "urgent", "asap", "stat")
OWNERS = (DANA, NOEL, "CareTeam/access")


@st.composite
def tasks(draw: st.DrawFn) -> Resource:
    """A Task as a server may hold it, with elements that nobody here reads."""
    made = task(status=draw(st.sampled_from(STATUSES)))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "priority": st.sampled_from(PRIORITIES),
        "owner": st.sampled_from(OWNERS).map(ref),
        "description": st.text(max_size=5),
        "statusReason": st.just({"text": "as they said"}),
        "note": st.just([{"id": "theirs", "text": "Prefers the phone"}]),
        "extension": st.just([{"url": "https://vendor.example/x", "valueString": "y"}]),
        "lastModified": st.just("2026-03-06T10:00:00Z"),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            made[name] = draw(values)
    return made


@st.composite
def decisions(draw: st.DrawFn, at_least: int = 1, at_most: int = 5) -> list[Intent]:
    """Some decisions about one Task, in the order in which they were taken."""
    args: dict[IntentKind, st.SearchStrategy[dict[str, Any]]] = {
        K.SET_STATUS: st.sampled_from(STATUSES).map(lambda to: {"to": to}),
        K.ASSIGN: st.sampled_from(OWNERS).map(lambda to: {"owner": ref(to)}),
        K.SET_PRIORITY: st.sampled_from(PRIORITIES).map(lambda to: {"to": to}),
        K.SNOOZE: st.sampled_from(
            ({"until": "2026-03-20T09:00:00+00:00"}, {"until": "2026-04-01T09:00:00+00:00"})
        ),
        K.SET_DUE: st.sampled_from(("2026-03-20T14:00:00Z", "2026-04-01T14:00:00Z")).map(
            lambda until: {"until": until}
        ),
        K.ADD_NOTE: st.sampled_from(("Called", "Left word")).map(lambda text: {"text": text}),
    }
    kinds = draw(st.lists(st.sampled_from(sorted(args)), min_size=at_least, max_size=at_most))
    numbers = count(1)
    return [
        decision(kind, f"i{number}", seq=number, **draw(args[kind]))
        for kind, number in zip(kinds, numbers, strict=False)
    ]


def view(base: Resource, intents: list[Intent]) -> Resource:
    """The base with these decisions on it."""
    folded = intent_effects.fold(base, intents)
    assert folded is not None
    return folded


def owned(intents: list[Intent], resource: Resource) -> dict[str, Any]:
    """The elements that these decisions own, as they stand."""
    return intent_effects.snapshot(
        [name for intent in intents for name in intent_effects.unit(intent)], resource
    )


def colleague(resource: Resource) -> Resource:
    """What a colleague does elsewhere in the Task: nothing that a decision of ours owns."""
    changed = deepcopy(resource)
    changed["description"] = "changed by a colleague"
    changed["note"] = [*changed.get("note", []), {"id": "hers", "text": "From Noel"}]
    changed["extension"] = [*changed.get("extension", []), {"url": "https://x", "valueCode": "z"}]
    changed["lastModified"] = "2026-03-10T08:00:00Z"
    changed["meta"] = {"versionId": "17"}
    return changed


def found(
    base: Resource | None, theirs: Resource | None, intents: list[Intent]
) -> list[Comparison]:
    return [one.result for one in compare(base, theirs, intents)]


def left(base: Resource, theirs: Resource, intents: list[Intent]) -> list[Intent]:
    """What would be sent again."""
    settled = compare(base, theirs, intents)
    return [one.intent for one in settled if one.result is Comparison.NOT_APPLIED]


class TestNothingHasHappened:
    @given(base=tasks(), intents=decisions())
    def test_what_is_sent_again_makes_up_for_all(
        self, base: Resource, intents: list[Intent]
    ) -> None:
        again = left(base, base, intents)
        assert owned(intents, view(base, again)) == owned(intents, view(base, intents))
        assert Comparison.CHANGED not in found(base, base, intents)

    @given(base=tasks(), intents=decisions())
    def test_what_changes_something_is_not_applied(
        self, base: Resource, intents: list[Intent]
    ) -> None:
        for run in runs(intents):
            if len(run) == 1 and owned(run, view(base, run)) != owned(run, base):
                assert found(base, base, run) == [Comparison.NOT_APPLIED]

    @given(base=tasks(), intents=decisions())
    def test_a_colleagues_change_elsewhere_alters_nothing_of_that(
        self, base: Resource, intents: list[Intent]
    ) -> None:
        theirs = colleague(base)
        assert found(base, theirs, intents) == found(base, base, intents)
        whole = view(theirs, left(base, theirs, intents))
        assert whole["description"] == "changed by a colleague"
        assert {"id": "hers", "text": "From Noel"} in whole["note"]


class TestAllOfItHasHappened:
    @given(base=tasks(), intents=decisions())
    def test_all_is_done(self, base: Resource, intents: list[Intent]) -> None:
        assert set(found(base, view(base, intents), intents)) == {Comparison.DONE}

    @given(base=tasks(), intents=decisions())
    def test_also_where_a_colleague_has_been_there_since(
        self, base: Resource, intents: list[Intent]
    ) -> None:
        assert set(found(base, colleague(view(base, intents)), intents)) == {Comparison.DONE}

    @given(base=tasks(), values=st.lists(st.sampled_from(PRIORITIES), min_size=2, max_size=4))
    def test_several_on_one_element_left_in_one_write_and_only_the_last_is_to_be_seen(
        self, base: Resource, values: list[str]
    ) -> None:
        intents = [
            decision(K.SET_PRIORITY, f"i{number}", seq=number, to=to)
            for number, to in enumerate(values)
        ]
        theirs = {**base, "priority": values[-1]}
        assert set(found(base, theirs, intents)) == {Comparison.DONE}

    @given(base=tasks())
    def test_by_somebody_else_in_other_words_is_done_too(self, base: Resource) -> None:
        assume(base["status"] != "rejected")
        mine = decision(K.SET_STATUS, to="rejected", reason="no capacity")
        theirs = {**base, "status": "rejected", "statusReason": {"text": "full until May"}}
        assert found(base, theirs, [mine]) == [Comparison.DONE]


class TestSomeOfItHasHappened:
    @given(base=tasks(), intents=decisions(at_least=2), data=st.data())
    def test_the_rest_sent_on_top_makes_it_whole(
        self, base: Resource, intents: list[Intent], data: st.DataObject
    ) -> None:
        taken = data.draw(st.integers(0, len(intents)))
        theirs = view(base, intents[:taken])
        assert Comparison.CHANGED not in found(base, theirs, intents)
        again = left(base, theirs, intents)
        assert owned(intents, view(theirs, again)) == owned(intents, view(base, intents))

    @given(base=tasks(), intents=decisions(at_least=2), data=st.data())
    def test_what_is_done_is_a_beginning_of_each_run(
        self, base: Resource, intents: list[Intent], data: st.DataObject
    ) -> None:
        """Decisions on one element take effect in the order of the person, or not at all."""
        taken = data.draw(st.integers(0, len(intents)))
        settled = {
            one.intent.id: one.result for one in compare(base, view(base, intents[:taken]), intents)
        }
        for run in runs(intents):
            verdicts = [settled[one.id] for one in run]
            assert verdicts == sorted(verdicts, key=[Comparison.DONE, Comparison.NOT_APPLIED].index)


class TestTheSameElementWasChanged:
    @given(base=tasks(), mine=st.sampled_from(PRIORITIES), theirs=st.sampled_from(PRIORITIES))
    def test_is_a_conflict(self, base: Resource, mine: str, theirs: str) -> None:
        assume(len({base.get("priority"), mine, theirs}) == 3)
        (settled,) = compare(
            base, {**base, "priority": theirs}, [decision(K.SET_PRIORITY, to=mine)]
        )
        assert settled.result is Comparison.CHANGED
        assert settled.words == "changed on the server meanwhile"

    @given(base=tasks(), others=decisions())
    def test_is_a_conflict_for_that_element_alone(
        self, base: Resource, others: list[Intent]
    ) -> None:
        assume(all(other.kind is not K.SNOOZE for other in others))
        mine = decision(K.SNOOZE, "sleep", seq=99, until="2026-03-20T09:00:00+00:00")
        theirs = intent_effects.apply(
            decision(K.SNOOZE, "x", until="2026-03-15T09:00:00+00:00"), base
        )
        *rest, slept = found(base, theirs, [*others, mine])
        assert slept is Comparison.CHANGED
        assert rest == found(base, base, others)

    @given(base=tasks(), intents=decisions(), client=st.sampled_from(("Patient/c2", "Patient/c3")))
    def test_another_client_is_a_conflict_for_everything(
        self, base: Resource, intents: list[Intent], client: str
    ) -> None:
        for theirs in (base, view(base, intents)):
            settled = compare(base, {**theirs, "for": ref(client)}, intents)
            assert {one.result for one in settled} == {Comparison.OTHER_CLIENT}
            assert {one.words for one in settled} == {"the record now names another client"}


class TestARequestThatAColleagueSentOn:
    def made(self, owner: str, **elements: Any) -> Resource:
        named = [{"system": codes.IDENTIFIER, "value": "replaces-task:ServiceRequest:s1"}]
        return task("own-1", owner=ref(owner), identifier=named, **elements)

    @given(intents=decisions())
    def test_to_another_partner_is_a_conflict_of_the_create_and_the_rest_waits(
        self, intents: list[Intent]
    ) -> None:
        mine = decision(K.CREATE, "made", "own-1", 0, resource=self.made(HARBOR))
        theirs = self.made("Organization/shelter", requester=ref(NOEL), id="t7")
        first, *rest = found(None, theirs, [mine, *intents])
        assert first is Comparison.CHANGED
        assert set(rest) == {Comparison.NOT_APPLIED}

    def test_to_the_same_partner_is_ours(self) -> None:
        mine = decision(K.CREATE, "made", "own-1", 0, resource=self.made(HARBOR))
        assert found(None, self.made(HARBOR, requester=ref(NOEL)), [mine]) == [Comparison.DONE]


class TestNotThere:
    @given(base=tasks(), intents=decisions())
    def test_what_was_there_is_a_conflict(self, base: Resource, intents: list[Intent]) -> None:
        assert set(found(base, None, intents)) == {Comparison.GONE}

    @given(intents=decisions())
    def test_what_was_to_be_created_did_not_arrive(self, intents: list[Intent]) -> None:
        made = create("made", "t1", seq=0)
        assert set(found(None, None, [made, *intents])) == {Comparison.NOT_APPLIED}

    @given(intents=decisions(), data=st.data())
    def test_what_was_created_is_the_base_of_the_rest(
        self, intents: list[Intent], data: st.DataObject
    ) -> None:
        made = create("made", "t1", seq=0)
        created = intent_effects.apply(made, None)
        taken = data.draw(st.integers(0, len(intents)))
        first, *rest = found(None, view(created, intents[:taken]), [made, *intents])
        assert first is Comparison.DONE
        assert rest == found(created, view(created, intents[:taken]), intents)


_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
)
_ELEMENTS = ("status", "priority", "owner", "note", "extension", "for", "statusReason", "output")


@given(base=tasks(), intents=decisions(), data=st.data())
def test_whatever_the_server_holds_there_is_an_answer_for_each(
    base: Resource, intents: list[Intent], data: st.DataObject
) -> None:
    theirs = {**base, **data.draw(st.dictionaries(st.sampled_from(_ELEMENTS), _JSON))}
    settled = compare(base, theirs, intents)
    assert [one.intent for one in settled] == intents


@given(intents=decisions())
def test_runs_hold_every_decision_once_and_share_no_element(intents: list[Intent]) -> None:
    grouped = runs(intents)
    assert sorted(one.seq for run in grouped for one in run) == [intent.seq for intent in intents]
    units = [{name for one in run for name in intent_effects.unit(one)} for run in grouped]
    for number, unit in enumerate(units):
        assert all(not unit & other for other in units[number + 1 :])


def test_decisions_that_meet_through_a_third_are_one_run() -> None:
    """A handoff's acceptance owns status and owner: it ties what was apart."""
    status = decision(K.SET_STATUS, "i1", seq=1, to="received")
    owner = decision(K.ASSIGN, "i2", seq=2, owner=ref(NOEL))
    both = decision(K.SET_STATUS, "i3", seq=3, to="accepted", owner=ref(DANA))
    assert [len(run) for run in runs([status, owner])] == [1, 1]
    assert [[one.id for one in run] for run in runs([status, owner, both])] == [["i1", "i2", "i3"]]


@pytest.mark.parametrize("text", ["Called, no answer", "Called"])
def test_a_note_whose_id_the_server_dropped_is_never_written_twice(text: str) -> None:
    mine = decision(K.ADD_NOTE, text=text)
    theirs = intent_effects.apply(mine, task())
    del theirs["note"][0]["id"]
    again = left(task(), theirs, [mine])
    assert len(view(theirs, again)["note"]) == 1
