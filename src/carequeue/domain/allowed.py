"""Whether a verb applies to an item, and why not, in words that name the client.

In:  the name of a verb, an item, who we are. Out: a `Verdict`.
Why the steps of a Task are data: the published profiles disagree on them (in COW work that began
     cannot be cancelled, in SDOH Clinical Care it can; `received` is excluded in one and carries
     the question in another), so the steps are a table; every source has the same one as yet.
What we may do to a Task follows from our part in it: the performer accepts, declines and
     completes, the requester does not; completing a partner's Task is never offered.
Not here: what a verb asks (`worklist/verbs.py`), what it changes (`fhir/drafts.py`), what a
     source can take (`sync/protocol/capabilities.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from carequeue.domain.items import Direction, Kind, Mover, Us, WorkItem
from carequeue.domain.rules import ClockClass
from carequeue.domain.sanitize import clean


class Role(StrEnum):
    """A part in a Task."""

    REQUESTER = "requester"
    PERFORMER = "performer"


#: (status, next status) -> who may take the step; "" is an item that has no Task yet.
Steps = Mapping[tuple[str, str], frozenset[Role]]

_P: Final = frozenset({Role.PERFORMER})
_R: Final = frozenset({Role.REQUESTER})
_BOTH: Final = _P | _R


def _steps(
    sources: Iterable[str], targets: Iterable[str], who: frozenset[Role]
) -> dict[tuple[str, str], frozenset[Role]]:
    return {(source, target): who for source in sources for target in targets}


_BEGUN: Final = ("accepted", "in-progress", "on-hold")
_ASKED: Final = ("", "requested", "received", "ready")

#: A referral between two organizations, after the state diagram of SDOH Clinical Care 3.0;
#: `received` and `ready`, which it excludes, are read as `requested`.
SDOHCC: Final[Steps] = {
    ("draft", "requested"): _R,
    **_steps(_ASKED, ("accepted", "rejected"), _P),
    **_steps(_BEGUN, ("completed", "failed"), _P),
    **_steps(("accepted",), ("in-progress", "on-hold"), _P),
    ("in-progress", "on-hold"): _P,
    ("on-hold", "in-progress"): _P,
    **_steps((*_ASKED, *_BEGUN), ("cancelled",), _BOTH),
    ("", "completed"): _BOTH,  # a lone request: no partner keeps a Task of it
}
#: A Task among ourselves: R4 lets it be completed from every state in which it is open.
OUR_OWN: Final[Steps] = {
    ("draft", "requested"): _R,
    **_steps(("draft", *_ASKED, *_BEGUN), ("completed",), _P),
    **_steps(_ASKED, ("accepted", "rejected", "in-progress"), _P),
    **_steps((*_ASKED, *_BEGUN), ("cancelled",), _BOTH),
}
#: A handoff: accepted without a read-back is not taken yet, so accepting stays possible.
HANDOFF: Final[Steps] = {
    **_steps((*_ASKED, *_BEGUN), ("accepted",), _P),
    **_steps(_ASKED, ("rejected",), _P),
    **_steps((*_ASKED, *_BEGUN), ("cancelled",), _R),
}
DEFAULT_STEPS: Final[Mapping[Kind, Steps]] = {
    Kind.REFERRAL: SDOHCC,
    Kind.FOLLOW_UP: OUR_OWN,
    Kind.HANDOFF: HANDOFF,
    Kind.AUTHORIZATION: OUR_OWN,
}

_ENDED: Final = frozenset({"completed", "entered-in-error"})
_NOT_DONE: Final = frozenset({"rejected", "cancelled", "failed"})
_NOUNS: Final = {
    Kind.REFERRAL: "referral",
    Kind.FOLLOW_UP: "follow-up",
    Kind.HANDOFF: "handoff",
    Kind.AUTHORIZATION: "authorization",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a verb applies. `already`: there is nothing to change, it is so by now."""

    ok: bool
    why: str = ""
    already: bool = False


_YES: Final = Verdict(ok=True)


