"""What a row offers, and the questions that only some items are asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from carequeue.domain.items import Mover, Party, WorkItem
from carequeue.domain.rules import ClockClass
from carequeue.domain.verb_rules import VerbCase
from carequeue.verbs.done import VERB as DONE
from carequeue.verbs.due import VERB as DUE
from carequeue.verbs.log import VERB as LOG
from carequeue.verbs.note import VERB as NOTE
from carequeue.verbs.offers import asked_of, names_of, offer, questions_for
from carequeue.verbs.priority import VERB as PRIORITY
from carequeue.verbs.verb import Verb
from tests.domain.builders import ACCESS, ANA, HOUSING, ME, US, item


def case(thing: WorkItem, item_class: ClockClass | None = None) -> VerbCase:
    return VerbCase(thing, US, item_class=item_class)


def of(owner: Party | None, status: str = "requested") -> WorkItem:
    return item(owner=owner, status=status, move=Mover.TEAM)


@pytest.mark.parametrize(
    ("owner", "item_class", "asks"),
    [
        (ME, None, False),
        (ME, ClockClass.SAFETY, True),
        (ME, ClockClass.CRISIS, True),
        (ACCESS, None, False),
        (None, None, False),
        (ANA, None, True),
        (HOUSING, None, True),
    ],
    ids=["mine", "at risk", "in crisis", "my team’s", "nobody’s", "a colleague’s", "a partner’s"],
)
def test_closing_asks_how_it_was_met_where_harm_is(
    owner: Party | None, item_class: ClockClass | None, asks: bool
) -> None:
    assert bool(asked_of(DONE, case(of(owner), item_class))) == asks
    assert offer(DONE, case(of(owner), item_class)) == ("done:0" if asks else "done")


@pytest.mark.parametrize(
    ("owner", "asks"),
    [(ME, False), (ACCESS, False), (None, False), (ANA, True), (HOUSING, True)],
    ids=["mine", "my team’s", "nobody’s", "a colleague’s", "a partner’s"],
)
@pytest.mark.parametrize("verb", [DUE, PRIORITY], ids=lambda verb: verb.name)
def test_what_somebody_else_has_is_changed_only_after_a_question(
    verb: Verb, owner: Party | None, asks: bool
) -> None:
    names = [question.name for question in asked_of(verb, case(of(owner)))]
    assert (names[0] == "anyway") == asks
    assert len(names) == 1 + asks


def test_the_date_of_what_a_partner_asked_of_us_is_theirs() -> None:
    asked = replace(of(ME), requester=HOUSING)
    assert [question.name for question in asked_of(DUE, case(asked))] == ["anyway", "until"]
    assert [question.name for question in asked_of(PRIORITY, case(asked))] == ["to"]


def test_a_question_that_all_items_are_asked_has_no_place_in_the_text() -> None:
    assert offer(NOTE, case(of(ME))) == "note"
    assert questions_for(NOTE, ["note"]) == NOTE.asks


def test_of_the_variants_of_a_question_many_are_asked_one() -> None:
    names = [question.name for question in questions_for(LOG, ["log:2", "log:1,3"])]
    assert names == ["outcome", "with"]


def test_the_variants_of_a_question_are_one_for_a_script() -> None:
    outcome, whom = LOG.questions
    assert [choice.words for choice in outcome.choices][-2:] == ["letter sent", "visited, not met"]
    assert {choice.words for choice in whom.choices} == {
        "client", "guardian", "partner", "payer", "somebody else",
    }  # fmt: skip
    assert whom.default is None


def test_the_names_are_without_their_questions() -> None:
    assert names_of("done:0 log note") == ["done", "log", "note"]
    assert names_of("") == []


def test_many_are_asked_what_one_of_them_is_asked() -> None:
    assert questions_for(DONE, ["done log", "done:0 note"]) == DONE.asks
    assert questions_for(DONE, ["done log", "log:0"]) == ()
    assert questions_for(NOTE, ["note"]) == NOTE.asks
