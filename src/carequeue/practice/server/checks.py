"""The few rules of R4 by which this server rejects a clearly wrong resource.

Everything else is kept as it came: unknown elements and extensions, odd numbers, nulls. The seeds
pass by here unchecked, because a real server holds broken resources too.
Source: R4, cardinalities and required bindings of the resources' own pages.
"""

from __future__ import annotations

from typing import Any, Final

from carequeue.practice.server.http_types import RESOURCE_ID, Refusal
from carequeue.practice.server.json_lossless import Tree

#: Elements with a minimum of one.
REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "Task": ("status", "intent"),
    "ServiceRequest": ("status", "intent", "subject"),
    "Communication": ("status",),
    "Encounter": ("status", "class"),
    "Appointment": ("status", "participant"),
    "Observation": ("status", "code"),
    "Flag": ("status", "code", "subject"),
    "Coverage": ("status", "beneficiary", "payor"),
    "ClaimResponse": (
        "status", "type", "use", "patient", "created", "insurer", "outcome",
    ),
    "Basic": ("code",),
    "Subscription": ("status", "reason", "criteria", "channel"),
}  # fmt: skip


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRIORITY: Final = _codes("routine urgent asap stat")
#: Codes of the required bindings that matter here.
CODES: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("Task", "status"): _codes(
        "draft requested received accepted rejected ready cancelled in-progress on-hold failed "
        "completed entered-in-error"
    ),
    ("Task", "intent"): _codes(
        "unknown proposal plan order original-order reflex-order filler-order instance-order option"
    ),
    ("Task", "priority"): _PRIORITY,
    ("ServiceRequest", "status"): _codes(
        "draft active on-hold revoked completed entered-in-error unknown"
    ),
    ("ServiceRequest", "priority"): _PRIORITY,
    ("Communication", "status"): _codes(
        "preparation in-progress not-done on-hold stopped completed entered-in-error unknown"
    ),
    ("Encounter", "status"): _codes(
        "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown"
    ),
    ("Appointment", "status"): _codes(
        "proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in "
        "waitlist"
    ),
    ("Observation", "status"): _codes(
        "registered preliminary final amended corrected cancelled entered-in-error unknown"
    ),
    ("Subscription", "status"): _codes("requested active error off"),
    ("ClaimResponse", "use"): _codes("claim preauthorization predetermination"),
}
#: Elements that are one object, and that are lists, where a client is known to get it wrong.
_OBJECTS: Final = {
    "Task": _codes(
        "for focus owner requester encounter code statusReason businessStatus restriction "
        "executionPeriod"
    ),
    "ServiceRequest": _codes("requester code encounter subject"),
    "Communication": _codes("subject sender encounter statusReason"),
}
_LISTS: Final = {
    "Task": _codes("identifier basedOn partOf note input output relevantHistory"),
    "ServiceRequest": _codes("identifier basedOn note performer reasonCode"),
    "Communication": _codes("identifier basedOn note recipient payload medium"),
}


def check(kind: str, key: str | None, tree: Tree) -> None:
    """Raise Refusal (400 what it is, 422 what it says) unless the resource can be taken.

    `key` is the id in the address of an update; None for a create.
    """
    if tree.get("resourceType") != kind:
        raise Refusal(400, "invalid", f"The body is no {kind}.")
    if key is not None:
        if not RESOURCE_ID.fullmatch(key):
            raise Refusal(400, "value", f"{key[:64]!r} cannot be an id.")
        if tree.get("id") != key:
            raise Refusal(400, "invalid", "The id in the body is not the one in the address.")
    for name in REQUIRED.get(kind, ()):
        if tree.get(name) in (None, "", [], {}):
            raise Refusal(422, "required", f"{kind}.{name} is missing.")
    for name, value in tree.items():
        _check_element(kind, name, value)


def _check_element(kind: str, name: str, value: Any) -> None:
    codes = CODES.get((kind, name))
    if codes is not None and (not isinstance(value, str) or value not in codes):
        raise Refusal(422, "code-invalid", f"{kind}.{name} is no code of R4.")
    is_object = name == "meta" or name in _OBJECTS.get(kind, ())
    is_list = name == "extension" or name in _LISTS.get(kind, ())
    if (is_object and not isinstance(value, dict)) or (is_list and not isinstance(value, list)):
        raise Refusal(422, "structure", f"{kind}.{name} has the wrong type.")
