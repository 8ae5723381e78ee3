"""The bands as the list names them: a word, a hint and a hue, in the order of the queue.

A copy of `domain.ranking` for the widgets, so that the first frame needs few imports; a test
keeps both equal.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class BandWords(NamedTuple):
    """One band: its number in the projection, its word, its meaning, and its role of color."""

    band: int
    title: str
    hint: str
    role: str


BANDS: Final = (
    BandWords(0, "Now", "somebody has to act right away", "over"),
    BandWords(1, "Safety", "a person may be at risk", "over"),
    BandWords(2, "Due", "overdue, or due today", "soon-strong"),
    BandWords(3, "Soon", "a clock has begun to warn", "key"),
    BandWords(4, "On track", "your move, nothing is pressing", "strong"),
    BandWords(5, "Waiting", "somebody else’s move; comes back at its nudge", "quiet-strong"),
    BandWords(6, "Snoozed", "hidden until the time that was set", "quiet-strong"),
)
BY_NUMBER: Final = {words.band: words for words in BANDS}
WAITING: Final = 5
#: The bands in which a row asks for something now.
PRESSING: Final = (0, 1, 2)


def band_words(band: int) -> BandWords:
    """The words of a band; an unknown band is shown by its number, never dropped."""
    return BY_NUMBER.get(band) or BandWords(band, f"Band {band}", "", "quiet-strong")
