"""What verbs ask about an item: whose it is, how it stands, and what may happen next."""

from __future__ import annotations

from typing import Any

import pytest

from carequeue.domain.items import Direction, Kind, Mover, Party
from carequeue.domain.rules import ClockClass
from carequeue.domain.task_steps import PERFORMER, REQUESTER
from carequeue.domain.verb_rules import VerbCase, risk_of
from tests.domain.builders import ACCESS, ANA, HOUSING, ME, US, item


def case(kind: Kind = Kind.FOLLOW_UP, **facts: Any) -> VerbCase:
    return VerbCase(item(kind, **facts), US)


def test_what_a_partner_declined_is_ours_again_and_what_we_declined_is_over() -> None:
    sent = case(Kind.REFERRAL, direction=Direction.OUTBOUND, owner=HOUSING, status="rejected")
    assert (sent.ended_by_them, sent.is_over) == (True, False)
    received = case(Kind.REFERRAL, direction=Direction.INBOUND, owner=ME, status="rejected")
    assert (received.ended_by_them, received.is_over) == (False, True)
    assert received.status == "declined"


def test_who_asks_and_who_does_it_have_their_own_steps() -> None:
    sent = case(
        Kind.REFERRAL, direction=Direction.OUTBOUND, requester=ME, owner=HOUSING, status="accepted"
    )
    assert sent.roles == REQUESTER
    assert sent.may_become("cancelled")
    assert not sent.may_become("completed")
    received = case(
        Kind.REFERRAL, direction=Direction.INBOUND, requester=HOUSING, owner=ACCESS,
        status="accepted",
    )  # fmt: skip
    assert received.roles == PERFORMER
    assert received.may_become("completed")


@pytest.mark.parametrize(("owner", "for_us"), [(ME, True), (ACCESS, True), (ANA, False)])
def test_a_handoff_is_for_me_and_my_teams(owner: Party, for_us: bool) -> None:
    assert case(Kind.HANDOFF, requester=HOUSING, owner=owner).is_for_us == for_us


def test_a_handoff_to_somebody_else_waits_on_others_whoever_moves() -> None:
    assert case(Kind.HANDOFF, requester=ME, owner=ANA, move=Mover.TEAM).waits_on_others


def test_a_permission_names_the_client() -> None:
    found = case().no("cannot be closed")
    assert (found.ok, found.already) == (False, False)
    assert found.why == "OKAFOR, Daniel cannot be closed"
    assert case().already("is already done").already
    assert case().yes().ok


def test_only_crisis_and_safety_are_risks() -> None:
    assert [risk_of(cls) for cls in (ClockClass.CRISIS, "S", "T", None)] == [
        "a crisis clock", "a safety clock", "", "",
    ]  # fmt: skip
