"""The rows of the queue: a `WorkItem` for each row, and its parts.

In:  nothing; plain values, built by `fhir/` and read by `ranking.py` and `clocks.py`.
Why facts are named: a clock rule is data (`rules/*.toml`) and names the instants that start and
meet it, so a site can add a rule in its profile without code. The names are listed in `FACTS` and
`FLAGS`; `rules.py` rejects a rule that asks for any other.
Not here: how a resource becomes an item (`fhir/chart_to_items.py`), its order (`ranking.py`).
All texts here are unchanged from the server: they go through `sanitize.clean` before they are
shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The kinds of row; the value is used in the cache, the scripts and the docs."""

    REFERRAL = "referral"
    FOLLOW_UP = "follow_up"
    HANDOFF = "handoff"
    AUTHORIZATION = "authorization"


class Mover(StrEnum):
    """The side that must act next."""

    ME = "me"
    TEAM = "team"
    PARTNER = "partner"
    CLIENT = "client"


class Direction(StrEnum):
    """Whether the request came to us, went out from us, or stays among us."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Priority(StrEnum):
    """FHIR request-priority: the sender's wish. It gives points, never a band."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"
    STAT = "stat"


#: Instants that a clock rule may name as its start, its end or its fulfillment.
FACTS: Final = frozenset(
    {
        "requested_at",  # an inbound request reached us (first contact)
        "sent_at",  # we, or somebody, sent it: outbound referral, handoff
        "answered_at",  # the receiver accepted, declined or asked
        "accepted_at",
        "declined_at",  # declined, cancelled by them or failed: ours to decide again
        "info_asked_at",  # the partner waits for our answer
        "reminded_at",  # we reminded the partner, in the present state of the request
        "reply_awaited_at",  # we asked the other side something, which is not answered yet
        "scheduled_at",  # a visit for the need is booked: when the booking was found
        "served_at",  # a clinical service took place
        "crisis_at",  # a crisis contact or a mobile crisis request began
        "discharged_at",  # left the emergency department, inpatient or crisis stay
        "attempted_at",  # the first attempt since the start that did not reach the client
        "tried_at",  # the last such attempt
        "contacted_at",  # two-way contact since the start
        "acknowledged_at",  # a handoff was read back and accepted
        "due_at",  # a due date that the server holds
        "ends_at",  # an authorization or a coverage ends
        "authored_at",  # the first instant that is known of the item
        "completed_at",
    }
)

#: Flags that a clock rule may ask for (`when`) or exclude (`unless`), and that give points.
FLAGS: Final = frozenset(
    {
        "inbound",
        "outbound",
        "internal",
        "open",
        "triage:crisis",
        "triage:urgent",
        "triage:routine",
        "triage:none",
        "priority:routine",
        "priority:urgent",  # urgent, asap and stat
        "severity:unstable",
        "severity:watcher",
        "severity:stable",
        "accepted",
        "reminded",  # the partner was reminded in the present state of the request
        "withdrawal:asked",  # we asked the partner to stop, and they have not answered
        "withdrawal:refused",  # the partner goes on all the same
        "discharge",  # the item is about a stay that ended
        "dated",  # the server holds a due date
        "no-contact",  # nobody has reached the client since the start
        "self-harm",
        "overdose",
        "high-risk",
        "deceased",
        "minor",  # under 18: a parent or a guardian speaks for the client
        "approximate",  # the start was not given and was taken from the next best element
        "impossible-date",  # a date was ignored because it is impossible
        "read-only",
    }
)


@dataclass(frozen=True, slots=True)
class ResourceRef:
    """One resource of one source; `id` is the server's, or ours until the server gave one."""

    source: str
    type: str
    id: str

    @property
    def reference(self) -> str:
        """The relative FHIR reference, such as `Task/12`."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Client:
    """The client of an item. `text` is the server's own rendering; all parts may be empty."""

    reference: str = ""
    family: str = ""
    given: str = ""
    text: str = ""
    birth_date: str = ""  # FHIR date: YYYY, YYYY-MM or YYYY-MM-DD
    gender: str = ""
    mrn: str = ""
    phone: str = ""
    deceased: bool = False


