"""A conflict to read: before, mine and theirs side by side, only where they differ.

In:  a `Conflict`, `now`, the zone, a width. Out: lines of parts.
The order of reading: whom it is about, who decided what and when, who changed it meanwhile, why an
answer cannot be given (not below the differences, which may be longer than the screen), then the
differences. Three columns where every value has room for itself; else each element by itself with
the three versions under each other, so that nothing is cut. Nothing looks chosen: the three have
the same weight, and each has its word beside its hue.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Final

from carequeue.widgets.detail_pane import Lines, when
from carequeue.widgets.line import fill, wrap
from carequeue.widgets.themes import Part

if TYPE_CHECKING:
    from carequeue.worklist.results import Conflict, Difference

#: Three columns from this width on, and while no value is longer than so many lines of one.
COLUMNS_FROM: Final = 64
TALLEST: Final = 6
#: No column is wider than a line that the eye finds its way back from.
WIDEST: Final = 36
NONE: Final = "none"
DELETED: Final = "It was deleted on the server meanwhile: nothing is left to put yours on."
NO_CLIENT: Final = "no client"
IN_DOUBT: Final = "Another decision on it may be on its way: keeping yours waits for that."
SAME: Final = "Both say the same by now: either answer leaves it so."
_VERSIONS: Final = (
    ("before", "Before", "quiet-strong", "text"),
    ("mine", "Mine", "key", "me"),
    ("theirs", "Theirs", "conflict-strong", "conflict"),
)


def conflict_lines(shown: Conflict, now: datetime, zone: tzinfo, label: str, width: int) -> Lines:
    """All of it; `label` is that of the source, where there are several."""
    lines: Lines = [[(text, "strong")] for text in wrap(shown.client, width)]
    lines += [[(text, "text")] for text in wrap(shown.title, width)]
    lines += [[], *_who("Mine", "key", _mine(shown, now, zone), width)]
    lines += [*_who("Theirs", "conflict-strong", _theirs(shown, now, zone, label), width), []]
    same = all(one.mine == one.theirs for one in shown.differences) and not shown.gone
    notes = (_about_server(shown), IN_DOUBT if shown.in_doubt else "", SAME if same else "")
    for words in notes:
        if words:
            lines += [*([(text, "soon")] for text in wrap(words, width)), []]
    lines += _table(shown, width) if _has_room(shown, width) else _stack(shown, width)
    rest = "Nothing is chosen for you, and it can wait: esc leaves it as it is."
    return [*lines, [], *([(text, "muted")] for text in wrap(rest, width))]


def why_not_mine(shown: Conflict) -> str:
    """Why "keep mine" is not possible."""
    why = _about_server(shown) or (IN_DOUBT if shown.in_doubt else "")
    return why or "Yours cannot be kept here."


def _about_server(shown: Conflict) -> str:
    """What became of the record or of its client; "" where only elements differ."""
    other = shown.other_client or NO_CLIENT
    match shown.gone:
        case "deleted":
            return DELETED
        case "other_client":
            return (
                f"You decided this about {shown.client}. On the server the record now names "
                f"{other}. Your decision is not sent to another client: decide again."
            )
        case "client_unknown":
            return (
                "An earlier version of CareQueue did not record with which client you decided "
                f"this. The record names {other}. Keep yours only if it was about {other}."
            )
        case _:
            return ""


def _mine(shown: Conflict, now: datetime, zone: tzinfo) -> str:
    return _said(shown.did, shown.by, when(shown.decided_at, now, zone))


def _theirs(shown: Conflict, now: datetime, zone: tzinfo, label: str) -> str:
    """Who changed it and when, as far as the server says; which server, last."""
    did = "Deleted" if shown.gone == "deleted" else "Changed"
    at = when(shown.theirs_at, now, zone) if shown.theirs_at else ""
    by = shown.theirs_by or "the server does not say by whom"
    return _said(did, by, at) + (f" ({label})" if label else "")


def _said(did: str, by: str, at: str) -> str:
    return " · ".join(text for text in (did, by, at) if text)


def _who(word: str, role: str, text: str, width: int) -> Lines:
    first, *rest = wrap(text, max(8, width - 8)) or [""]
    lines: Lines = [[(fill(word, 8), role), (first, "text")]]
    return lines + [[(" " * 8, "text"), (line, "text")] for line in rest]


def _roles(one: Difference) -> tuple[str, str, str]:
    """What is as it was before is plain."""
    mine = "me" if one.mine != one.before else "text"
    theirs = "conflict" if one.theirs != one.before else "text"
    return "text", mine, theirs


def _values(one: Difference) -> tuple[str, str, str]:
    return one.before or NONE, one.mine or NONE, one.theirs or NONE


def _cells(shown: Conflict, width: int) -> tuple[int, int]:
    """The cells of the column of labels and of each of the others."""
    label = min(16, max((len(one.label) for one in shown.differences), default=0)) + 2
    return label, min((width - label) // 3 - 2, WIDEST)


def _has_room(shown: Conflict, width: int) -> bool:
    _, room = _cells(shown, width)
    return width >= COLUMNS_FROM and all(
        len(wrap(text, room)) <= TALLEST for one in shown.differences for text in _values(one)
    )


def _table(shown: Conflict, width: int) -> Lines:
    label, room = _cells(shown, width)
    head: list[Part] = [(" " * label, "text")]
    head += [(fill(word, room + 2), role) for _, word, role, _ in _VERSIONS]
    lines: Lines = [head]
    for one in shown.differences:
        columns = [wrap(text, room) for text in _values(one)]
        labels = wrap(one.label, label - 2)
        for row in range(max(len(labels), *(len(column) for column in columns))):
            name = labels[row] if row < len(labels) else ""
            parts: list[Part] = [(fill(name, label), "strong")]
            for column, role in zip(columns, _roles(one), strict=True):
                parts.append((fill(column[row] if row < len(column) else "", room + 2), role))
            lines.append(parts)
        lines.append([])
    return lines[:-1]


def _stack(shown: Conflict, width: int) -> Lines:
    lines: Lines = []
    for one in shown.differences:
        lines += [[(text, "strong")] for text in wrap(one.label, width)]
        values = zip(_VERSIONS, _values(one), _roles(one), strict=True)
        for (_, word, head, _), text, role in values:
            first, *rest = wrap(text, max(8, width - 10)) or [""]
            lines.append([("  ", "text"), (fill(word, 8), head), (first, role)])
            lines += [[(" " * 10, "text"), (line, role)] for line in rest]
        lines.append([])
    return lines[:-1]
