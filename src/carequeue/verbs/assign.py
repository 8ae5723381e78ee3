"""Give an item to a colleague or a team of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase

_TO = Question("to", "to whom?", Asks.WHOM, repeated=" to ")


def may_be_given(case: VerbCase) -> Permission:
    """Whether somebody of ours can be made the owner of an item."""
    if case.ended_by_them:
        again = "hand it off again (h)" if case.is_handoff else "make a new follow-up (+)"
        return case.no(f"is {case.status} by {case.owner}; {again} or close it (e)")
    if case.is_with_others:
        return case.no(f"is with {case.owner}; who works on it there is theirs to say")
    return case.yes()


VERB = Verb(
    name="assign",
    key="t",
    label="assign",
    help="Assign it to a colleague or one of our teams; u undoes it.",
    done="Assigned",
    asks=(_TO,),
    order=Order(help=80, marked=20, asked=40, ours=50, renewal=40, waiting=90),
    allowed=may_be_given,
    intents=lambda decision: (decision.change("assign", owner=decision.whom("to")),),
    describe=lambda intent, say: f" to {say.name(intent.args.get('owner')) or 'nobody'}",
    already="given to them",
)
