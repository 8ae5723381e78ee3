"""The steps of a Task: from which status to which, and whose step it is.

Why the steps are data: the published profiles disagree on them (in COW work that began cannot be
cancelled, in SDOH Clinical Care it can; `received` is excluded in one and carries the question in
another). Every source has the same table as yet.
What we may do to a Task follows from our part in it: the performer accepts, declines and
completes, the requester does not; completing a partner's Task is never offered.
Not here: which verb takes which step (`verbs/`), what an item is (`domain/items.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from carequeue.domain.items import Kind


class Role(StrEnum):
    """A part in a Task."""

    REQUESTER = "requester"
    PERFORMER = "performer"


#: (status, next status) -> who may take the step; "" is an item that has no Task yet.
Steps = Mapping[tuple[str, str], frozenset[Role]]

PERFORMER: Final = frozenset({Role.PERFORMER})
REQUESTER: Final = frozenset({Role.REQUESTER})
_BOTH: Final = PERFORMER | REQUESTER

#: Work on the Task has begun.
BEGUN: Final = ("accepted", "in-progress", "on-hold")
#: The Task waits for an answer.
ASKED: Final = ("", "requested", "received", "ready")
#: The Task ended, as intended or as a mistake.
ENDED: Final = frozenset({"completed", "entered-in-error"})
#: The Task ended, and what it asked for has not happened.
NOT_DONE: Final = frozenset({"rejected", "cancelled", "failed"})


def _steps(
    sources: Iterable[str], targets: Iterable[str], who: frozenset[Role]
) -> dict[tuple[str, str], frozenset[Role]]:
    return {(source, target): who for source in sources for target in targets}


#: A referral between two organizations, after the state diagram of SDOH Clinical Care 3.0;
#: `received` and `ready`, which it excludes, are read as `requested`.
SDOHCC: Final[Steps] = {
    ("draft", "requested"): REQUESTER,
    **_steps(ASKED, ("accepted", "rejected"), PERFORMER),
    **_steps(BEGUN, ("completed", "failed"), PERFORMER),
    **_steps(("accepted",), ("in-progress", "on-hold"), PERFORMER),
    ("in-progress", "on-hold"): PERFORMER,
    ("on-hold", "in-progress"): PERFORMER,
    **_steps((*ASKED, *BEGUN), ("cancelled",), _BOTH),
    ("", "completed"): _BOTH,  # a lone request: no partner keeps a Task of it
}
#: A Task among ourselves: R4 lets it be completed from every state in which it is open.
OUR_OWN: Final[Steps] = {
    ("draft", "requested"): REQUESTER,
    **_steps(("draft", *ASKED, *BEGUN), ("completed",), PERFORMER),
    **_steps(ASKED, ("accepted", "rejected", "in-progress"), PERFORMER),
    **_steps((*ASKED, *BEGUN), ("cancelled",), _BOTH),
}
#: A handoff: accepted without a read-back is not taken yet, so accepting stays possible.
HANDOFF: Final[Steps] = {
    **_steps((*ASKED, *BEGUN), ("accepted",), PERFORMER),
    **_steps(ASKED, ("rejected",), PERFORMER),
    **_steps((*ASKED, *BEGUN), ("cancelled",), REQUESTER),
}
DEFAULT_STEPS: Final[Mapping[Kind, Steps]] = {
    Kind.REFERRAL: SDOHCC,
    Kind.FOLLOW_UP: OUR_OWN,
    Kind.HANDOFF: HANDOFF,
    Kind.AUTHORIZATION: OUR_OWN,
}
