"""Colleagues and teams by name: whom I cover, and as whom I look at the queue.

In:  a name, or a handle of the list; the cache at one instant. Out: covers begun and ended, and who
a colleague is on each server: the one whose name the person chose, and on every other server the
one person of exactly that name, if there is just one.
Why `main:Practitioner/dana` is the handle: two servers may use one id for two people.
Not here: how covers are saved (`store/covers.py`), which rows become mine (`store/item_rows.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.errors import BadQuestion
from carequeue.domain.items import Cover
from carequeue.domain.sanitize import clean
from carequeue.domain.spoken_dates import parse_when, say_when
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.worklist.act_inputs import people_of
from carequeue.worklist.answer_parsing import whom
from carequeue.worklist.results import Covered, Person

_VERB: Final = "cover"  # in the audit log


class Colleague(NamedTuple):
    """A colleague or a team: as the list names them, and who they are on each source."""

    person: Person
    places: tuple[tuple[str, str], ...]  # source, reference


def colleagues(cache: CacheTransaction, now: datetime) -> list[Colleague]:
    """Everybody of all sources but me, each once: who is there, by name, then who is away."""
    known: list[Colleague] = []
    for source in cache.site.us:
        me, there = cache.us(source).me, people_of(cache, source, now)
        names = [person.name for person in there]
        for person in there:
            if person.reference == me:
                continue
            alike = [other for other in known if _same(other, person, source)]
            if len(alike) == 1 and names.count(person.name) == 1:
                place = known.index(alike[0])
                places = (*alike[0].places, (source, person.reference))
                known[place] = alike[0]._replace(places=places)
                continue
            handle = f"{source}:{person.reference}"
            named = Person(handle, person.name, person.team, person.away)
            known.append(Colleague(named, ((source, person.reference),)))
    return sorted(known, key=lambda colleague: bool(colleague.person.away))


def _same(colleague: Colleague, person: Person, source: str) -> bool:
    """Whether a person has the name of a colleague who is known of other sources only."""
    elsewhere = all(place != source for place, _ in colleague.places)
    there = colleague.person
    return elsewhere and (there.name, there.team) == (person.name, person.team)


def colleague(cache: CacheTransaction, text: str, now: datetime) -> Colleague:
    """The colleague or the team of a name or a handle. Raises BadQuestion if it names no one."""
    return _one(colleagues(cache, now), text)


def _one(known: Sequence[Colleague], text: str) -> Colleague:
    chosen = whom(text, [each.person for each in known])
    return next(each for each in known if each.person is chosen)


# --- covers ---------------------------------------------------------------------------------------


def covers(cache: CacheTransaction, now: datetime) -> list[Cover]:
    """Whom I cover at present, by name; a colleague of several sources once, the first to end."""
    by_name: dict[str, Cover] = {}
    for source in cache.site.us:
        for cover in cache.us(source, now).covers:
            before = by_name.get(cover.name)
            if before is None or cover.until < before.until:
                by_name[cover.name] = cover
    return sorted(by_name.values(), key=lambda cover: cover.name.casefold())


def begin(cache: CacheTransaction, text: str, until_text: str, now: datetime) -> Covered:
    """Make the moves of a colleague mine, too, until a time.

    Raises BadQuestion if the text names no colleague, or a team, or no future time.
    """
    people = [each for each in colleagues(cache, now) if not each.person.team]
    chosen = _one(people, text)
    name, until = chosen.person.name, end_of_cover(until_text, now, cache.site.calendar)
    for source, reference in chosen.places:
        cache.source(source).covers.begin(Cover(reference, name, until), now)
        cache.audit(now).append(cache.us(source).me, _VERB, f"{source}:{reference}", "")
    cache.project(now)
    moves = sum(cache.source(source).covers.moves_of(person) for source, person in chosen.places)
    count = "1 move is" if moves == 1 else f"{moves} moves are" if moves else "no moves are"
    words = say_when(until, now, cache.site.calendar)
    return Covered(f"Covering {name} until {words}: {count} now in Mine.", name, until)


def end_of_cover(text: str, now: datetime, calendar: SiteCalendar) -> datetime:
    """The instant that a text names, in whole seconds. Raises BadQuestion if it names none."""
    until = parse_when(text, now, calendar)
    until = until.replace(microsecond=0) if until else None
    if until is None or until <= now:
        raise BadQuestion(
            f"“{clean(text, 40)}” is not a future time. Try: fri, tomorrow 9, 12-24. "
            "Nothing was changed."
        )
    return until


def end(cache: CacheTransaction, text: str, now: datetime) -> Covered:
    """End the cover of a colleague now.

    Raises BadQuestion if I cover nobody of that name, or several.
    """
    current = covers(cache, now)
    name = whom(text, [Person(cover.person, cover.name) for cover in current]).name
    for source in cache.site.us:
        for cover in cache.us(source, now).covers:
            if cover.name == name:
                cache.source(source).covers.end(cover.person, now)
                handle = f"{source}:{cover.person}"
                cache.audit(now).append(cache.us(source).me, f"{_VERB} ended", handle, "")
    cache.project(now)
    return Covered(f"You no longer cover {name}. Their moves left Mine.", name, now)
