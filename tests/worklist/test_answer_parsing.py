"""How an answer is read: by the one person that it can mean, or not at all."""

from __future__ import annotations

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.verbs.decline import VERB as DECLINE
from carequeue.worklist.answer_parsing import question_named, verb_named, whom
from carequeue.worklist.results import Person

ANA = Person("Practitioner/ana", "Ana Ortiz")
NOEL = Person("Practitioner/noel", "Noel Ortiz")
ORTIZ = Person("CareTeam/ortiz", "Ortiz team", team=True)
PEOPLE = (ANA, NOEL, ORTIZ)


@pytest.mark.parametrize(
    ("text", "person"),
    [
        ("Practitioner/noel", NOEL),
        ("Practitioner/noel|somebody", NOEL),
        ("Ana Ortiz", ANA),
        ("noel", NOEL),
        ("ortiz", ORTIZ),  # the only name that begins with it
    ],
)
def test_a_person_is_found_by_reference_name_or_a_part_of_one_name(
    text: str, person: Person
) -> None:
    assert whom(text, PEOPLE) == person


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("o", "could be Noel Ortiz|could be Ana Ortiz"),
        ("smith", "No person or team here is called"),
    ],
)
def test_what_names_several_or_nobody_changes_nothing(text: str, words: str) -> None:
    with pytest.raises(BadQuestion, match=words) as raised:
        whom(text, (ANA, NOEL))
    assert "Nothing was changed" in str(raised.value)


@pytest.mark.parametrize("name", ["explode", "undo", ""])
def test_what_is_no_verb_of_an_item_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(BadQuestion, match="There are: triage, accept, decline"):
        verb_named(name)


def test_a_question_is_found_by_its_name() -> None:
    assert question_named(DECLINE, "reason") is DECLINE.asks[0]
    with pytest.raises(BadQuestion, match="it asks for: reason"):
        question_named(DECLINE, "until")
