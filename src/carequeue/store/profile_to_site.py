"""From a profile to the site of the projection: who we are on each source, our hours, our rules.

In:  a `Profile`. Out: a `Site`, and a fingerprint of all that a rank depends on besides its item.
If the fingerprint differs from the last start's, the rows have to be rebuilt.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256

from carequeue import __version__
from carequeue.domain.calendar import SiteCalendar
from carequeue.domain.items import Us
from carequeue.domain.rules import site_rules
from carequeue.store.migrations import VERSION
from carequeue.store.profiles import Profile, SourceProfile
from carequeue.store.projection import Site


def site_of(profile: Profile) -> Site:
    """Who we are, when we are open, and by which rules."""
    hours = dict.fromkeys(profile.open_days, (profile.opens, profile.closes))
    if profile.closed_days is None:
        calendar = SiteCalendar(profile.zone, hours)
    else:
        closed = frozenset(date.fromisoformat(day) for day in profile.closed_days)
        calendar = SiteCalendar(profile.zone, hours, closed)
    return Site(
        {source.name: _us(profile, source) for source in profile.sources},
        {source.name: source.base_url for source in profile.sources},
        profile.zone,
        calendar,
        site_rules(profile.rules),
        {source.name: source.shown for source in profile.sources},
    )


def _us(profile: Profile, source: SourceProfile) -> Us:
    here = profile.on(source)
    return Us(here.me, profile.my_name, frozenset(here.teams), here.organization)


def fingerprint_of(profile: Profile) -> str:
    """A fingerprint of all that every rank depends on besides its item."""
    sources = tuple(
        (source.name, source.base_url, profile.on(source)) for source in profile.sources
    )
    parts = (__version__, VERSION, replace(profile, theme="", sources=()), sources)
    return sha256(repr(parts).encode()).hexdigest()
