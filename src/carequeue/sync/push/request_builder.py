"""What leaves for one lane, as requests: a write, a reading, and a question about If-Match. Pure.

A write is the base with the lane's intents folded over it, guarded by the base's version. A create
goes by the best way that the source has, and is looked for in the way that fits:

1. `PUT` under an id of ours, where the source makes what does not exist: twice is once.
2. `POST` with `If-None-Exist` on an identifier of ours: twice is once by the server's word.
3. The same `POST` where the source does not declare to read that: sent once, never repeated.

What stands for something that others see too (a discharge, a request without a Task) goes by 2 or
3 always: only a condition on the stable identifier keeps two people from making two.
Not here: when it is sent (`machine.py`), what an answer means (`write_responses.py`,
`read_responses.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote

from carequeue.domain.intents import IntentKind
from carequeue.fhir import codes, intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.values import identifier_value
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.push import messages as m
from carequeue.sync.push.state import PushState

#: What an entity tag can hold (RFC 9110, 8.8.3), and a header of any server will take.
_VERSION: Final = re.compile(r"[!#-~]{1,200}")
#: Versions of a history that are looked through for a colleague's, between two of ours.
_HISTORY: Final = 20


def write_request(lane: m.Lane, state: PushState) -> m.Request:
    """The write of a lane, as the source takes it."""
    kind, key = lane.key
    view = intent_effects.fold(lane.base, lane.intents)
    body = _rename(view or {}, state.aliases, _kept_here(state))
    ids = tuple(intent.id for intent in lane.intents)
    if lane.base is not None:
        return m.Request(lane.key, "PUT", f"{kind}/{key}", body, guard(lane), "", ids)
    if by_our_id(lane, state.can):
        named = {**body, "id": key}
        return m.Request(lane.key, "PUT", f"{kind}/{key}", named, "", "", ids, creates=True)
    body.pop("id", None)
    return m.Request(lane.key, "POST", kind, body, "", _search(lane), ids, creates=True)


def probe_request(lane: m.Lane, state: PushState) -> m.Request:
    """The write of a lane with a guard that is wrong on purpose; a good server refuses it."""
    request = write_request(lane, state)
    return replace(request, if_match=f'W/"{wrong(lane.version)}"', probe=True)


def read_request(lane: m.Lane, can: Abilities, location: str = "") -> m.Request:
    """The reading of a lane; `location`: the id that the server gave to what was made."""
    kind, key = lane.key
    if location:
        return m.Request(lane.key, "GET", f"{kind}/{location}")
    by_id = lane.base is not None or by_our_id(lane, can)
    return m.Request(lane.key, "GET", f"{kind}/{key}" if by_id else f"{kind}?{_search(lane)}")


def history_request(lane: m.Lane) -> m.Request:
    """The latest versions of a resource, the newest first."""
    kind, key = lane.key
    return m.Request(lane.key, "GET", f"{kind}/{key}/_history?_count={_HISTORY}")


def guard(lane: m.Lane) -> str:
    """The If-Match of a write; "" where the server gave no version, or none that a header takes.

    A version with a quotation mark or a line break in it would be a guard of its own making, or a
    header more; such a server is treated as one without versions: looked at before each write.
    """
    return f'W/"{lane.version}"' if _VERSION.fullmatch(lane.version) else ""


def wrong(version: str) -> str:
    """A version that looks like this one and will not be the next; "" where none can be made.

    A number goes back: counted on, it could be the version that a colleague makes meanwhile. Digits
    stay digits, for servers that take nothing else.
    """
    if version.isascii() and version.isdecimal():
        before = int(version) - 1
        return str(before).zfill(len(version)) if before >= 0 else "9" * (len(version) + 8)
    for at in range(len(version) - 1, -1, -1):
        other = _OTHER.get(version[at])
        if other:
            return version[:at] + other + version[at + 1 :]
    return ""


_CHARACTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
#: Each digit and letter by its neighbour: digits stay digits, and hexadecimal stays hexadecimal.
_OTHER: Final[Mapping[str, str]] = {
    one: other
    for small, neighbour in ((one, _CHARACTERS[at ^ 1]) for at, one in enumerate(_CHARACTERS))
    for one, other in ((small, neighbour), (small.upper(), neighbour.upper()))
}


def by_our_id(lane: m.Lane, can: Abilities) -> bool:
    """Whether a create goes under an id of ours: the source takes it, and nobody else can be
    making the same, since its identifier is our own fresh id.
    """
    return identifier(lane) == lane.key[1] and can.update_create(lane.key[0])


def repeatable(lane: m.Lane, can: Abilities) -> bool:
    """Whether a write may be sent again although its fate is not known for certain."""
    return lane.base is not None or by_our_id(lane, can) or can.of(lane.key[0]).conditional_create


def identifier(lane: m.Lane) -> str:
    """The identifier of ours that what a lane creates bears."""
    resource = (lane.intents or lane.kept)[0].args.get("resource")
    return identifier_value(resource if isinstance(resource, dict) else {}, codes.IDENTIFIER)


def _search(lane: m.Lane) -> str:
    named = identifier(lane)
    return f"identifier={quote(codes.IDENTIFIER, safe='')}%7C{quote(named, safe='')}"


def _kept_here(state: PushState) -> frozenset[str]:
    """References of what was made here and has no place there: no server knows these ids."""
    return frozenset(
        "/".join(lane.key)
        for lane in state.lanes.values()
        if lane.kept and lane.kept[0].kind is IntentKind.CREATE
    )


def _rename(value: Resource, aliases: Mapping[str, str], nowhere: frozenset[str]) -> Resource:
    """References to what we created, by the server's ids; what it does not have is not named."""

    def walk(one: object) -> object:
        if isinstance(one, list):
            parts = [walk(each) for each in one]
            return [new for new, old in zip(parts, one, strict=True) if _stays(new, old)]
        if not isinstance(one, dict):
            return one
        kept = {name: walk(part) for name, part in one.items()}
        named = one.get("reference")
        if isinstance(named, str):
            kept["reference"] = {} if named in nowhere else aliases.get(named, named)
        return {name: part for name, part in kept.items() if _stays(part, one[name])}

    renamed = walk(value)
    return renamed if isinstance(renamed, dict) else {}


def _stays(new: object, old: object) -> bool:
    """FHIR has nothing empty: what is left without content goes too."""
    return new == old or new not in ({}, [])
