"""The brake: when a person is asked before rows are removed or moved back.

In:  how many rows are missing or older, of how many; the hold before. Out: the hold that waits for
a person's answer, None if nothing has to be asked; both as they are stored in `meta`.
Why: an empty reply, a missing permission or a server restored from last night's backup look like a
thousand deletions, and an emptied queue looks like a day without work.
Not here: the comparison with the manifest (`manifest/policy.py`), asking (`manifest/runner.py`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from carequeue.sync.ports import SourceRepository, SyncStatePort

#: More than this share (1/5) of all rows or of one type, and more than `FEW`, are not removed
#: unasked within a day: a directory of a thousand people must not make a hundred Tasks look few.
SHARE: Final = 5
FEW: Final = 20
#: How long removals without a question add up.
_ADDED_UP_FOR: Final = timedelta(days=1)
#: In `meta`: the hold that waits for an answer; removals of the last day without a question.
_HELD: Final = "held"
_LATELY: Final = "lately"


class HoldKind(StrEnum):
    """A change that is not made unasked."""

    REMOVAL = "removal"
    RESTORED = "restored"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Held:
    """A change that waits for a person's answer: "accept", "refuse", or none yet.

    `found` rows `of` those in the cache are gone, and `back` are older there; of a server, who
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


def stored_hold(state: SyncStatePort) -> Held | None:
    """The hold of a source; None if there is none, or it cannot be read."""
    try:
        values: dict[str, Any] = json.loads(state.get_meta(_HELD))
        return Held(HoldKind(values.pop("kind")), **values)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def store_hold(state: SyncStatePort, held: Held | None) -> None:
    """Save the hold of a source; None: nothing waits for an answer."""
    state.set_meta(_HELD, json.dumps(asdict(held)) if held else "")


def answer_hold(rows: SourceRepository, answer: str) -> bool:
    """Save a person's answer; the next manifest follows it. False if there is no hold."""
    held = stored_hold(rows.sync_state)
    if held is None:
        return False
    store_hold(rows.sync_state, replace(held, answer=answer))
    rows.manifest.fetch_again()
    return True


def too_many(leaving: int, of: int) -> bool:
    """Whether so many rows are not removed unasked."""
    return leaving > max(FEW, of // SHARE)


@dataclass(frozen=True, slots=True)
class RecentRemovals:
    """Removals without a question within a day, by type: many small steps are one large one."""

    since: str = ""
    by_type: Mapping[str, int] = field(default_factory=dict)

    def taking(self, kind: str, count: int, now: datetime) -> RecentRemovals:
        """With this many more of a type; after a day it starts over."""
        if not self.since or now - datetime.fromisoformat(self.since) >= _ADDED_UP_FOR:
            return RecentRemovals(now.isoformat(), {kind: count})
        return replace(self, by_type={**self.by_type, kind: self.by_type.get(kind, 0) + count})

    def too_many(self, leaving: int, of: int, kind: str = "") -> bool:
        """Whether this many more (of one type, or of all) may not be removed unasked."""
        gone = self.by_type.get(kind, 0) if kind else sum(self.by_type.values())
        return too_many(gone + leaving, gone + of)


def recent_removals(state: SyncStatePort, now: datetime) -> RecentRemovals:
    """The stored removals of a source; empty if they are a day old."""
    since, by_type = json.loads(state.get_meta(_LATELY) or '["", {}]')
    old = since and now - datetime.fromisoformat(since) >= _ADDED_UP_FOR
    return RecentRemovals() if old else RecentRemovals(since, by_type)


def store_recent_removals(state: SyncStatePort, lately: RecentRemovals) -> None:
    """Save the removals of a source."""
    state.set_meta(_LATELY, _removals_text(lately))


def are_stored(state: SyncStatePort, lately: RecentRemovals) -> bool:
    """Whether these are the stored removals of a source."""
    return state.get_meta(_LATELY) == _removals_text(lately)


def _removals_text(lately: RecentRemovals) -> str:
    return json.dumps([lately.since, dict(lately.by_type)]) if lately.by_type else ""


def brake(
    leaving: int, back: int, of: int, was: Held | None, now: datetime, *, much: bool = False
) -> Held | None:
    """The question before rows are removed or moved back; None if it may be done.

    A version that goes back is never normal: one is enough. `much`: it is too much in another
    respect, such as nearly all of one type. An answer covers what it was given for, and a few rows
    more.
    """
    if not back and not much and not too_many(leaving, of):
        return None
    kind = HoldKind.RESTORED if back else HoldKind.REMOVAL
    hold = Held(kind, leaving, back, of, now.isoformat())
    if was is None or was.kind is not kind:
        return hold
    if leaving > was.found + FEW or back > was.back + FEW:
        return hold
    return None if was.answer == "accept" else was


def words(held: Held) -> str:
    """The hold and how to answer it, in a sentence."""
    if held.kind is HoldKind.SERVER:
        who = " ".join(held.server.split())[:120]
        return (
            f"another server answers ({who}); nothing is sent or fetched until you say whether it "
            "has the same records: carequeue sync --accept-removals, or --refuse-removals"
        )
    what = (
        f"the server was restored from a backup: {held.back:,} records are older there than here, "
        f"{held.found:,} are missing there"
        if held.kind is HoldKind.RESTORED
        else f"{held.found:,} of {held.of:,} records are no longer there"
    )
    return (
        f"{what}; nothing was removed or moved back here. If that is right: "
        "carequeue sync --accept-removals; if not, tell your server administrator"
    )


def another_server(known: str, base: str, software: str) -> bool:
    """Whether the server is not the one that answered before. `known`: from `identity`, or ""."""
    was_base, _, was_software = known.partition("\n")
    if not known:
        return False
    name = _whole(software)
    return was_base != base or bool(was_software and name and was_software != name)


def _whole(text: str) -> str:
    """A text as the disk returns it: half a character does not survive there."""
    return text.encode("utf-8", "replace").decode()


def identity(base: str, software: str) -> str:
    """Identity of a server: its address and the name of its software."""
    return f"{base}\n{_whole(software)}"
