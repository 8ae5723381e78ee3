"""Which steps a Task can take, and whose they are."""

from __future__ import annotations

import pytest

from carequeue.domain.items import Kind
from carequeue.domain.task_steps import (
    DEFAULT_STEPS,
    ENDED,
    HANDOFF,
    NOT_DONE,
    PERFORMER,
    REQUESTER,
    SDOHCC,
)


@pytest.mark.parametrize("kind", Kind)
def test_what_has_ended_takes_no_step_any_more(kind: Kind) -> None:
    assert not {source for source, _ in DEFAULT_STEPS[kind]} & (ENDED | NOT_DONE)


def test_a_referral_is_answered_by_its_performer_and_cancelled_by_both() -> None:
    assert SDOHCC["requested", "accepted"] == PERFORMER
    assert SDOHCC["in-progress", "cancelled"] == PERFORMER | REQUESTER
    assert ("requested", "completed") not in SDOHCC


def test_a_handoff_is_closed_by_no_step_and_called_off_by_who_asked() -> None:
    assert not [target for _, target in HANDOFF if target == "completed"]
    assert HANDOFF["accepted", "accepted"] == PERFORMER
    assert HANDOFF["requested", "cancelled"] == REQUESTER
