"""The base: a resource as its source last gave it, and what one page of resources changed. Pure.

Values that the cache gives and that the exchange with a server decides by; no disk here.
Not here: how bases are stored (`store/mirror.py`), when one may move (`store/base_lock.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from carequeue.fhir.chart import Resource


@dataclass(slots=True)
class SavedPage:
    """What a page changed: how many rows, and references that are not here yet."""

    changed: int = 0
    missing: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)  # of which only a part came


@dataclass(frozen=True, slots=True)
class Base:
    """The mirrored state of one resource; `theirs` is what the server has meanwhile, if known.

    `gone`: why the server no longer gives it, where an intent holds the row all the same.
    """

    body: Resource | None
    version: str
    theirs: Resource | None = None
    theirs_version: str = ""
    gone: str = ""
