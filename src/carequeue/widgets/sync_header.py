"""The first line: whose queue it is, and the state of sync.

In:  heading, `Health`, `now`, the zone, the width. Out: parts. The right side is never cut: if room
is short, the heading is left out first, then words, and problems last.
"Synced" is the end of the last pull in which every search finished, not of the last attempt. The
header does not say it while something could not be read, because an incomplete list would look
complete. If one of several sources is away, the header names it and does not say "online".
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from carequeue.widgets.clock_words import moment
from carequeue.widgets.read_warnings import NAME, troubled
from carequeue.widgets.text_width import cut, length, spread
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.worklist.results import Health

_GAP: Part = ("  ", "text")


def header_parts(
    heading: str, health: Health, now: datetime, zone: tzinfo, width: int, seen_as: str = ""
) -> Parts:
    """The header of a width.

    `seen_as`: the colleague or the team as whom the person looks at the queue. It is never left
    out: whoever takes a colleague's list for their own misses their own work.
    """
    badge: list[Part] = [(" CareQueue ", "badge")] if width >= 60 else []
    left: list[Part] = [*badge, (" ", "text")]
    if seen_as:
        left = [*badge, (f" as {cut(seen_as, max(8, width // 3))} ", "key"), (" ", "text")]
        heading = ""
    right = sync_parts(health, now, zone, room=max(12, width - length(left) - 2))
    room = width - length(left) - length(right) - 3
    name = heading if room >= len(heading) else heading.split(" · ")[0].split(" ")[0]
    shown = name if room >= len(name) else ""
    return spread([*left, (shown, "text")], [*right, (" ", "text")], width)


def sync_parts(health: Health, now: datetime, zone: tzinfo, room: int) -> list[Part]:
    """The state of sync in at most `room` cells: the first of the choices that fits."""
    state, last = _state(health, now, zone), _last(health, now, zone)
    counts = _counts(health)
    short = [piece[:1] for piece in counts]
    mixed = [piece if _presses(piece) else piece[:1] for piece in counts]
    urgent = [piece[:1] for piece in counts if _presses(piece)]
    full = [state, last] if last and not (health.syncing and health.progress) else [state]
    brief = [state[:1]]
    choices = (
        [*full, *counts], [*full, *mixed], [*full, *short], [state, *mixed], [state, *short],
        [*brief, *short], [state, *urgent], [*brief, *urgent], urgent,
    )  # fmt: skip
    parts: list[Part] = []
    for pieces in filter(None, choices):
        parts = []
        for piece in pieces:
            parts += [*([_GAP] if parts else []), *piece]
        if length(parts) <= room:
            break
    return parts


def _presses(piece: list[Part]) -> bool:
    return piece[0][1] == "soon"


def _state(health: Health, now: datetime, zone: tzinfo) -> list[Part]:
    """The state, in one part or two; the first is enough by itself."""
    if health.forced_offline:
        return [("○ working offline", "soon")]
    if waiting := _not_answering(health, now, zone):
        return waiting
    if health.syncing and health.progress:
        return [("● ", "done"), (health.progress, "text")]
    if away := _away(health, now, zone):
        return away
    if health.signed_out:
        return [("! signed out", "soon")]
    if health.trouble and health.online is not False:
        of = "".join(f"{cut(source.shown, NAME)}: " for source in troubled(health)[:1])
        return [(f"! {of}some records not read", "soon")]
    return _whole(health, now, zone)


def _whole(health: Health, now: datetime, zone: tzinfo) -> list[Part]:
    """The state if nothing went wrong, or if no source answers at all."""
    if health.other_syncs:
        return [("◐ another window is syncing", "done")]
    if health.online is None:
        return [("● syncing", "done")] if health.syncing else [("○ not tried yet", "muted")]
    if health.online:
        return [("● online", "done")]
    since = _at(health.offline_since, now, zone)
    return [("○ offline", "soon"), (f" since {since}" if since else "", "soon")]


def _not_answering(health: Health, now: datetime, zone: tzinfo) -> list[Part]:
    """No answer, or a slow one: since when, by the source that is waiting longest.

    If only some of several sources are waiting, the header names the first of them.
    """
    silent = health.silent_since is not None
    since = health.silent_since or health.slow_since
    if since is None:
        return []
    since_by_source = {
        source.shown: source.silent_since if silent else source.slow_since
        for source in health.sources
    }
    longest = [name for name, at in since_by_source.items() if at == since]
    some = any(at is None for at in since_by_source.values())
    name = f"{cut(longest[0], NAME)} " if longest and some else ""
    state = f"○ {name}not answering" if silent else f"◐ {name}slow"
    return [(state, "soon"), (f" since {_at(since, now, zone)}", "soon")]


def _away(health: Health, now: datetime, zone: tzinfo) -> list[Part]:
    """The source that is away while another is read: "County offline since 09:40"."""
    old = [source for source in health.sources if source.old(now)]
    none_online = all(source.online is False for source in health.sources)
    if not old or len(health.sources) < 2 or none_online:
        return []
    first = old[0]
    name = cut(first.shown, NAME)
    more = f" +{len(old) - 1}" if len(old) > 1 else ""
    if first.online is False:
        word, at = "offline", first.offline_since
    elif first.signed_out:
        word, at = "signed out", None
    else:
        word, at = "not read", first.last_full
    since = f" since {_at(at, now, zone)}" if at else ""
    return [(f"○ {name} {word}", "soon"), (f"{since}{more}", "soon")]


def _last(health: Health, now: datetime, zone: tzinfo) -> list[Part]:
    """When everything was last read; "copy from" if it cannot be read now."""
    at = _at(health.last_full, now, zone)
    if health.signed_out or health.forced_offline:
        return [(f"copy from {at}", "muted")] if at else []
    if (health.trouble and health.online is not False) or _away(health, now, zone):
        return []
    return [(f"synced {at}" if at else "no full sync yet", "muted")]


def _counts(health: Health) -> list[list[Part]]:
    needs = "needs you (x)" if health.needs_you == 1 else "need you (x)"
    counts = (
        ("↑", health.waiting, "waiting", "text"),
        ("?", health.checking, "checking", "text"),
        ("!", health.needs_you, needs, "soon"),
        ("⌂", health.kept_here, "local only", "muted"),
    )
    return [
        [(f"{glyph} {count}", role), (f" {word}", role)]
        for glyph, count, word, role in counts
        if count
    ]


def _at(at: datetime | None, now: datetime, zone: tzinfo) -> str:
    return moment(int(at.timestamp()), int(now.timestamp()), zone) if at else ""
