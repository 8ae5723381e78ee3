"""The state of sync, of the whole cache and of each source.

"Up to date" is said only if every search of every source has finished and nothing waits: a queue
that looks complete and is not is a fault that nobody would find. So an error of the last sync
(`trouble`) is shown until a sync ends without it. A source that is down changes nothing for the
others: it is named, and the whole is offline only if no source answers.
On the way to the first frame: no ORM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypedDict

from carequeue.domain.sanitize import clean
from carequeue.store.queue_window import SILENT, HealthLine, Window

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from carequeue.sync.net.total_timeout import SlowResponse

#: The name in `meta` of a person's choice to work offline ("1").
FORCED_OFFLINE: Final = "forced_offline"
#: A source that answers, but had no complete sync for so long, counts as away.
LONG: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """The state of one source; see `Health` for the fields of the same name."""

    name: str
    online: bool | None = None
    offline_since: datetime | None = None
    why: str = ""
    signed_out: bool = False
    last_full: datetime | None = None
    label: str = ""  # what people call it, where that is not its name
    silent_since: datetime | None = None
    slow_since: datetime | None = None

    @property
    def shown(self) -> str:
        """The name that people use."""
        return self.label or self.name

    @property
    def reached(self) -> bool:
        """Whether the last sync got in; a source that was not tried yet counts as reached."""
        return self.online is not False and not self.signed_out

    def old(self, now: datetime) -> bool:
        """Whether its rows are shown with their age."""
        return not self.reached or (self.last_full is not None and now - self.last_full > LONG)


@dataclass(frozen=True, slots=True)
class Health:
    """The state of sync, as far as this cache knows it."""

    online: bool | None  # None: not tried yet; False: no source answers
    offline_since: datetime | None
    why_offline: str
    last_full: datetime | None  # end of the last pull in which every search finished
    waiting: int
    checking: int
    conflicts: int
    needs_you: int  # conflicts and needs attention together
    kept_here: int
    syncing: bool
    progress: str  # "Fetching the most urgent first: 212 of 1,400", "" when idle
    other_syncs: bool  # another process holds the sync lock
    ever_synced: bool  # at least one source has had a complete sync
    signed_out: bool = False  # a server, or the token command, did not let the last sync in
    trouble: str = ""  # the error of the last sync, in words that follow a colon; "" is well
    last_sync: datetime | None = None  # when the last sync ended, however it ended
    sources: tuple[SourceHealth, ...] = ()
    forced_offline: bool = False  # a person has chosen to work offline
    #: Since when a server takes requests and does not answer them, of the source that is shown.
    silent_since: datetime | None = None
    slow_since: datetime | None = None  # since when answers come, but drip

    @property
    def whole(self) -> bool:
        """Whether the last sync, if there was one, could read all that it asked for."""
        well = self.online is not False and not self.signed_out and not self.trouble
        return well and not self.forced_offline and all(source.reached for source in self.sources)


def health(
    window: Window,
    *,
    syncing: bool,
    other_syncs: bool,
    names: Mapping[str, str],
    waits: Mapping[str, SlowResponse],
) -> Health:
    """The state of sync as this cache knows it.

    `names`: the sources of the profile, synced or not, with what people call them. `waits`: the
    sources whose response takes longer than usual just now.
    """
    rows = window.health()
    sources = tuple(
        _waited(source, window.meta(f"{SILENT}:{source.name}"), waits.get(source.name))
        for source in _sources(rows, names)
    )
    counts = window.outbox_counts()
    conflicts = counts.get("conflict", 0)
    fulls = [source.last_full for source in sources if source.last_full]
    last_syncs = [datetime.fromisoformat(row.last_cycle) for row in rows if row.last_cycle]
    return Health(
        **_reach(sources),
        last_full=min(fulls) if fulls and len(fulls) == len(sources) else None,
        waiting=counts.get("queued", 0),
        checking=counts.get("in_doubt", 0),
        conflicts=conflicts,
        needs_you=conflicts + counts.get("needs_attention", 0),
        kept_here=counts.get("kept_here", 0),
        syncing=syncing,
        progress=clean(next((row.progress for row in rows if row.progress), ""), 80),
        other_syncs=other_syncs,
        ever_synced=bool(fulls),
        last_sync=min(last_syncs) if last_syncs and len(last_syncs) == len(rows) else None,
        sources=sources,
        forced_offline=window.meta(FORCED_OFFLINE) == "1",
    )


def set_forced_offline(engine: Engine, offline: bool) -> None:
    """Keep a person's choice to work offline, or to go online again."""
    from carequeue.store import sync_state
    from carequeue.store.engine import writing

    with writing(engine) as connection:
        sync_state.set_meta(connection, FORCED_OFFLINE, "1" if offline else "")


class _Reach(TypedDict):
    """The fields of `Health` about reaching the servers and reading from them."""

    online: bool | None
    offline_since: datetime | None
    why_offline: str
    signed_out: bool
    trouble: str
    silent_since: datetime | None
    slow_since: datetime | None


def _reach(sources: Sequence[SourceHealth]) -> _Reach:
    offline = [source for source in sources if source.online is False]
    signed_out = [source for source in sources if source.signed_out]
    tried = any(source.online is not None for source in sources)
    away = tried and not any(source.online for source in sources)
    since = [source.offline_since for source in offline if source.offline_since]
    troubles = (source.why for source in (*offline, *signed_out, *sources) if source.why)
    return _Reach(
        online=not away if tried else None,
        offline_since=max(since, default=None) if away else None,
        why_offline=clean(offline[0].why, 120) if away else "",
        signed_out=bool(signed_out),
        trouble=clean(next(troubles, ""), 200).rstrip("."),
        silent_since=min(filter(None, (source.silent_since for source in sources)), default=None),
        slow_since=min(filter(None, (source.slow_since for source in sources)), default=None),
    )


def _waited(source: SourceHealth, silent: str, waits: SlowResponse | None) -> SourceHealth:
    """A source that did not answer in the last sync, or is slow or silent just now."""
    if source.online is False and (since := _instant(silent)):
        return replace(source, silent_since=since)
    if waits is None:
        return source
    since = waits.since
    return replace(source, slow_since=since) if waits.slow else replace(source, silent_since=since)


def _sources(rows: Sequence[HealthLine], names: Mapping[str, str]) -> tuple[SourceHealth, ...]:
    known = {row.source: row for row in rows}
    order = [*names, *(source for source in known if source not in names)]
    return tuple(
        replace(
            _source(known[name]) if name in known else SourceHealth(clean(name, 40)),
            label=clean(names.get(name, ""), 40),
        )
        for name in order
    )


def _source(row: HealthLine) -> SourceHealth:
    return SourceHealth(
        name=clean(row.source, 40),
        online=None if row.online is None else bool(row.online),
        offline_since=_instant(row.offline_since),
        why=clean(row.why, 200).rstrip("."),
        signed_out=bool(row.signed_out),
        last_full=_instant(row.last_full),
    )


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
