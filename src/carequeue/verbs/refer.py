"""Refer any client to a partner or to a team of ours: the request, and the Task that carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb, numbered

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

_TEXT = Question("text", "for what?", Asks.TEXT, meaning="what the client is referred for")
_TO = Question("to", "to whom?", Asks.PARTNER, repeated=" to ")
_PRIORITIES = numbered("routine", "urgent", "asap", "stat")
_PRIORITY = Question(
    "priority", "how urgent?", Asks.CHOICE, _PRIORITIES, default="routine", repeated=", "
)


def _allowed(case: VerbCase) -> Permission:
    if not case.names_client:
        return case.no("cannot be referred: the record names no client")
    if case.is_deceased:
        return case.no("is recorded as deceased and cannot be referred")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    """The request first: the Task points to it, and a partner who sees the Task looks for it."""
    request, task = decision.new.referral(
        decision.answer("text"), decision.whom("to"), decision.answer("priority")
    )
    return (
        decision.change("create", resource=request),
        decision.change("create", after=0, resource=task),
    )


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    resource = intent.args.get("resource")
    if intent.kind != "create" or intent.target_type != "Task":
        return ""
    return f" to {say.name(values.get(resource, 'owner')) or 'nobody'}"


VERB = Verb(
    name="refer",
    key="",
    label="refer",
    help="A new referral for any client, to a partner or a team of ours; u undoes it.",
    done="Referred",
    asks=(_TEXT, _TO, _PRIORITY),
    on_item=False,
    on_client=True,
    order=Order(help=112),
    allowed=_allowed,
    intents=_intents,
    describe=_describe,
)
