"""Accept a referral that was sent to us, or acknowledge a handoff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carequeue.verbs.verb import Order, Verb

if TYPE_CHECKING:
    from carequeue.domain.items import Party
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision, PlannedIntent

_TEAMS = ("CareTeam/", "Organization/", "HealthcareService/")


def _allowed(case: VerbCase) -> Permission:
    if case.is_handoff:
        return _may_acknowledge(case)
    if not case.is_referral:
        return case.no(f"needs no accepting, it is {case.noun}; e closes it")
    if case.is_sent_out:
        return case.no(f"was sent out: {case.owner} has to answer, not you")
    if case.may_become("accepted"):
        return case.yes()
    if case.has_begun:
        return case.already("is already accepted")
    return case.no(f"is {case.status} and cannot be accepted")


def _may_acknowledge(case: VerbCase) -> Permission:
    if "acknowledged_at" in case.item.facts:
        return case.already("is already acknowledged")
    if not case.is_for_us:
        return case.no(f"waits for {case.owner} to acknowledge, not for you")
    if case.may_become("accepted"):
        return case.yes()
    return case.no(f"is {case.status} and cannot be acknowledged")


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.items import Kind
    from carequeue.fhir.handoff import read_back

    args: dict[str, Any] = {"to": "accepted"}
    if decision.item.kind is Kind.HANDOFF:
        owner, reader = decision.item.owner, decision.us.my_name
        if cover := decision.us.cover_of(owner.person if owner else ""):
            # The client stays with the colleague whom I cover.
            reader = f"{reader or 'a colleague'} for {cover.name}"
        else:
            args["owner"] = decision.me
        args["output"] = decision.answers.get("read_back") or read_back(decision.task, reader)
    elif decision.us.me and _is_unclaimed(decision.item.owner):
        args["owner"] = decision.me
    return (decision.change("set_status", **args),)


def _is_unclaimed(owner: Party | None) -> bool:
    """True if accepting makes it mine: nobody's, or a team's or the organization's of ours."""
    return owner is None or (owner.ours and owner.reference.startswith(_TEAMS))


VERB = Verb(
    name="accept",
    key="a",
    label="accept",
    help="Accept a referral, or acknowledge a handoff; u undoes it.",
    done="Accepted",
    labels={"handoff": "acknowledge"},
    dones={"handoff": "Acknowledged"},
    # A referral that waits for information can be answered all the same.
    order=Order(help=10, marked=80, asked=10, waiting=10),
    allowed=_allowed,
    when_over=True,
    intents=_intents,
)
