"""The verbs that a row offers, as one text: "done:0 log note".

The number is the place, among the verb's questions, of a question that only some items are asked
(`Question.asked`). Why it is stored with the row: a key opens its question without reading a chart.
Not here: whether a verb applies (`permissions.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carequeue.domain.verb_rules import VerbCase
    from carequeue.verbs.verb import Question, Verb


def asked_of(verb: Verb, case: VerbCase) -> tuple[Question, ...]:
    """The questions that a verb asks about an item."""
    return _by_name(
        question for question in verb.asks if not question.asked or question.asked(case)
    )


def _by_name(questions: Iterable[Question]) -> tuple[Question, ...]:
    """Each name once: a later question of a name is a variant, and stands in for the earlier."""
    return tuple({question.name: question for question in questions}.values())


def offer(verb: Verb, case: VerbCase) -> str:
    """A verb that applies to an item, and the places of the questions that not all are asked."""
    places = [
        str(place)
        for place, question in enumerate(verb.asks)
        if question.asked and question.asked(case)
    ]
    return f"{verb.name}:{','.join(places)}" if places else verb.name


def names_of(offers: str) -> list[str]:
    """The names of the verbs that a row offers, the most used first."""
    return [word.partition(":")[0] for word in offers.split()]


def questions_for(verb: Verb, rows: Iterable[str]) -> tuple[Question, ...]:
    """The questions that a verb asks about at least one of the rows with these offers.

    Of the variants of a question the last that one of the rows is asked.
    """
    places = {
        int(place)
        for offers in rows
        for word in offers.split()
        if word.partition(":")[0] == verb.name
        for place in word.partition(":")[2].split(",")
        if place
    }
    return _by_name(
        question
        for place, question in enumerate(verb.asks)
        if not question.asked or place in places
    )
