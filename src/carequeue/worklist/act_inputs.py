"""From what a person typed to what a verb needs: its answers, read and checked.

In:  names of verbs and questions, texts, the items that they are about. Out: the verb and its
answers in the form that an intent keeps; the people and teams to whom an item can be given. Whom an
answer may name depends on the source of the items: another source knows nobody by that id.
Not here: how a text is read (`answer_parsing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.errors import BadQuestion
from carequeue.domain.sanitize import clean
from carequeue.fhir.our_directory import assignable, partners
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.queue_window import Window
from carequeue.verbs.verb import Asks, Verb
from carequeue.worklist.answer_parsing import question_named, read_answer, read_answers, verb_named
from carequeue.worklist.client_items import is_client_key
from carequeue.worklist.results import Person

_WHOM = (Asks.WHOM, Asks.PARTNER)


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
    ) -> tuple[Verb, dict[str, str]]:
        """The verb of a name, and the answers to its questions as an intent keeps them.

        Raises BadQuestion if an answer is missing or cannot be read.
        """
        asked = verb_named(verb)
        whom = next((q.asks for q in asked.asks if q.asks in _WHOM), None)
        people = self._people_for(keys, whom) if whom else ()
        return asked, read_answers(asked, answers, people, self._calendar, now)

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
    cache: CacheTransaction, sources: Iterable[str], asks: Asks = Asks.WHOM
) -> tuple[Person, ...]:
    """Everybody of these sources to whom something can be assigned; recent assignees first.

    Of a question for a partner: the partners, and our own teams.
    """
    if asks is Asks.PARTNER:
        return tuple(_receivers(cache, sources))
    known: list[Person] = []
    for source in sources:
        us = cache.us(source)
        directory, base_url = cache.source(source).views.directory(), cache.source(source).base_url
        for reference, name, team in assignable(directory, us, base_url):
            known.append(Person(reference, str(clean(name, 60)), team))
    recent = cache.intents.recent_assignees()
    order = {reference: number for number, reference in enumerate(recent)}
    return tuple(sorted(known, key=lambda person: order.get(person.reference, len(order))))


def _receivers(cache: CacheTransaction, sources: Iterable[str]) -> Iterator[Person]:
    """Whom a client of these sources can be referred to: the partners by name, then our teams."""
    for source in sources:
        us, base_url = cache.us(source), cache.source(source).base_url
        directory = cache.source(source).views.directory()
        for reference, name in partners(directory, us, base_url):
            yield Person(reference, str(clean(name, 60)))
        for reference, name, team in assignable(directory, us, base_url):
            if team:
                yield Person(reference, str(clean(name, 60)), team)
