"""An account in words: a table of all sets, and for each set where every resource is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from carequeue.domain.items import Kind
from tests.samples.accounting import CACHED, Account, Place
from tests.samples.sets import SampleSet

_HEADS: Final = (
    "set", "resources", "loaded", "refused", "in the cache", "in a row", "kept, no row",
    *(kind.value for kind in Kind), "licence",
)  # fmt: skip
_ROWS_SHOWN: Final = 40


def summary(accounts: Sequence[tuple[SampleSet, Account]]) -> str:
    """The table of all sets, in Markdown."""
    lines = [
        (
            sample.origin.title,
            _number(len(found.fates)),
            _number(len(found.fates) - found.count(Place.REFUSED, Place.AGAIN)),
            _number(found.count(Place.REFUSED)),
            _number(found.count(*CACHED)),
            _number(found.count(Place.ROW)),
            _number(found.count(Place.KEPT)),
            *(_number(many) for many in found.kinds.values()),
            sample.origin.licence,
        )
        for sample, found in accounts
    ]
    return table(_HEADS, lines)


def detail(sample: SampleSet, found: Account) -> str:
    """Where each resource of a set is, in Markdown; the sum is the number of resources."""
    lines = [(place.value, why, _number(many), types) for place, why, many, types in found.lines]
    total = ("**sum**", "", _number(sum(many for _, _, many, _ in found.lines)), "")
    parts = [
        f"### {sample.origin.title}",
        table(("where", "why", "resources", "of which types"), [*lines, total]),
        _doctor(found),
    ]
    return "\n\n".join(parts)


def plain(sample: SampleSet, found: Account) -> str:
    """The same for a terminal, with the rows of the queue in their order."""
    return "\n".join(_plain(sample, found))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    ruled = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in ruled)


def _doctor(found: Account) -> str:
    named = found.seen.doctor
    return "The doctor names: " + (" ".join(named) if named else "nothing.")


def _plain(sample: SampleSet, found: Account) -> Iterator[str]:
    yield f"{sample.origin.title} ({sample.name}): {_number(len(found.fates))} resources"
    yield f"  {found.seen.said}"
    for place, why, many, types in found.lines:
        yield f"  {many:6,}  {place.value}: {why} ({types})"
    yield f"  rows: {_kinds(found.kinds)}"
    for row in found.seen.rows[:_ROWS_SHOWN]:
        yield f"    {row.kind.value:13}  {row.words}"
    if len(found.seen.rows) > _ROWS_SHOWN:
        yield f"    and {len(found.seen.rows) - _ROWS_SHOWN} more"
    yield f"  {_doctor(found)}"


def _kinds(kinds: Mapping[Kind, int]) -> str:
    return ", ".join(f"{kind.value} {many:,}" for kind, many in kinds.items())


def _number(many: int) -> str:
    return f"{many:,}"
