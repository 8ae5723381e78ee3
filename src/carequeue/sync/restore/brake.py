"""The brake: when a person is asked before records leave the cache or move back. Pure.

In:  how many records are missing or older, of how many; what was held before. Out: what waits for a
person's answer, None where nothing has to be asked.
Why: an empty answer, a wrong right to read or a server that was set back to last night look like a
thousand deletions, and an emptied queue looks like a day without work.
Not here: the comparison with the manifest (`manifest/policy.py`), asking (`manifest/runner.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

#: More than this share of all rows or of those of one type, and more than so many, are not taken
#: out unasked within a day: a directory of a thousand people must not make a hundred Tasks few.
SHARE: Final = 5
FEW: Final = 20
#: How long removals that nobody was asked about add up.
_ADDED_UP_FOR: Final = timedelta(days=1)
#: In `meta`: what was taken out unasked within a day.
LATELY: Final = "lately"


class HoldKind(StrEnum):
    """What is not done unasked."""

    REMOVAL = "removal"
    RESTORED = "restored"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Held:
    """What waits for a person's answer: "accept", "refuse", or none yet.

    `found` rows `of` those that are here are gone, and `back` are older there; of a server, who
    answers now.
    """

    kind: HoldKind
    found: int = 0
    back: int = 0
    of: int = 0
    at: str = ""
    answer: str = ""
    server: str = ""

    @property
    def asks(self) -> bool:
        """Whether nobody has answered yet."""
        return not self.answer


def held_from(values: Mapping[str, Any] | None) -> Held | None:
    """What is held, of what the disk has; None where nothing is, or it cannot be read."""
    try:
        values = dict(values or {})
        return Held(HoldKind(values.pop("kind")), **values)
    except (KeyError, TypeError, ValueError):
        return None


def too_many(leaving: int, of: int) -> bool:
    """Whether so many rows are not taken out unasked."""
    return leaving > max(FEW, of // SHARE)


@dataclass(frozen=True, slots=True)
class RecentRemovals:
    """What was taken out unasked within a day, by type: many small steps are one large one."""

    since: str = ""
    by_type: Mapping[str, int] = field(default_factory=dict)

    def taking(self, kind: str, count: int, now: datetime) -> RecentRemovals:
        """With so many more of a type; after a day it begins anew."""
        if not self.since or now - datetime.fromisoformat(self.since) >= _ADDED_UP_FOR:
            return RecentRemovals(now.isoformat(), {kind: count})
        return replace(self, by_type={**self.by_type, kind: self.by_type.get(kind, 0) + count})

    def too_many(self, leaving: int, of: int, kind: str = "") -> bool:
        """Whether so many more (of one type, or of all) are not taken out unasked."""
        gone = self.by_type.get(kind, 0) if kind else sum(self.by_type.values())
        return too_many(gone + leaving, gone + of)


def recent_removals_from(text: str, now: datetime) -> RecentRemovals:
    """What the disk has of it, as `json`; nothing where that is a day old."""
    since, by_type = json.loads(text or '["", {}]')
    found = RecentRemovals(since, by_type)
    old = since and now - datetime.fromisoformat(since) >= _ADDED_UP_FOR
    return RecentRemovals() if old else found


def recent_removals_to(lately: RecentRemovals) -> str:
    """As `recent_removals_from` reads it."""
    return json.dumps([lately.since, dict(lately.by_type)])


def brake(
    leaving: int, back: int, of: int, was: Held | None, now: datetime, *, much: bool = False
) -> Held | None:
    """What to ask before anything is taken out or moved back; None where it may be done.

    A version that goes back is never normal: one is enough. `much`: it is too much in another
    respect, such as nearly all of one type. An answer holds for what it was given to, and for a few
    rows more.
    """
    if not back and not much and not too_many(leaving, of):
        return None
    kind = HoldKind.RESTORED if back else HoldKind.REMOVAL
    found = Held(kind, leaving, back, of, now.isoformat())
    if was is None or was.kind is not kind:
        return found
    if leaving > was.found + FEW or back > was.back + FEW:
        return found
    return None if was.answer == "accept" else was


def words(held: Held) -> str:
    """What is held and how to answer, in a sentence."""
    if held.kind is HoldKind.SERVER:
        who = " ".join(held.server.split())[:120]
        return (
            f"another server answers ({who}); nothing is sent or fetched until you say whether it "
            "has the same records: carequeue sync --accept-removals, or --refuse-removals"
        )
    what = (
        f"the server was set back: {held.back:,} records are older there than here, "
        f"{held.found:,} are not there"
        if held.kind is HoldKind.RESTORED
        else f"{held.found:,} of {held.of:,} records are no longer there"
    )
    return (
        f"{what}; nothing was removed or moved back here. If that is right: "
        "carequeue sync --accept-removals; if not, tell whoever runs the server"
    )


def another_server(known: str, base: str, software: str) -> bool:
    """Whether who answers is not who answered before. `known`: as `identity` gave it, or ""."""
    was_base, _, was_software = known.partition("\n")
    if not known:
        return False
    name = _whole(software)
    return was_base != base or bool(was_software and name and was_software != name)


def _whole(text: str) -> str:
    """A text as the disk gives it back: half a character is none there."""
    return text.encode("utf-8", "replace").decode()


def identity(base: str, software: str) -> str:
    """Who answers: by address, and by the name of its software."""
    return f"{base}\n{_whole(software)}"
