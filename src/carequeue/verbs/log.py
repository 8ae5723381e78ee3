"""Log a contact; a Task that asked for just this contact with the client is completed with it.

Whom it was with is asked only where more than one could be meant; the usual one stands first, and
Enter takes it. A call to a partner, to a payer or to somebody else is no contact with the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Choice, Order, Question, Verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.chart import Resource
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent, RowAfter

_REACHED = "reached"
_OUTCOMES = (Choice("r", _REACHED), Choice("m", "left message"), Choice("n", "no answer"))
#: What is offered where calls have not reached the client.
_OTHER_WAYS = (Choice("l", "letter sent"), Choice("v", "visited, not met"))

_CLIENT = Choice("c", "client")
_GUARDIAN = Choice("g", "guardian")
_PARTNER = Choice("p", "partner")
_PAYER = Choice("y", "payer")
_ELSE = Choice("o", "somebody else")


def _is_tried_often(case: VerbCase) -> bool:
    """True if this attempt is the last call before another way is due."""
    from carequeue.domain.contact_tries import MOST_CALLS

    return case.item.attempts >= MOST_CALLS - 1


def _is_with_partner(case: VerbCase) -> bool:
    """True for a referral that we sent out: mostly the partner is called about it."""
    return case.is_referral and case.is_sent_out


def _is_from_partner(case: VerbCase) -> bool:
    sender = case.item.requester
    return case.is_referral and not case.is_sent_out and sender is not None and not sender.ours


def _is_minor(case: VerbCase) -> bool:
    others = _is_with_partner(case) or _is_from_partner(case) or case.is_authorization
    return "minor" in case.item.flags and not others


_OUTCOME = Question("outcome", "how did it go?", Asks.CHOICE, _OUTCOMES, repeated=", ", noted=True)


def _whom(usual: Choice, *others: Choice, asked: Callable[[VerbCase], bool]) -> Question:
    return Question(
        "with", "with whom?", Asks.CHOICE, (usual, *others), default=usual.words, repeated=" with ",
        asked=asked,
    )  # fmt: skip


_ASKS = (
    _OUTCOME,
    _OUTCOME._replace(choices=(*_OUTCOMES, *_OTHER_WAYS), asked=_is_tried_often),
    _whom(_PARTNER, _CLIENT, _GUARDIAN, _ELSE, asked=_is_with_partner),
    _whom(_CLIENT, _PARTNER, _GUARDIAN, _ELSE, asked=_is_from_partner),
    _whom(_PAYER, _CLIENT, _GUARDIAN, _ELSE, asked=lambda case: case.is_authorization),
    _whom(_GUARDIAN, _CLIENT, _ELSE, asked=_is_minor),
)


def _allowed(case: VerbCase) -> Permission:
    if not case.names_client:
        return case.no("cannot be contacted: the record names no client")
    if case.is_deceased:
        return case.no("is recorded as deceased: no outreach; close it with care (e)")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.fhir import codes

    outcome, _, note = decision.answer("outcome").partition(": ")
    if outcome not in codes.CONTACT_OUTCOMES:
        from carequeue.domain.errors import BadQuestion

        raise BadQuestion(f"Nothing was changed: a contact is not {outcome!r}.")
    with_whom = decision.optional("with") or _CLIENT.words
    log = decision.change("create", resource=_record(decision, outcome, note, with_whom))
    with_client = with_whom in (_CLIENT.words, _GUARDIAN.words)
    if outcome != _REACHED or not with_client or not _asks_for_contact(decision):
        return (log,)
    return (log, decision.change("set_status", after=0, to="completed"))


def _record(decision: Decision, outcome: str, text: str, with_whom: str) -> Resource:
    """The Communication of the contact."""
    from carequeue.domain.items import Direction, Party

    new, item = decision.new, decision.item
    if with_whom == _CLIENT.words:
        return new.contact(outcome, text)
    if with_whom == _GUARDIAN.words:
        return new.contact_with_guardian(outcome, text)
    partner = item.owner if item.direction is Direction.OUTBOUND else item.requester
    other = partner if with_whom == _PARTNER.words else None
    return new.call(other or Party("", with_whom), outcome, text)


def _asks_for_contact(decision: Decision) -> bool:
    """True if the item is a Task that asked for this contact."""
    from carequeue.domain.items import Kind
    from carequeue.fhir import codes, values

    item = decision.item
    if item.target is None or item.kind is not Kind.FOLLOW_UP:
        return False
    coded = values.has_code(decision.task.get("code"), codes.MAKE_CONTACT)
    return "discharge" in item.flags or "crisis_at" in item.facts or coded


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    if intent.kind != "create":
        return ""
    outcome = values.concept_text(values.get(intent.args.get("resource"), "statusReason"))
    return f", {outcome or _REACHED}"


def _is_reached(row: RowAfter) -> bool:
    return row.answers["outcome"].partition(": ")[0] == _REACHED


def _afterwards(row: RowAfter) -> str:
    """What a contact met, or when to try again."""
    if row.answers.get("with", _CLIENT.words) not in (_CLIENT.words, _GUARDIAN.words):
        return ""
    if _is_reached(row):
        met = f"Met: {', '.join(row.met)}. " if row.met else ""
        return met + (row.moved or ("" if met else "It stays open."))
    if row.closed or not row.next_try:
        return ""
    from carequeue.domain.contact_tries import MOST_CALLS

    tries = row.item.attempts + 1
    way = f" Tried {tries} times: send a letter, visit, or tell your supervisor."
    return f"Next try {row.next_try}.{way if tries >= MOST_CALLS else ''}"


VERB = Verb(
    name="log",
    key="l",
    label="log contact",
    short="log",
    help="Log a contact: reached, left message or no answer; u undoes it.",
    done="Logged",
    asks=_ASKS,
    order=Order(help=50, marked=40, asked=50, ours=10, renewal=50, waiting=30, ended=20),
    allowed=_allowed,
    intents=_intents,
    describe=_describe,
    afterwards=_afterwards,
    tells_clocks=True,
    offers=lambda row: "" if _is_reached(row) else "claim",
)
