"""What the command line writes: the only writer to stdout.

In:  plain values of the desk.  Out: a table for people, or a stable form for programs: `--json`,
     `--plain` (tab separated, a header line, no colour, no box characters).
Decided here: every text goes through `clean` on its way out, whoever sent it; a colour never says
what a word does not say; each form is written row by row, so that a long queue pipes.
docs/command-line.md describes every field; a test holds it to `ROW_FIELDS` and to `Detail`.
rich is loaded for a table only. Not here: which rows (`worklist/`), the screen (`widgets/`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from carequeue.domain.sanitize import clean, clean_block

if TYPE_CHECKING:
    from carequeue.store.queue_window import QueueRow
    from carequeue.worklist.results import Detail, Finding, Preview, TimeLine

#: The fields of one row in `--json`; `--plain` has the same ones but `verbs`, in this order.
ROW_FIELDS: Final = (
    "key", "kind", "band", "band_title", "points", "due_at", "client", "born", "title", "move",
    "move_name", "mine", "sync", "changed_at", "source", "verbs",
)  # fmt: skip
#: The longest text of one field: a title of a server may be of any length.
_LONGEST: Final = 2000
#: Columns of the table, in cells, with the space behind them.
_DUE_WIDTH: Final = 13
_WIDEST_NAME: Final = 30
_WIDEST_MOVE: Final = 18
_LEAST_TITLE: Final = 36
#: Bands up to this one (Due) are amber before they are over.
_PRESSING: Final = 2
_SOON: Final = "yellow"


class Shape(StrEnum):
    """How an answer is written."""

    TEXT = "text"
    PLAIN = "plain"
    JSON = "json"


class Outcome(NamedTuple):
    """What became of one key of an act: result is changed | already | refused | missing."""

    key: str
    result: str
    client: str = ""
    why: str = ""


#: The distance of a row's deadline in words, and whether it has run out.
Distance = Callable[["QueueRow"], tuple[str, bool]]


def write(text: str = "") -> None:
    """One line, or several, of text that is already clean."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(f"{text}\n".encode(encoding, "replace").decode(encoding))


def write_message(text: str) -> None:
    """A sentence that may hold names."""
    write(clean_block(text, _LONGEST))


def _one(text: str) -> str:
    return clean(text, _LONGEST)


# Rows


def write_rows(rows: Iterable[QueueRow], shape: Shape, distance: Distance) -> int:
    """The rows in this shape, and how many there were."""
    if shape is Shape.JSON:
        return _write_array(_row_fields(row) for row in rows)
    if shape is Shape.PLAIN:
        return _write_tabs(rows)
    listed = list(rows)
    if listed:
        write(_table(listed, distance))
    return len(listed)


def _row_fields(row: QueueRow) -> dict[str, Any]:
    return {
        "key": _one(row.key),
        "kind": _one(row.kind),
        "band": row.band,
        "band_title": band_title(row.band),
        "points": row.points,
        "due_at": _instant(row.due_at),
        "client": _one(row.client),
        "born": _one(row.born),
        "title": _one(row.title),
        "move": _one(row.move),
        "move_name": _one(row.move_name),
        "mine": bool(row.mine),
        "sync": _one(row.sync),
        "changed_at": _instant(row.fresh or None),
        "source": _one(row.source),
        "verbs": _one(row.verbs).split(),
    }


def band_title(band: int) -> str:
    """The word for a band; a number that is not known keeps its number."""
    from carequeue.domain.ranking import Band

    try:
        return Band(band).title
    except ValueError:
        return f"Band {band}"


