"""What verbs ask about an item: whose it is, how it stands, and what may happen next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from carequeue.domain.items import Cover, Direction, Kind, Move, Mover, Party
from carequeue.domain.rules import ClockClass
from carequeue.domain.task_steps import PERFORMER, REQUESTER
from carequeue.domain.verb_rules import VerbCase, risk_of
from tests.domain.builders import ACCESS, ANA, HOUSING, ME, US, item, local


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


class TestAColleagueWhomICover:
    US = replace(US, covers=(Cover(ANA.person, "Ana Ortiz", local("2026-03-13 08:00")),))

    def covering(self, **facts: Any) -> VerbCase:
        return VerbCase(item(**facts), self.US)

    def test_has_work_that_is_neither_mine_nor_somebody_elses(self) -> None:
        case = self.covering(owner=ANA)
        assert (case.is_covered, case.is_mine, case.is_somebody_elses) == (True, False, False)
        assert not self.covering(owner=ACCESS).is_covered
        assert VerbCase(item(owner=ANA), US).is_somebody_elses

    def test_has_moves_that_are_not_the_teams(self) -> None:
        hers = replace(item(owner=ANA, move=Mover.TEAM), move=Move(Mover.TEAM, "Ana", None, "x"))
        assert VerbCase(hers, self.US).is_teams_move
        hers = replace(hers, move=Move(Mover.TEAM, "Ana", None, ANA.person))
        assert not VerbCase(hers, self.US).is_teams_move

    def test_is_asked_by_handoffs_that_are_for_me_but_not_by_my_own(self) -> None:
        asked = self.covering(kind=Kind.HANDOFF, requester=HOUSING, owner=ANA)
        assert asked.is_for_us
        assert not self.covering(kind=Kind.HANDOFF, requester=ME, owner=ANA).is_for_us


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
