"""The outbox to read: first what needs the person, then what is being checked, waiting or local.

In:  the lines of the outbox, `now`, the zone, the width, the chosen line. Out: lines of parts.
Each line shows its state, the client, the decision, when it was made and how often it was tried;
the chosen line also shows the server's answer and the record. The lines are made once per width: a
key remakes only the chosen line, however long the list is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len

from carequeue.widgets.detail_pane import Lines, when
from carequeue.widgets.queue_line import SYNC
from carequeue.widgets.text_width import cut, fill, wrap
from carequeue.widgets.themes import Part, Parts

if TYPE_CHECKING:
    from carequeue.worklist.results import OutboxLine

#: From this width on a line has a word for its state, and how often it was tried.
WORDS_FROM: Final = 64
_HEAD: Final = 12
#: The least lines below the chosen line, so that the lines below do not move with the choice.
LEAST: Final = 2


class Section(NamedTuple):
    """One section of the list: the state as the queue calls it, and its heading."""

    state: str
    title: str
    role: str


#: In the order in which they are shown.
SECTIONS: Final = (
    Section("conflict", "Conflicts with a colleague's change", "conflict-strong"),
    Section("needs_you", "Needs you: the server refused it", "over"),
    Section("checking", "Being checked with the server", "strong"),
    Section("waiting", "Waiting to be sent", "strong"),
    Section("behind", "Waiting behind another change that needs you", "quiet-strong"),
    Section("kept_here", "Saved on this computer only", "quiet-strong"),
)
_STATES: Final = {
    "conflict": "conflict",
    "needs_attention": "needs_you",
    "in_doubt": "checking",
    "queued": "waiting",
    "kept_here": "kept_here",
}
EMPTY: Final = "The outbox is empty: everything you decided is on the server."


def state_of(line: OutboxLine) -> str:
    """The state of a line, as the queue calls it."""
    state = _STATES.get(line.state, "waiting")
    return "behind" if line.behind and state == "waiting" else state


class OutboxPane:
    """The list at a time: its `lines`, and the `labels` of the sources if there are several."""

    def __init__(
        self, lines: Sequence[OutboxLine], now: datetime, zone: tzinfo, labels: Mapping[str, str]
    ) -> None:
        rank = [section.state for section in SECTIONS]
        self.lines = sorted(lines, key=lambda line: rank.index(state_of(line)))
        self.chosen = 0
        self.note = ""  # a result that has to stay in sight, such as a path
        self._now, self._zone, self._labels = now, zone, labels
        self._made: tuple[int, str, Lines, list[int]] = (-1, "", [], [])

    @property
    def line(self) -> OutboxLine | None:
        """The chosen line."""
        return self.lines[self.chosen] if self.lines else None

    def last_line_of_chosen(self, width: int) -> int:
        """The number of the last line on the screen that belongs to the chosen line."""
        line = self.line
        if line is None:
            return 0
        extra = len(self._more(line, width))
        return self._make(width)[1][self.chosen] + extra if self.chosen or extra else 0

    def parts(self, width: int) -> Lines:
        """The whole list."""
        lines, positions = self._make(width)
        line = self.line
        if line is None:
            return lines
        at = positions[self.chosen]
        return [
            *lines[:at], self._line(line, width, chosen=True), *self._more(line, width),
            *lines[at + 1 :],
        ]  # fmt: skip

    def _make(self, width: int) -> tuple[Lines, list[int]]:
        if self._made[:2] != (width, self.note):
            lines: Lines = [[(text, "done")] for text in wrap(self.note, width)]
            positions: list[int] = []
            if not self.lines:
                lines += [[(text, "strong")] for text in wrap(EMPTY, width)]
            state = ""
            for line in self.lines:
                if state != (state := state_of(line)):
                    lines += [*([[]] if lines else []), self._heading(state, width)]
                positions.append(len(lines))
                lines.append(self._line(line, width, chosen=False))
            self._made = (width, self.note, lines, positions)
        return self._made[2:]

    def _heading(self, state: str, width: int) -> Parts:
        section = next(section for section in SECTIONS if section.state == state)
        count = f" {sum(state_of(line) == state for line in self.lines)} "
        title = cut(section.title, width - len(count) - 4)
        rule = "─" * max(0, width - cell_len(title) - 1 - len(count))
        return [(f"{title} ", section.role), (rule, "rule"), (count, "muted")]

    def _line(self, line: OutboxLine, width: int, *, chosen: bool) -> Parts:
        glyph, word, role = SYNC[state_of(line)]
        wide = width >= WORDS_FROM
        head = fill(f"{glyph} {word}" if wide else glyph, _HEAD if wide else 2)
        at = fill(when(line.decided_at, self._now, self._zone), 11)
        tries = f"{line.attempts} tries" if line.attempts != 1 else "1 try"
        tail = f" {at} {fill(tries if line.attempts else '', 8)}" if wide else f" {at}"
        client, did = _columns(line, width)
        return [
            ("▌" if chosen else " ", "me"),
            (head, role),
            (fill(line.client, client) + " ", "strong"),
            (fill(line.did, did), "text"),
            (tail, "muted"),
        ]

    def _more(self, line: OutboxLine, width: int) -> Lines:
        """The text below the chosen line: whatever its columns cut, and the server's answer."""
        client, did = _columns(line, width)
        whole = cell_len(line.client) <= client and cell_len(line.did) <= did
        texts: list[Part] = [] if whole else [(f"{line.client}: {line.did}", "text")]
        if line.words:
            texts.append((line.words, "soon"))
        if line.not_before and line.not_before > self._now:
            again = when(line.not_before, self._now, self._zone)
            texts.append((f"CareQueue tries again {again}, as the server asked.", "muted"))
        record = [line.by, self._labels.get(line.source, ""), line.target]
        texts.append((" · ".join(text for text in record if text), "muted"))
        lines: Lines = [
            [("▌   ", "me"), (part, role)]
            for text, role in texts
            for part in wrap(text, max(8, width - 5))
        ]
        blank: Parts = [("▌", "me")]
        return [*lines, *[blank] * (LEAST - len(lines))]


def _columns(line: OutboxLine, width: int) -> tuple[int, int]:
    """The cells for the client and for the decision; a long name takes cells from the decision."""
    wide = width >= WORDS_FROM
    room = width - 2 - (_HEAD + 21 if wide else 2 + 12)
    client = max(room * 2 // 5, min(cell_len(line.client), room - 16))
    return client, room - client
