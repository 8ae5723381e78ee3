"""The first line: whose queue, and the truth about sync.

In:  heading, `Health`, `now`, the zone, the width. Out: parts. The right side is never cut: where
room is short, the heading gives way first, then words, and last what is well.
"Synced" is the end of the last pull in which every search finished, not of the last attempt, and is
not said while something could not be read: a list with a hole in it would look whole.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from carequeue.widgets.clock_words import moment
from carequeue.widgets.line import length, spread
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.worklist.answers import Health

_GAP: Part = ("  ", "text")


def header_parts(heading: str, health: Health, now: datetime, zone: tzinfo, width: int) -> Parts:
    """The header of a width."""
    badge: list[Part] = [(" CareQueue ", "badge")] if width >= 60 else []
    left: list[Part] = [*badge, (" ", "text")]
    right = sync_parts(health, now, zone, room=max(12, width - length(left) - 2))
    room = width - length(left) - length(right) - 3
    name = heading if room >= len(heading) else heading.split(" · ")[0].split(" ")[0]
    shown = name if room >= len(name) else ""
    return spread([*left, (shown, "text")], [*right, (" ", "text")], width)


def sync_parts(health: Health, now: datetime, zone: tzinfo, room: int) -> list[Part]:
    """The state of sync in at most `room` cells; what is given up first is said first."""
    state, last, counts = _state(health, now, zone), _last(health, now, zone), _counts(health)
    said = [state] if not last or (health.syncing and health.progress) else [state, last]
    short = [piece[:1] for piece in counts]
    urgent = [piece[:1] for piece in counts if piece[0][1] == "soon"]
    choices = [*said, *counts], [state, *counts], [state, *short], [state, *urgent], urgent
    for pieces in filter(None, choices):
        parts: list[Part] = []
        for piece in pieces:
            parts += [*([_GAP] if parts else []), *piece]
        if length(parts) <= room:
            break
    return parts


def _state(health: Health, now: datetime, zone: tzinfo) -> list[Part]:
    if health.syncing and health.progress:
        return [("● ", "done"), (health.progress, "text")]
    if health.signed_out:
        return [("! signed out", "soon")]
    if health.trouble and health.online is not False:
        return [("! not all could be read", "soon")]
    if health.other_syncs:
        return [("◐ another window syncs", "done")]
    if health.online is None:
        return [("● looking", "done")] if health.syncing else [("○ not tried yet", "muted")]
    if health.online:
        return [("● online", "done")]
    since = _at(health.offline_since, now, zone)
    return [(f"○ offline{f' since {since}' if since else ''}", "soon")]


def _last(health: Health, now: datetime, zone: tzinfo) -> list[Part]:
    at = _at(health.last_full, now, zone)
    if health.signed_out:
        return [(f"copy from {at}", "muted")] if at else []
    if health.trouble and health.online is not False:
        return []
    return [(f"synced {at}" if at else "no full sync yet", "muted")]


def _counts(health: Health) -> list[list[Part]]:
    pieces: list[list[Part]] = []
    if health.waiting:
        pieces.append([(f"↑ {health.waiting}", "text"), (" waiting", "text")])
    if health.checking:
        pieces.append([(f"? {health.checking}", "text"), (" checking", "text")])
    if health.kept_here:
        pieces.append([(f"⌂ {health.kept_here}", "muted"), (" kept here", "muted")])
    if health.needs_you:
        word = " needs you" if health.needs_you == 1 else " need you"
        pieces.append([(f"! {health.needs_you}", "soon"), (word, "soon")])
    return pieces


def _at(at: datetime | None, now: datetime, zone: tzinfo) -> str:
    return moment(int(at.timestamp()), int(now.timestamp()), zone) if at else ""
