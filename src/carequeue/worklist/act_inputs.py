"""From what a person typed to what a verb needs: its answers, read and checked.

In:  names of verbs and questions, texts, the items that they are about. Out: the verb and its
answers in the form that an intent keeps; the people and teams to whom an item can be given. Whom an
answer may name depends on the source of the items: another source knows nobody by that id.
Not here: how a text is read (`answer_parsing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.errors import BadQuestion
from carequeue.domain.sanitize import clean
from carequeue.domain.spoken_dates import say_day
from carequeue.fhir.our_directory import TimeAway, assignable, partners
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.queue_window import Window
from carequeue.verbs.offers import questions_for
from carequeue.verbs.verb import Asks, Question, Verb
from carequeue.worklist.answer_parsing import question_named, read_answer, read_answers, verb_named
from carequeue.worklist.client_items import is_client_key
from carequeue.worklist.results import Person

_WHOM = (Asks.WHOM, Asks.PARTNER)


class InputsRead(NamedTuple):
    """A verb and its answers. `away`: reference -> in which words a named person is away."""

    verb: Verb
    answers: dict[str, str]
    away: Mapping[str, str]

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence about each named person who is away."""
        names = dict(text.split("|", 1) for text in self.answers.values() if "|" in text)
        return tuple(f"{names[person]} is {words}." for person, words in self.away.items())


class ActInputs:
    """Reads answers at one desk; `people`: to whom the items of these keys can be given."""

    def __init__(
        self,
        window: Window,
        people: Callable[[Sequence[str], Asks], Sequence[Person]],
        calendar: SiteCalendar,
    ) -> None:
        self._window = window
        self._people = people
        self._calendar = calendar

    def read(
        self, verb: str, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> InputsRead:
        """The verb of a name, and the answers to its questions as an intent keeps them.

        Raises BadQuestion if an answer is missing or cannot be read.
        """
        asked = verb_named(verb)
        whom = next((q.asks for q in asked.asks if q.asks in _WHOM), None)
        people = self._people_for(keys, whom) if whom else ()
        inputs = read_answers(asked, answers, people, self._calendar, now)
        chosen = {text.partition("|")[0] for text in inputs.values()}
        away = {person.reference: person.away for person in people if person.reference in chosen}
        return InputsRead(asked, inputs, {name: words for name, words in away.items() if words})

    def questions(self, verb: Verb, keys: Sequence[str]) -> tuple[Question, ...]:
        """The questions that a verb asks about at least one of these items."""
        if all(question.asked is None for question in verb.asks):
            return verb.asks
        rows = (self._window.row(key) for key in keys)
        return questions_for(verb, [row.verbs for row in rows if row is not None])

    def check(
        self, verb: str, question: str, text: str, now: datetime, keys: Sequence[str]
    ) -> tuple[bool, str]:
        """Whether an answer is understood, and how it was read."""
        asked = question_named(verb_named(verb), question)
        try:
            people = self._people_for(keys, asked.asks) if asked.asks in _WHOM else ()
            return True, read_answer(asked, text, people, self._calendar, now)[1]
        except BadQuestion as error:
            return False, str(error)

    def _people_for(self, keys: Sequence[str], asks: Asks) -> Sequence[Person]:
        """The people whom an answer may name. Raises BadQuestion for items of several sources."""
        if len(sources_of(self._window, keys)) > 1:
            raise BadQuestion(
                "These items are on different servers, and each knows its own people. Nothing was "
                "changed. Mark those of one server, and do the others after them."
            )
        return self._people(keys, asks)


def sources_of(window: Window, keys: Sequence[str]) -> tuple[str, ...]:
    """The sources of these items, each once."""
    rows = (window.row(key) for key in keys)
    clients = (key.partition(":")[0] for key in keys if is_client_key(key))
    return tuple(dict.fromkeys([*(row.source for row in rows if row), *clients]))


def people(
    cache: CacheTransaction, sources: Iterable[str], now: datetime, asks: Asks = Asks.WHOM
) -> tuple[Person, ...]:
    """Everybody of these sources to whom something can be assigned.

    Recent assignees first, the latest marked as last chosen; who is away comes last. Of a question
    for a partner: the partners, and our own teams.
    """
    if asks is Asks.PARTNER:
        return tuple(_receivers(cache, sources, now))
    known = [person for source in sources for person in people_of(cache, source, now)]
    recent = cache.intents.recent_assignees()
    order = {reference: number for number, reference in enumerate(recent)}
    ordered = sorted(
        known, key=lambda person: (bool(person.away), order.get(person.reference, len(order)))
    )
    first = ordered[0] if ordered else None
    if first is not None and first.reference in order and not first.away:
        ordered[0] = replace(first, last_chosen=True)
    return tuple(ordered)


def people_of(cache: CacheTransaction, source: str, now: datetime) -> list[Person]:
    """Everybody of one source to whom something can be assigned, by name."""
    us, calendar = cache.us(source), cache.site.calendar
    directory, base_url = cache.source(source).views.directory(), cache.source(source).base_url
    return [
        Person(
            known.reference,
            str(clean(known.name, 60)),
            known.team,
            _away(known.absence, calendar, now) if known.absence else "",
        )
        for known in assignable(directory, us, now, calendar.zone, base_url)
    ]


def _receivers(cache: CacheTransaction, sources: Iterable[str], now: datetime) -> Iterator[Person]:
    """Whom a client of these sources can be referred to: the partners by name, then our teams."""
    for source in sources:
        us, base_url = cache.us(source), cache.source(source).base_url
        for reference, name in partners(cache.source(source).views.directory(), us, base_url):
            yield Person(reference, str(clean(name, 60)))
        yield from (person for person in people_of(cache, source, now) if person.team)


def _away(absence: TimeAway, calendar: SiteCalendar, now: datetime) -> str:
    if absence.left:
        return "no longer active"
    if absence.until is None:
        return "away"
    last = calendar.local_date(absence.until)
    year = "" if last.year == calendar.local_date(now).year else f" {last.year}"
    return f"away until {say_day(last)}{year}"