def _instant(seconds: int | None) -> str | None:
    """Whole seconds since 1970 as ISO 8601 in UTC; None where the calendar cannot hold it."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


def _write_array(entries: Iterable[dict[str, Any]]) -> int:
    count = 0
    for entry in entries:
        sys.stdout.write(",\n" if count else "[\n")
        sys.stdout.write(_json(entry))
        count += 1
    sys.stdout.write("\n]\n" if count else "[]\n")
    return count


def _json(value: Any, indent: int | None = None) -> str:
    # Letters stay readable where the output can hold them; elsewhere JSON has its own escapes.
    wide = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, ensure_ascii=not wide, indent=indent)


def _write_tabs(rows: Iterable[QueueRow]) -> int:
    columns = ROW_FIELDS[:-1]
    write("\t".join(columns))
    count = 0
    for row in rows:
        count += 1
        fields = _row_fields(row)
        write("\t".join(_cell(fields[column]) for column in columns))
    return count


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _table(rows: Sequence[QueueRow], distance: Distance) -> str:
    """The rows under their bands. A key is never broken: where it has no room it stands below."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    shared = Counter(row.alike for row in rows if row.alike)
    names = [_named(row, shared[row.alike] > 1) for row in rows]
    name_width = min(max(map(cell_len, names)), _WIDEST_NAME)
    key_width = max(cell_len(_one(row.key)) for row in rows)
    beside = line_width() - _DUE_WIDTH - name_width - _WIDEST_MOVE - key_width >= _LEAST_TITLE

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("due", no_wrap=True)
    table.add_column("client", width=name_width, overflow="fold")
    table.add_column("what to do", ratio=1, overflow="fold")
    if beside:
        table.add_column("move", no_wrap=True, overflow="ellipsis", max_width=_WIDEST_MOVE)
        table.add_column("key", no_wrap=True)
    band = None
    for row, name in zip(rows, names, strict=True):
        if row.band != band:
            band = row.band
            table.add_row(Text(band_title(band), style="bold underline"))
        words, over = distance(row)
        title = f"{_one(row.title)} ({_one(row.sync).replace('_', ' ')})" if row.sync else row.title
        what, key = Text(_one(title)), Text(_one(row.key), style="blue")
        move = Text("you" if row.move == "me" else _one(row.move_name))
        if not beside:
            what = Text("\n").join([what, key if row.move == "me" else key + Text("  ") + move])
        style = "bold red" if over else _SOON if row.band <= _PRESSING else ""
        table.add_row(Text(words, style=style), Text(name), what, *((move, key) if beside else ()))
    return _rendered(table)


def _named(row: QueueRow, alike: bool) -> str:
    """The client; with the year of birth where another one in the list could be taken for them."""
    return f"{_one(row.client)} b.{_one(row.born)[:4]}" if alike and row.born else _one(row.client)


def line_width() -> int:
    """The columns of the terminal, 100 where there is none."""
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def _rendered(what: Any) -> str:
    """A rich renderable as text: colour only on a terminal that has it and did not decline it."""
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        force_terminal=sys.stdout.isatty() and os.environ.get("TERM") != "dumb",
        no_color=bool(os.environ.get("NO_COLOR")),
        width=line_width(),
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as captured:
        console.print(what)
    return captured.get().rstrip("\n")


# One item


def write_detail(detail: Detail, shape: Shape, zone: tzinfo) -> None:
    """One item in full; times for people are in the site's zone, in JSON in UTC."""
    if shape is Shape.JSON:
        fields = _plain_value(dataclasses.asdict(detail))
        write(_json({**fields, "band_title": band_title(detail.band)}, indent=2))
        return
    for line in _head(detail, zone):
        write(line)
    for title, lines in _sections(detail, zone):
        if lines:
            write(f"\n{title}")
            for line in lines:
                write(f"  {line}")


def _plain_value(value: Any) -> Any:
    """Values as JSON has them: text clean, instants in UTC, tuples as lists."""
    if isinstance(value, str):
        return clean_block(value, _LONGEST)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: _plain_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(one) for one in value]
    return value


def _sections(detail: Detail, zone: tzinfo) -> Iterable[tuple[str, list[str]]]:
    yield (
        f"Why here: {band_title(detail.band)}, {detail.points} points",
        [f"{line.points:+5d}  {_one(line.text)}{_paren(line.source)}" for line in detail.reasons],
    )
    yield (
        "Clocks",
        [
            f"{when(line.due, zone)}  {_one(line.label)}: {_one(line.state)}"
            f"{_paren(line.citation, line.provenance)}"
            for line in detail.clocks
        ],
    )
    yield "Notes", _story(detail.notes, zone)
    yield "Story", _story(detail.story, zone)
    yield "Not yet on the server", [_one(line) for line in detail.pending]
    yield "Take care", [_one(line) for line in detail.flags]


