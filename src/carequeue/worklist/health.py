"""The true sentence about sync.

"Up to date" is said only where every search has finished and nothing waits: a queue that looks
complete and is not is the one fault that nobody would find. So what went wrong in the last look
(`trouble`) stands until a look ends without it. On the way to the first frame: no ORM.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from carequeue.domain.text import clean
from carequeue.store.window import Window


@dataclass(frozen=True, slots=True)
class Health:
    """The truth about sync, as far as this cache knows it."""

    online: bool | None  # None: not tried yet
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
    ever_synced: bool
    signed_out: bool = False  # the server, or the token command, did not let the last look in
    trouble: str = ""  # what went wrong in the last look, in words that follow a colon; "" is well
    last_look: datetime | None = None  # when the last look ended, however it did

    @property
    def whole(self) -> bool:
        """Whether the last look, as far as there was one, could read all that it asked for."""
        return self.online is not False and not self.signed_out and not self.trouble


def health(window: Window, *, syncing: bool, other_syncs: bool) -> Health:
    """What this cache knows about its sources; of several, the worst."""
    rows = window.health()
    counts = window.outbox_counts()
    offline = [row for row in rows if row.online == 0]
    out = [row for row in rows if row.signed_out]
    troubled = [row for row in (*offline, *out, *rows) if row.why]
    looks = [datetime.fromisoformat(row.last_look) for row in rows if row.last_look]
    fulls = [datetime.fromisoformat(row.last_full) for row in rows if row.last_full]
    everywhere = bool(rows) and len(fulls) == len(rows)
    conflicts = counts.get("conflict", 0)
    needs = counts.get("needs_attention", 0)
    return Health(
        online=None if all(row.online is None for row in rows) else not offline,
        offline_since=_instant(offline[0].offline_since) if offline else None,
        why_offline=str(clean(offline[0].why, 120)) if offline else "",
        last_full=min(fulls) if everywhere else None,
        waiting=counts.get("queued", 0),
        checking=counts.get("in_doubt", 0),
        conflicts=conflicts,
        needs_you=conflicts + needs,
        kept_here=counts.get("kept_here", 0),
        syncing=syncing,
        progress=str(clean(next((row.progress for row in rows if row.progress), ""), 80)),
        other_syncs=other_syncs,
        ever_synced=everywhere,
        signed_out=bool(out),
        trouble=str(clean(troubled[0].why, 200)).rstrip(".") if troubled else "",
        last_look=min(looks) if looks and len(looks) == len(rows) else None,
    )


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