@dataclass(frozen=True, slots=True)
class _Case:
    """What a verb is judged by."""

    item: WorkItem
    us: Us
    steps: Mapping[Kind, Steps]
    item_class: ClockClass | None

    def no(self, words: str) -> Verdict:
        """Refused, naming the client."""
        return Verdict(ok=False, why=f"{clean(self.item.label, 120)} {words}")

    def so(self, words: str) -> Verdict:
        """Nothing to change, naming the client."""
        return Verdict(ok=False, why=f"{clean(self.item.label, 120)} {words}", already=True)

    @property
    def noun(self) -> str:
        return _NOUNS[self.item.kind]

    @property
    def owner(self) -> str:
        """The name of who owes it."""
        return clean(self.item.owner.name, 60) if self.item.owner else "the receiver"

    @property
    def ended_by_them(self) -> bool:
        """Whether what we had asked for was declined, called off or not achieved: ours again."""
        item = self.item
        declined_by_us = item.direction is Direction.INBOUND and item.status == "rejected"
        return item.status in _NOT_DONE and not declined_by_us

    @property
    def over(self) -> bool:
        """Whether nobody has to act any more."""
        status = self.item.status
        return status in _ENDED or (status in _NOT_DONE and not self.ended_by_them)

    @property
    def roles(self) -> frozenset[Role]:
        """Our parts in it."""
        item = self.item
        ours = item.owner is None or item.owner.ours
        performs = ours and item.direction is not Direction.OUTBOUND
        requests = item.direction is Direction.OUTBOUND or (
            item.requester is not None and item.requester.ours
        )
        return (_P if performs else frozenset()) | (_R if requests else frozenset())

    def may(self, status: str) -> bool:
        """Whether a step to a status is ours to take."""
        who = self.steps.get(self.item.kind, OUR_OWN).get((self.item.status, status))
        return bool(who and who & self.roles)

    def stands(self) -> str:
        """The status in words."""
        if self.item.status == "rejected":
            return "declined"
        return clean(self.item.status.replace("-", " "), 40) or "not yet begun"


def _accept(case: _Case) -> Verdict:
    item = case.item
    if item.kind is Kind.HANDOFF:
        return _acknowledge(case)
    if item.kind is not Kind.REFERRAL:
        return case.no(f"needs no accepting, it is {_an(case.noun)}; e closes it")
    if item.direction is Direction.OUTBOUND:
        return case.no(f"was sent out: {case.owner} has to answer, not you")
    if case.may("accepted"):
        return _YES
    if item.status in _BEGUN:
        return case.so("is already accepted")
    return case.no(f"is {case.stands()} and cannot be accepted")


def _acknowledge(case: _Case) -> Verdict:
    item = case.item
    if "acknowledged_at" in item.facts:
        return case.so("is already acknowledged")
    if not _is_for_us(case):
        return case.no(f"waits for {case.owner} to acknowledge, not for you")
    if case.may("accepted"):
        return _YES
    return case.no(f"is {case.stands()} and cannot be acknowledged")


def _is_for_us(case: _Case) -> bool:
    """Whether a handoff asks me, a team of mine or nobody by name."""
    owner = case.item.owner
    if owner is None:
        return not (case.item.requester is not None and case.item.requester.me)
    teams = case.us.teams | {case.us.organization}
    return owner.me or case.us.is_me(owner.reference) or owner.reference in teams


def _decline(case: _Case) -> Verdict:
    item = case.item
    if item.kind not in (Kind.REFERRAL, Kind.HANDOFF):
        return case.no(f"cannot be declined, it is {_an(case.noun)}; e closes it")
    if item.status == "rejected":
        by = f"was declined by {case.owner}" if case.ended_by_them else "is already declined"
        return case.so(by)
    if item.direction is Direction.OUTBOUND:
        return case.no(f"was sent out: {case.owner} has to answer, not you")
    if item.kind is Kind.HANDOFF and not _is_for_us(case):
        return case.no(f"waits for {case.owner} to answer, not for you")
    if case.may("rejected"):
        return _YES
    if item.status in _BEGUN:
        return case.no("is already accepted; hand it off (h) or close it (e)")
    return case.no(f"is {case.stands()} and cannot be declined")


def _done(case: _Case) -> Verdict:
    item = case.item
    if item.status == "completed":
        return case.so("is already done")
    if case.ended_by_them or case.may("completed"):
        return _YES
    if item.kind is Kind.HANDOFF:
        who = "you" if _is_for_us(case) else case.owner
        return case.no(f"closes when {who} acknowledge{'' if who == 'you' else 's'} the handoff")
    if Role.PERFORMER not in case.roles:
        return case.no(f"waits for {case.owner}: a partner’s work is closed by the partner")
    if item.kind is Kind.REFERRAL and item.status in _ASKED:
        return case.no("has to be accepted first (a)")
    return case.no(f"is {case.stands()} and cannot be closed")


def _claim(case: _Case) -> Verdict:
    owner = case.item.owner
    if owner is not None and (owner.me or case.us.is_me(owner.reference)):
        return case.so("is already yours")
    return _assign(case)


def _assign(case: _Case) -> Verdict:
    item = case.item
    if case.ended_by_them:
        again = "hand off anew (h)" if item.kind is Kind.HANDOFF else "make a new follow-up (+)"
        return case.no(f"is {case.stands()} by {case.owner}; {again} or close it (e)")
    if item.direction is Direction.OUTBOUND or (item.owner is not None and not item.owner.ours):
        return case.no(f"is with {case.owner}; who works on it there is theirs to say")
    return _YES


def _log(case: _Case) -> Verdict:
    if not case.item.client.reference:
        return case.no("cannot be contacted: the record names no client")
    if _deceased(case):
        return case.no("is recorded as deceased: no outreach; close it with care (e)")
    return _YES


