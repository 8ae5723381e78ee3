"""One row of the queue as parts of a line: which columns there are, and what each says.

In:  a `QueueRow`, the width in cells, `now`, and what the list knows about the row (cursor,
     marked, acted on, looks like another, new, its source and the age of that). Out: (text, role)
     pairs that fill exactly the width.
Kind and clock stand left of the name because their width is known: a name that a terminal
measures wrongly can then never push the urgency out of its column. The ask comes last and gets
every cell that is left. A column that says nothing in a view is not there.
How a row stands with the server is a glyph and a word; where room is short the glyphs stand in one
column at the right, and the word before it wherever the ask leaves room, or the person is needed.
No widget and no colour in here.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Final, NamedTuple

from rich.cells import cell_len

from carequeue.store.queue_window import QueueRow
from carequeue.widgets.bands import WAITING, band_words
from carequeue.widgets.clock_words import WIDTH as CLOCK
from carequeue.widgets.clock_words import clock_words
from carequeue.widgets.line import cut, fill
from carequeue.widgets.source_labels import Origin
from carequeue.widgets.themes import Part, Parts

#: From this width on kinds and states of sync are whole words, and a band says what it means.
WORDS_FROM: Final = 92
#: Cells that a long name may take from the ask of its row, and what the ask keeps.
LONGER: Final = 16
ASK_LEAST: Final = 22
#: The move has no column below this width.
MOVE_FROM: Final = 72
#: From this width on a source is named by its label, below it by its mark of two letters.
LABEL_FROM: Final = WORDS_FROM
LABEL_WIDEST: Final = 10
#: What the ask keeps where the word of a row that needs the person, or has the cursor, stands.
ASK_BESIDE: Final = 12
#: Below this one a row stands on two lines: kind, clock and name, and under them the ask.
TALL_BELOW: Final = 60

#: kind -> glyph, word, three letters
KINDS: Final = {
    "referral": ("→", "referral", "Ref"),
    "follow_up": ("↻", "follow-up", "Fup"),
    "handoff": ("⇄", "handoff", "Hnd"),
    "authorization": ("§", "auth", "Aut"),
}
#: state of sync -> glyph, word, role. The last three are no states of the outbox: a row that came
#: or changed since it was looked at, and one of a source that has not been read ("as of 09:40").
SYNC: Final = {
    "waiting": ("↑", "waiting", "muted"),
    "behind": ("⇡", "behind", "muted"),
    "checking": ("?", "checking", "muted"),
    "conflict": ("≠", "differs", "conflict"),
    "needs_you": ("✗", "needs you", "over"),
    "kept_here": ("⌂", "kept here", "muted"),
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
    """Cells a column takes, the gap behind it not counted; 0: the column is not there."""

    kind: int
    clock: int
    client: int
    title: int  # up to the column of sync; a row that has none runs on to the end
    move: int
    sync: int
    source: int = 0


class Standing(NamedTuple):
    """What the list knows of a row beyond its data."""

    cursor: bool = False
    marked: bool = False
    acted: bool = False
    alike: bool = False  # another person on the screen has nearly the same name
    news: str = ""  # "new" or "changed" since it was looked at
    origin: Origin = Origin()


def columns(width: int, moves: bool, label: int = 0) -> Columns:
    """The columns of a list of this width.

    `moves` where the view mixes whose move it is; `label`: the cells of the longest label of a
    source, 0 where there is only one.
    """
    words = width >= WORDS_FROM
    kind = 9 if words else 3
    move = 0 if not moves or width < MOVE_FROM else 18 if width >= 120 else 12 if words else 10
    sync = _SYNC_WORDS if words and (not move or width >= 120) else 1  # the ask needs the room
    client = min(34, 20 + (width - 80) // 6) if width >= 80 else max(8, 12 + (width - 40) // 5)
    used = 3 + kind + 1 + CLOCK + 1 + client + 1
    source = min(label, LABEL_WIDEST) if width >= LABEL_FROM else min(label, 2)
    used += (move + 1 if move else 0) + sync + 1 + (source + 1 if source else 0)
    return Columns(kind, CLOCK, client, max(0, width - used), move, sync, source)


def queue_line(
    row: QueueRow, cells: Columns, now: int, zone: tzinfo, standing: Standing
) -> list[Part]:
    """One row as parts that fill the width which `cells` was made for."""
    quiet = row.band >= WAITING
    glyph, word, short, role = _kind(row, standing)
    words, over = clock_words(row.due_at, row.unit, row.days_left, now, zone)
    cells = _for_name(row, cells, standing)
    name = _client(row, cells.client, standing.alike)
    parts: list[Part] = [
        ("▌" if standing.cursor else " ", "me"),
        (f"{glyph} ", role),
        (fill(word if cells.kind > 3 else short, cells.kind) + " ", role),
        (fill(words, cells.clock) + " ", clock_role(row.band, over)),
        (fill(name, cells.client) + " ", "muted" if quiet else "strong"),
    ]
    return parts + _rest(row, cells, quiet, standing)


def tall_line(
    row: QueueRow, part: int, width: int, now: int, zone: tzinfo, standing: Standing
) -> list[Part]:
    """The first (0) or second (1) line of a row that stands on two: no name is cut for an ask."""
    quiet = row.band >= WAITING
    edge: Part = ("▌" if standing.cursor else " ", "me")
    state = _state(row, standing)
    if part:
        mark = f" {standing.origin.mark}" if standing.origin.mark else ""
        word = f" {state[1]}" if state else ""
        ask, word = _ask(row, standing, word, width - 3 - cell_len(mark))
        role = state[2] if state else "text"
        text = "muted" if quiet else "text"
        return [edge, ("  ", text), (ask, text), (word, role), (mark, "muted")]
    glyph, _, _, role = _kind(row, standing)
    words, over = clock_words(row.due_at, row.unit, row.days_left, now, zone)
    room = max(1, width - 6 - CLOCK)
    return [
        edge,
        (f"{glyph} ", role),
        (fill(words, CLOCK) + " ", clock_role(row.band, over)),
        (fill(_client(row, room, standing.alike), room), "muted" if quiet else "strong"),
        (f" {state[0]}" if state else "  ", state[2] if state else "text"),
    ]


def _kind(row: QueueRow, standing: Standing) -> tuple[str, str, str, str]:
    """Glyph, word, three letters and role; a mark or a tick stands in the place of the glyph."""
    glyph, word, short = KINDS.get(row.kind, ("·", row.kind.replace("_", " "), row.kind[:3]))
    role = "muted" if row.band >= WAITING else row.kind if row.kind in KINDS else "text"
    if standing.marked:
        return "*", word, short, "key"
    if standing.acted:
        return "✓", word, short, "done"
    return glyph, word, short, role


def _state(row: QueueRow, standing: Standing) -> tuple[str, str, str] | None:
    """Glyph, word and role of how the row stands; one that is not known here is still shown."""
    if row.sync:
        return SYNC.get(row.sync) or ("!", cut(row.sync.replace("_", " "), 11), "soon")
    if standing.news:
        return SYNC[standing.news]
    glyph, _, role = SYNC["old"]
    return (glyph, standing.origin.age, role) if standing.origin.age else None


def _aged(row: QueueRow, standing: Standing) -> bool:
    """Whether all that there is to say of it is how old it is: that is said of many rows at once,
    and takes no more of the ask than it must.
    """
    return not (row.sync or standing.news)


def _ask(row: QueueRow, standing: Standing, word: str, room: int) -> tuple[str, str]:
    """The ask, and at its end the word of its state: `room` cells together.

    The word has its place where the ask leaves it some, or the person is needed, or looks there.
    An age has it only where the person looks: header and glyph say it of all.
    """
    left = room - cell_len(word)
    pressing = row.sync in _PRESSING or standing.cursor
    fits = cell_len(row.title) <= left and not _aged(row, standing)
    if word and (fits or (pressing and left >= ASK_BESIDE)):
        return fill(row.title, left), word
    return fill(row.title, room), ""


def _rest(row: QueueRow, cells: Columns, quiet: bool, standing: Standing) -> list[Part]:
    """The ask, whose move it is, how it stands with the server, and where it comes from."""
    text = "muted" if quiet else "text"
    state = _state(row, standing)
    glyph, word, role = state or ("", "", "text")
    words = cells.sync > 1
    parts: list[Part] = []
    if cells.move:
        who = "me" if row.move == "me" else row.move_name or _MOVES.get(row.move, row.move)
        parts.append((fill(row.title, cells.title), text))
        if not words and row.sync in _PRESSING:  # the person is needed: that is whose move it is
            parts.append((" " + fill(word, cells.move), role))
        else:
            parts.append((" " + fill(who, cells.move), "me" if row.move == "me" else "muted"))
        tail = f"{glyph} {word}" if words else glyph
        parts.append((" " + fill(tail, cells.sync), role))
    elif state is None:
        parts.append((fill(row.title, cells.title + 1 + cells.sync), text))
    elif words and _aged(row, standing):
        room = cells.title + 1 + cells.sync
        fits = cell_len(row.title) <= cells.title
        tail = f" {glyph} {word if fits else word.removeprefix('as of ')}"
        parts += [(fill(row.title, room - len(tail)), text), (tail, role)]
    elif words:
        parts.append((fill(row.title, cells.title), text))
        parts.append((" " + fill(f"{glyph} {word}", cells.sync), role))
    else:
        ask, word = _ask(row, standing, f" {word}", cells.title)
        parts += [(ask, text), (f"{word} {glyph}", role)]
    if cells.source:
        origin = standing.origin
        shown = origin.label if cells.source > 2 else origin.mark
        parts.append((" " + fill(shown, cells.source), "muted"))
    return parts


def clock_role(band: int, over: bool) -> str:
    """Red has run out, amber is about to; what waits is quiet, all else is plain text."""
    if over:
        return "over"
    if band >= WAITING:
        return "muted"
    return "soon" if band <= 2 else "text"


def _for_name(row: QueueRow, cells: Columns, standing: Standing) -> Columns:
    """The columns of a row whose name is longer than most: the ask begins later, the name is whole.

    Reading a name in part is how the wrong client is taken; an ask cut at its end is only short.
    """
    wanted = cell_len(row.client) + (7 if standing.alike and row.born else 0)
    state = _state(row, standing)
    tail = 0 if state is None else _AGE_LEAST if _aged(row, standing) else 1 + cells.sync
    spare = 0 if cells.move else max(0, 1 + cells.sync - tail)  # what its state leaves to the ask
    extra = min(wanted - cells.client, LONGER, cells.title + spare - ASK_LEAST)
    if extra <= 0:
        return cells
    return cells._replace(client=cells.client + extra, title=cells.title - extra)


def _client(row: QueueRow, room: int, alike: bool) -> str:
    """The name as whole as the room allows; the year of birth is never cut off."""
    if not alike or not row.born:
        return cut(row.client, room)
    year = f" b.{row.born[:4]}"
    return cut(row.client, room - len(year)) + year


def band_line(band: int, count: int, width: int) -> Parts:
    """The line above the rows of a band: a word, what it means, a thin rule, how many."""
    words = band_words(band)
    parts: list[Part] = [(f" {words.title} ", words.role)]
    if width >= WORDS_FROM and words.hint:
        parts.append((f"{words.hint} ", "muted"))
    tail = f" {count:,} ".replace(",", " ")
    used = sum(len(text) for text, _ in parts) + len(tail)
    return [*parts, ("─" * max(0, width - used), "rule"), (tail, "muted")]
