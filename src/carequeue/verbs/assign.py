"""Give an item to a colleague or a team of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import Asks, Listing, PlannedIntent, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision

_TO: Final = Question("to", "to whom?", Asks.WHOM, repeated=" to ")


def may_be_given(case: VerbCase) -> Permission:
    """Whether somebody of ours can be made the owner of an item."""
    if case.ended_by_them:
        again = "hand it off again (h)" if case.is_handoff else "make a new follow-up (+)"
        return case.no(f"is {case.status} by {case.owner}; {again} or close it (e)")
    if case.is_with_others:
        return case.no(f"is with {case.owner}; who works on it there is theirs to say")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.intents import IntentKind

    return (PlannedIntent(IntentKind.ASSIGN, {"owner": decision.whom(_TO.name)}),)


def _describe(intent: Intent, say: Say) -> str:
    return f" to {say.name(intent.args.get('owner')) or 'nobody'}"


VERB: Final = Verb(
    name="assign",
    key="t",
    label="assign",
    short="assign",
    help="Give it to a colleague or a team of ours; u undoes it.",
    done="Assigned",
    asks=(_TO,),
    order={
        Listing.HELP: 80,
        Listing.MARKED: 20,
        Listing.ASKED: 40,
        Listing.OURS: 50,
        Listing.RENEWAL: 40,
        Listing.WAITING: 90,
    },
    allowed=may_be_given,
    intents=_intents,
    describe=_describe,
    already="given to them",
)
