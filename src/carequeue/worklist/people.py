"""To whom an item can be given: the people and teams of its own source, the last used first.

In:  the cache, sources. Out: `Person` values, clean. Another source knows nobody by the same id,
so items of two sources never share an answer (`CacheDesk` refuses that).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from carequeue.domain.sanitize import clean
from carequeue.fhir.our_directory import assignable
from carequeue.store import outbox
from carequeue.store.projection import Projector
from carequeue.store.views import directory
from carequeue.worklist.results import Person


def people(
    connection: Connection, projector: Projector, sources: Iterable[str]
) -> tuple[Person, ...]:
    """Everybody of these sources to whom something can be assigned; recent assignees first."""
    known: list[Person] = []
    for source in sources:
        us = projector.us(connection, source)
        base_url = projector.site.base_urls.get(source, "")
        for reference, name, team in assignable(directory(connection, source), us, base_url):
            known.append(Person(reference, str(clean(name, 60)), team))
    recent = outbox.recent_assignees(connection)
    order = {reference: number for number, reference in enumerate(recent)}
    return tuple(sorted(known, key=lambda person: order.get(person.reference, len(order))))
