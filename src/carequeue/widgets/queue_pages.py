"""The rows of a tab, read a page at a time, and the lines of the bands between them.

In:  a reader of `offset, limit`, and how many rows each band has. Out: the content of a line.
A tab of 100,000 rows costs a page or two: positions are computed from the counts alone, and at
most `KEPT` pages are held. No widget, and no sorting: the rows come in the order of the queue.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple

from carequeue.store.queue_window import QueueRow

PAGE: Final = 256
KEPT: Final = 24
Reader = Callable[[int, int], Sequence[QueueRow]]


class BandLine(NamedTuple):
    """The line above a band: the band, its number of rows, its line, its first row."""

    band: int
    rows: int
    line: int
    first: int


class RowLine(NamedTuple):
    """One line of a row: the row, and which of the row's lines it is."""

    row: int
    part: int


class Pages:
    """One tab: its rows by index, its lines by number; each row has `tall` lines."""

    def __init__(self, reader: Reader, bands: Mapping[int, int]) -> None:
        self._reader = reader
        self._pages: dict[int, Sequence[QueueRow]] = {}
        self._counts = {band: bands[band] for band in sorted(bands) if bands[band] > 0}
        self.rows = sum(self._counts.values())
        self.set_row_height(1)

    def set_row_height(self, tall: int) -> None:
        """Give each row `tall` lines."""
        self.tall = tall
        self.bands: list[BandLine] = []
        rows = 0
        for band, count in self._counts.items():
            self.bands.append(BandLine(band, count, rows * tall + len(self.bands), rows))
            rows += count
        self.lines = rows * tall + len(self.bands)
        self._line_starts = [band.line for band in self.bands]
        self._row_starts = [band.first for band in self.bands]

    def row(self, index: int) -> QueueRow | None:
        """The row of an index; None beyond the end, or if it has left since the count."""
        if not 0 <= index < self.rows:
            return None
        number, offset = divmod(index, PAGE)
        page = self._pages.get(number)
        if page is None:
            page = self._reader(number * PAGE, PAGE)
            if len(self._pages) >= KEPT:
                del self._pages[next(iter(self._pages))]
            self._pages[number] = page
        return page[offset] if offset < len(page) else None

    def line_of(self, index: int) -> int:
        """The first line of a row."""
        return index * self.tall + bisect_right(self._row_starts, index)

    def at(self, line: int) -> BandLine | RowLine | None:
        """The content of a line: a band, a line of a row, or nothing."""
        if not 0 <= line < self.lines:
            return None
        band = self.bands[bisect_right(self._line_starts, line) - 1]
        if band.line == line:
            return band
        beyond, part = divmod(line - band.line - 1, self.tall)
        return RowLine(band.first + beyond, part)

    def band_at(self, index: int) -> int:
        """The index in `bands` of the band that holds a row."""
        return max(0, bisect_right(self._row_starts, index) - 1)

    def loaded(self) -> Iterator[QueueRow]:
        """The rows that are in memory."""
        return chain.from_iterable(self._pages.values())
