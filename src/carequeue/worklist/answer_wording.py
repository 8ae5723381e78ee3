"""The answers of an act in words, as its message repeats them behind the name of the client.

Not here: how an answer is read (`answer_parsing.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.sanitize import clean
from carequeue.domain.spoken_dates import past_from, say_past, say_when
from carequeue.verbs.verb import Asks, Question, Verb


def confirmed_answers(
    verb: Verb,
    answers: Mapping[str, str],
    now: datetime,
    calendar: SiteCalendar,
    away: Mapping[str, str],
) -> str:
    """The answers that a person wants to see confirmed, behind the name."""
    return "".join(
        question.repeated + _in_words(question, answers[question.name], now, calendar, away)
        for question in verb.questions
        if question.repeated and question.name in answers
    )


def _in_words(
    question: Question,
    answer: str,
    now: datetime,
    calendar: SiteCalendar,
    away: Mapping[str, str],
) -> str:
    if question.asks is Asks.PAST:
        return say_past(past_from(answer), now, calendar)
    if question.asks is Asks.WHEN:
        return say_when(datetime.fromisoformat(answer), now, calendar)
    if question.asks in (Asks.WHOM, Asks.PARTNER):  # stored as reference|name
        reference, _, name = answer.partition("|")
        absence = f", {away[reference]}" if reference in away else ""
        return clean(name or reference, 60) + absence
    return clean(answer, 60)
