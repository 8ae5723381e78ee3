"""The request, and its Task, that send a referral of ours to another partner.

In:  the request that is replaced, and a new pair without its content. Out: the pair with what was
asked, and identifiers that are derived from the old request, so that two people who send it
elsewhere at once make one new request. If the two chose different partners, `differing` says so.
Not here: who may do it and what becomes of the old Task (`verbs/redirect.py`).
"""

from __future__ import annotations

from collections.abc import Set
from copy import deepcopy
from itertools import count
from typing import Final
from zoneinfo import ZoneInfo

from carequeue.domain.items import ResourceRef
from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_effects import same_party

#: What was asked. Not here: performers, identifiers, status and dates of the old request.
_CONTENT: Final = (
    "category", "code", "orderDetail", "reasonCode", "reasonReference", "insurance",
    "supportingInfo", "note", "patientInstruction",
)  # fmt: skip
#: The element that names the partner, by resource type.
_RECEIVER: Final = {"ServiceRequest": "performer", "Task": "owner"}
_UTC: Final = ZoneInfo("UTC")


def replacing(
    old: Resource, about: ResourceRef, made: tuple[Resource, Resource], void: Set[str]
) -> tuple[Resource, Resource]:
    """The new pair with the content of the old request.

    `about`: the old request, or its Task where that stands alone. `void`: identifiers that are
    used up by pairs that were entered in error. The identifier has no "/", which would make the new
    Task one that stands for the old request (`task_facts.is_companion`), and an undo keep it open.
    """
    request, task = made
    request |= {name: deepcopy(old[name]) for name in _CONTENT if name in old}
    if about.type == "ServiceRequest":
        request["replaces"] = [{"reference": about.reference}]
    for resource, kind in ((request, "request"), (task, "task")):
        value = _free(f"replaces-{kind}:{about.type}:{about.id}", void)
        resource["identifier"] = [{"system": codes.IDENTIFIER, "value": value}]
    return request, task


def differing(mine: Resource, theirs: Resource) -> tuple[str, ...]:
    """The element in which a colleague's new request (or its Task) is not the one that mine wants.

    `theirs`: what the server has under the identifier of `mine`. The element is the one that names
    the partner, or the status where theirs was entered in error; () if theirs does for mine, or if
    `mine` replaces no request.
    """
    element = _RECEIVER.get(values.text(mine, "resourceType"), "")
    identifier = values.identifier_value(mine, codes.IDENTIFIER)
    if not element or not identifier.startswith("replaces-"):
        return ()
    if values.text(theirs, "status") == "entered-in-error":
        return ("status",)
    asked, chosen = values.objects(theirs, element), values.objects(mine, element)
    named = [party for party in asked if values.text(party, "reference")]
    same = not named or any(same_party(party, wanted) for party in named for wanted in chosen)
    return () if same or _is_same_act(mine, theirs) else (element,)


def _is_same_act(mine: Resource, theirs: Resource) -> bool:
    """True if theirs is mine, whose partner has passed it on: same person, same second."""
    at = [values.instant(resource.get("authoredOn"), _UTC) for resource in (theirs, mine)]
    by = mine.get("requester")
    said = theirs.get("requester")
    return at[0] == at[1] and (same_party(said, by) if by else not said)


def _free(value: str, void: Set[str]) -> str:
    """The identifier, with a number behind it where earlier ones were entered in error."""
    numbered = (value if number == 1 else f"{value}:{number}" for number in count(1))
    return next(name for name in numbered if name not in void)
