"""A decision and the server's version, element by element, in words. Pure; never raises.

In:  names of elements (`intent_effects.unit`) and a resource as the person saw it, as the decision
makes it, as the server has it.
Out: a line for each element that differs: a label and three texts in a clinic's words; a code or
JSON only if a server gave nothing else. The texts are unchanged: they go through `sanitize.clean`
before they are shown.
Why only the units of the intents: on all other elements nobody disagrees, they are merged. Who
changed it is shown only if the resource itself says so: R4 has no element for it.
Not here: whether it is a conflict (`sync/push/three_way.py`), what a person answers (`worklist/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from carequeue.fhir import codes, intent_effects, values
from carequeue.fhir.chart import Resource


class Words(NamedTuple):
    """One element that differs; "" if it is (or was) absent."""

    label: str
    before: str
    mine: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Say:
    """The words of a site. `name`: the name of a Reference; `when`: an instant in its zone."""

    name: Callable[[Any], str]
    when: Callable[[datetime], str]
    zone: ZoneInfo
    base_url: str = ""


def differences(
    names: Iterable[str],
    before: Resource | None,
    mine: Resource | None,
    theirs: Resource | None,
    say: Say,
) -> tuple[Words, ...]:
    """Those of these elements on which the three versions differ, in a fixed order."""
    three = (before, mine, theirs)
    rows = []
    for name in sorted(dict.fromkeys(names), key=_place):
        raw = [intent_effects.snapshot([name], resource).get(name) for resource in three]
        element = _element(name)
        label = _LABELS.get(element, element)
        rows.append((raw, Words(label, *_texts(element, raw, say))))
    shown = [words for _, words in rows if len(set(words[1:])) > 1]
    # Spelled differently but worded alike: better too many lines than a question without a subject.
    return tuple(shown or [words for raw, words in rows if raw[1] != raw[2]])


def changed_at(theirs: Resource | None, zone: ZoneInfo) -> datetime | None:
    """The time of the last store by the server, otherwise of the last stated change; in UTC."""
    stored = values.instant(values.text(theirs, "meta.lastUpdated"), zone)
    return stored or values.instant(values.text(theirs, "lastModified"), zone)


def changed_by(before: Resource | None, theirs: Resource | None, say: Say) -> str:
    """The name of the person who changed it, "" if the resource does not say.

    Three things show it: `meta.author`, which some servers add; the author of a note written within
    a minute of the change; and a status that only its owner can give, because a Task is accepted or
    rejected by its performer (FHIR R4, Task.status).
    """
    author = values.get(theirs, "meta.author")
    if isinstance(author, Mapping) and say.name(author):
        return say.name(author)
    at = values.instant(values.text(theirs, "lastModified"), say.zone) or changed_at(
        theirs, say.zone
    )
    for note in reversed(values.objects(theirs, "note")):
        written = values.instant(note.get("time"), say.zone)
        who = values.text(note, "authorString") or say.name(note.get("authorReference"))
        if who and at and written and abs(written - at) <= timedelta(minutes=1):
            return who
    status = values.text(theirs, "status")
    if status in ("received", "accepted", "rejected") and status != values.text(before, "status"):
        return say.name(values.get(theirs, "owner"))
    return ""


def elements(names: Iterable[str]) -> str:
    """Elements of a resource in words, for a short line: "the owner and the notes"."""
    labels = dict.fromkeys(_THE.get(name, "something else") for name in sorted(names, key=_place))
    *first, last = labels or [""]
    return f"{', '.join(first)}{' and ' if first else ''}{last}"


# --- names of elements ----------------------------------------------------------------------------

_SNOOZE: Final = f"extension[{codes.SNOOZED_UNTIL}]"
_LABELS: Final = {
    "status": "Status",
    "statusReason": "Reason",
    "businessStatus": "Progress",
    "owner": "Owner",
    "performer": "Sent to",
    "priority": "Priority",
    "restriction": "Due date",
    _SNOOZE: "Snooze",
    "extension": "Other details",
    "note": "Note",
    "output": "Read back",
}
_THE: Final = {
    "status": "the status",
    "statusReason": "the reason",
    "businessStatus": "the progress",
    "owner": "the owner",
    "priority": "the priority",
    "note": "the notes",
    "description": "the description",
    "restriction": "the due date",
    "for": "the client",
    "focus": "what it is about",
    "output": "what was read back",
}
_ORDER: Final = (*_LABELS, *_THE)


def _place(name: str) -> tuple[int, str]:
    element = _element(name)
    return (_ORDER.index(element) if element in _ORDER else len(_ORDER), name)


def _element(name: str) -> str:
    """The element of a unit's name."""
    return name if name in _LABELS else name.partition("[")[0]


# --- values in words ------------------------------------------------------------------------------


def _texts(element: str, raw: Sequence[Any], say: Say) -> list[str]:
    """The three values in words; two people with one name are told apart by their references."""
    words = [_in_words(element, value, say) for value in raw]
    if element != "owner":
        return words
    owners = [values.reference(value, say.base_url) or _written(value) for value in raw]
    named: dict[str, set[str]] = {}
    for owner, name in zip(owners, words, strict=True):
        named.setdefault(name, set()).add(owner)
    return [
        f"{name} ({owner})" if name and len(named[name]) > 1 and owner != name else name
        for owner, name in zip(owners, words, strict=True)
    ]


def _written(value: Any) -> str:
    return values.text(value, "reference") or values.text(value, "identifier.value")


def _in_words(element: str, value: Any, say: Say) -> str:
    if value is None:
        return ""
    if element == "status":
        return status_words(value)
    if element == "restriction":
        end = values.text(value, "period.end")
        until = values.period_end(values.get(value, "period"), say.zone)
        return say.when(until) if until else end
    entries = value if isinstance(value, list) else [value]
    if element in ("owner", "performer"):
        return _joined(map(say.name, entries))
    if element == _SNOOZE:
        return _joined(_asleep(entry, say) for entry in entries)
    if element in ("note", "output"):
        which = "text" if element == "note" else "valueString"
        return _joined(values.text(entry, which) for entry in entries)
    return _plain(value)


def status_words(status: Any) -> str:
    """A Task's status in the queue's words: a rejected one was declined."""
    if not isinstance(status, str):
        return _plain(status)
    return {"rejected": "declined"}.get(status, status.replace("-", " "))


def _asleep(extension: Any, say: Say) -> str:
    written = values.text(extension, "valueDateTime")
    until = values.instant(written, say.zone)
    return f"snoozed until {say.when(until) if until else written or 'an unreadable time'}"


def _plain(value: Any) -> str:
    """A text, the words of a concept, or its code if a server gave no words."""
    if isinstance(value, str):
        return value
    codings = [coding.code.replace("-", " ") for coding in values.codings(value) if coding.code]
    return values.concept_text(value) or _joined(codings) or "in a format that cannot be shown"


def _joined(texts: Iterable[str]) -> str:
    return " / ".join(text for text in texts if text)
