"""Answers to a verb's questions: read, checked, and put into the form that an intent stores.

In:  the text that the person or the script gave. Out: the answers by name, or BadQuestion with what
was expected; nothing is guessed but a question's own default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.errors import BadQuestion
from carequeue.domain.sanitize import clean, clean_block, fold
from carequeue.domain.spoken_dates import parse_past, parse_when, say_past, say_when
from carequeue.verbs.table import client_verbs, find_verb, item_verbs
from carequeue.verbs.verb import Asks, Question, Verb
from carequeue.worklist.results import Person


def verb_named(name: str) -> Verb:
    """The verb of a name; BadQuestion, with the names that there are, for any other."""
    verb = find_verb(name)
    if verb is None or not (verb.on_item or verb.on_client):
        known = ", ".join(verb.name for verb in [*item_verbs(), *client_verbs()])
        raise BadQuestion(f"There is no act “{clean(name, 40)}”. There are: {known}.")
    return verb


def question_named(verb: Verb, name: str) -> Question:
    """One question of a verb by its name."""
    for question in verb.questions:
        if question.name == name:
            return question
    known = ", ".join(question.name for question in verb.questions) or "none"
    raise BadQuestion(f"{verb.name} does not ask for “{clean(name, 40)}”; it asks for: {known}.")


def read_answers(
    verb: Verb,
    given: Mapping[str, str],
    people: Sequence[Person],
    calendar: SiteCalendar,
    now: datetime,
) -> dict[str, str]:
    """All answers of a verb. Raises BadQuestion if one is missing, unknown or not understood.

    A question that only some items are asked may be left open here: `answers_to` knows the
    item.
    """
    for name in given:
        question_named(verb, name)
    answers = {}
    for question in verb.questions:
        text = given.get(question.name, "").strip()
        if not text:
            if question.asked is not None:
                continue
            if question.default is None:
                raise _unanswered(verb, question)
            answers[question.name] = _default(question, question.default, calendar, now)
            continue
        answers[question.name] = read_answer(question, text, people, calendar, now)[0]
    return answers


def _default(question: Question, text: str, calendar: SiteCalendar, now: datetime) -> str:
    """The default answer as an intent stores it: "now" is an instant."""
    return _past(text, calendar, now)[0] if question.asks is Asks.PAST else text


def answers_to(
    verb: Verb, questions: Sequence[Question], answers: Mapping[str, str]
) -> dict[str, str]:
    """The answers for an item that is asked these questions, with their defaults.

    Raises BadQuestion, naming the question, if one without a default has no answer.
    """
    given = dict(answers)
    for question in questions:
        if question.name not in given:
            if question.default is None:
                raise _unanswered(verb, question)
            given[question.name] = question.default
    return given


def _unanswered(verb: Verb, question: Question) -> BadQuestion:
    return BadQuestion(
        f"{verb.label.capitalize()} needs an answer: {question.words} ({question.name}). "
        "Nothing was changed."
    )


def read_answer(
    question: Question,
    text: str,
    people: Sequence[Person],
    calendar: SiteCalendar,
    now: datetime,
) -> tuple[str, str]:
    """One answer as an intent stores it, and as it was understood. Raises BadQuestion."""
    match question.asks:
        case Asks.TEXT:
            typed = clean_block(text, 4000).strip()
            return typed, clean(typed, 200)
        case Asks.CHOICE:
            return _choice(question, text)
        case Asks.WHEN:
            return _when(text, calendar, now)
        case Asks.PAST:
            return _past(text, calendar, now)
        case Asks.WHOM | Asks.PARTNER:
            person = whom(text, people)
            return f"{person.reference}|{person.name}", person.name


def _choice(question: Question, text: str) -> tuple[str, str]:
    wanted, note = fold(text), ""
    if question.noted and ": " in text:
        head, _, tail = text.partition(": ")
        wanted, note = fold(head), f": {clean_block(tail, 4000).strip()}"
    for choice in question.choices:
        if wanted in (fold(choice.key), fold(choice.words)):
            return choice.words + note, choice.words + clean(note, 200)
    if question.free:
        return clean(text, 300), clean(text, 100)
    known = ", ".join(choice.words for choice in question.choices)
    raise BadQuestion(f"“{clean(text, 40)}” is none of: {known}. Nothing was changed.")


def _when(text: str, calendar: SiteCalendar, now: datetime) -> tuple[str, str]:
    try:
        instant: datetime | None = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or instant <= now:
        instant = parse_when(text, now, calendar)
    if instant is None:
        raise BadQuestion(
            f"“{clean(text, 40)}” is not a future time. Try: tomorrow 9, fri 14:30, 3bd, 2d, 4h, "
            "12-24. Nothing was changed."
        )
    return instant.isoformat(), say_when(instant, now, calendar)


def _past(text: str, calendar: SiteCalendar, now: datetime) -> tuple[str, str]:
    past = parse_past(text, now, calendar)
    if past is None:
        raise BadQuestion(
            f"“{clean(text, 40)}” is not a past time. Try: now, 20:00, yesterday 20:00, mon 14, "
            "2h, 12-24. Nothing was changed."
        )
    return past.isoformat(), say_past(past, now, calendar)


def whom(text: str, people: Sequence[Person]) -> Person:
    """The person or team that a text names: by reference, by name, or by a part of one name."""
    reference = text.partition("|")[0]
    exact = [person for person in people if text == person.name or reference == person.reference]
    if exact:
        return exact[0]
    wanted = fold(text)
    people = [person for person in people if wanted in fold(person.name)]
    starts = [person for person in people if fold(person.name).startswith(wanted)]
    people = starts if len(starts) == 1 else people
    if len(people) == 1:
        return people[0]
    if not people:
        raise BadQuestion(
            f"No person or team here is called “{clean(text, 40)}”. Nothing was changed. "
            "Type a part of a name as the list shows it."
        )
    names = ", ".join(person.name for person in people[:5])
    more = f" and {len(people) - 5} more" if len(people) > 5 else ""
    raise BadQuestion(f"“{clean(text, 40)}” could be {names}{more}. Nothing was changed.")
