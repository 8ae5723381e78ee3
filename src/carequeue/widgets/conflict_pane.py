"""A conflict to read: before, mine and theirs side by side, only the elements that differ.

In:  a `Conflict`, `now`, the zone, a width. Out: lines of parts.
The order of reading: the client, who decided what and when, who changed it meanwhile, why a choice
is not possible (above the differences, which may be longer than the screen), then the differences.
Three columns if every value fits; otherwise the three versions of each element below each other, so
that nothing is cut. No version looks chosen: all have the same weight, and a word beside the hue.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from carequeue.widgets.detail_pane import Lines, when
from carequeue.widgets.text_width import fill, hanging, wrap
from carequeue.widgets.themes import Part

if TYPE_CHECKING:
    from carequeue.worklist.results import Conflict, Difference

#: Three columns from this width on, if no value needs more than `TALLEST` lines.
COLUMNS_FROM: Final = 64
TALLEST: Final = 6
#: No column is wider than the eye can follow from line to line.
WIDEST: Final = 36
NONE: Final = "none"
DELETED: Final = "The record was deleted on the server, so your change cannot be made there."
NO_CLIENT: Final = "no client"
IN_DOUBT: Final = "Another change of yours is being sent; you can keep yours after that."
SAME: Final = "Both versions are the same now: either choice leaves it so."
_VERSIONS: Final = (
    ("before", "Before", "quiet-strong", "text"),
    ("mine", "Mine", "key", "me"),
    ("theirs", "Theirs", "conflict-strong", "conflict"),
)


def conflict_lines(
    conflict: Conflict, now: datetime, zone: tzinfo, label: str, width: int
) -> Lines:
    """The whole text; `label` names the source if there are several."""
    lines: Lines = [[(text, "strong")] for text in wrap(conflict.client, width)]
    lines += [[(text, "text")] for text in wrap(conflict.title, width)]
    mine = _joined(conflict.did, conflict.by, when(conflict.decided_at, now, zone))
    lines += [[], *hanging([(fill("Mine", 8), "key")], mine, "text", width)]
    theirs = _theirs(conflict, now, zone, label)
    lines += [*hanging([(fill("Theirs", 8), "conflict-strong")], theirs, "text", width), []]
    same = not conflict.gone and all(
        difference.mine == difference.theirs for difference in conflict.differences
    )
    notes = (_about_server(conflict), IN_DOUBT if conflict.in_doubt else "", SAME if same else "")
    for note in filter(None, notes):
        lines += [*([(text, "soon")] for text in wrap(note, width)), []]
    lines += _table(conflict, width) if _has_room(conflict, width) else _stack(conflict, width)
    end = "Nothing is chosen for you, and it can wait: esc leaves it as it is."
    return [*lines, [], *([(text, "muted")] for text in wrap(end, width))]


def why_not_mine(conflict: Conflict) -> str:
    """Why the person cannot keep their own change."""
    reason = _about_server(conflict) or (IN_DOUBT if conflict.in_doubt else "")
    return reason or "Your change cannot be kept."


def _about_server(conflict: Conflict) -> str:
    """The change of the record or of its client; "" if only elements differ."""
    other = conflict.other_client or NO_CLIENT
    match conflict.gone:
        case "deleted":
            return DELETED
        case "other_client":
            return (
                f"You decided this about {conflict.client}. On the server the record now names "
                f"{other}. Your decision is never sent to another client: decide again."
            )
        case "sent_on":
            return (
                "A colleague sent this referral on before you. Yours was not sent. "
                "Keep theirs; if it should go elsewhere, send that request on (S)."
            )
        case "client_unknown":
            return (
                "An earlier version of CareQueue did not record with which client you decided "
                f"this. The record names {other}. Keep your change only if it was about {other}."
            )
        case _:
            return ""


def _theirs(conflict: Conflict, now: datetime, zone: tzinfo, label: str) -> str:
    """The author and time of the change, as far as the server says; the server comes last."""
    did = {"deleted": "Deleted", "sent_on": "Sent on"}.get(conflict.gone, "Changed")
    at = when(conflict.theirs_at, now, zone) if conflict.theirs_at else ""
    by = conflict.theirs_by or "the server does not say by whom"
    return _joined(did, by, at) + (f" ({label})" if label else "")


def _joined(*texts: str) -> str:
    return " · ".join(text for text in texts if text)


def _roles(difference: Difference) -> tuple[str, str, str]:
    """The roles of the three versions; a value that has not changed is plain text."""
    mine = "me" if difference.mine != difference.before else "text"
    theirs = "conflict" if difference.theirs != difference.before else "text"
    return "text", mine, theirs


def _values(difference: Difference) -> tuple[str, str, str]:
    return difference.before or NONE, difference.mine or NONE, difference.theirs or NONE


def _cells(conflict: Conflict, width: int) -> tuple[int, int]:
    """The cells of the column of labels, and of each column of values."""
    longest = max((len(difference.label) for difference in conflict.differences), default=0)
    label = min(16, longest) + 2
    return label, min((width - label) // 3 - 2, WIDEST)


def _has_room(conflict: Conflict, width: int) -> bool:
    _, room = _cells(conflict, width)
    return width >= COLUMNS_FROM and all(
        len(wrap(text, room)) <= TALLEST
        for difference in conflict.differences
        for text in _values(difference)
    )


def _table(conflict: Conflict, width: int) -> Lines:
    label, room = _cells(conflict, width)
    head: list[Part] = [(" " * label, "text")]
    head += [(fill(word, room + 2), role) for _, word, role, _ in _VERSIONS]
    lines: Lines = [head]
    for difference in conflict.differences:
        columns = [wrap(text, room) for text in _values(difference)]
        rows = zip_longest(wrap(difference.label, label - 2), *columns, fillvalue="")
        for name, *values in rows:
            cells = zip(values, _roles(difference), strict=True)
            parts = [(fill(value, room + 2), role) for value, role in cells]
            lines.append([(fill(name, label), "strong"), *parts])
        lines.append([])
    return lines[:-1]


def _stack(conflict: Conflict, width: int) -> Lines:
    lines: Lines = []
    for difference in conflict.differences:
        lines += [[(text, "strong")] for text in wrap(difference.label, width)]
        values = zip(_VERSIONS, _values(difference), _roles(difference), strict=True)
        for (_, word, head, _), text, role in values:
            lines += hanging([("  ", "text"), (fill(word, 8), head)], text, role, width)
        lines.append([])
    return lines[:-1]