def _snooze(case: _Case) -> Verdict:
    if case.item_class is ClockClass.CRISIS:
        return case.no("has a crisis clock, which cannot sleep")
    return _YES


def _hand_off(case: _Case) -> Verdict:
    item = case.item
    if not item.client.reference:
        return case.no("cannot be handed off: the record names no client")
    sent = item.kind is Kind.HANDOFF and item.requester is not None and item.requester.me
    if sent and not case.ended_by_them and not _is_for_us(case):
        return case.so(f"is already handed off to {case.owner}")
    return _YES


def _new(case: _Case) -> Verdict:
    if not case.item.client.reference:
        return case.no("cannot have a follow-up: the record names no client")
    return _YES


def _always(_: _Case) -> Verdict:
    return _YES


def _deceased(case: _Case) -> bool:
    return case.item.client.deceased or "deceased" in case.item.flags


def _an(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


_JUDGES: Final[Mapping[str, Callable[[_Case], Verdict]]] = {
    "accept": _accept,
    "decline": _decline,
    "claim": _claim,
    "done": _done,
    "log": _log,
    "snooze": _snooze,
    "note": _always,
    "assign": _assign,
    "handoff": _hand_off,
    "priority": _always,
    "new": _new,
}
#: What may still be said of an item on which nobody has to act any more.
_AFTER_THE_END: Final = frozenset({"accept", "decline", "done", "note", "new"})


def allowed(
    verb: str,
    item: WorkItem,
    us: Us,
    steps: Mapping[Kind, Steps] = DEFAULT_STEPS,
    item_class: ClockClass | None = None,
) -> Verdict:
    """Whether a verb applies to an item, and why not.

    `steps` is the state machine of each kind of item, `item_class` the gravest class of its open
    clocks (`clocks.class_of`). A verb that nobody knows is refused.
    """
    return _judged(verb, _Case(item, us, steps, item_class))


def _judged(verb: str, case: _Case) -> Verdict:
    judge = _JUDGES.get(verb)
    if judge is None:
        return case.no(f"cannot be changed by {clean(verb, 40)!r}: there is no such verb")
    if case.over and verb not in _AFTER_THE_END:
        return case.no(f"is {case.stands()}: nothing is left to do")
    return judge(case)


_FOLLOW_UP: Final = ("log", "done", "handoff", "snooze", "assign", "note", "priority", "new")
_TO_ANSWER: Final = (
    "accept", "decline", "claim", "assign", "log", "note", "snooze", "handoff", "priority", "new",
)  # fmt: skip
_WAITING: Final = ("log", "note", "snooze", "new", "handoff", "priority", "assign", "claim", "done")
_REROUTE: Final = ("new", "log", "done", "note", "handoff", "snooze", "priority")
_RENEWAL: Final = ("done", "note", "snooze", "assign", "log", "handoff", "priority", "new")


def applicable(
    item: WorkItem,
    us: Us,
    steps: Mapping[Kind, Steps] = DEFAULT_STEPS,
    item_class: ClockClass | None = None,
) -> tuple[str, ...]:
    """The verbs that apply to an item, the most used first for its kind, state and move.

    `item_class` as for `allowed`: of what its clocks forbid (a crisis cannot sleep) none is there.
    """
    case = _Case(item, us, steps, item_class)
    order = dict.fromkeys((*_first(case), *_usual(case), *_JUDGES))
    return tuple(verb for verb in order if _judged(verb, case).ok)


def _first(case: _Case) -> tuple[str, ...]:
    """What comes before all else: answer what waits for an answer, take what is the team's."""
    item = case.item
    if item.kind is Kind.HANDOFF or (item.kind is Kind.REFERRAL and item.status in _ASKED):
        return ("accept", "decline")
    return ("claim",) if item.move.who is Mover.TEAM else ()


def _usual(case: _Case) -> tuple[str, ...]:
    item = case.item
    if case.ended_by_them:
        return _REROUTE
    sent = item.kind is Kind.HANDOFF and not _is_for_us(case)
    if sent or item.move.who in (Mover.PARTNER, Mover.CLIENT):
        return _WAITING
    if item.kind is Kind.AUTHORIZATION:
        return _RENEWAL
    if item.kind is Kind.HANDOFF or (item.kind is Kind.REFERRAL and item.status in _ASKED):
        return _TO_ANSWER
    return _FOLLOW_UP


def bulk_refusal(verb: str, item_class: str | None) -> str | None:
    """Why a verb is not done to many items at once where one is of this class; None where it is.

    A person at risk is decided about one at a time: who closes forty rows has not read forty.
    """
    if verb not in ("done", "decline", "snooze"):
        return None
    risks = {ClockClass.CRISIS: "a crisis clock", ClockClass.SAFETY: "a safety clock"}
    what = next((words for cls, words in risks.items() if cls == item_class), None)
    if what is None:
        return None
    verb_words = {"done": "closed", "decline": "declined", "snooze": "snoozed"}[verb]
    return f"has {what} and is {verb_words} one by one, never in bulk"