def _head(detail: Detail, zone: tzinfo) -> list[str]:
    who = [detail.client, detail.born and f"born {detail.born}", detail.gender]
    who += [detail.mrn and f"MRN {detail.mrn}", detail.phone, "deceased" if detail.deceased else ""]
    pairs = [
        ("move", detail.move + (f", since {when(detail.since, zone)}" if detail.since else "")),
        ("due", when(detail.due, zone)),
        ("asleep until", when(detail.snoozed_until, zone)),
        ("priority", detail.priority),
        ("status", detail.status),
        ("from", detail.requester),
        ("to", detail.owner),
        ("changes by itself", when(detail.changes_at, zone)),
        ("others of this client", str(detail.others) if detail.others else ""),
        ("source", f"{detail.source} {detail.resource}"),
        ("key", detail.key),
    ]
    about = clean_block(detail.about, _LONGEST).splitlines()
    return [
        "  ".join(_one(part) for part in who if part),
        _one(detail.title),
        *about,
        "",
        *(f"{name:<22}{_one(value)}" for name, value in pairs if value),
    ]


def _story(lines: Iterable[TimeLine], zone: tzinfo) -> list[str]:
    return [
        f"{when(line.at, zone) or 'undated':<21}  {_one(line.text)}{_paren(line.by)}"
        for line in lines
    ]


def _paren(*parts: str) -> str:
    said = ", ".join(_one(part) for part in parts if part)
    return f" ({said})" if said else ""


def when(at: datetime | None, zone: tzinfo) -> str:
    """An instant at the site, "" where there is none."""
    if at is None:
        return ""
    try:
        local = at.astimezone(zone)
    except (OverflowError, ValueError):
        local = at
    # Not strftime's names: they follow the machine's language, these words do not.
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[local.weekday()]
    return f"{day} {local:%Y-%m-%d %H:%M}"


# Acts


def preview_line(preview: Preview) -> str:
    """What a verb would do to many, in one line; whom it refuses stands in the rows."""
    parts = [f"{preview.verb}: {len(preview.changes)} of {preview.total} would change"]
    if preview.already:
        parts.append(f"{len(preview.already)} so already")
    if preview.kept_here:
        parts.append(f"{len(preview.kept_here)} kept here only")
    if preview.unprotected:
        parts.append(f"{len(preview.unprotected)} unprotected on the server")
    if preview.refused:
        parts.append(f"{len(preview.refused)} not allowed")
    return _one(", ".join(parts))


def who_and_why(client: str, why: str) -> str:
    """A client and why a verb does not apply; a reason that begins with the name is enough."""
    name, reason = _one(client), _one(why)
    return reason if reason.startswith(name) else f"{name}: {reason}" if reason else name


def write_outcomes(outcomes: Iterable[Outcome], message: str, group: str, shape: Shape) -> None:
    """A result per row; as JSON one object with the group that `undo` takes."""
    if shape is Shape.JSON:
        results = [
            {key: _one(value) for key, value in one._asdict().items() if value} for one in outcomes
        ]
        fields = {"message": _one(message), "group": _one(group), "results": results}
        write(_json(fields, indent=2))
        return
    for one in outcomes:
        write(f"{one.result}\t{_one(one.key)}\t{who_and_why(one.client, one.why)}".rstrip())
    if message:
        write_message(message)
    if group:
        write(f"Undo it with: carequeue undo {_one(group)}")


# Findings and keys


def write_findings(findings: Iterable[Finding]) -> None:
    """One finding a line, its hint below it."""
    for finding in findings:
        write(f"{_one(finding.level):<8} {_one(finding.what)}")
        if finding.hint:
            write(f"{'':<8} {_one(finding.hint)}")


def write_value(value: Any) -> None:
    """Any answer of the desk, or a list of them, as JSON: text clean, instants in UTC."""
    entries = value if isinstance(value, list | tuple) else [value]
    fields = [_plain_value(dataclasses.asdict(entry)) for entry in entries]
    write(_json(fields if entries is value else fields[0], indent=2))


def write_columns(rows: Sequence[Sequence[str]]) -> None:
    """A table for people, its first row the heads; what has no room goes on below."""
    from rich.table import Table
    from rich.text import Text

    heads, *lines = rows
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for line in lines:
        table.add_row(*(Text(clean_block(cell, _LONGEST)) for cell in line))
    write(_rendered(table))


def write_tabbed(rows: Iterable[Sequence[str]]) -> None:
    """A row a line, its fields parted by tabs."""
    for row in rows:
        write("\t".join(_one(field) for field in row))


def write_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Two columns, the first as wide as its widest cell."""
    width = max((len(name) for name, _ in pairs), default=0)
    for name, words in pairs:
        write(f"{_one(name):<{width}}  {_one(words)}".rstrip())
