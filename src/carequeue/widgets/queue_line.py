"""One row of the queue as parts of a line: its columns and their text.

In:  a `QueueRow`, the width in cells, `now`, and the `RowState` that the list knows. Out: (text,
role) pairs that fill exactly the width.
Kind and clock are left of the name because their width is known: if a terminal measures a name
wrongly, the urgency still stays in its column. The task comes last and gets the rest of the line.
A column that would be empty in a tab is left out.
The state of a row on the server is a glyph and a word. If room is short, the glyphs have a column
at the right, and the word is before it if the task leaves room or the row needs the person.
No widget and no color in here.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final, NamedTuple

from rich.cells import cell_len

from carequeue.store.queue_window import QueueRow
from carequeue.widgets.bands import WAITING, band_words
from carequeue.widgets.clock_words import WIDTH as CLOCK
from carequeue.widgets.clock_words import clock_words
from carequeue.widgets.source_labels import Origin
from carequeue.widgets.text_width import cut, fill
from carequeue.widgets.themes import Part, Parts

#: From this width on kinds and sync states are whole words, and a band shows its meaning.
WORDS_FROM: Final = 92
#: Cells that a long name may take from the task of its row, and cells that the task keeps.
LONGER: Final = 16
TASK_LEAST: Final = 22
#: Below this width the move has no column.
MOVE_FROM: Final = 72
#: From this width on a source is named by its label, below it by its short label of two letters.
LABEL_FROM: Final = WORDS_FROM
LABEL_WIDEST: Final = 10
#: Cells that the task keeps beside the word of a row that needs the person or has the cursor.
TASK_BESIDE: Final = 12
#: Cells for the colleague whom I cover (" for Dana W."), as long as the task keeps the second.
WHOSE_LEAST: Final = 12
WHOSE_BESIDE: Final = 8
#: Below this width a row has two lines: kind, clock and name, and below them the task.
TALL_BELOW: Final = 60

#: kind -> glyph, word, three letters
KINDS: Final = {
    "referral": ("→", "referral", "Ref"),
    "follow_up": ("↻", "follow-up", "Fup"),
    "handoff": ("⇄", "handoff", "Hnd"),
    "authorization": ("§", "auth", "Aut"),
}
#: sync state -> glyph, word, role. The last three are no states of the outbox: a row that arrived
#: or changed since the person saw it, and a row of a source that is away ("as of 09:40").
SYNC: Final = {
    "waiting": ("↑", "waiting", "muted"),
    "behind": ("⇡", "behind", "muted"),
    "checking": ("?", "checking", "muted"),
    "conflict": ("≠", "conflict", "conflict"),
    "needs_you": ("✗", "needs you", "over"),
    "kept_here": ("⌂", "local only", "muted"),
    "unprotected": ("u", "unprotected", "soon"),
    "new": ("•", "new", "me"),
    "changed": ("~", "changed", "me"),
    "old": ("○", "as of 00:00", "muted"),
}
_SYNC_WORDS: Final = max(len(word) for _, word, _ in SYNC.values()) + 2
_AGE_LEAST: Final = len(" ○ 00:00")
_PRESSING: Final = frozenset({"conflict", "needs_you"})
_MOVES: Final = {"me": "me", "team": "my team", "partner": "partner", "client": "client"}


class Columns(NamedTuple):
    """The cells of each column without the gap after it; 0: there is no such column."""

    kind: int
    clock: int
    client: int
    title: int  # up to the column of sync; a row without a sync state uses that column too
    move: int
    sync: int
    source: int = 0


class RowState(NamedTuple):
    """The state of a row on the screen, beyond its data."""

    cursor: bool = False
    marked: bool = False
    acted: bool = False
    alike: bool = False  # another client on the screen has nearly the same name
    badge: str = ""  # "new" or "changed" since the person saw it
    origin: Origin = Origin()


def columns(width: int, moves: bool, label: int = 0) -> Columns:
    """The columns of a list of this width.

    `moves`: the tab has moves of different people; `label`: the cells of the longest label of a
    source, 0 if there is only one source.
    """
    words = width >= WORDS_FROM
    kind = 9 if words else 3
    move = 0 if not moves or width < MOVE_FROM else 18 if width >= 120 else 12 if words else 10
    sync = _SYNC_WORDS if words and (not move or width >= 120) else 1  # the task needs the room
    client = min(34, 20 + (width - 80) // 6) if width >= 80 else max(8, 12 + (width - 40) // 5)
    used = 3 + kind + 1 + CLOCK + 1 + client + 1
    source = min(label, LABEL_WIDEST) if width >= LABEL_FROM else min(label, 2)
    used += (move + 1 if move else 0) + sync + 1 + (source + 1 if source else 0)
    return Columns(kind, CLOCK, client, max(0, width - used), move, sync, source)


def queue_line(
    row: QueueRow, cells: Columns, now: int, zone: tzinfo, row_state: RowState
) -> list[Part]:
    """One row as parts that fill the width for which `cells` was computed."""
    quiet = row.band >= WAITING
    glyph, word, short, role = _kind(row, row_state)
    words, over = clock_words(row.due_at, row.unit, row.days_left, now, zone)
    cells = _for_name(row, cells, row_state)
    name = _client(row, cells.client, row_state.alike)
    parts: list[Part] = [
        ("▌" if row_state.cursor else " ", "me"),
        (f"{glyph} ", role),
        (fill(word if cells.kind > 3 else short, cells.kind) + " ", role),
        (fill(words, cells.clock) + " ", clock_role(row.band, over)),
        (fill(name, cells.client) + " ", "muted" if quiet else "strong"),
    ]
    return parts + _rest(row, cells, quiet, row_state)


def tall_line(
    row: QueueRow, part: int, width: int, now: int, zone: tzinfo, row_state: RowState
) -> list[Part]:
    """The first (0) or second (1) line of a row of two lines, where the task takes no room from the
    name.
    """
    quiet = row.band >= WAITING
    edge: Part = ("▌" if row_state.cursor else " ", "me")
    state = _state(row, row_state)
    if part:
        label = f" {row_state.origin.short_label}" if row_state.origin.short_label else ""
        word = f" {state[1]}" if state else ""
        whose = _for_whom(row, width // 2)
        task, word = _task(row, row_state, word, width - 3 - cell_len(label) - cell_len(whose))
        role = state[2] if state else "text"
        text = "muted" if quiet else "text"
        return [edge, ("  ", text), (task, text), (whose, "me"), (word, role), (label, "muted")]
    glyph, _, _, role = _kind(row, row_state)
    words, over = clock_words(row.due_at, row.unit, row.days_left, now, zone)
    room = max(1, width - 6 - CLOCK)
    return [
        edge,
        (f"{glyph} ", role),
        (fill(words, CLOCK) + " ", clock_role(row.band, over)),
        (fill(_client(row, room, row_state.alike), room), "muted" if quiet else "strong"),
        (f" {state[0]}" if state else "  ", state[2] if state else "text"),
    ]


def _kind(row: QueueRow, row_state: RowState) -> tuple[str, str, str, str]:
    """Glyph, word, three letters and role; a marked or done row has another glyph."""
    glyph, word, short = KINDS.get(row.kind, ("·", row.kind.replace("_", " "), row.kind[:3]))
    role = "muted" if row.band >= WAITING else row.kind if row.kind in KINDS else "text"
    if row_state.marked:
        return "*", word, short, "key"
    if row_state.acted:
        return "✓", word, short, "done"
    return glyph, word, short, role


def _state(row: QueueRow, row_state: RowState) -> tuple[str, str, str] | None:
    """Glyph, word and role of the sync state; an unknown state is still shown."""
    if row.sync:
        return SYNC.get(row.sync) or ("!", cut(row.sync.replace("_", " "), 11), "soon")
    if row_state.badge:
        return SYNC[row_state.badge]
    glyph, _, role = SYNC["old"]
    return (glyph, row_state.origin.age, role) if row_state.origin.age else None


def _only_age(row: QueueRow, row_state: RowState) -> bool:
    """Whether the only state to show is the age: many rows show it at once, so it takes little room
    from the task.
    """
    return not (row.sync or row_state.badge)


def _task(row: QueueRow, row_state: RowState, word: str, room: int) -> tuple[str, str]:
    """The task, and after it the word of its state: `room` cells together.

    The word is shown if the task leaves room, if the row needs the person, or if the cursor is on
    it. An age is shown only with the cursor: header and glyph show it for all rows.
    """
    left = room - cell_len(word)
    pressing = row.sync in _PRESSING or row_state.cursor
    fits = cell_len(row.title) <= left and not _only_age(row, row_state)
    if word and (fits or (pressing and left >= TASK_BESIDE)):
        return fill(row.title, left), word
    return fill(row.title, room), ""


def _for_whom(row: QueueRow, room: int) -> str:
    """The colleague whom I cover, by whom the row is mine: " for Dana W."; "" for other rows."""
    return cut(f" for {row.covered_for}", room) if row.covered_for else ""


def _whose(row: QueueRow) -> tuple[str, str]:
    """Who must act next, and its role."""
    if row.move == "me" or row.covered_for:
        return _for_whom(row, LABEL_FROM).strip() or "me", "me"
    return row.move_name or _MOVES.get(row.move, row.move), "muted"


def _rest(row: QueueRow, cells: Columns, quiet: bool, row_state: RowState) -> list[Part]:
    """The task, whose move it is, its state on the server, and its source.

    In a tab without a column for the move, a row that is mine by a cover has its colleague after
    the task.
    """
    room = max(cells.title // 2, min(WHOSE_LEAST, cells.title - WHOSE_BESIDE))
    whose = "" if cells.move else _for_whom(row, room)
    parts = _task_and_state(
        row, cells._replace(title=cells.title - cell_len(whose)), quiet, row_state
    )
    if whose:
        parts.insert(1, (whose, "me"))
    if cells.source:
        origin = row_state.origin
        label = origin.label if cells.source > 2 else origin.short_label
        parts.append((" " + fill(label, cells.source), "muted"))
    return parts


def _task_and_state(row: QueueRow, cells: Columns, quiet: bool, row_state: RowState) -> list[Part]:
    text = "muted" if quiet else "text"
    state = _state(row, row_state)
    glyph, word, role = state or ("", "", "text")
    words = cells.sync > 1
    parts: list[Part] = []
    if cells.move:
        who, of_whom = _whose(row)
        parts.append((fill(row.title, cells.title), text))
        if not words and row.sync in _PRESSING:  # the person is needed, so it is their move
            parts.append((" " + fill(word, cells.move), role))
        else:
            parts.append((" " + fill(who, cells.move), of_whom))
        tail = f"{glyph} {word}" if words else glyph
        parts.append((" " + fill(tail, cells.sync), role))
    elif state is None:
        parts.append((fill(row.title, cells.title + 1 + cells.sync), text))
    elif words and _only_age(row, row_state):
        room = cells.title + 1 + cells.sync
        fits = cell_len(row.title) <= cells.title
        tail = f" {glyph} {word if fits else word.removeprefix('as of ')}"
        parts += [(fill(row.title, room - len(tail)), text), (tail, role)]
    elif words:
        parts.append((fill(row.title, cells.title), text))
        parts.append((" " + fill(f"{glyph} {word}", cells.sync), role))
    else:
        task, word = _task(row, row_state, f" {word}", cells.title)
        parts += [(task, text), (f"{word} {glyph}", role)]
    return parts


def clock_role(band: int, over: bool) -> str:
    """Red for a passed deadline, amber for a near one; waiting rows are muted, others plain."""
    if over:
        return "over"
    if band >= WAITING:
        return "muted"
    return "soon" if band <= 2 else "text"


def _for_name(row: QueueRow, cells: Columns, row_state: RowState) -> Columns:
    """The columns of a row with a long name: the task begins later, and the name is not cut.

    A cut name is how a person takes the wrong client; a task that is cut at its end is only short.
    """
    wanted = cell_len(row.client) + (7 if row_state.alike and row.born else 0)
    state = _state(row, row_state)
    tail = 0 if state is None else _AGE_LEAST if _only_age(row, row_state) else 1 + cells.sync
    spare = 0 if cells.move else max(0, 1 + cells.sync - tail)  # cells that the state leaves free
    extra = min(wanted - cells.client, LONGER, cells.title + spare - TASK_LEAST)
    if extra <= 0:
        return cells
    return cells._replace(client=cells.client + extra, title=cells.title - extra)


def _client(row: QueueRow, room: int, alike: bool) -> str:
    """As much of the name as fits; the year of birth is never cut off."""
    if not alike or not row.born:
        return cut(row.client, room)
    year = f" b.{row.born[:4]}"
    return cut(row.client, room - len(year)) + year


def band_line(band: int, count: int, width: int) -> Parts:
    """The line above the rows of a band: its word, its meaning, a thin rule, the count."""
    words = band_words(band)
    parts: list[Part] = [(f" {words.title} ", words.role)]
    if width >= WORDS_FROM and words.hint:
        parts.append((f"{words.hint} ", "muted"))
    tail = f" {count:,} ".replace(",", " ")
    used = sum(len(text) for text, _ in parts) + len(tail)
    return [*parts, ("─" * max(0, width - used), "rule"), (tail, "muted")]
