"""Make a new follow-up of our own for the item's client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.verbs.decision import Decision, PlannedIntent

_TEXT = Question("text", "what has to happen?", Asks.TEXT)
_UNTIL = Question("until", "due?", Asks.WHEN, repeated=" due ")


def _allowed(case: VerbCase) -> Permission:
    if case.is_client and case.is_deceased:
        return case.no("is recorded as deceased: no outreach; use + on a row that is open")
    if not case.names_client:
        return case.no("cannot have a follow-up: the record names no client")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    task = decision.new.own_task(decision.answer("text"), decision.answer("until"))
    return (decision.change("create", resource=task),)


VERB = Verb(
    name="new",
    key="plus",
    label="new",
    help="A new follow-up for this client; u undoes it.",
    done="New follow-up",
    asks=(_TEXT, _UNTIL),
    on_client=True,
    order=Order(help=110, asked=100, ours=80, renewal=80, waiting=60, ended=10),
    allowed=_allowed,
    when_over=True,
    intents=_intents,
    describe=lambda intent, say: f": {intent.args['resource']['description']}",
)
