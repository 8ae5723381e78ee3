"""Ask a colleague or a team to take a client over, in the parts of I-PASS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.verb import Asks, Order, Question, Verb, numbered

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent

_TO = Question("to", "to whom?", Asks.WHOM, repeated=" to ")
_SEVERITY = Question(
    "severity",
    "how ill?",
    Asks.CHOICE,
    numbered("stable", "watcher", "unstable"),
    default="stable",
)
_SUMMARY = Question("summary", "summary:", Asks.TEXT, meaning="how the client is")
_ACTIONS = Question(
    "actions",
    "to do, and what if:",
    Asks.TEXT,
    default="",
    meaning="what to do, and what if",
)
_PRIORITIES = {"unstable": "stat", "watcher": "urgent"}


def _allowed(case: VerbCase) -> Permission:
    if not case.names_client:
        return case.no("cannot be handed off: the record names no client")
    sent = case.is_handoff and case.asked_by_me
    if sent and not case.ended_by_them and not case.is_for_us:
        return case.already(f"is already handed off to {case.owner}")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.fhir import codes

    owner = decision.whom("to")
    severity = decision.optional("severity") or "stable"
    content = {
        codes.SEVERITY: severity,
        codes.SUMMARY: decision.answer("summary"),
        codes.ACTIONS: decision.optional("actions"),
        codes.CONTINGENCY: decision.optional("contingency"),
    }
    priority = _PRIORITIES.get(severity, "routine")
    task = decision.new.handoff_task(owner, priority, content)
    return (decision.change("create", resource=task),)


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    return f" to {say.name(values.get(intent.args.get('resource'), 'owner')) or 'nobody'}"


VERB = Verb(
    name="handoff",
    key="h",
    label="hand off",
    help="Ask somebody to take over; it closes when they acknowledge; u undoes it.",
    done="Handed off",
    asks=(_TO, _SEVERITY, _SUMMARY, _ACTIONS),
    order=Order(help=90, marked=100, asked=80, ours=30, renewal=60, waiting=70, ended=50),
    allowed=_allowed,
    intents=_intents,
    describe=_describe,
    afterwards=lambda row: "It closes when they acknowledge.",
)
