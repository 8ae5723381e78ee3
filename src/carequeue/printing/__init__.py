"""The only writer to standard output.

A stable form for programs (`--json`, `--plain`) and a table for people; `text.py` cleans every
value on its way out. docs/command-line.md describes every field.
"""

from carequeue.printing.detail import write_detail as write_detail
from carequeue.printing.outcomes import Outcome as Outcome
from carequeue.printing.outcomes import preview_line as preview_line
from carequeue.printing.outcomes import who_and_why as who_and_why
from carequeue.printing.outcomes import write_findings as write_findings
from carequeue.printing.outcomes import write_outcomes as write_outcomes
from carequeue.printing.rows import ROW_FIELDS as ROW_FIELDS
from carequeue.printing.rows import write_rows as write_rows
from carequeue.printing.text import Shape as Shape
from carequeue.printing.text import line_width as line_width
from carequeue.printing.text import when as when
from carequeue.printing.text import write as write
from carequeue.printing.text import write_columns as write_columns
from carequeue.printing.text import write_message as write_message
from carequeue.printing.text import write_pairs as write_pairs
from carequeue.printing.text import write_tabbed as write_tabbed
from carequeue.printing.text import write_value as write_value