@dataclass(frozen=True, slots=True)
class Party:
    """A person, team or organization that requests or owes; `ours`: it belongs to us.

    `person`: the reference of the person where `reference` is a role of that person; else the same.
    """

    reference: str
    name: str
    ours: bool = False
    me: bool = False
    person: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """The side that must act next, its name, and since when if that is known.

    `person`: as in `Party`; "" if nobody is named.
    """

    who: Mover
    name: str
    since: datetime | None = None
    person: str = ""


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of the client's story beside an item, newest first."""

    at: datetime | None
    text: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """A colleague whose moves are mine, too, until an instant (whole seconds)."""

    person: str  # the reference of the colleague
    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Us:
    """Our people and teams, from the profile: FHIR references relative to the source.

    `people` are the references (practitioners, roles, teams, organizations) that the source's
    own directory places in our organization; `fhir/our_directory.py` computes them.
    `covers`: the colleagues for whom I act at present.
    """

    me: str = ""
    my_name: str = ""
    teams: frozenset[str] = frozenset()
    organization: str = ""
    people: frozenset[str] = frozenset()
    covers: tuple[Cover, ...] = ()

    def cover_of(self, person: str) -> Cover | None:
        """My cover of a person; None if I do not cover that person."""
        return next((cover for cover in self.covers if person and cover.person == person), None)

    def is_me(self, reference: str) -> bool:
        """True if a reference is the person at the keyboard."""
        return bool(reference) and reference == self.me

    def is_ours(self, reference: str) -> bool:
        """True if a reference is the person, one of the teams, a colleague or the organization."""
        return bool(reference) and (
            reference in (self.me, self.organization)
            or reference in self.teams
            or reference in self.people
        )


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One row of the queue, from the server's data and the open intents.

    `key` is ours and stable: an identifier that we wrote, or `Type/id`; it starts with the source.
    `target` is the Task that acts change; None if the first act must create it.
    `anchor` is what the item is about (ServiceRequest, Encounter, ClaimResponse, Coverage, Task).
    `facts` are aware datetimes by the names of `FACTS`; `flags` a subset of `FLAGS`.
    """

    key: str
    source: str
    kind: Kind
    title: str
    client: Client
    move: Move
    anchor: ResourceRef
    target: ResourceRef | None = None
    status: str = ""  # FHIR Task.status, "" where there is no Task yet
    direction: Direction = Direction.INTERNAL
    priority: Priority = Priority.ROUTINE
    requester: Party | None = None
    owner: Party | None = None
    facts: Mapping[str, datetime] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    attempts: int = 0  # attempts since the start that did not reach the client
    attempts_unnamed: int = 0  # of these: the record does not say who took part
    snoozed_until: datetime | None = None
    about: str = ""  # free text: the request in the sender's words
    notes: tuple[StoryLine, ...] = ()
    story: tuple[StoryLine, ...] = ()

    @property
    def label(self) -> str:
        """The client as FAMILY, Given; the server's own text if there is no such order."""
        return client_label(self.client)


def client_label(client: Client) -> str:
    """`FAMILY, Given`; a name without that order keeps its own text without capitals.

    Source: NHS Common User Interface, patient name display (NID-0001 to NID-0005).
    """
    if client.family and client.given:
        return f"{client.family.upper()}, {client.given}"
    if client.text:
        return client.text
    if client.family:
        return client.family.upper()
    return client.given or ("name unknown" if client.reference else "no client")


def short_name(name: str) -> str:
    """`Dana W.` for `Dana Whitfield, LCSW`: a colleague where room is short.

    A name of one word stays as it is.
    """
    words = name.partition(",")[0].split()
    return f"{words[0]} {words[-1][0]}." if len(words) > 1 else " ".join(words)
