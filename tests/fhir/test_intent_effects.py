"""What a decision does to a resource, and that it does nothing else."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.intents import Intent, IntentKind
from carequeue.fhir import codes, jsontext
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_effects import NoBase, apply, fold, inverse, satisfied, snapshot, unit
from tests.fhir.clinic import DANA, HARBOR, NOEL, NOW, contact, intent, ref, task
from tests.fhir.test_jsontext import TEXTS

K = IntentKind
SNOOZE = f"extension[{codes.SNOOZED_UNTIL}]"
UNTIL = "2026-03-11T14:00:00Z"
OTHER = {"url": "https://partner.example/ext", "valueString": "keep"}


def changing() -> list[Intent]:
    """One intent of every kind that changes a Task."""
    return [
        intent(K.SET_STATUS, to="accepted", owner=ref(DANA)),
        intent(K.SET_STATUS, to="rejected", reason="no capacity"),
        intent(K.SET_STATUS, to="accepted", owner=ref(DANA), output="Read back: call tonight"),
        intent(K.ASSIGN, owner={"reference": NOEL, "display": "Noel Ortiz"}),
        intent(K.ASSIGN, owner=None),
        intent(K.SET_PRIORITY, to="urgent"),
        intent(K.SET_DUE, until=UNTIL),
        intent(K.SNOOZE, until=UNTIL),
        intent(K.SNOOZE, until=None),
        intent(K.ADD_NOTE, text="Called, no answer"),
        intent(K.REMOVE_NOTE, note="n1"),
        intent(K.RESTORE, unit=["status", "statusReason"], values={"status": "requested"}),
        intent(K.RESTORE, unit=[SNOOZE, "owner"], values={SNOOZE: [{"url": codes.SNOOZED_UNTIL}]}),
    ]


def full(**elements: Any) -> Resource:
    basic: dict[str, Any] = {
        "statusReason": {"text": "an old reason"},
        "owner": ref(HARBOR),
        "priority": "routine",
        "extension": [OTHER, {"url": codes.SNOOZED_UNTIL, "valueDateTime": "2026-03-01"}],
        "note": [{"id": "n1", "text": "first"}, {"text": "second"}],
        "lastModified": "2026-03-06T10:00:00Z",
    }
    return task(**{**basic, **elements})


def _ids(each: Intent) -> str:
    return f"{each.kind}-{sorted(each.args)}"


@pytest.mark.parametrize("each", changing(), ids=_ids)
@pytest.mark.parametrize("base", [full(), task()], ids=["full", "bare"])
def test_a_decision_done_twice_is_done_once_and_then_satisfied(
    each: Intent, base: Resource
) -> None:
    before = deepcopy(base)
    once = apply(each, base)
    assert apply(each, once) == once
    assert satisfied(each, once)
    assert base == before


@pytest.mark.parametrize("each", changing(), ids=_ids)
@pytest.mark.parametrize("base", [full(), task()], ids=["full", "bare"])
def test_the_inverse_restores_every_element_of_the_unit(each: Intent, base: Resource) -> None:
    decided = replace(each, seen=snapshot(unit(each), base))
    turned = inverse(decided)
    assert turned is not None
    kind, args = turned
    back = apply(intent(kind, **args), apply(decided, base))
    assert _settled(back) == _settled(base)


def _settled(resource: Resource) -> Resource:
    """Without the time of the last change; notes have their own times, their order says nothing."""
    notes = sorted(resource.get("note", []), key=lambda note: str(note["text"]))
    return {**resource, "lastModified": None, "note": notes}


@given(
    st.sampled_from(changing()),
    st.dictionaries(
        st.text(min_size=1).filter(lambda name: name not in full() and name != "businessStatus"),
        TEXTS,
        max_size=4,
    ),
)
def test_whatever_a_decision_does_not_own_survives_to_the_last_digit(
    each: Intent, extra: dict[str, str]
) -> None:
    unknown = {name: jsontext.loads(value) for name, value in extra.items()}
    base = jsontext.loads(jsontext.dumps({**full(), **unknown}))
    after = jsontext.loads(jsontext.dumps(apply(each, base)))
    touched = {name.partition("[")[0] for name in unit(each)} | {"lastModified", "output"}
    assert {k: v for k, v in after.items() if k not in touched} == {
        k: v for k, v in base.items() if k not in touched
    }
    kept = [e for e in base["extension"] if e["url"] != codes.SNOOZED_UNTIL]
    assert [e for e in after["extension"] if e["url"] != codes.SNOOZED_UNTIL] == kept
    assert {"text": "second"} in after["note"]


@given(
    st.sampled_from(changing()), st.sampled_from(["extension", "note", "output", "owner"]), TEXTS
)
def test_an_element_of_a_wrong_type_never_makes_an_edit_raise(
    each: Intent, name: str, text: str
) -> None:
    base = {**full(), name: jsontext.loads(text)}
    jsontext.dumps(apply(each, base))
    satisfied(each, base)
    snapshot(unit(each), base)


def test_a_new_status_drops_the_reason_of_the_old_one() -> None:
    after = apply(intent(K.SET_STATUS, to="accepted"), full(status="on-hold"))
    assert "statusReason" not in after


def test_a_status_that_was_so_already_keeps_its_reason() -> None:
    after = apply(intent(K.SET_STATUS, to="rejected"), full(status="rejected"))
    assert after["statusReason"] == {"text": "an old reason"}


def test_a_decision_about_what_was_not_done_keeps_status_and_reason() -> None:
    decided = {"coding": [{"system": codes.BUSINESS_STATUS, "code": codes.DECIDED}]}
    each = intent(K.SET_STATUS, to="rejected", business_status=decided)
    base = full(status="rejected")
    assert not satisfied(each, base)
    after = apply(each, base)
    assert after["statusReason"] == base["statusReason"]
    assert satisfied(each, after)


def test_an_answer_ends_the_waiting_for_information() -> None:
    waiting = {"coding": [{"code": codes.AWAITING_INFORMATION}]}
    after = apply(
        intent(K.SET_STATUS, to="accepted"), full(status="received", businessStatus=waiting)
    )
    assert "businessStatus" not in after


@pytest.mark.parametrize(
    ("authored", "modified", "after"),
    [
        ("2026-03-05T15:00:00Z", "2026-03-06T10:00:00Z", "2026-03-09T14:00:00Z"),
        ("2026-03-05T15:00:00Z", "2026-03-09T15:00:00Z", "2026-03-09T15:00:00Z"),
        ("2026-03-10T15:00:00Z", None, None),
    ],
)
def test_the_last_change_is_never_before_the_first_nor_goes_back(
    authored: str, modified: str | None, after: str | None
) -> None:
    """R4 Task invariant inv-1: lastModified is not before authoredOn."""
    base = task(authoredOn=authored, lastModified=modified)
    found = apply(intent(K.SET_STATUS, to="accepted"), base)
    assert found.get("lastModified") == after


def test_a_communication_has_no_last_change() -> None:
    after = apply(intent(K.SET_STATUS, to="entered-in-error"), contact())
    assert after == {**contact(), "status": "entered-in-error"}


def test_the_unit_names_what_a_decision_owns() -> None:
    note = intent(K.ADD_NOTE, text="x")
    assert unit(note) == (f"note[{note.id}]",)
    assert unit(intent(K.ASSIGN, owner=ref(DANA))) == ("owner",)
    assert unit(intent(K.SNOOZE, until=UNTIL)) == (SNOOZE,)
    taken = intent(K.SET_STATUS, to="accepted", owner=ref(DANA), output="yes")
    assert unit(taken) == (
        "status", "statusReason", "businessStatus", "owner", f"output[{taken.id}]",
    )  # fmt: skip
    assert unit(intent(K.SET_STATUS, to="accepted")) == ("status", "statusReason", "businessStatus")


def test_a_snapshot_leaves_out_what_is_absent() -> None:
    assert snapshot(("status", "owner", SNOOZE, "note[n1]"), full(owner=None)) == {
        "status": "requested",
        SNOOZE: [{"url": codes.SNOOZED_UNTIL, "valueDateTime": "2026-03-01"}],
        "note[n1]": [{"id": "n1", "text": "first"}],
    }
    assert snapshot(("status",), None) == {}


def test_a_note_is_known_by_its_id_and_never_written_twice() -> None:
    each = intent(K.ADD_NOTE, text="Called, no answer")
    after = apply(each, task())
    (note,) = after["note"]
    assert note == {
        "id": each.id,
        "authorReference": {"reference": DANA, "display": "Dana Whitfield"},
        "time": "2026-03-09T14:00:00Z",
        "text": "Called, no answer",
    }


def test_a_note_whose_id_the_server_dropped_is_known_by_text_author_and_time() -> None:
    each = intent(K.ADD_NOTE, text="Called, no answer")
    base = apply(each, task())
    del base["note"][0]["id"]
    base["note"][0]["time"] = "2026-03-09T09:00:00.000-05:00"
    assert satisfied(each, base)
    assert apply(each, base) == base
    turned = inverse(each)
    assert turned is not None
    assert "note" not in apply(intent(turned[0], **turned[1]), base)


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Called, left a message"},
        {"authorReference": ref(NOEL)},
        {"time": "2026-03-09T14:00:01Z"},
        {"id": "another"},
    ],
)
def test_a_note_of_another_hand_hour_or_text_is_another_note(other: dict[str, Any]) -> None:
    each = intent(K.ADD_NOTE, text="Called, no answer")
    base = apply(each, task())
    base["note"][0] = {**base["note"][0], "id": None, **other}
    assert not satisfied(each, base)


def test_somebody_elses_same_decision_satisfies_ours() -> None:
    theirs = task(status="rejected", statusReason={"text": "another reason"})
    assert satisfied(intent(K.SET_STATUS, to="rejected", reason="no capacity"), theirs)


def test_an_owner_written_in_full_is_the_same_owner() -> None:
    theirs = task(owner=ref(f"https://ehr.example/r4/{DANA}"))
    assert satisfied(intent(K.ASSIGN, owner=ref(DANA)), theirs)
    assert not satisfied(intent(K.ASSIGN, owner=ref(NOEL)), theirs)


def test_a_sleep_until_the_same_instant_is_the_same_sleep() -> None:
    theirs = task(
        extension=[{"url": codes.SNOOZED_UNTIL, "valueDateTime": "2026-03-11T09:00:00-05:00"}]
    )
    assert satisfied(intent(K.SNOOZE, until=UNTIL), theirs)
    assert not satisfied(intent(K.SNOOZE, until=None), theirs)


def test_what_is_gone_satisfies_nothing_and_is_not_made_up() -> None:
    for each in changing():
        assert not satisfied(each, None)
        with pytest.raises(NoBase):
            apply(each, None)


def test_a_create_gives_the_resource_and_leaves_one_that_is_there() -> None:
    made = intent(K.CREATE, resource=task("local"))
    assert apply(made, None) == task("local")
    assert apply(made, task("server")) == task("server")


def test_a_create_is_satisfied_by_its_identifier_whatever_id_the_server_gave() -> None:
    mine = [{"system": codes.IDENTIFIER, "value": "0b1c2d3e"}]
    made = intent(K.CREATE, resource=task("local", identifier=mine))
    assert satisfied(made, task("42", identifier=mine))
    assert not satisfied(made, task("42"))
    assert not satisfied(made, contact("local", identifier=mine))


def test_what_was_created_is_struck_out_not_deleted() -> None:
    for resource in (contact(), task(identifier=[{"system": codes.IDENTIFIER, "value": "0b1c"}])):
        assert inverse(intent(K.CREATE, resource=resource)) == (
            K.SET_STATUS,
            {"to": "entered-in-error"},
        )


def test_a_booked_visit_is_cancelled_since_others_saw_it() -> None:
    visit = {"resourceType": "Appointment", "id": "a1", "status": "booked"}
    booked = replace(intent(K.CREATE, resource=visit), target_type="Appointment")
    assert inverse(booked) == (K.SET_STATUS, {"to": "cancelled"})


def test_a_task_for_a_derived_row_goes_back_to_open_and_nobodys() -> None:
    value = "discharge-contact:Encounter/e1"
    created = task(identifier=[{"system": codes.IDENTIFIER, "value": value}])
    turned = inverse(intent(K.CREATE, resource=created))
    assert turned is not None
    taken = {**created, "owner": ref(DANA), "status": "accepted"}
    back = apply(intent(turned[0], **turned[1]), taken)
    assert {**back, "lastModified": None} == {**created, "lastModified": None}


def test_a_view_is_the_base_with_the_decisions_in_their_order() -> None:
    created = intent(K.CREATE, resource=task("local"))
    steps = [created, intent(K.ASSIGN, owner=ref(DANA)), intent(K.SET_STATUS, to="completed")]
    view = fold(None, steps)
    assert view is not None
    assert (view["owner"], view["status"]) == (ref(DANA), "completed")
    assert fold(None, steps[1:]) is None
    assert fold(task(), []) == task()


def test_a_decision_made_later_is_stamped_later() -> None:
    later = replace(intent(K.SET_STATUS, to="accepted"), decided_at=NOW + timedelta(hours=1))
    assert apply(later, task())["lastModified"] == "2026-03-09T15:00:00Z"
    assert datetime(2026, 3, 9, 15, tzinfo=UTC) == later.decided_at


def test_taking_back_an_answer_takes_it_out_also_where_a_server_dropped_its_id() -> None:
    given = intent(K.SET_STATUS, to="accepted", output="Read back: call tonight")
    there = apply(given, task())
    (entry,) = there["output"]
    there["output"] = [{name: value for name, value in entry.items() if name != "id"}]
    taken_back = inverse(given)
    assert taken_back is not None
    kind, args = taken_back
    back = intent(kind, **args)
    assert not satisfied(back, {**there, "status": "requested"})
    after = apply(back, there)
    assert "output" not in after
    assert apply(back, after) == after
