"""JSON that survives a round trip: every number keeps its spelling, nothing is repaired.

In:  bytes of a server, a file or the cache. Out: plain dicts and lists, and the way back.
Why: a resource is written back whole, and an element that CareQueue does not read must survive the
trip. `1.50` says a precision that `1.5` does not (FHIR R4, decimal), and a 20-digit integer does
not fit into a float. Standard parsers also keep the last of two equal keys silently, and accept
NaN. Not here: sizes on the wire (`sync/net/transport.py`), meaning (`chart_to_items.py`).
"""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, NoReturn

import orjson

#: orjson writes 254 levels at most; the deepest of the published examples has about 20.
MAX_DEPTH: Final = 100
#: Values and keys in one text, counted by what separates them. 32 MB of `{},` would unpack to a
#: gigabyte; a page of 200 resources has some 20,000.
MAX_PARTS: Final = 1_000_000
#: Bytes of one text: a page of a search, or a bundle.
MAX_BYTES: Final = 64 * 1024 * 1024

# An unterminated string runs to the end, so that a hostile text is scanned once and not once a
# quote; the possessive quantifiers keep it linear.
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKET: Final = re.compile(r"[^\[\]{}]+")
_STEP: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
_IMMUTABLE: Final = frozenset({str, int, bool, float, type(None)})
_LONGEST_INT: Final = 18  # digits and sign that always fit into 64 bits


class BadJson(ValueError):
    """A text that is no JSON, or that cannot be stored safely. The message has no content of it."""


class TooMuch(BadJson):
    """A text with more parts than any page of a search has."""


@dataclass(frozen=True, slots=True)
class Exact:
    """A number by its spelling. Two are equal if they are spelled alike, as `1.5` and `1.50` are
    not: the spelling has to survive.
    """

    literal: str


class Duplicated(dict[str, Any]):
    """An object that named a key twice; it holds the last value and must not be written back."""


def loads(text: bytes | str, cap: int = MAX_BYTES, depth: int = MAX_DEPTH) -> Any:
    """A JSON text as dicts, lists, strings, booleans, ints, `Exact` and None.

    Raises BadJson if it is none, holds NaN or Infinity, or is nested deeper than `depth`, and
    TooMuch if it is longer than `cap` bytes (characters, for a str), or has more than `MAX_PARTS`
    parts.
    """
    if len(text) > cap:
        raise TooMuch(f"the text is longer than {cap} bytes")
    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise BadJson("the text is not UTF-8") from None
    if sum(map(plain.count, ",[{")) > MAX_PARTS:
        raise TooMuch(f"the text has more than {MAX_PARTS} parts")
    if _depth(plain) > depth:
        raise BadJson(f"the text is nested deeper than {depth} levels")
    try:
        return _DECODER.decode(plain)
    except (ValueError, RecursionError) as error:
        raise BadJson(f"the text is no JSON: {_words(error)}") from None


def dumps(value: Any) -> bytes:
    """A value of `loads`, or one built of the same types, as compact UTF-8."""
    try:
        return orjson.dumps(value, default=_fragment, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:
        # A lone surrogate has no UTF-8; escaped, it becomes the same text again. orjson also
        # rejects integers over 64 bits that did not come through `loads`.
        return _plain(value).encode("ascii")


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    brackets = _NO_BRACKET.sub("", _STRING.sub("", text))
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def copied(value: Any) -> Any:
    """The same value in dicts and lists of its own, as `copy.deepcopy` and in a fifth of its time.

    A `Duplicated` stays one. What `loads` gives is never too deep for it (`MAX_DEPTH`).
    """
    kind = type(value)
    if kind is dict:
        return {name: copied(part) for name, part in value.items()}
    if kind is list:
        return [copied(part) for part in value]
    return value if kind in _IMMUTABLE else deepcopy(value)


def _words(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return str(error) if isinstance(error, BadJson) else "it cannot be parsed"


def _integer(literal: str) -> int | Exact:
    if len(literal) <= _LONGEST_INT and literal != "-0":
        return int(literal)
    return Exact(literal)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    return result if len(result) == len(pairs) else Duplicated(result)


def _refuse(constant: str) -> NoReturn:
    raise BadJson(f"{constant} is no number")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=Exact, parse_constant=_refuse
)


def _fragment(value: Any) -> Any:
    if isinstance(value, Exact):
        return orjson.Fragment(value.literal.encode())
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _plain(value: Any) -> str:
    if isinstance(value, Exact):
        return value.literal
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_plain(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_plain, value)) + "]"
    return json.dumps(value, allow_nan=False)
