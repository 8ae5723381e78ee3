"""Which verbs apply to an item, why the others do not, and in which order they are offered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.items import Client, Direction, Kind, Mover, Party, WorkItem
from carequeue.domain.rules import ClockClass
from carequeue.domain.task_steps import DEFAULT_STEPS, Role
from carequeue.domain.verb_rules import Permission, VerbCase
from carequeue.verbs import permissions
from carequeue.verbs.offers import names_of
from carequeue.verbs.table import item_verbs
from tests.domain.builders import ACCESS, ANA, HOUSING, ME, OKAFOR, US, item, local
from tests.verbs.named import named

NAMES = tuple(verb.name for verb in item_verbs())
STATUSES = (
    "", "requested", "received", "ready", "accepted", "in-progress", "on-hold", "completed",
    "rejected", "cancelled", "failed", "entered-in-error", "strange",
)  # fmt: skip


def allowed(verb: str, thing: WorkItem, **case: Any) -> Permission:
    return permissions.allowed(named(verb), VerbCase(thing, US, **case))


def applicable(thing: WorkItem, item_class: ClockClass | None = None) -> tuple[str, ...]:
    return tuple(names_of(" ".join(permissions.applicable(thing, US, item_class))))


def bulk_refusal(verb: str, item_class: str | None) -> str | None:
    return permissions.bulk_refusal(named(verb), item_class)


def referral_in(status: str = "requested", owner: Party | None = ACCESS) -> WorkItem:
    return item(
        Kind.REFERRAL, direction=Direction.INBOUND, requester=HOUSING, owner=owner,
        status=status, move=Mover.TEAM,
    )  # fmt: skip


def referral_out(status: str = "requested") -> WorkItem:
    return item(
        Kind.REFERRAL, direction=Direction.OUTBOUND, requester=ME, owner=HOUSING, status=status,
        move=Mover.ME if status in ("rejected", "failed", "cancelled") else Mover.PARTNER,
    )  # fmt: skip


def handoff(
    sender: Party = ANA, receiver: Party | None = ME, status: str = "requested"
) -> WorkItem:
    move = Mover.ME if receiver is not None and receiver.me else Mover.TEAM
    return item(Kind.HANDOFF, requester=sender, owner=receiver, status=status, move=move)


MY_FOLLOW_UP = item(owner=ME, requester=ANA)
RENEWAL = item(Kind.AUTHORIZATION, status="")


@pytest.mark.parametrize(
    ("verb", "thing"),
    [
        ("accept", referral_in()),
        ("accept", referral_in("received")),
        ("accept", referral_in("")),  # a lone request: a Task is made
        ("accept", referral_in(owner=None)),
        ("accept", handoff()),
        ("accept", handoff(receiver=ACCESS)),
        ("accept", handoff(status="accepted")),  # accepted, but nobody read it back
        ("decline", referral_in()),
        ("decline", handoff()),
        ("done", MY_FOLLOW_UP),
        ("done", item(status="")),  # a derived one
        ("done", referral_in("accepted")),
        ("done", referral_in("in-progress")),
        ("done", referral_out("")),  # no partner keeps a Task of it
        ("done", referral_out("rejected")),  # decided: it stays as they ended it
        ("done", handoff(ME, ANA, "rejected")),
        ("done", RENEWAL),
        ("claim", referral_in()),
        ("claim", item(owner=ANA)),
        ("assign", MY_FOLLOW_UP),
        ("snooze", referral_out()),
        ("log", referral_out("failed")),
        ("handoff", MY_FOLLOW_UP),
        ("handoff", handoff(ME, ANA, "rejected")),
        ("note", item(status="completed")),
    ],
)
def test_what_applies(verb: str, thing: WorkItem) -> None:
    assert allowed(verb, thing).ok


@pytest.mark.parametrize(
    ("verb", "thing", "why"),
    [
        ("accept", referral_in("accepted"), "OKAFOR, Daniel is already accepted"),
        ("accept", referral_in("on-hold"), "OKAFOR, Daniel is already accepted"),
        ("decline", referral_in("rejected"), "OKAFOR, Daniel is already declined"),
        ("done", item(status="completed"), "OKAFOR, Daniel is already done"),
        ("claim", MY_FOLLOW_UP, "OKAFOR, Daniel is already yours"),
        ("handoff", handoff(ME, ANA), "OKAFOR, Daniel is already handed off to Ana Ortiz"),
    ],
)
def test_what_is_so_already(verb: str, thing: WorkItem, why: str) -> None:
    permission = allowed(verb, thing)
    assert (permission.ok, permission.already, permission.why) == (False, True, why)


def test_a_handoff_that_was_read_back_is_acknowledged_already() -> None:
    taken = replace(
        handoff(status="accepted"), facts={"acknowledged_at": local("2026-03-09 08:30")}
    )
    assert allowed("accept", taken).already


@pytest.mark.parametrize(
    ("verb", "thing", "words"),
    [
        ("accept", referral_out(), "Harbor Housing has to answer"),
        ("accept", MY_FOLLOW_UP, "needs no accepting, it is a follow-up; e closes it"),
        ("accept", RENEWAL, "an authorization"),
        ("accept", referral_in("cancelled"), "cancelled and cannot be accepted"),
        ("accept", referral_in("strange"), "strange and cannot be accepted"),
        ("accept", handoff(receiver=ANA), "waits for Ana Ortiz to acknowledge"),
        ("accept", handoff(ME, None), "waits for the receiver"),
        ("decline", referral_in("accepted"), "already accepted; hand it off"),
        ("decline", referral_out(), "Harbor Housing has to answer"),
        ("decline", handoff(receiver=ANA), "waits for Ana Ortiz"),
        ("decline", MY_FOLLOW_UP, "cannot be declined, it is a follow-up; e closes it"),
        ("done", referral_in(), "has to be accepted first (a)"),
        ("done", referral_out("accepted"), "a partner’s work is closed by the partner"),
        ("done", item(owner=HOUSING, requester=ME, direction=Direction.OUTBOUND), "Harbor Housing"),
        ("done", handoff(), "closes when you acknowledge"),
        ("done", handoff(ME, ANA), "closes when Ana Ortiz acknowledges"),
        ("claim", referral_out(), "is with Harbor Housing"),
        ("assign", referral_out("rejected"), "declined by Harbor Housing; make a new follow-up"),
        ("assign", item(status="completed"), "nothing is left to do"),
        ("snooze", referral_in("rejected"), "declined: nothing is left to do"),
        ("log", item(client=replace(OKAFOR, deceased=True)), "no outreach"),
        ("log", item(flags=["deceased"]), "no outreach"),
    ],
)
def test_what_does_not_apply_and_why(verb: str, thing: WorkItem, words: str) -> None:
    permission = allowed(verb, thing)
    assert not permission.ok
    assert not permission.already
    assert permission.why.startswith("OKAFOR, Daniel ")
    assert words in permission.why


@pytest.mark.parametrize("verb", ["log", "handoff", "new"])
def test_what_needs_a_client_says_so_where_the_record_names_none(verb: str) -> None:
    permission = allowed(verb, item(client=Client()))
    assert "names no client" in permission.why


def test_a_crisis_cannot_be_snoozed() -> None:
    assert allowed("snooze", MY_FOLLOW_UP, item_class=ClockClass.SAFETY).ok
    refused = allowed("snooze", MY_FOLLOW_UP, item_class=ClockClass.CRISIS)
    assert refused.why == "OKAFOR, Daniel has a crisis clock, which cannot sleep"


def test_a_source_may_bring_its_own_steps() -> None:
    """A source that knows no acceptance: its referrals are worked on and completed."""
    canvas = {
        **DEFAULT_STEPS,
        Kind.REFERRAL: {("requested", "completed"): frozenset({Role.PERFORMER})},
    }
    assert allowed("done", referral_in(), steps=canvas).ok
    assert not allowed("accept", referral_in(), steps=canvas).ok


def test_a_hostile_name_cannot_write_into_the_sentence() -> None:
    hostile = Party("Organization/x", "Harbor\x1b]52;c;aGk=\x07", ours=False)
    permission = allowed("accept", replace(referral_out(), owner=hostile))
    assert "\x1b" not in permission.why
    assert "␛" in permission.why


@pytest.mark.parametrize(
    ("thing", "first"),
    [
        (MY_FOLLOW_UP, ("log", "done", "handoff", "snooze", "assign", "note", "priority", "new")),
        (item(owner=ACCESS, move=Mover.TEAM), ("claim", "log", "done", "handoff")),
        (
            referral_in(),
            ("accept", "triage", "decline", "ask", "claim", "assign", "log", "note", "snooze"),
        ),
        (referral_in("accepted"), ("claim", "log", "done", "schedule", "handoff")),
        (referral_out(), ("remind", "log", "note", "snooze", "new")),
        (referral_out("rejected"), ("redirect", "new", "log", "done", "note")),
        (handoff(), ("accept", "decline")),
        (handoff(ME, ANA), ("log", "note", "snooze", "new")),
        (RENEWAL, ("done", "note", "snooze", "assign")),
    ],
)
def test_the_most_used_verbs_come_first(thing: WorkItem, first: tuple[str, ...]) -> None:
    assert applicable(thing)[: len(first)] == first


@given(
    st.sampled_from(list(Kind)),
    st.sampled_from(list(Direction)),
    st.sampled_from(list(Mover)),
    st.sampled_from(STATUSES),
    st.sampled_from([None, ME, ANA, ACCESS, HOUSING]),
    st.sampled_from([None, ME, ANA, HOUSING]),
)
def test_what_is_offered_is_what_is_allowed_and_all_else_says_why(
    kind: Kind,
    direction: Direction,
    move: Mover,
    status: str,
    owner: Party | None,
    requester: Party | None,
) -> None:
    thing = item(
        kind, direction=direction, move=move, status=status, owner=owner, requester=requester
    )
    offered = applicable(thing)
    assert len(set(offered)) == len(offered)
    for verb in NAMES:
        permission = allowed(verb, thing)
        assert permission.ok == (verb in offered)
        assert permission.ok != bool(permission.why)
        assert not (permission.ok and permission.already)


@pytest.mark.parametrize("item_class", [None, *ClockClass])
def test_of_what_the_clocks_of_an_item_forbid_nothing_is_offered(
    item_class: ClockClass | None,
) -> None:
    thing = item(Kind.FOLLOW_UP, move=Mover.ME, status="requested", owner=ME)
    offered = applicable(thing, item_class=item_class)
    assert ("snooze" in offered) == (item_class is not ClockClass.CRISIS)
    for verb in NAMES:
        assert allowed(verb, thing, item_class=item_class).ok == (verb in offered)


@pytest.mark.parametrize("verb", ["done", "decline", "snooze"])
def test_bulk_refuses_what_touches_a_person_at_risk(verb: str) -> None:
    assert "crisis" in (bulk_refusal(verb, ClockClass.CRISIS) or "")
    assert "safety" in (bulk_refusal(verb, "S") or "")
    assert bulk_refusal(verb, "T") is None
    assert bulk_refusal(verb, None) is None


@pytest.mark.parametrize("verb", ["assign", "note", "claim", "log"])
def test_bulk_leaves_the_harmless_verbs_alone(verb: str) -> None:
    assert bulk_refusal(verb, ClockClass.CRISIS) is None
