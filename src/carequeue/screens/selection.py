"""The marked items, and the text about an act on several: before it, after it, item by item.

In:  keys with their labels, a `Preview`, an `Acted`. Out: sentences and lines of parts; pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from carequeue.widgets.text_width import fill, hanging
from carequeue.widgets.themes import Parts
from carequeue.worklist.results import Shown

if TYPE_CHECKING:
    from carequeue.store.queue_window import QueueRow
    from carequeue.verbs.verb import Verb
    from carequeue.worklist.results import Acted, Preview

#: More lines than a person reads; the rest is only counted.
SHOWN: Final = 500
LOCAL_ONLY: Final = "saved on this computer only"


class Selection:
    """The keys of the marked items, in the order of marking, each with its label.

    `shown`: the client of each marked row that has been on the screen.
    """

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self.shown: dict[str, Shown] = {}

    def toggle(self, row: QueueRow) -> None:
        """Mark a row, or unmark it."""
        self.shown.pop(row.key, None)
        if self.labels.pop(row.key, None) is None:
            self.seen(row)

    def seen(self, row: QueueRow) -> None:
        """A marked row is on the screen."""
        self.labels[row.key] = row.client
        self.shown[row.key] = shown_of(row)

    def add(self, keys: Sequence[str]) -> None:
        """Mark keys whose rows may not have been read."""
        for key in keys:
            self.labels.setdefault(key, "")

    def clear(self) -> None:
        """Unmark all items."""
        self.labels.clear()
        self.shown.clear()


def shown_of(row: QueueRow) -> Shown:
    """The client of a row on the screen."""
    return Shown(row.chart, row.client, row.born)


def items(count: int) -> str:
    """`1 item`, `7 items`."""
    return "1 item" if count == 1 else f"{count} items"


def preview_words(verb: Verb, preview: Preview) -> str:
    """`Claim 7 items: 5 will change, 1 already done, 1 not allowed.`"""
    return f"{verb.label.capitalize()} {items(preview.total)}: {preview.facts}."


def result_words(verb: Verb, acted: Acted, preview: Preview) -> str:
    """The result of an act on several items, in one sentence; its counts add up to all items."""
    counts = (
        (len(preview.already) + len(acted.already), "already done"),
        (len(preview.refused) + len(acted.refused), "not allowed"),
        (acted.kept_here, LOCAL_ONLY),
    )
    others = ", ".join(f"{count} {what}" for count, what in counts if count)
    text = f"{verb.done}: {items(len(acted.changed))}{acted.said}"
    return f"{text}; {others}." if others else f"{text}."


def preview_lines(
    verb: Verb, preview: Preview, labels: Mapping[str, str], width: int
) -> list[Parts]:
    """The preview item by item: refused items first, each with its reason."""
    lines: list[Parts] = [[(preview_words(verb, preview), "strong")], []]
    for refused in preview.refused[:SHOWN]:
        lines += _line("✗", "over", refused.client, refused.why, width)
    local_only = set(preview.kept_here)
    for key in preview.changes[:SHOWN]:
        text = f"will change, {LOCAL_ONLY}" if key in local_only else "will change"
        lines += _line("✓", "done", labels.get(key) or key, text, width)
    for key in preview.already[:SHOWN]:
        lines += _line("=", "muted", labels.get(key) or key, "already done", width)
    return lines + _more(preview.total)


def result_lines(
    text: str, acted: Acted, preview: Preview, labels: Mapping[str, str], width: int
) -> list[Parts]:
    """The result item by item."""
    lines: list[Parts] = [[(text, "strong")], []]
    for refused in (*acted.refused, *preview.refused)[:SHOWN]:
        lines += _line("✗", "over", refused.client, refused.why, width)
    for key in acted.changed[:SHOWN]:
        lines += _line("✓", "done", labels.get(key) or key, "done", width)
    for key in (*acted.already, *preview.already)[:SHOWN]:
        lines += _line("=", "muted", labels.get(key) or key, "already done", width)
    return lines + _more(preview.total)


def _line(glyph: str, role: str, label: str, text: str, width: int) -> list[Parts]:
    head: Parts = [(f" {glyph} ", role), (fill(label, min(34, width // 3)) + " ", "strong")]
    return hanging(head, text, "text", width)


def _more(total: int) -> list[Parts]:
    if total <= SHOWN:
        return []
    return [[], [(f" {total} in all; the first {SHOWN} of each kind are shown.", "muted")]]
