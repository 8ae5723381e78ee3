"""From the parameters of a search to a condition over the index, and to pages.

In:  a type and (name, value) pairs. Out: a `Query`: condition, order, page size, what else the
answer holds, and which pairs were used (they are the `self` link) or left aside.
Paging is by key: the `next` link is an opaque token of the query and the last row shown, so a page
neither skips nor repeats a row that did not change meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from carequeue.practice.server.fhir_dates import span
from carequeue.practice.server.http_types import Refusal
from carequeue.practice.server.resource_store import ResourceVersion
from carequeue.practice.server.search_params import (
    DATE,
    PARAMS,
    REFERENCE,
    STRING,
    SearchParam,
    split_reference,
)

QueryPair = tuple[str, str]

DEFAULT_COUNT: Final = 50
MAX_COUNT: Final = 500
#: Parameters of the framing, not of the search: never in a `self` link, never refused.
FRAMING: Final = frozenset({"_format", "_pretty"})
SORTS: Final = {
    "_lastUpdated": ("c.updated", "ASC"),
    "-_lastUpdated": ("c.updated", "DESC"),
    "_id": ("c.id", "ASC"),
    "-_id": ("c.id", "DESC"),
}
_PREFIX: Final = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb)?(\d.*)")
_COMMA: Final = re.compile(r"(?<!\\),")


class SearchSupport(NamedTuple):
    """The parameters that this server does not know, and the precision of its instants."""

    unknown: frozenset[str] = frozenset()
    whole_seconds: bool = False


BY_THE_BOOK: Final = SearchSupport()


@dataclass(slots=True)
class SearchQuery:
    """A search that was understood. `after` is the sort key of the last row shown before."""

    type: str
    base: str
    support: SearchSupport = BY_THE_BOOK
    clauses: list[str] = field(default_factory=list)
    args: list[Any] = field(default_factory=list)
    sort: str = "_id"
    count: int = DEFAULT_COUNT
    total: bool = False
    only_count: bool = False
    elements: tuple[str, ...] = ()
    includes: list[str] = field(default_factory=list)
    used: list[QueryPair] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    after: int | str | None = None

    @property
    def where(self) -> str:
        """The condition without the place of the page."""
        return " AND ".join(["c.type = ?", "NOT c.deleted", *self.clauses])

    def window(self) -> tuple[str, list[Any], str]:
        """Condition, arguments and order of this page."""
        column, direction = SORTS[self.sort]
        where, args = self.where, list(self.args)
        if self.after is not None:
            where += f" AND {column} {'>' if direction == 'ASC' else '<'} ?"
            args.append(self.after)
        return where, args, f"{column} {direction}"

    def token_after(self, last: ResourceVersion) -> str:
        """The token of the page that follows this row."""
        key = last.updated if self.sort.endswith("_lastUpdated") else last.id
        return pack([self.used, key])

    def limit(self, clause: str, *args: Any) -> None:
        """Narrow the search by one more condition."""
        self.clauses.append(clause)
        self.args.extend(args)


def understand(
    kind: str, pairs: Iterable[QueryPair], base: str, support: SearchSupport = BY_THE_BOOK
) -> SearchQuery:
    """The query of these pairs.

    Raises Refusal 400 on a value that cannot be read, or on a page token that is not ours.
    """
    query = SearchQuery(kind, base, support, args=[kind])
    asked = list(pairs)
    page = next((value for name, value in asked if name == "_page"), None)
    if page is not None:
        asked, query.after = _unpack_page(page)
    for name, value in asked:
        if name in FRAMING:
            continue
        if name in support.unknown or value.lstrip("-") in support.unknown:
            query.ignored.append(name)
        elif _apply(query, name, value):
            query.used.append((name, value))
        else:
            query.ignored.append(name)
    return query


def _apply(query: SearchQuery, name: str, value: str) -> bool:
    """Take one pair into the query; False where it means nothing here."""
    special = _SPECIAL.get(name)
    if special:
        return special(query, value)
    bare, _, modifier = name.partition(":")
    param = PARAMS[query.type].get(bare)
    if param is None or not value:
        return False
    if modifier == "missing":
        _missing(query, bare, value)
    elif param.kind == DATE and not modifier:
        _dates(query, bare, value)
    else:
        _values(query, bare, modifier, param, value)
    return True


def _id(query: SearchQuery, value: str) -> bool:
    keys = split_values(value)
    query.limit(f"c.id IN ({','.join('?' * len(keys))})", *keys)
    return True


def _last_updated(query: SearchQuery, value: str) -> bool:
    column = "(c.updated / 1000 * 1000)" if query.support.whole_seconds else "c.updated"
    for date in split_values(value):
        sign, low, high = _bounds("_lastUpdated", date)
        query.limit(*_compare(column, column, sign, low, high))
    return True


def _sort(query: SearchQuery, value: str) -> bool:
    first = value.split(",")[0]
    if first not in SORTS:
        return False
    query.sort = first
    return True


def _count(query: SearchQuery, value: str) -> bool:
    query.count = min(whole_number("_count", value), MAX_COUNT)
    query.only_count = query.only_count or query.count == 0
    return True


def _total(query: SearchQuery, value: str) -> bool:
    query.total = value in ("accurate", "estimate")
    return value in ("accurate", "estimate", "none")


def _summary(query: SearchQuery, value: str) -> bool:
    query.only_count = query.only_count or value == "count"
    return value in ("count", "false")


def _elements(query: SearchQuery, value: str) -> bool:
    query.elements = tuple(split_values(value))
    return True


def _include(query: SearchQuery, value: str) -> bool:
    kind, _, name = value.partition(":")
    name = name.partition(":")[0]
    if value == "*":
        name, kind = "*", query.type
    param = PARAMS[query.type].get(name)
    if kind != query.type or not (name == "*" or (param and param.kind == REFERENCE)):
        return False
    query.includes.append(name)
    return True


_SPECIAL: Final = {
    "_id": _id,
    "_lastUpdated": _last_updated,
    "_sort": _sort,
    "_count": _count,
    "_total": _total,
    "_summary": _summary,
    "_elements": _elements,
    "_include": _include,
}


def whole_number(name: str, value: str) -> int:
    """A number of rows. Raises Refusal 400 where it is none."""
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise Refusal(400, "value", f"{name} is no whole number: {value!r}.")
    return int(value)


def split_values(value: str) -> list[str]:
    """The alternatives of a comma list; a comma after a backslash is part of a value."""
    return [re.sub(r"\\([,|$\\])", r"\1", part) for part in _COMMA.split(value) if part]


def _bounds(name: str, value: str) -> tuple[str, int, int]:
    match = _PREFIX.fullmatch(value.replace(" ", "+"))  # an unescaped + of an offset
    bounds = span(match[2]) if match else None
    if match is None or bounds is None:
        raise Refusal(400, "value", f"{name} is no date: {value!r}.")
    return match[1] or "eq", *bounds


def _compare(low_column: str, high_column: str, sign: str, low: int, high: int) -> tuple[Any, ...]:
    """The condition of R4's table of prefixes, for a stored range against the one asked for."""
    return {
        "eq": (f"{low_column} >= ? AND {high_column} <= ?", low, high),
        "ne": (f"({low_column} < ? OR {high_column} > ?)", low, high),
        "gt": (f"{high_column} > ?", high),
        "ge": (f"{high_column} >= ?", low),
        "lt": (f"{low_column} < ?", low),
        "le": (f"{low_column} <= ?", high),
        "sa": (f"{low_column} > ?", high),
        "eb": (f"{high_column} < ?", low),
    }[sign]


