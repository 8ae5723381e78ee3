"""The request, and its Task, that send a referral of ours to another partner.

In:  the request that is replaced, and a new pair without its content. Out: the pair with what was
asked, and identifiers that are derived from the old request, so that two people who send it
elsewhere at once make one new request.
Not here: who may do it and what becomes of the old Task (`verbs/redirect.py`).
"""

from __future__ import annotations

from collections.abc import Set
from copy import deepcopy
from itertools import count
from typing import Final

from carequeue.domain.items import ResourceRef
from carequeue.fhir import codes
from carequeue.fhir.chart import Resource

#: What was asked. Not here: performers, identifiers, status and dates of the old request.
_CONTENT: Final = (
    "category", "code", "orderDetail", "reasonCode", "reasonReference", "insurance",
    "supportingInfo", "note", "patientInstruction",
)  # fmt: skip


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


def _free(value: str, void: Set[str]) -> str:
    """The identifier, with a number behind it where earlier ones were entered in error."""
    numbered = (value if number == 1 else f"{value}:{number}" for number in count(1))
    return next(name for name in numbered if name not in void)
