"""Which answers of the last act `.` takes for another item, and which it asks again.

In:  a verb, the questions that the item is asked, the answers of the last act. Out: the answers
that are taken, and the typed texts that the person sees before they go to another client.
A key and a time are taken as they are; a person only where this item can be given to that person,
and never for a client at risk.
A text was written about one client, so it is shown before it goes to another. A question that is
there to protect a person at risk is always asked.
Not here: whether the verb applies, the questions themselves (`verb_actions.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from carequeue.verbs.verb import Asks, Question, Verb


class LastAct(NamedTuple):
    """The last act of this window that changed something."""

    verb: Verb
    answers: Mapping[str, str]


class KeptAnswers(NamedTuple):
    """Question -> answer: `taken` without a question, `texts` to be seen first."""

    taken: dict[str, str]
    texts: dict[str, str]


def keep_answers(
    last: LastAct, asks: Sequence[Question], is_known: Callable[[str, str], bool]
) -> KeptAnswers:
    """Divide the answers of the last act, for an item that is asked these questions.

    `is_known`: whether the answer to a question, the reference of a person, may be taken for this
    item.
    """
    kept = KeptAnswers({}, {})
    for question in asks:
        answer = last.answers.get(question.name)
        if answer is None or (last.verb.one_by_one and question.asked is not None):
            continue
        if question.asks is Asks.TEXT or _is_own_words(question, answer):
            kept.texts[question.name] = answer
        elif _is_offered(question, answer, is_known):
            kept.taken[question.name] = answer
    return kept


def _is_own_words(question: Question, answer: str) -> bool:
    return question.free and not _is_choice(question, answer)


def _is_choice(question: Question, answer: str) -> bool:
    return any(choice.words == answer for choice in question.choices)


def _is_offered(question: Question, answer: str, is_known: Callable[[str, str], bool]) -> bool:
    if question.asks is Asks.CHOICE:
        return _is_choice(question, answer)
    named = question.asks in (Asks.WHOM, Asks.PARTNER)
    return not named or is_known(question.name, answer)
