"""How a model server differs from the next one: every difference that docs/servers.md knows of.

In:  a generator of chance. Out: one `Quirks`. What a quirk means for a request is in
`http_server.py`, what can happen to a request on its way is in `wire.py`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Quirks:
    """One server. The defaults are those of a good one."""

    stale: int = 412  # the status of a write with an old version: 400, 409, 412, 423, 428
    guard: str = "kept"  # If-Match is "kept", or "ignored"; "patch": ignored on PATCH only
    needs_guard: bool = False  # a change without If-Match is answered with 428
    meta: str = "full"  # "etag": the version in the header only; "none": no versions at all
    drops_ids: bool = False  # Element.id does not come back
    merges_tags: bool = False  # meta.tag is added to, never replaced
    index_lag: int = 0  # seconds until a search shows what was written
    late_commit: int = 0  # seconds between the stamp of a colleague's write and its being there
    coarse: bool = False  # lastUpdated to the second
    skew: int = 0  # seconds by which its clock is wrong
    stamped: bool = True  # Bundle.meta.lastUpdated; else a Date header
    history: bool = False  # Type/_history
    page: int = 200  # rows a page at most
    links: str = "next"  # "none": no link to the next page; "circle": the last leads to the first
    offset: bool = True  # knows _offset
    total: bool = True
    last_updated: bool = True  # can be searched by _lastUpdated
    elements: bool = True  # knows _elements
    update_create: bool = True
    conditional: bool = True  # If-None-Exist
    none_match: bool = True  # If-None-Match: * on PUT
    echo: str = "always"  # a write answers with the resource; "asked": where Prefer asks, "never"
    batch: int = 50  # the largest batch; 0: none is taken
    no_batch: int = 404  # how a batch is refused
    versions: str = "row"  # numbered by row, or over the whole server ("global")
    gone: int = 410  # the status of what was deleted
    put_gone: int = 404  # the status of changing what was deleted
    refuses: str = ""  # what its rules never take: "asap", "snooze"
    statuses: bool = False  # knows some statuses of a Task only
    batch_reads: bool = True  # a batch may hold readings
    more: bool = True  # takes observations, requests, visits and appointments
    task: str = "all"  # "none", "read", "no_create": what can be done with a Task

    @property
    def unprotected(self) -> bool:
        """Whether a write over somebody else's cannot be prevented from our side."""
        return self.guard == "ignored" or self.meta == "none"

    def odd(self) -> str:
        """What is not as with a good server, for a trace."""
        return " ".join(
            f"{field.name}={getattr(self, field.name)}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        )


#: Name -> (chance, the values that are not the good one).
_ODD: Final[dict[str, tuple[float, tuple[Any, ...]]]] = {
    "stale": (0.5, (409, 409, 423, 428, 400)),
    "guard": (0.08, ("ignored", "ignored", "patch")),
    "needs_guard": (0.15, (True,)),
    "meta": (0.12, ("etag", "none")),
    "drops_ids": (0.15, (True,)),
    "merges_tags": (0.15, (True,)),
    "index_lag": (0.2, (1, 20, 120)),
    "late_commit": (0.2, (2, 30, 120)),
    "coarse": (0.25, (True,)),
    "skew": (0.2, (-90, 3, 600)),
    "stamped": (0.3, (False,)),
    "history": (0.3, (True,)),
    "page": (0.4, (1, 2, 3)),
    "links": (0.15, ("none", "circle")),
    "offset": (0.3, (False,)),
    "total": (0.3, (False,)),
    "last_updated": (0.1, (False,)),
    "elements": (0.2, (False,)),
    "update_create": (0.4, (False,)),
    "conditional": (0.15, (False,)),
    "none_match": (0.1, (False,)),
    "echo": (0.2, ("asked", "never")),
    "batch": (0.4, (0, 1, 2)),
    "no_batch": (0.5, (400, 405, 501)),
    "versions": (0.3, ("global",)),
    "gone": (0.3, (404,)),
    "put_gone": (0.5, (405, 410, 409, 412)),
    "refuses": (0.1, ("asap", "snooze")),
    "statuses": (0.08, (True,)),
    "task": (0.1, ("none", "read", "no_create")),
    "batch_reads": (0.2, (False,)),
    "more": (0.5, (False,)),
}


def some_quirks(chance: random.Random) -> Quirks:
    """A server. A third of them are good ones: what fails there is easiest to read."""
    if chance.random() < 0.3:
        return Quirks()
    found: dict[str, Any] = {}
    for name, (often, values) in _ODD.items():
        if chance.random() < often:
            found[name] = chance.choice(values)
    if found.get("links") == "none":  # nobody could read those to their end
        found.pop("last_updated", None)
        found.pop("offset", None)
    if "page" in found and "offset" in found:  # nor say of a full page whether it is the last
        found.pop("total", None)
    return Quirks(**found)
