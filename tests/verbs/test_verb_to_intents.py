"""What each verb means: what it changes, in which order, and what the queue says then."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import Intent, IntentKind
from carequeue.domain.items import Kind, Mover, Us, WorkItem
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_to_items import chart_of, read_chart
from carequeue.fhir.intent_effects import fold
from carequeue.verbs.decision import Decision
from carequeue.verbs.verb_to_intents import IntentDraft, drafts_of
from tests.fhir.clinic import (
    CLIENT,
    CLINIC,
    DANA,
    HARBOR,
    NOEL,
    NOW,
    TODAY,
    US,
    ZONE,
    chart,
    handoff,
    none,
    only,
    read,
    ref,
    referral,
    request,
    stay,
    task,
)
from tests.fhir.test_authorization import coverage
from tests.verbs.named import named

K = IntentKind
ME = {"reference": DANA, "display": "Dana Whitfield"}


def ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"new-{next(numbers)}"


def group(
    verb: str, item: WorkItem, base: Resource | None = None, us: Us = US, **answers: str
) -> tuple[IntentDraft, ...]:
    return drafts_of(named(verb), Decision(item, answers, us, NOW, ids(), base or {}))


def done(parts: tuple[IntentDraft, ...], *before: Resource) -> list[Resource]:
    """The resources as they are once the whole group is on the server."""
    found = {f"{resource['resourceType']}/{resource['id']}": resource for resource in before}
    for number, part in enumerate(parts):
        reference = f"{part.target_type}/{part.target_id}"
        each = Intent(
            id=f"i{number}",
            group="g",
            seq=number,
            source="main",
            target_type=part.target_type,
            target_id=part.target_id,
            item_key="",
            kind=part.kind,
            args=part.args,
            verb="",
            decided_at=NOW,
            author=DANA,
        )
        view = fold(found.get(reference), [each])
        assert view is not None
        found[reference] = view
    return list(found.values())


def kinds(parts: tuple[IntentDraft, ...]) -> list[tuple[str, IntentKind, int | None]]:
    return [(part.target_type, part.kind, part.after) for part in parts]


@pytest.mark.parametrize(
    ("owner", "taken"),
    [(None, True), (CLINIC, True), ("CareTeam/access", True), (NOEL, False), (DANA, False)],
)
def test_accepting_makes_mine_what_is_nobodys_or_a_teams(owner: str | None, taken: bool) -> None:
    item = only(request(), referral(HARBOR, owner))
    (part,) = group("accept", item)
    assert part.args == {"to": "accepted"} | ({"owner": ME} if taken else {})
    assert part.target_id == "t1"


def test_acknowledging_a_handoff_says_back_what_was_handed_over() -> None:
    item = only(handoff())
    (part,) = group("accept", item, handoff())
    assert part.args["owner"] == ME
    assert part.args["output"] == (
        "Read back by Dana Whitfield. Severity: unstable; Summary: Left the ED an hour ago; "
        "To do: Call tonight"
    )
    assert none(*done((part,), handoff()))


def test_my_own_words_of_a_read_back_are_taken() -> None:
    (part,) = group("accept", only(handoff()), handoff(), read_back="I call at eight")
    assert part.args["output"] == "I call at eight"


def test_declining_gives_the_reason() -> None:
    (part,) = group("decline", only(request(), referral()), reason="no capacity")
    assert part.args == {"to": "rejected", "reason": "no capacity"}


@pytest.mark.parametrize(
    ("verb", "answers", "kind", "args"),
    [
        ("claim", {}, K.ASSIGN, {"owner": ME}),
        (
            "assign",
            {"to": f"{NOEL}|Noel Ortiz"},
            K.ASSIGN,
            {"owner": {"reference": NOEL, "display": "Noel Ortiz"}},
        ),
        ("done", {}, K.SET_STATUS, {"to": "completed"}),
        ("snooze", {"until": "2026-03-11T14:00:00Z"}, K.SNOOZE, {"until": "2026-03-11T14:00:00Z"}),
        ("note", {"text": " Called "}, K.ADD_NOTE, {"text": "Called"}),
        ("due", {"until": "2026-03-11T14:00:00Z"}, K.SET_DUE, {"until": "2026-03-11T14:00:00Z"}),
        ("priority", {"to": "urgent"}, K.SET_PRIORITY, {"to": "urgent"}),
    ],
)
def test_a_verb_on_a_task_is_one_intent(
    verb: str, answers: dict[str, Any], kind: IntentKind, args: Any
) -> None:
    (part,) = group(verb, only(task()), **answers)
    assert part == IntentDraft("Task", "t1", kind, args, None)


def test_done_on_what_a_partner_declined_leaves_it_declined_and_ends_the_row() -> None:
    theirs = referral(DANA, HARBOR, status="rejected", statusReason={"text": "no capacity"})
    (part,) = group("done", only(request(), theirs))
    after = done((part,), theirs)
    assert after[0]["status"] == "rejected"
    assert after[0]["statusReason"] == {"text": "no capacity"}
    assert none(request(), *after)


DERIVED = {
    "stay": [stay()],
    "request": [request(requester=ref(HARBOR), priority="urgent")],
    "coverage": [coverage()],
}


@pytest.mark.parametrize("case", DERIVED)
@pytest.mark.parametrize(
    ("verb", "answers"),
    [
        ("claim", {}),
        ("assign", {"to": f"{DANA}|Dana Whitfield"}),
        ("snooze", {"until": "2026-03-11T14:00:00Z"}),
        ("note", {"text": "Called"}),
        ("priority", {"to": "stat"}),
        ("accept", {}),
    ],
)
def test_the_first_act_on_a_derived_row_makes_its_task_and_keeps_its_place(
    case: str, verb: str, answers: dict[str, Any]
) -> None:
    there = DERIVED[case]
    item = only(*there)
    parts = group(verb, item, **answers)
    assert kinds(parts)[0] == ("Task", K.CREATE, None)
    assert kinds(parts)[1][2] == 0
    assert {part.target_id for part in parts} == {"new-1"}
    created = parts[0].args["resource"]
    assert values.identifier_value(created, codes.IDENTIFIER) == item.key.removeprefix("main:")
    assert chart_of(created) == CLIENT
    after = only(*done(parts, *there))
    assert (after.key, after.kind) == (item.key, item.kind)
    assert after.target is not None
    assert item.facts.items() <= after.facts.items()
    if verb not in ("accept", "priority"):  # these change what has to happen, or how soon
        assert after.title == item.title
    if verb in ("claim", "assign", "accept"):
        assert after.move.who is Mover.ME


@pytest.mark.parametrize("case", DERIVED)
def test_done_on_a_derived_row_ends_it(case: str) -> None:
    there = DERIVED[case]
    assert none(*done(group("done", only(*there)), *there))


def test_two_peoples_clients_make_the_same_task() -> None:
    item = only(stay())
    noel = Us(me=NOEL, my_name="Noel Ortiz", organization=CLINIC)
    made = [group("claim", item, us=us)[0].args["resource"] for us in (US, noel)]
    assert made[0]["identifier"] == made[1]["identifier"]


def test_a_task_for_a_request_says_who_asked_and_touches_not_the_request() -> None:
    item = only(request(requester=ref(HARBOR)))
    created, accepted = group("accept", item)
    resource = created.args["resource"]
    assert resource["focus"] == ref("ServiceRequest/s1")
    assert resource["requester"]["reference"] == HARBOR
    assert values.has_code(resource["code"], codes.FULFILL, codes.TASK_CODE_HL7)
    assert "restriction" not in resource
    assert accepted.args == {"to": "accepted", "owner": ME}
    assert {part.target_type for part in (created, accepted)} == {"Task"}


def test_a_lone_request_to_a_partner_stays_with_the_partner() -> None:
    there = request(requester=ref(DANA), performer=[ref(HARBOR)])
    item = only(there)
    parts = group("note", item, text="Faxed")
    after = only(*done(parts, there))
    assert after.move.who is Mover.PARTNER
    assert after.direction is item.direction


def test_reaching_the_client_after_a_discharge_is_one_contact_and_meets_the_need() -> None:
    item = only(stay())
    parts = group("log", item, outcome="reached")
    assert kinds(parts) == [("Communication", K.CREATE, None)]
    said = parts[0].args["resource"]
    assert said["status"] == "completed"
    assert said["sender"] == ME
    assert said["about"] == [ref("Encounter/e1")]
    assert said["identifier"] == [{"system": codes.IDENTIFIER, "value": "new-1"}]
    assert chart_of(said) == CLIENT
    assert none(stay(), *done(parts))


@pytest.mark.parametrize(
    ("outcome", "code"), [("no answer", codes.NO_ANSWER), ("left message", codes.LEFT_MESSAGE)]
)
def test_a_try_is_kept_as_a_try_and_the_row_stays(outcome: str, code: str) -> None:
    parts = group("log", only(stay()), outcome=outcome)
    said = parts[0].args["resource"]
    assert said["status"] == "not-done"
    assert values.has_code(said["statusReason"], code, codes.CONTACT_OUTCOME)
    after = only(stay(), *done(parts))
    assert after.attempts == 1
    assert "no-contact" in after.flags


def test_a_contact_that_a_task_asked_for_completes_the_task_after_it() -> None:
    wanted = task(code={"coding": [{"code": codes.MAKE_CONTACT}]})
    parts = group("log", only(wanted), wanted, outcome="reached")
    assert kinds(parts) == [("Communication", K.CREATE, None), ("Task", K.SET_STATUS, 0)]
    assert none(*done(parts, wanted))


def test_a_contact_about_anything_else_leaves_its_task_open() -> None:
    wanted = task(description="Send the form")
    assert len(group("log", only(wanted), wanted, outcome="reached")) == 1


def test_our_task_for_a_stay_is_completed_by_the_contact() -> None:
    claimed = done(group("claim", only(stay())), stay())
    item = only(*claimed)
    assert none(*done(group("log", item, outcome="reached"), *claimed))


def test_a_handoff_carries_what_the_receiver_needs() -> None:
    item = only(request(), referral(HARBOR, DANA))
    answers: dict[str, Any] = {
        "to": f"{NOEL}|Noel Ortiz",
        "severity": "watcher",
        "summary": "Sleeps badly",
        "actions": "Call on Friday",
    }
    parts = group("handoff", item, **answers)
    assert kinds(parts) == [("Task", K.CREATE, None)]
    created = parts[0].args["resource"]
    assert created["focus"] == ref("Task/t1")
    assert (created["status"], created["intent"]) == ("requested", "order")
    shown = {row.kind: row for row in read(request(), referral(HARBOR, DANA), *done(parts)).items}
    found = shown[Kind.HANDOFF]
    assert found.title == "Noel Ortiz to acknowledge your handoff"
    assert found.key == "main:new-1"
    assert found.about == "Sleeps badly\nCall on Friday"
    assert {"severity:watcher", "priority:urgent"} <= found.flags
    assert shown[Kind.REFERRAL].key == "main:Task/t1"


def test_a_new_follow_up_is_mine_and_dated() -> None:
    item = only(task())
    parts = group("new", item, text="Ask about housing", until="2026-03-12T22:00:00Z")
    found = only(*done(parts))
    assert found.title == "Ask about housing"
    assert found.move.who is Mover.ME
    assert found.facts["due_at"].isoformat() == "2026-03-12T22:00:00+00:00"
    assert found.key == "main:new-1"


@pytest.mark.parametrize(
    ("verb", "answers"),
    [
        ("decline", {}),
        ("decline", {"reason": "  "}),
        ("assign", {"to": "Noel"}),
        ("assign", {"to": "https://evil.example/Practitioner/1|x"}),
        ("log", {"outcome": "perhaps"}),
        ("handoff", {"to": f"{NOEL}|Noel Ortiz"}),
        ("new", {"text": "x"}),
        ("undo", {}),
    ],
)
def test_a_missing_or_odd_answer_means_nothing(verb: str, answers: dict[str, Any]) -> None:
    with pytest.raises(BadQuestion, match="Nothing was changed"):
        group(verb, only(task()), **answers)


def test_nobody_claims_without_a_name() -> None:
    with pytest.raises(BadQuestion, match="who you are"):
        group("claim", only(task()), us=Us(organization=CLINIC))


def test_a_row_without_a_client_can_still_be_acted_on() -> None:
    lone = request(requester=ref(HARBOR)) | {"subject": {"display": "A group"}}
    where = "ServiceRequest/s1"
    (item,) = read_chart(chart(lone, client=where), US, ZONE, TODAY).items
    parts = group("claim", item)
    assert chart_of(parts[0].args["resource"]) == where
    (after,) = read_chart(chart(*done(parts, lone), client=where), US, ZONE, TODAY).items
    assert after.key == item.key
