"""Ask a colleague or a team to take a client over, in the parts of I-PASS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import AfterAct, Asks, Choice, Listing, PlannedIntent, Question, Verb

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision

_TO: Final = Question("to", "to whom?", Asks.WHOM, repeated=" to ")
_SEVERITY: Final = Question(
    "severity",
    "how ill?",
    Asks.CHOICE,
    (
        Choice("1", "stable", "stable"),
        Choice("2", "watcher", "watcher"),
        Choice("3", "unstable", "unstable"),
    ),
    default="stable",
)
_SUMMARY: Final = Question("summary", "summary:", Asks.TEXT, meaning="how the client is")
_ACTIONS: Final = Question(
    "actions",
    "to do, and what if:",
    Asks.TEXT,
    default="",
    meaning="what to do, and what if",
)
_PRIORITIES: Final = {"unstable": "stat", "watcher": "urgent"}


def _allowed(case: VerbCase) -> Permission:
    if not case.names_client:
        return case.no("cannot be handed off: the record names no client")
    sent = case.is_handoff and case.asked_by_me
    if sent and not case.ended_by_them and not case.is_for_us:
        return case.already(f"is already handed off to {case.owner}")
    return case.yes()


def _intents(decision: Decision) -> tuple[PlannedIntent, ...]:
    from carequeue.domain.intents import IntentKind
    from carequeue.fhir import codes

    owner = decision.whom(_TO.name)
    severity = decision.answers.get(_SEVERITY.name) or "stable"
    content = {
        codes.SEVERITY: severity,
        codes.SUMMARY: decision.answer(_SUMMARY.name),
        codes.ACTIONS: decision.answers.get(_ACTIONS.name, "").strip(),
        codes.CONTINGENCY: decision.answers.get("contingency", "").strip(),
    }
    priority = _PRIORITIES.get(severity, "routine")
    task = decision.new.handoff_task(owner, priority, content)
    return (PlannedIntent(IntentKind.CREATE, {"resource": task}),)


def _describe(intent: Intent, say: Say) -> str:
    from carequeue.fhir import values

    return f" to {say.name(values.get(intent.args.get('resource'), 'owner')) or 'nobody'}"


def _afterwards(row: AfterAct) -> str:
    return "It closes when they acknowledge."


VERB: Final = Verb(
    name="handoff",
    key="h",
    label="hand off",
    short="hand off",
    help="Ask somebody to take over; it closes when they acknowledge; u undoes it.",
    done="Handed off",
    asks=(_TO, _SEVERITY, _SUMMARY, _ACTIONS),
    order={
        Listing.HELP: 90,
        Listing.MARKED: 100,
        Listing.ASKED: 80,
        Listing.OURS: 30,
        Listing.RENEWAL: 60,
        Listing.WAITING: 70,
        Listing.ENDED: 50,
    },
    allowed=_allowed,
    intents=_intents,
    describe=_describe,
    afterwards=_afterwards,
)
