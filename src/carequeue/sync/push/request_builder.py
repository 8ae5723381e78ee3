"""The requests for one resource: a write, a read, and the If-Match probe. Pure.

A write is the base with the open intents folded over it, with If-Match of the base's version. A
create uses the best way that the source has, and is searched for in the way that fits:

1. `PUT` under our id, if the source supports update-as-create: sent twice, it is created once.
2. `POST` with `If-None-Exist` on our identifier: created once if the server keeps its word.
3. The same `POST` if the source does not declare that: sent once, never repeated.

A resource that others may create too (for a discharge, or a request without a Task) always uses 2
or 3: only a condition on the stable identifier keeps two people from creating two.
Not here: when it is sent (`machine.py`), what a reply means (`write_responses.py`,
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

#: What an ETag can hold (RFC 9110, 8.8.3), and what any server accepts in a header.
_VERSION: Final = re.compile(r"[!#-~]{1,200}")
#: Versions of a history that are searched for a colleague's, between two of ours.
_HISTORY: Final = 20


def write_request(target: m.PendingResource, state: PushState) -> m.Request:
    """The write for a resource, in the form that the source supports."""
    kind, key = target.key
    view = intent_effects.fold(target.base, target.intents)
    body = _rename(view or {}, state.aliases, _kept_here(state))
    ids = tuple(intent.id for intent in target.intents)
    if target.base is not None:
        return m.Request(target.key, "PUT", f"{kind}/{key}", body, guard(target), "", ids)
    if by_our_id(target, state.can):
        named = {**body, "id": key}
        return m.Request(target.key, "PUT", f"{kind}/{key}", named, "", "", ids, creates=True)
    body.pop("id", None)
    return m.Request(target.key, "POST", kind, body, "", _search(target), ids, creates=True)


def probe_request(target: m.PendingResource, state: PushState) -> m.Request:
    """The write for a resource with a deliberately wrong If-Match; a good server rejects it."""
    request = write_request(target, state)
    return replace(request, if_match=f'W/"{wrong(target.version)}"', probe=True)


def read_request(target: m.PendingResource, can: Abilities, location: str = "") -> m.Request:
    """The read of a resource; `location`: the id that the server gave to what was created."""
    kind, key = target.key
    if location:
        return m.Request(target.key, "GET", f"{kind}/{location}")
    by_id = target.base is not None or by_our_id(target, can)
    return m.Request(target.key, "GET", f"{kind}/{key}" if by_id else f"{kind}?{_search(target)}")


def history_request(target: m.PendingResource) -> m.Request:
    """The latest versions of a resource, the newest first."""
    kind, key = target.key
    return m.Request(target.key, "GET", f"{kind}/{key}/_history?_count={_HISTORY}")


def guard(target: m.PendingResource) -> str:
    """The If-Match of a write; "" if the server gave no version, or none that fits a header.

    A version with a quotation mark or a line break would change the header; such a server is
    treated as one without versions: the row is read before each write.
    """
    return f'W/"{target.version}"' if _VERSION.fullmatch(target.version) else ""


def wrong(version: str) -> str:
    """A version that looks like this one and will not be the next; "" if none can be made.

    A number is decreased: increased, it could be the version that a colleague creates meanwhile.
    Digits stay digits, for servers that accept nothing else.
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
#: Each digit and letter mapped to its neighbor: digits stay digits, hexadecimal stays hexadecimal.
_OTHER: Final[Mapping[str, str]] = {
    character: other
    for at, small in enumerate(_CHARACTERS)
    for character, other in (
        (small, _CHARACTERS[at ^ 1]),
        (small.upper(), _CHARACTERS[at ^ 1].upper()),
    )
}


def by_our_id(target: m.PendingResource, can: Abilities) -> bool:
    """Whether a create uses our id: the source supports it, and nobody else can be creating the
    same, since its identifier is our own new id.
    """
    return identifier(target) == target.key[1] and can.update_create(target.key[0])


def repeatable(target: m.PendingResource, can: Abilities) -> bool:
    """Whether a write may be sent again although it is not known whether it arrived."""
    return (
        target.base is not None
        or by_our_id(target, can)
        or can.of(target.key[0]).conditional_create
    )


def identifier(target: m.PendingResource) -> str:
    """Our identifier on the resource that is created."""
    resource = (target.intents or target.local_only)[0].args.get("resource")
    return identifier_value(resource if isinstance(resource, dict) else {}, codes.IDENTIFIER)


def _search(target: m.PendingResource) -> str:
    named = identifier(target)
    return f"identifier={quote(codes.IDENTIFIER, safe='')}%7C{quote(named, safe='')}"


def _kept_here(state: PushState) -> frozenset[str]:
    """References of local-only creates: no server knows these ids."""
    return frozenset(
        "/".join(target.key)
        for target in state.pending.values()
        if target.local_only and target.local_only[0].kind is IntentKind.CREATE
    )


def _rename(value: Resource, aliases: Mapping[str, str], nowhere: frozenset[str]) -> Resource:
    """Replace our references by the server's ids; a reference that the server does not have is
    dropped.
    """

    def walk(value_in: object) -> object:
        if isinstance(value_in, list):
            parts = [walk(part) for part in value_in]
            return [new for new, old in zip(parts, value_in, strict=True) if _stays(new, old)]
        if not isinstance(value_in, dict):
            return value_in
        kept = {name: walk(part) for name, part in value_in.items()}
        named = value_in.get("reference")
        if isinstance(named, str):
            kept["reference"] = {} if named in nowhere else aliases.get(named, named)
        return {name: part for name, part in kept.items() if _stays(part, value_in[name])}

    renamed = walk(value)
    return renamed if isinstance(renamed, dict) else {}


def _stays(new: object, old: object) -> bool:
    """Whether a part stays: FHIR has no empty values, so an emptied one is dropped."""
    return new == old or new not in ({}, [])
