"""The verbs that apply to an item, their order, and the verbs that are never done in bulk.

In:  a verb, an item, who we are. Out: a `Permission`, or verbs in order.
Why the projection stores the answer with each row: the first frame must not read a chart.
Not here: what each verb asks of an item (its own file), the facts of an item
(`domain/verb_rules.py`).
"""

from __future__ import annotations

from carequeue.domain.items import Us, WorkItem
from carequeue.domain.rules import ClockClass
from carequeue.domain.verb_rules import Permission, VerbCase, risk_of
from carequeue.verbs.offers import offer
from carequeue.verbs.table import in_order, item_verbs
from carequeue.verbs.verb import Listing, Verb


def allowed(verb: Verb, case: VerbCase) -> Permission:
    """Whether a verb applies to an item, and why not."""
    if case.is_client and not verb.on_client:
        return case.no("was found by search: this act needs an item of the queue")
    if case.is_over and not verb.when_over:
        return case.no(f"is {case.status}: nothing is left to do")
    return verb.allowed(case)


def applicable(item: WorkItem, us: Us, item_class: ClockClass | None = None) -> tuple[str, ...]:
    """The verbs that apply to an item (`offers.py`), the most used first for how it stands.

    `item_class`: the gravest class of its open clocks. What that forbids is not there.
    """
    case = VerbCase(item, us, item_class=item_class)
    verbs = [verb for verb in item_verbs() if allowed(verb, case).ok]
    return tuple(offer(verb, case) for verb in in_order(verbs, _listings(case)))


def _listings(case: VerbCase) -> tuple[Listing, ...]:
    """The lists that hold for an item, the first before the second."""
    asks_us = case.is_handoff or (case.is_referral and case.waits_for_answer)
    usual = _usual_listing(case, asks_us=asks_us)
    return ("team", usual) if case.is_teams_move and not asks_us else (usual,)


def _usual_listing(case: VerbCase, *, asks_us: bool) -> Listing:
    if case.ended_by_them:
        return "ended"
    if case.waits_on_others:
        return "waiting"
    if case.is_authorization:
        return "renewal"
    return "asked" if asks_us else "ours"


def bulk_refusal(verb: Verb, item_class: str | None) -> str | None:
    """Return why a verb is not done in bulk to an item of this class; None if it is."""
    risk = risk_of(item_class)
    if not (risk and verb.one_by_one):
        return None
    return f"has {risk} and is {verb.one_by_one} one by one, never in bulk"
