"""To whom an item can be given: the people and teams of its own source, the last used first.

In:  the cache, sources. Out: `Person` values, clean. Another source knows nobody by the same id,
so items of two sources never share an answer (`CacheDesk` refuses that).
"""

from __future__ import annotations

from collections.abc import Iterable

from carequeue.domain.sanitize import clean
from carequeue.fhir.our_directory import assignable
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.worklist.results import Person


def people(cache: CacheTransaction, sources: Iterable[str]) -> tuple[Person, ...]:
    """Everybody of these sources to whom something can be assigned; recent assignees first."""
    known: list[Person] = []
    for source in sources:
        us = cache.us(source)
        directory, base_url = cache.source(source).views.directory(), cache.source(source).base_url
        for reference, name, team in assignable(directory, us, base_url):
            known.append(Person(reference, str(clean(name, 60)), team))
    recent = cache.intents.recent_assignees()
    order = {reference: number for number, reference in enumerate(recent)}
    return tuple(sorted(known, key=lambda person: order.get(person.reference, len(order))))
