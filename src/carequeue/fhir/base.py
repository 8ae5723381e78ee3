"""The base: a resource as its source last gave it, and what one page of resources changed. Pure.

In:  nothing. Out: values that the cache returns and that sync decides by; no disk here.
Not here: how bases are stored (`store/mirror.py`), which bases an intent holds
(`store/intent_rows.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from carequeue.fhir.chart import Resource


@dataclass(slots=True)
class SavedPage:
    """The changes by one page: the number of rows, and references that are not here yet."""

    changed: int = 0
    missing: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)  # only a part of these came


@dataclass(frozen=True, slots=True)
class Base:
    """The mirrored state of one resource; `theirs` is a newer version on the server, if known.

    `gone`: why the server no longer has it, if an intent still holds the row.
    """

    body: Resource | None
    version: str
    theirs: Resource | None = None
    theirs_version: str = ""
    gone: str = ""
