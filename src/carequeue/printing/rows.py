"""The rows of the queue: a table for people, `--json` and `--plain` for programs.

In:  rows in the order of the queue.  Out: text on standard output, written row by row, so that a
long queue can be piped. docs/command-line.md describes every field; a test compares it with
`ROW_FIELDS`.
Not here: which rows (`worklist/`), the list on the screen (`widgets/`).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from carequeue.printing.text import Shape, field, json_text, line_width, rendered, write
from carequeue.verbs.offers import names_of

if TYPE_CHECKING:
    from carequeue.store.queue_window import QueueRow

#: Columns of the table in cells, with the space after them.
_DUE_WIDTH: Final = 13
_WIDEST_NAME: Final = 30
_WIDEST_MOVE: Final = 18
_LEAST_TITLE: Final = 36
#: Rows of bands up to this one (Due) are amber before their deadline.
_PRESSING: Final = 2
_SOON: Final = "yellow"
#: The distance of a row's deadline in words, and whether the deadline has passed.
Distance = Callable[["QueueRow"], tuple[str, bool]]


def write_rows(rows: Iterable[QueueRow], shape: Shape, distance: Distance) -> int:
    """Write the rows in this shape; returns how many there were."""
    if shape is Shape.JSON:
        return _write_array(_row_fields(row) for row in rows)
    if shape is Shape.PLAIN:
        return _write_tabs(rows)
    all_rows = list(rows)
    if all_rows:
        write(_table(all_rows, distance))
    return len(all_rows)


def band_title(band: int) -> str:
    """The word for a band; an unknown band is shown by its number."""
    from carequeue.domain.ranking import Band

    try:
        return Band(band).title
    except ValueError:
        return f"Band {band}"


def _instant(seconds: int | None) -> str | None:
    """Whole seconds since 1970 as ISO 8601 in UTC; None if the calendar cannot hold the time."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


#: The fields of one row in `--json`, in their order; `--plain` has the same fields without `verbs`.
_FIELDS: Final[dict[str, Callable[[QueueRow], Any]]] = {
    "key": lambda row: field(row.key),
    "kind": lambda row: field(row.kind),
    "band": lambda row: row.band,
    "band_title": lambda row: band_title(row.band),
    "points": lambda row: row.points,
    "due_at": lambda row: _instant(row.due_at),
    "client": lambda row: field(row.client),
    "born": lambda row: field(row.born),
    "title": lambda row: field(row.title),
    "move": lambda row: field(row.move),
    "move_name": lambda row: field(row.move_name),
    "mine": lambda row: bool(row.mine),
    "sync": lambda row: field(row.sync),
    "changed_at": lambda row: _instant(row.fresh or None),
    "source": lambda row: field(row.source),
    "verbs": lambda row: names_of(field(row.verbs)),
    "covered_for": lambda row: field(row.covered_for),
}
ROW_FIELDS: Final = tuple(_FIELDS)


def _row_fields(row: QueueRow) -> dict[str, Any]:
    return {name: read(row) for name, read in _FIELDS.items()}


def _write_array(entries: Iterable[dict[str, Any]]) -> int:
    count = 0
    for entry in entries:
        sys.stdout.write(",\n" if count else "[\n")
        sys.stdout.write(json_text(entry))
        count += 1
    sys.stdout.write("\n]\n" if count else "[]\n")
    return count


def _write_tabs(rows: Iterable[QueueRow]) -> int:
    columns = [name for name in ROW_FIELDS if name != "verbs"]
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
    """The rows below their bands. A key is never broken: without room it is on the next line."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    shared = Counter(row.alike for row in rows if row.alike)
    names = [_named(row, shared[row.alike] > 1) for row in rows]
    name_width = min(max(map(cell_len, names)), _WIDEST_NAME)
    key_width = max(cell_len(field(row.key)) for row in rows)
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
        title = (
            f"{field(row.title)} ({field(row.sync).replace('_', ' ')})" if row.sync else row.title
        )
        what, key = Text(field(title)), Text(field(row.key), style="blue")
        move = Text(_whose(row))
        if not beside:
            what = Text("\n").join([what, key if row.move == "me" else key + Text("  ") + move])
        style = "bold red" if over else _SOON if row.band <= _PRESSING else ""
        table.add_row(Text(words, style=style), Text(name), what, *((move, key) if beside else ()))
    return rendered(table)


def _whose(row: QueueRow) -> str:
    """Who must act next; of a row that is mine by a cover, for whom I do."""
    if row.covered_for:
        return f"for {field(row.covered_for)}"
    return "you" if row.move == "me" else field(row.move_name)


def _named(row: QueueRow, alike: bool) -> str:
    """The client; with the year of birth if the list has another client of nearly that name."""
    return (
        f"{field(row.client)} b.{field(row.born)[:4]}" if alike and row.born else field(row.client)
    )