def _dates(query: SearchQuery, name: str, value: str) -> None:
    clauses, args = [], []
    for date in split_values(value):
        clause, *bounds = _compare("t.low", "t.high", *_bounds(name, date))
        clauses.append(f"({clause})")
        args.extend(bounds)
    _among(query, name, " OR ".join(clauses), args)


def _missing(query: SearchQuery, name: str, value: str) -> None:
    if value not in ("true", "false"):
        raise Refusal(400, "value", f"{name}:missing is true or false, not {value!r}.")
    _among(query, name, "1", [], negate=value == "true")


def _values(query: SearchQuery, name: str, modifier: str, param: SearchParam, value: str) -> None:
    clauses: list[str] = []
    args: list[Any] = []
    for part in split_values(value):
        if param.kind == REFERENCE:
            clause, more = _reference(query, modifier, param, part)
        elif param.kind == STRING:
            clause, more = _string(modifier, part)
        else:
            clause, more = _token(part)
        clauses.append(clause)
        args.extend(more)
    if modifier and not _known(modifier, param):
        raise Refusal(400, "not-supported", f"The modifier :{modifier} is not known for {name}.")
    _among(query, name, " OR ".join(clauses), args, negate=modifier == "not")


def _known(modifier: str, param: SearchParam) -> bool:
    if param.kind == REFERENCE:
        return modifier[:1].isupper()
    return modifier in (("exact", "contains") if param.kind == STRING else ("not",))


def _among(
    query: SearchQuery, name: str, clause: str, args: Sequence[Any], negate: bool = False
) -> None:
    query.limit(
        f"c.id {'NOT ' if negate else ''}IN "
        f"(SELECT t.id FROM term t WHERE t.type = ? AND t.name = ? AND ({clause or '0'}))",
        query.type,
        name,
        *args,
    )


def _token(value: str) -> tuple[str, list[Any]]:
    system, bar, code = value.partition("|")
    if not bar:
        return "t.value = ?", [value]
    if not code:
        return "t.system = ?", [system]
    return "(t.value = ? AND t.system = ?)", [code, system]


def _reference(
    query: SearchQuery, modifier: str, param: SearchParam, value: str
) -> tuple[str, list[Any]]:
    kind, key = split_reference(value, query.base)
    kind = kind or (modifier if modifier[:1].isupper() else param.only)
    if kind:
        return "(t.value = ? AND t.system = ?)", [key, kind]
    return "t.value = ?", [key]


def _string(modifier: str, value: str) -> tuple[str, list[Any]]:
    text = value.casefold()
    if modifier == "exact":
        return "t.value = ?", [text]
    if modifier == "contains":
        return "instr(t.value, ?) > 0", [text]
    return "substr(t.value, 1, ?) = ?", [len(text), text]


def pack(values: object) -> str:
    """An opaque token of a page."""
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def unpack(token: str) -> Any:
    """The values of a page token. Raises Refusal 400 if it is not ours."""
    try:
        return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, binascii.Error):
        raise Refusal(400, "value", "This page token is not known here.") from None


def _unpack_page(token: str) -> tuple[list[QueryPair], int | str | None]:
    match unpack(token):
        case [[*pairs], (int() | str()) as key]:
            return [(str(name), str(value)) for name, value in pairs], key
    raise Refusal(400, "value", "This page token is not known here.")
