"""Facts of an item that verbs ask for before they apply: owner, status, possible next steps.

In:  an item, who we are, the steps of a Task. Out: facts of the item, and a `Permission` in words
that name the client.
Not here: which verb needs which facts (`verbs/`), what a source can take
(`sync/protocol/capabilities.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from carequeue.domain.items import Direction, Kind, Mover, Us, WorkItem
from carequeue.domain.rules import ClockClass
from carequeue.domain.sanitize import clean
from carequeue.domain.task_steps import (
    ASKED,
    BEGUN,
    DEFAULT_STEPS,
    ENDED,
    NOT_DONE,
    OUR_OWN,
    PERFORMER,
    REQUESTER,
    Role,
    Steps,
)

#: A person at risk is decided about one at a time: who closes forty rows has not read forty.
_RISKS: Final = {ClockClass.CRISIS: "a crisis clock", ClockClass.SAFETY: "a safety clock"}


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a verb applies. `already`: there is nothing to change, it is so by now."""

    ok: bool
    why: str = ""
    already: bool = False


_YES: Final = Permission(ok=True)


@dataclass(frozen=True, slots=True)
class VerbCase:
    """One item as verbs see it. `item_class`: the gravest class of its open clocks."""

    item: WorkItem
    us: Us
    #: The state machine of each kind of item.
    steps: Mapping[Kind, Steps] = field(default_factory=lambda: DEFAULT_STEPS)
    item_class: ClockClass | None = None

    # --- answers of a verb

    def yes(self) -> Permission:
        """The verb applies."""
        return _YES

    def no(self, why: str) -> Permission:
        """The verb does not apply; `why` follows the name of the client."""
        return Permission(ok=False, why=f"{clean(self.item.label, 120)} {why}")

    def already(self, why: str) -> Permission:
        """There is nothing to change; `why` follows the name of the client."""
        return Permission(ok=False, why=f"{clean(self.item.label, 120)} {why}", already=True)

    # --- what the item is

    @property
    def noun(self) -> str:
        """The kind of item with its article: "a referral"."""
        noun = self.item.kind.replace("_", "-")
        return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"

    @property
    def is_referral(self) -> bool:
        """True if one provider asks another for a service."""
        return self.item.kind is Kind.REFERRAL

    @property
    def is_handoff(self) -> bool:
        """True if somebody asks a colleague or a team to take the client over."""
        return self.item.kind is Kind.HANDOFF

    @property
    def is_authorization(self) -> bool:
        """True if a payer's approval ends, or is still asked for."""
        return self.item.kind is Kind.AUTHORIZATION

    @property
    def is_client(self) -> bool:
        """True if it is no row of the queue, but a client who was found by search."""
        return self.item.anchor.type == "Patient"

    @property
    def names_client(self) -> bool:
        """True if the record names a client."""
        return bool(self.item.client.reference)

    @property
    def is_deceased(self) -> bool:
        """True if the client is recorded as deceased."""
        return self.item.client.deceased or "deceased" in self.item.flags

    @property
    def is_at_risk(self) -> bool:
        """True if a clock of a person at risk is open."""
        return bool(risk_of(self.item_class))

    @property
    def in_crisis(self) -> bool:
        """True if a crisis clock is open."""
        return self.item_class is ClockClass.CRISIS

    # --- whose it is

    @property
    def owner(self) -> str:
        """The name of who owes it."""
        return clean(self.item.owner.name, 60) if self.item.owner else "the receiver"

    @property
    def is_mine(self) -> bool:
        """True if I am its owner."""
        owner = self.item.owner
        return owner is not None and (owner.me or self.us.is_me(owner.reference))

    @property
    def is_covered(self) -> bool:
        """True if its owner is a colleague whom I cover."""
        owner = self.item.owner
        return owner is not None and self.us.cover_of(owner.person) is not None

    @property
    def is_somebody_elses(self) -> bool:
        """True if another person, another team or a partner has it, and I do not cover them."""
        owner = self.item.owner
        if owner is None or self.is_mine or self.is_covered:
            return False
        return owner.reference not in self.us.teams | {self.us.organization}

    @property
    def is_sent_out(self) -> bool:
        """True if we asked another organization for it."""
        return self.item.direction is Direction.OUTBOUND

    @property
    def is_with_others(self) -> bool:
        """True if another organization works on it."""
        owner = self.item.owner
        return self.is_sent_out or (owner is not None and not owner.ours)

    @property
    def asked_by_me(self) -> bool:
        """True if I am its requester."""
        return self.item.requester is not None and self.item.requester.me

    @property
    def is_for_us(self) -> bool:
        """True if a handoff asks me, a team of mine, nobody by name, or a colleague whom I cover.

        What I sent to that colleague myself is still for the colleague: nobody can read back their
        own words.
        """
        owner = self.item.owner
        if owner is None:
            return not self.asked_by_me
        mine = self.is_mine or (self.is_covered and not self.asked_by_me)
        return mine or owner.reference in self.us.teams | {self.us.organization}

    @property
    def is_teams_move(self) -> bool:
        """True if my team has to act next, and nobody of it whom I cover."""
        move = self.item.move
        return move.who is Mover.TEAM and self.us.cover_of(move.person) is None

    @property
    def waits_on_others(self) -> bool:
        """True if a partner, the client or the receiver of a handoff has to act next."""
        given = self.is_handoff and not self.is_for_us
        return given or self.item.move.who in (Mover.PARTNER, Mover.CLIENT)

    @property
    def waits_on_partner(self) -> bool:
        """True if another organization has to act next."""
        return self.item.move.who is Mover.PARTNER

    @property
    def roles(self) -> frozenset[Role]:
        """Our parts in it."""
        item = self.item
        ours = item.owner is None or item.owner.ours
        requests = self.is_sent_out or (item.requester is not None and item.requester.ours)
        performs = PERFORMER if ours and not self.is_sent_out else frozenset()
        return performs | (REQUESTER if requests else frozenset())

    @property
    def is_ours_to_do(self) -> bool:
        """True if we are its performer."""
        return Role.PERFORMER in self.roles

    # --- how it stands

    @property
    def status(self) -> str:
        """The status in words."""
        if self.item.status == "rejected":
            return "declined"
        return clean(self.item.status.replace("-", " "), 40) or "not yet begun"

    @property
    def waits_for_answer(self) -> bool:
        """True if it was asked for and nobody has answered."""
        return self.item.status in ASKED

    @property
    def has_begun(self) -> bool:
        """True if somebody has accepted it or works on it."""
        return self.item.status in BEGUN

    @property
    def ended_by_them(self) -> bool:
        """True if what we had asked for was declined, called off or not achieved: ours again."""
        item = self.item
        declined_by_us = item.direction is Direction.INBOUND and item.status == "rejected"
        return item.status in NOT_DONE and not declined_by_us

    @property
    def is_over(self) -> bool:
        """True if nobody has to act any more."""
        status = self.item.status
        return status in ENDED or (status in NOT_DONE and not self.ended_by_them)

    def may_become(self, status: str) -> bool:
        """True if the step to a status is ours to take."""
        who = self.steps.get(self.item.kind, OUR_OWN).get((self.item.status, status))
        return bool(who and who & self.roles)


def risk_of(item_class: str | None) -> str:
    """The clock of a person at risk in words, "" where the class of the item is no such class."""
    return next((risk for known, risk in _RISKS.items() if known == item_class), "")
