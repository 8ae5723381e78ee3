"""The only writer to standard output.

A stable form for programs (`--json`, `--plain`) and a table for people; `text.py` cleans every
value on its way out. docs/command-line.md describes every field.
"""

from carequeue.printing.detail import write_detail
from carequeue.printing.outcomes import (
    Outcome,
    preview_line,
    who_and_why,
    write_findings,
    write_outcomes,
)
from carequeue.printing.rows import ROW_FIELDS, band_title, write_rows
from carequeue.printing.text import (
    Shape,
    line_width,
    when,
    write,
    write_columns,
    write_message,
    write_pairs,
    write_tabbed,
    write_value,
)

__all__ = [
    "ROW_FIELDS",
    "Outcome",
    "Shape",
    "band_title",
    "line_width",
    "preview_line",
    "when",
    "who_and_why",
    "write",
    "write_columns",
    "write_detail",
    "write_findings",
    "write_message",
    "write_outcomes",
    "write_pairs",
    "write_rows",
    "write_tabbed",
    "write_value",
]
