"""A person's decision with one verb about one item: the argument of the verb's `intents`.

Loaded with the first act, never before the first frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentKind
from carequeue.domain.items import Us, WorkItem
from carequeue.domain.spoken_dates import past_from
from carequeue.fhir import values
from carequeue.fhir.chart import Resource
from carequeue.fhir.heard_events import HeardEvent, heard_of
from carequeue.fhir.new_resources import NewResources, reference_to
from carequeue.fhir.replacement import replacing


class PlannedIntent(NamedTuple):
    """One change that a verb makes, of the item's Task or (a create) of a new resource.

    `after`: the index of an earlier change of the same verb that must be on the server first.
    """

    kind: IntentKind
    args: dict[str, Any]
    after: int | None = None


class RowAfter(NamedTuple):
    """The row of an item just after an act.

    `item`: the item before it. `answers`: those of the act. `closed`: it left the queue.
    `met`: the labels of the clocks that the act met. `next_try`: when to try again to reach the
    client, in words; "" if it is not ours to. `moved`: the sentence that says where the row is now,
    "" where it did not move. `due`: when it is due, in words; "" without a clock.
    """

    item: WorkItem
    answers: Mapping[str, str]
    closed: bool
    snoozed: bool
    overdue: bool
    met: tuple[str, ...]
    next_try: str
    moved: str
    due: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The item, the answers by question, who decides and when.

    `task`: the item's Task as the person saw it, empty where it has none. `new_id` gives ids for
    what is created. `void`: identifiers that resources entered in error have used up. `request`:
    the resource that the item is about.
    """

    item: WorkItem
    answers: Mapping[str, str]
    us: Us
    now: datetime
    new_id: Callable[[], str]
    task: Resource = field(default_factory=dict)
    void: frozenset[str] = frozenset()
    request: Resource = field(default_factory=dict)

    @property
    def new(self) -> NewResources:
        """Builds what the decision creates."""
        return NewResources(self.item, self.us, self.now, self.new_id)

    @property
    def me(self) -> dict[str, str]:
        """The person who decides, as Reference. Raises BadQuestion if the profile does not say."""
        if not self.us.me:
            raise BadQuestion("Nothing was changed: the profile does not say who you are.")
        return reference_to(self.us.me, self.us.my_name)

    def answer(self, question: str) -> str:
        """The answer to a question. Raises BadQuestion where it is missing."""
        text = self.optional(question)
        if not text:
            raise BadQuestion(f"Nothing was changed: the answer to {question!r} is missing.")
        return text

    def optional(self, question: str) -> str:
        """The answer to a question that may be left open, "" where it is."""
        return self.answers.get(question, "").strip()

    def whom(self, question: str) -> dict[str, str]:
        """The answer to a question "whom?", as a Reference. Raises BadQuestion for no person."""
        reference, _, name = self.answer(question).partition("|")
        if not values.reference({"reference": reference}):
            raise BadQuestion("Nothing was changed: choose somebody from the list.")
        return reference_to(reference, name)

    def replacement(self, receiver: dict[str, str]) -> tuple[Resource, Resource]:
        """The request to another partner, which replaces the item's, and its Task."""
        item, asked = self.item, values.concept_text(self.request.get("code"))
        text = asked or values.text(self.task, "description") or "Referral"
        made = self.new.referral(text, receiver, item.priority.value)
        return replacing(self.request, item.anchor, made, self.void)

    def heard(self, event: HeardEvent) -> Resource:
        """The Encounter of an event that the person was told of."""
        client, by = self.new.client, self.me if self.us.me else None
        return heard_of(event, self.new_id(), client, by, self.void)

    def past(self, question: str) -> datetime | date:
        """The answer to a question for a past time: an instant, or a day without a time."""
        return past_from(self.answer(question))

    def change(self, kind: str, /, after: int | None = None, **args: Any) -> PlannedIntent:
        """One intent; `kind` is a value of `IntentKind`, which also says what `args` it takes."""
        return PlannedIntent(IntentKind(kind), args, after)
