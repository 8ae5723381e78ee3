"""A person's decision, stored until the server has it: kinds, states, and the legal steps.

In:  nothing. Out: `Intent`, its states and `step`.
Why intents and not patches: the body of a request is computed when it is sent, from the base and
the open intents, so nothing stale is ever stored (docs/architecture.md, "One key's journey").
Not here: what an intent does to JSON (`fhir/intent_effects.py`), its row on disk
(`store/outbox.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

#: Version of the argument format of an intent, stored with each one.
INTENT_SCHEMA: Final = 1
#: Prefix of the `window` of an act on the command line; any other window is one on a screen.
COMMAND_LINE: Final = "command-line:"


class IntentKind(StrEnum):
    """The change that one intent makes to one resource."""

    CREATE = "create"  # args: resource
    SET_STATUS = "set_status"  # args: to, reason?, owner?, business_status?, output?
    ASSIGN = "assign"  # args: owner {reference, display}
    SET_PRIORITY = "set_priority"  # args: to
    SET_DUE = "set_due"  # args: until (ISO instant)
    SNOOZE = "snooze"  # args: until (ISO instant) or None to wake, why?
    ADD_NOTE = "add_note"  # args: text
    REMOVE_NOTE = "remove_note"  # args: note (the element id)
    RESTORE = "restore"  # args: unit (element names), values (as they were); undo of the above


class IntentState(StrEnum):
    """Where an intent stands; see `TRANSITIONS`."""

    QUEUED = "queued"
    IN_DOUBT = "in_doubt"
    ACKNOWLEDGED = "acknowledged"
    CONFLICT = "conflict"
    NEEDS_ATTENTION = "needs_attention"
    LOCAL_ONLY = "kept_here"
    UNDONE = "undone"


class IntentEvent(StrEnum):
    """An event in the life of an intent."""

    ATTEMPT_RECORDED = "marked"  # recorded as in doubt, before the bytes are sent
    ACKNOWLEDGED = "acknowledged"  # a clear success, or found on the server
    FOUND_NOT_APPLIED = "found_not_applied"  # read back: same version, or own unit unchanged
    FOUND_CHANGED = "found_changed"  # read back: own unit changed meanwhile
    FOUND_GONE = "found_gone"  # the server no longer has the resource
    FOUND_OTHER_CLIENT = "found_other_client"  # the resource names another client, or none
    REFUSED = "refused"  # the server rejects it for good
    UNSUPPORTED = "no_place"  # the source does not support the change
    SUPPORTED_NOW = "place_found"  # the source supports the change now
    DROPPED = "dropped"  # a person undid it before it was sent
    KEPT_MINE = "kept_mine"  # a person answered a conflict
    TOOK_THEIRS = "took_theirs"
    RETRIED = "retried"  # a person asked for another try
    DISCARDED = "discarded"  # a person typed the confirmation


_S, _E = IntentState, IntentEvent
TRANSITIONS: Final[Mapping[tuple[IntentState, IntentEvent], IntentState]] = {
    (_S.QUEUED, _E.ATTEMPT_RECORDED): _S.IN_DOUBT,
    (_S.QUEUED, _E.DROPPED): _S.UNDONE,
    (_S.QUEUED, _E.UNSUPPORTED): _S.LOCAL_ONLY,
    (_S.QUEUED, _E.ACKNOWLEDGED): _S.ACKNOWLEDGED,  # read back: somebody else did the same
    (_S.QUEUED, _E.FOUND_CHANGED): _S.CONFLICT,
    (_S.QUEUED, _E.FOUND_GONE): _S.CONFLICT,
    (_S.QUEUED, _E.FOUND_OTHER_CLIENT): _S.CONFLICT,
    (_S.QUEUED, _E.REFUSED): _S.NEEDS_ATTENTION,  # what it depends on was rejected
    (_S.LOCAL_ONLY, _E.SUPPORTED_NOW): _S.QUEUED,
    (_S.LOCAL_ONLY, _E.DROPPED): _S.UNDONE,
    (_S.LOCAL_ONLY, _E.FOUND_OTHER_CLIENT): _S.CONFLICT,
    (_S.IN_DOUBT, _E.ACKNOWLEDGED): _S.ACKNOWLEDGED,
    (_S.IN_DOUBT, _E.FOUND_NOT_APPLIED): _S.QUEUED,
    (_S.IN_DOUBT, _E.FOUND_CHANGED): _S.CONFLICT,
    (_S.IN_DOUBT, _E.FOUND_GONE): _S.CONFLICT,
    (_S.IN_DOUBT, _E.FOUND_OTHER_CLIENT): _S.CONFLICT,
    (_S.IN_DOUBT, _E.REFUSED): _S.NEEDS_ATTENTION,
    (_S.IN_DOUBT, _E.UNSUPPORTED): _S.LOCAL_ONLY,
    (_S.CONFLICT, _E.KEPT_MINE): _S.QUEUED,
    (_S.CONFLICT, _E.TOOK_THEIRS): _S.UNDONE,
    (_S.NEEDS_ATTENTION, _E.RETRIED): _S.QUEUED,
    (_S.NEEDS_ATTENTION, _E.DISCARDED): _S.UNDONE,
}


class ConflictCause(StrEnum):
    """The reason for a conflict, stored with the intent."""

    CHANGED = "changed"  # somebody changed an element that the decision owns
    GONE = "gone"  # the server no longer has the resource
    OTHER_CLIENT = "other_client"  # the resource names another client, or none


#: The cause that an event records; every other event clears the cause.
CAUSES: Final[Mapping[IntentEvent, ConflictCause]] = {
    _E.FOUND_CHANGED: ConflictCause.CHANGED,
    _E.FOUND_GONE: ConflictCause.GONE,
    _E.FOUND_OTHER_CLIENT: ConflictCause.OTHER_CLIENT,
}

#: States whose intents are applied to the base to make the view.
OPEN_STATES: Final = frozenset(
    {_S.QUEUED, _S.IN_DOUBT, _S.CONFLICT, _S.NEEDS_ATTENTION, _S.LOCAL_ONLY}
)
#: States that only a person's answer ends.
STUCK_STATES: Final = frozenset({_S.CONFLICT, _S.NEEDS_ATTENTION})
#: States that hold the base: a pull may not move it.
HOLDING_STATES: Final = OPEN_STATES - {_S.LOCAL_ONLY}
#: States in which the outbox may send.
SENDABLE_STATES: Final = frozenset({_S.QUEUED, _S.IN_DOUBT})


class IllegalStep(ValueError):
    """An event that cannot happen to an intent in this state; an internal error of ours."""


def step(state: IntentState, event: IntentEvent) -> IntentState:
    """The state after an event. Raises IllegalStep, and changes nothing, if there is none."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalStep(f"an intent that is {state} cannot be {event}") from None


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """The client whom a resource names, or with whom a decision was made.

    `reference`: "Patient/12" on the source's own server; a foreign reference in full; without
    reference and identifier, the display text; "" if it names nobody.
    `identifiers`: (system, value) pairs of the client that were known then.
    `name`: for a person to read, never compared.
    `through`: references of the resources that led to the client, in order, if a Task itself names
    no Patient ("ServiceRequest/7", its focus). `own`: how such a Task names somebody all the same
    (an identifier, a display, another type), "" if it names nobody.
    `assumed`: the decision is of an earlier version, which did not record the client; this is whom
    the resource named at the upgrade, and a person confirms it before the decision is sent.
    """

    reference: str = ""
    identifiers: tuple[tuple[str, str], ...] = ()
    name: str = ""
    through: tuple[str, ...] = ()
    own: str = ""
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """One decision about one resource.

    `target_id` is the server's id, or ours if the resource is not yet on the server.
    `seen` holds the unit's elements as the person saw them (absent elements are left out).
    `after` names an intent that must be acknowledged first.
    `client` is the client with whom it was decided; it never changes. None: it is not recorded, so
    a person is asked before the intent is sent.
    """

    id: str
    group: str
    seq: int
    source: str
    target_type: str
    target_id: str
    item_key: str
    kind: IntentKind
    args: Mapping[str, Any]
    verb: str
    decided_at: datetime
    author: str = ""  # reference of the person
    author_name: str = ""
    chart: str = ""  # whose rows it changes, see `fhir/chart.py`
    seen: Mapping[str, Any] = field(default_factory=dict)
    after: str = ""
    inverse_of: str = ""  # group that this one undoes
    state: IntentState = IntentState.QUEUED
    attempts: int = 0
    settles: int = 0
    words: str = ""  # the server's last words, or why it is local-only
    schema: int = INTENT_SCHEMA
    busy: int = 0  # replies in a row that said "not now"
    window: str = ""  # opaque id of the run of the program in which the person decided
    client: ClientIdentity | None = None
    cause: str = ""  # a ConflictCause while the intent is a conflict
