"""Log a contact with the client; where the Task asked for just that, it is completed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Choice, Order, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

_REACHED = "reached"
_OUTCOMES = (Choice("r", _REACHED), Choice("m", "left message"), Choice("n", "no answer"))
_OUTCOME = Question("outcome", "how did it go?", Asks.CHOICE, _OUTCOMES, repeated=", ")


def _allowed(case: VerbCase) -> Permission:
    if not case.names_client:
        return case.no("cannot be contacted: the record names no client")
    if case.is_deceased:
        return case.no("is recorded as deceased: no outreach; close it with care (e)")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.errors import BadQuestion
    from carequeue.fhir import codes

    coded = {
        _REACHED: codes.REACHED,
        "left message": codes.LEFT_MESSAGE,
        "no answer": codes.NO_ANSWER,
    }
    outcome = decision.answer("outcome")
    if outcome not in coded:
        raise BadQuestion(f"Nothing was changed: a contact is not {outcome!r}.")
    contact = decision.new.contact(outcome, coded[outcome], decision.optional("text"))
    log = decision.change("create", resource=contact)
    if outcome != _REACHED or not _asks_for_contact(decision):
        return (log,)
    return (log, decision.change("set_status", after=0, to="completed"))


def _asks_for_contact(decision: Decision) -> bool:
    """True if the item is a Task that asked for this contact."""
    from carequeue.domain.items import Kind
    from carequeue.fhir import codes, values

    item = decision.item
    if item.target is None or item.kind is not Kind.FOLLOW_UP:
        return False
    coded = values.has_code(decision.task.get("code"), codes.MAKE_CONTACT)
    return "discharge" in item.flags or coded


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    if intent.kind != "create":
        return ""
    outcome = values.concept_text(values.get(intent.args.get("resource"), "statusReason"))
    return f", {outcome or _REACHED}"


VERB = Verb(
    name="log",
    key="l",
    label="log contact",
    short="log",
    help="Log a contact: reached, left message or no answer; u undoes it.",
    done="Logged",
    asks=(_OUTCOME,),
    order=Order(help=50, marked=40, asked=50, ours=10, renewal=50, waiting=30, ended=20),
    allowed=_allowed,
    intents=_intents,
    describe=_describe,
)
