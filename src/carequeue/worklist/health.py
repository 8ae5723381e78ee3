"""The true sentence about sync, of the whole cache and of each source.

"Up to date" is said only where every search of every source has finished and nothing waits: a queue
that looks complete and is not is the one fault that nobody would find. So what went wrong in the
last look (`trouble`) stands until a look ends without it. One source that is down changes nothing
for the others: it is named, and the whole is offline only where no source answers.
On the way to the first frame: no ORM.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from carequeue.domain.sanitize import clean
from carequeue.store.queue_window import SILENT, HealthLine, Window

if TYPE_CHECKING:
    from carequeue.sync.net.total_timeout import SlowResponse

#: The name in `meta` under which a person's wish to work offline is kept ("1").
FORCED_OFFLINE: Final = "forced_offline"
#: A source that answers, but has not been read whole for so long, is as good as not there.
LONG: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How it stands with one source; see `Health` for the fields of the same name."""

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
        """What people call it."""
        return self.label or self.name

    @property
    def reached(self) -> bool:
        """Whether the last look got in; one that has not been tried is not said to be away."""
        return self.online is not False and not self.signed_out

    def old(self, now: datetime) -> bool:
        """Whether its rows are to be shown with their age."""
        return not self.reached or (self.last_full is not None and now - self.last_full > LONG)


@dataclass(frozen=True, slots=True)
class Health:
    """The truth about sync, as far as this cache knows it."""

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
    ever_synced: bool  # at least one source has been read whole once
    signed_out: bool = False  # a server, or the token command, did not let the last look in
    trouble: str = ""  # what went wrong in the last look, in words that follow a colon; "" is well
    last_look: datetime | None = None  # when the last look ended, however it did
    sources: tuple[SourceHealth, ...] = ()
    forced_offline: bool = False  # a person has chosen to work offline
    #: Since when a server takes requests and does not answer them, of the source that is shown.
    silent_since: datetime | None = None
    slow_since: datetime | None = None  # since when answers come, but drip

    @property
    def whole(self) -> bool:
        """Whether the last look, as far as there was one, could read all that it asked for."""
        alone = self.online is not False and not self.signed_out and not self.trouble
        return alone and not self.forced_offline and all(one.reached for one in self.sources)


def health(
    window: Window,
    *,
    syncing: bool,
    other_syncs: bool,
    names: Mapping[str, str] | None = None,
    waits: Mapping[str, SlowResponse] | None = None,
) -> Health:
    """What this cache knows about its sources.

    `names`: those of the profile, tried or not, with what people call them. `waits`: sources whose
    answer has been waited for longer than usual just now.
    """
    rows = window.health()
    sources = tuple(
        _waited(one, window.meta(f"{SILENT}:{one.name}"), (waits or {}).get(one.name))
        for one in _sources(rows, names or {})
    )
    counts = window.outbox_counts()
    offline = [one for one in sources if one.online is False]
    out = [one for one in sources if one.signed_out]
    tried = [one for one in sources if one.online is not None]
    away = bool(tried) and len(offline) == len(tried)
    troubled = [one for one in (*offline, *out, *sources) if one.why]
    gone = [one.offline_since for one in offline if one.offline_since] if away else []
    last_syncs = [datetime.fromisoformat(row.last_look) for row in rows if row.last_look]
    fulls = [one.last_full for one in sources if one.last_full]
    conflicts = counts.get("conflict", 0)
    return Health(
        online=not away if tried else None,
        offline_since=max(gone, default=None),
        why_offline=str(clean(offline[0].why, 120)) if away else "",
        last_full=min(fulls) if fulls and len(fulls) == len(sources) else None,
        waiting=counts.get("queued", 0),
        checking=counts.get("in_doubt", 0),
        conflicts=conflicts,
        needs_you=conflicts + counts.get("needs_attention", 0),
        kept_here=counts.get("kept_here", 0),
        syncing=syncing,
        progress=str(clean(next((row.progress for row in rows if row.progress), ""), 80)),
        other_syncs=other_syncs,
        ever_synced=bool(fulls),
        signed_out=bool(out),
        trouble=str(clean(troubled[0].why, 200)).rstrip(".") if troubled else "",
        last_look=min(last_syncs) if last_syncs and len(last_syncs) == len(rows) else None,
        sources=sources,
        forced_offline=window.meta(FORCED_OFFLINE) == "1",
        silent_since=_first(one.silent_since for one in sources),
        slow_since=_first(one.slow_since for one in sources),
    )


def _first(instants: Iterable[datetime | None]) -> datetime | None:
    return min((one for one in instants if one), default=None)


def _waited(source: SourceHealth, silent: str, waits: SlowResponse | None) -> SourceHealth:
    """A source that was not answering at the last look, or is slow or silent just now."""
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
            _source(known[name]) if name in known else SourceHealth(str(clean(name, 40))),
            label=str(clean(names.get(name, ""), 40)),
        )
        for name in order
    )


def _source(row: HealthLine) -> SourceHealth:
    return SourceHealth(
        name=str(clean(row.source, 40)),
        online=None if row.online is None else bool(row.online),
        offline_since=_instant(row.offline_since),
        why=str(clean(row.why, 200)).rstrip("."),
        signed_out=bool(row.signed_out),
        last_full=_instant(row.last_full),
    )


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
