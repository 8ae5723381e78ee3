"""One item in full: what, who, by when, why it is ranked here, notes, story, unsent changes.

In:  a `Detail`, the time, the zone, a width, whether all reasons are shown. Out: lines of parts.
The order of reading: the head says who and by when before anything else; the reasons for the rank
come before the story, because the list shows the rank. Loaded after the first frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from rich.cells import cell_len

from carequeue.store.queue_window import QueueRow
from carequeue.widgets.bands import band_words
from carequeue.widgets.clock_words import DAYS, MONTHS
from carequeue.widgets.queue_line import KINDS
from carequeue.widgets.source_labels import NOWHERE, Origin
from carequeue.widgets.text_width import cut, fill, hanging, spread, wrap
from carequeue.widgets.themes import Part, Parts
from carequeue.worklist.results import Detail, ReasonLine, TimeLine

Lines = list[Parts]
_ABOUT_LINES = 6
#: The words before the due time of a clock, by its state.
_STATES = {
    "running": "due",
    "met": "met; was due",
    "breached": "over since",
    "paused": "paused; was due",
}


@dataclass(frozen=True, slots=True)
class DetailText:
    """The text of one detail. `clock` is the deadline as the list words it, `origin` the source;
    `full` shows every reason for the rank.
    """

    detail: Detail
    now: datetime
    zone: tzinfo
    clock: Part
    origin: Origin = NOWHERE
    full: bool = False

    def lines(self, width: int) -> Lines:
        """The whole pane."""
        blocks = [
            [*self._head(width), *_origin(self.origin, width)],
            _what(self.detail, width, full=self.full),
            self._why(width),
            self._times("Notes", self.detail.notes, width),
            self._times("Story", self.detail.story, width),
            _foot(self.detail, width),
        ]
        lines: Lines = []
        for block in blocks:
            if block:
                lines += [*block, []]
        return lines[:-1]

    def _head(self, width: int) -> Lines:
        detail = self.detail
        glyph, word, _ = KINDS.get(detail.kind, ("·", detail.kind, ""))
        role = detail.kind if detail.kind in KINDS else "text"
        first: list[Part] = [(f"{glyph} {word}", role), (" · ", "muted"), (detail.move, "text")]
        if self.clock[0]:
            first += [(" · ", "muted"), self.clock]
        lines: Lines = [first]
        lines += [[(text, "strong")] for text in wrap(detail.client, width)]
        facts = [text for text in (detail.gender, _born(detail, self.now)) if text]
        more = [f"MRN {detail.mrn}" if detail.mrn else "", detail.phone]
        for texts in (facts, [text for text in more if text]):
            lines += [[(text, "muted")] for text in wrap(" · ".join(texts), width)]
        if detail.deceased:
            lines.append([("The record says that this client has died.", "over")])
        for flag in detail.flags:
            lines += [[(text, "soon")] for text in wrap(flag, width)]
        return lines

    def _why(self, width: int) -> Lines:
        detail = self.detail
        total = f"{band_words(detail.band).title}, {detail.points} points"
        right = ("less" if self.full else "more", "muted")
        lines: Lines = [spread([("Why here", "strong")], [("w ", "key"), right], width)]
        lines.append([(total, "muted")])
        for reason in detail.reasons:
            lines += _reason(reason, width, full=self.full)
        if detail.changes_at:
            text = f"Its rank will change {when(detail.changes_at, self.now, self.zone)}."
            lines += [[(line, "muted")] for line in wrap(text, width)]
        if self.full:
            lines += self._clocks(width)
        for text in detail.pending:
            lines += [
                [("  " if index else "↑ ", "me"), (line, "text")]
                for index, line in enumerate(wrap(text, width - 2))
            ]
        return lines

    def _clocks(self, width: int) -> Lines:
        lines: Lines = []
        for clock in self.detail.clocks:
            role = "over" if clock.state == "breached" else "text"
            state = _STATES.get(clock.state, clock.state)
            due = (f"{state} {when(clock.due, self.now, self.zone)}", role)
            label = (cut(clock.label, width - len(due[0]) - 1), "text")
            lines.append(spread([label], [due], width))
            source = f"{clock.citation} ({clock.provenance})"
            lines += [[("  ", "text"), (text, "muted")] for text in wrap(source, width - 2)]
        return lines

    def _times(self, title: str, entries: Sequence[TimeLine], width: int) -> Lines:
        if not entries:
            return []
        lines: Lines = [[(title, "strong")]]
        for entry in entries:
            at = fill(when(entry.at, self.now, self.zone) if entry.at else "", 11)
            by = cut(entry.by, width - 12)
            wrapped = (wrap(line, width - 12) or [""] for line in entry.text.splitlines())
            texts = [text for line in wrapped for text in line] or [""]
            if by and cell_len(texts[-1]) + 2 + cell_len(by) > width - 12:
                texts.append("")  # the author is never cut: it gets a line of its own
            for number, text in enumerate(texts):
                head = " " * 12 if number else f"{at} "
                right: Parts = [(by, "muted")] if number + 1 == len(texts) else []
                lines.append(spread([(head, "muted"), (text, "text")], right, width))
        return lines


def _origin(origin: Origin, width: int) -> Lines:
    role = "soon" if origin.age else "muted"
    return [[(text, role)] for text in wrap(origin.sentence, width)]


def _born(detail: Detail, now: datetime) -> str:
    """The date of birth as `02-Jun-2010 (16)`; a partial date stays as it is."""
    try:
        born = date.fromisoformat(detail.born)
    except ValueError:
        return f"born {detail.born}" if detail.born else ""
    age = now.year - born.year - ((now.month, now.day) < (born.month, born.day))
    return f"born {born.day:02d}-{MONTHS[born.month - 1]}-{born.year} ({age})"


def _what(detail: Detail, width: int, *, full: bool) -> Lines:
    lines: Lines = [[(text, "strong")] for text in wrap(detail.title, width)]
    title = detail.title.casefold()
    texts = [text for text in detail.about.splitlines() if text.casefold() not in title]
    about = [line for text in texts for line in wrap(text, width)]
    lines += [[(text, "text")] for text in (about if full else about[:_ABOUT_LINES])]
    if len(about) > _ABOUT_LINES and not full:
        lines.append([("… w shows the rest", "muted")])
    return lines


def _reason(reason: ReasonLine, width: int, *, full: bool) -> Lines:
    """Points and reason; a short source beside it, a long one below it if all is shown."""
    beside = cell_len(reason.source) <= width // 4
    source = reason.source if beside else ""
    points: Part = (f"{reason.points:+d} ".rjust(6), "soon")
    lines = hanging([points], reason.text, "text", width - 1 - cell_len(source))
    lines[0] = spread(lines[0], [(source, "muted")], width)
    if full and not beside:
        lines += [[(" " * 6, "text"), (text, "muted")] for text in wrap(reason.source, width - 6)]
    return lines


def _foot(detail: Detail, width: int) -> Lines:
    way = " → ".join(text for text in (detail.requester, detail.owner) if text)
    others = ""
    if detail.others:
        noun = "item" if detail.others == 1 else "items"
        others = f"{detail.others} other open {noun} of this client"
    status = detail.status.replace("-", " ")
    state = " · ".join(text for text in (status, detail.priority) if text)
    record = " · ".join(text for text in (detail.source, detail.resource) if text)
    lines: Lines = []
    for text in (others, way, state, record):
        lines += [[(part, "muted")] for part in wrap(text, width)]
    return lines


def when(at: datetime, now: datetime, zone: tzinfo) -> str:
    """`today 09:05`, `Tue 09:05` within a week, else `14 Oct`; another year is added."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"today {local:%H:%M}"
    if abs((local.date() - today.date()).days) < 7:
        return f"{DAYS[local.weekday()]} {local:%H:%M}"
    day = f"{local.day} {MONTHS[local.month - 1]}"
    return day if local.year == today.year else f"{day} {local.year}"


def brief_lines(row: QueueRow, clock: Part, origin: Origin, width: int) -> Lines:
    """The text of the row itself, until the detail has been read."""
    glyph, word, _ = KINDS.get(row.kind, ("·", row.kind, ""))
    first: list[Part] = [(f"{glyph} {word}", row.kind if row.kind in KINDS else "text")]
    if clock[0]:
        first += [(" · ", "muted"), clock]
    lines: Lines = [first]
    lines += [[(text, "strong")] for text in wrap(row.client, width)]
    lines += _origin(origin, width)
    lines += [[], *([(text, "strong")] for text in wrap(row.title, width))]
    return lines
