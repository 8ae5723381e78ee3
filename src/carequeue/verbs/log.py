"""Log a contact with the client; where the Task asked for just that, it is completed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import Asks, Choice, Listing, PlannedIntent, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision

_REACHED: Final = "reached"
_OUTCOME: Final = Question(
    "outcome",
    "how did it go?",
    Asks.CHOICE,
    (
        Choice("r", _REACHED, "reached"),
        Choice("m", "left message", "left message"),
        Choice("n", "no answer", "no answer"),
    ),
    repeated=", ",
)


def _allowed(case: VerbCase) -> Permission:
    if not case.names_client:
        return case.no("cannot be contacted: the record names no client")
    if case.is_deceased:
        return case.no("is recorded as deceased: no outreach; close it with care (e)")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.errors import BadQuestion
    from carequeue.domain.intents import IntentKind
    from carequeue.fhir import codes

    outcome = decision.answer(_OUTCOME.name)
    coded = {
        _REACHED: codes.REACHED,
        "left message": codes.LEFT_MESSAGE,
        "no answer": codes.NO_ANSWER,
    }
    if outcome not in coded:
        raise BadQuestion(f"Nothing was changed: a contact is not {outcome!r}.")
    text = decision.answers.get("text", "")
    contact = decision.new.contact(outcome, coded[outcome], text)
    log = PlannedIntent(IntentKind.CREATE, {"resource": contact})
    if outcome != _REACHED or not _asks_for_contact(decision):
        return (log,)
    return (log, PlannedIntent(IntentKind.SET_STATUS, {"to": "completed"}, after=0))


def _asks_for_contact(decision: Decision) -> bool:
    """Whether the item is a Task that asked for this contact."""
    from carequeue.domain.items import Kind
    from carequeue.fhir import codes, values

    item = decision.item
    if item.target is None or item.kind is not Kind.FOLLOW_UP:
        return False
    coded = values.has_code(decision.task.get("code"), codes.MAKE_CONTACT)
    return "discharge" in item.flags or coded


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.domain.intents import IntentKind
    from carequeue.fhir import values

    if intent.kind is not IntentKind.CREATE:
        return ""
    outcome = values.concept_text(values.get(intent.args.get("resource"), "statusReason"))
    return f", {outcome or _REACHED}"


VERB: Final = Verb(
    name="log",
    key="l",
    label="log contact",
    short="log",
    help="Log a contact: reached, left message or no answer; u undoes it.",
    done="Logged",
    asks=(_OUTCOME,),
    order={
        Listing.HELP: 50,
        Listing.MARKED: 40,
        Listing.ASKED: 50,
        Listing.OURS: 10,
        Listing.RENEWAL: 50,
        Listing.WAITING: 30,
        Listing.ENDED: 20,
    },
    allowed=_allowed,
    intents=_intents,
    describe=_describe,
)
