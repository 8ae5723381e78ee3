"""One item in full: text for people in the zone of the site, JSON with times in UTC.

In:  a `Detail`.  Out: text on standard output. A test compares its fields with
docs/command-line.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import tzinfo
from typing import TYPE_CHECKING

from carequeue.domain.sanitize import clean_block
from carequeue.printing.rows import band_title
from carequeue.printing.text import LONGEST, Shape, field, json_text, plain_value, when, write

if TYPE_CHECKING:
    from carequeue.worklist.results import Detail, TimeLine


def write_detail(detail: Detail, shape: Shape, zone: tzinfo) -> None:
    """Write one item; times for people are in the site's zone, in JSON in UTC."""
    if shape is Shape.JSON:
        fields = plain_value(dataclasses.asdict(detail))
        write(json_text({**fields, "band_title": band_title(detail.band)}, indent=2))
        return
    for line in _head(detail, zone):
        write(line)
    for title, lines in _sections(detail, zone):
        if lines:
            write(f"\n{title}")
            for line in lines:
                write(f"  {line}")


def _sections(detail: Detail, zone: tzinfo) -> Iterable[tuple[str, list[str]]]:
    yield (
        f"Why here: {band_title(detail.band)}, {detail.points} points",
        [f"{line.points:+5d}  {field(line.text)}{_paren(line.source)}" for line in detail.reasons],
    )
    yield (
        "Clocks",
        [
            f"{when(line.due, zone)}  {field(line.label)}: {field(line.state)}"
            f"{_paren(line.citation, line.provenance)}"
            for line in detail.clocks
        ],
    )
    yield "Notes", _story(detail.notes, zone)
    yield "Story", _story(detail.story, zone)
    yield "Not yet on the server", [field(line) for line in detail.pending]
    yield "Take care", [field(line) for line in detail.flags]


def _head(detail: Detail, zone: tzinfo) -> list[str]:
    who = [detail.client, detail.born and f"born {detail.born}", detail.gender]
    who += [detail.mrn and f"MRN {detail.mrn}", detail.phone, "deceased" if detail.deceased else ""]
    pairs = [
        ("move", detail.move + (f", since {when(detail.since, zone)}" if detail.since else "")),
        ("due", when(detail.due, zone)),
        ("snoozed until", when(detail.snoozed_until, zone)),
        ("priority", detail.priority),
        ("status", detail.status),
        ("from", detail.requester),
        ("to", detail.owner),
        ("rank changes", when(detail.changes_at, zone)),
        ("others of this client", str(detail.others) if detail.others else ""),
        ("source", f"{detail.source} {detail.resource}"),
        ("key", detail.key),
    ]
    about = clean_block(detail.about, LONGEST).splitlines()
    return [
        "  ".join(field(part) for part in who if part),
        field(detail.title),
        *about,
        "",
        *(f"{name:<22}{field(value)}" for name, value in pairs if value),
    ]


def _story(lines: Iterable[TimeLine], zone: tzinfo) -> list[str]:
    return [
        text
        for line in lines
        for text in _hanging(f"{when(line.at, zone) or 'undated':<21}  ", line.text, line.by)
    ]


def _hanging(head: str, text: str, by: str) -> list[str]:
    """A text with its own lines, each further line below the first."""
    first, *rest = clean_block(text, LONGEST).splitlines() or [""]
    *lines, last = [f"{head}{first}", *(" " * len(head) + line for line in rest)]
    return [*lines, last + _paren(by)]


def _paren(*parts: str) -> str:
    joined = ", ".join(field(part) for part in parts if part)
    return f" ({joined})" if joined else ""
