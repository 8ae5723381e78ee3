"""Small worlds for laws: Tasks, handoffs and referrals between anybody and anybody."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.fhir.clinic import DANA, HARBOR, NOEL, handoff, ref, referral, request, task

ROLE = "PractitionerRole/role-noel"
PEOPLE = st.sampled_from([NOEL, ROLE, DANA, "CareTeam/access", HARBOR, "Patient/c1", ""])
STATUS = st.sampled_from(["requested", "accepted", "in-progress", "on-hold", "rejected", "failed"])


@st.composite
def worlds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Tasks, handoffs and referrals between anybody and anybody."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        owner, requester, key = draw(PEOPLE), draw(PEOPLE), f"x{number}"
        parties = {
            "owner": ref(owner) if owner else None,
            "requester": ref(requester) if requester else None,
            "status": draw(STATUS),
        }
        kind = draw(st.sampled_from([task, handoff, referral]))
        if kind is referral:
            made.append(request(f"sx{number}"))
            parties["focus"] = ref(f"ServiceRequest/sx{number}")
        made.append(task(key, **parties) if kind is task else kind(id=key, **parties))
    return made
