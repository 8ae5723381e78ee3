"""Make an item yours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from carequeue.verbs.assign import may_be_given
from carequeue.verbs.verb import Order, Verb

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import Permission, VerbCase


def _allowed(case: VerbCase) -> Permission:
    return case.already("is already yours") if case.is_mine else may_be_given(case)


VERB = Verb(
    name="claim",
    key="c",
    label="claim",
    help="Make it yours; u undoes it.",
    done="Claimed",
    order=Order(help=30, marked=10, team=10, asked=30, waiting=100),
    allowed=_allowed,
    intents=lambda decision: (decision.change("assign", owner=decision.me),),
    already="made yours",
)
