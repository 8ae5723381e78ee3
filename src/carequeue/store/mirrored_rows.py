"""What the mirror holds of the resources of a page: enough to tell news from what is known.

In:  types and ids. Out: a `MirroredRow` of each that has a row, also one that only says "not
found". Reads only; what is written is decided in `mirror.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from carequeue.store.source_scope import SourceScope

_CHUNK: Final = 400  # rows a statement, well under SQLite's limit of variables

ResourceKey = tuple[str, str]  # type and id


class MirroredRow(NamedTuple):
    """What is mirrored of a row: the digest is that of what lies beside, if anything does."""

    digest: str
    chart: str
    updated: str
    here: bool


def mirrored_rows(
    scope: SourceScope, names: Sequence[ResourceKey]
) -> dict[ResourceKey, MirroredRow]:
    """What is mirrored of each name. What is gone has no digest: it may come back."""
    known: dict[ResourceKey, MirroredRow] = {}
    for kind in {kind for kind, _ in names}:
        keys = [key for of, key in names if of == kind]
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            rows = scope.raw.execute(
                "SELECT id, digest, theirs_digest, theirs_gone, chart, last_updated FROM resource "
                f"WHERE source = ? AND type = ? AND id IN ({','.join('?' * len(chunk))})",
                (scope.source, kind, *chunk),
            )
            for key, digest, theirs, left, chart, updated in rows:
                newest = "" if left else theirs or digest
                known[kind, key] = MirroredRow(newest, chart, updated, bool(digest))
    return known


def absent_references(scope: SourceScope, names: Iterable[str]) -> set[str]:
    """Those references that no row answers, not even one that says "not found"."""
    pairs = [tuple(name.split("/", 1)) for name in names if "/" in name]
    known = mirrored_rows(scope, [(kind, key) for kind, key in pairs])
    return {f"{kind}/{key}" for kind, key in pairs if (kind, key) not in known}
