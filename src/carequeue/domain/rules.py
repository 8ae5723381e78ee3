"""Clock rules: data in, checked `ClockRule` values out.

In:  plain mappings (the tables of `rules/clocks.toml`, and a site's own keys over them).
Out: rules, or a RuleError that names the rule, the key and the accepted values.
Why data: criteria and quality measures change by year and by state; each rule carries its source
and how well it is known (`provenance`), and *why here* shows both.
Not here: what a rule makes of an item (`clocks.py`), the profile with a site's own keys
(`store/profile_values.py`, docs/profiles.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeVar

from carequeue.domain.errors import RuleError
from carequeue.domain.items import FACTS, FLAGS, Kind
from carequeue.domain.sanitize import clean

_Choice = TypeVar("_Choice", bound=StrEnum)


class ClockClass(StrEnum):
    """The risk to a person while a clock runs; the class decides the band."""

    CRISIS = "C"
    SAFETY = "S"
    STANDARD = "T"


class LengthUnit(StrEnum):
    """Minutes, hours, opening hours, days or business days."""

    MINUTE = "m"
    HOUR = "h"
    OPEN_HOUR = "oh"  # opening hours only
    DAY = "d"  # ends with the last local date
    BUSINESS_DAY = "bd"


class Owner(StrEnum):
    """The side whose step meets the clock."""

    US = "us"
    PARTNER = "partner"


class Provenance(StrEnum):
    """The reliability of the source of a rule."""

    READ = "read"  # the text was read
    CITED = "cited"  # named, not yet read
    SITE_PRACTICE = "site practice"


_LENGTH: Final = re.compile(r"(-?)(\d{1,4})(m|h|oh|d|bd)", re.ASCII)
_SHAPE: Final = "a number and m, h, oh (opening hours), d or bd (business days), such as 3h or 2bd"


@dataclass(frozen=True, slots=True)
class Length:
    """A count of one unit; negative counts back from the start (an authorization's end)."""

    count: int
    unit: LengthUnit

    def __str__(self) -> str:
        return f"{self.count}{self.unit}" if self.count else "0"


AT_ONCE: Final = Length(0, LengthUnit.DAY)


@dataclass(frozen=True, slots=True)
class ClockRule:
    """The start of a clock, its length, the events that meet it, and its source.

    `warn` is how long before due the warning begins, None for the whole length. `nudge`: the due
    time is when to ask a partner again. `fallback`: only if no other clock runs, never above Soon.
    `post_acute`: follows an emergency, inpatient or crisis stay (ranking gives it points).
    """

    id: str
    label: str
    kinds: frozenset[Kind]
    starts: str
    met_by: tuple[str, ...]
    length: Length
    warn: Length | None
    cls: ClockClass
    citation: str
    provenance: Provenance
    when: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    owner: Owner = Owner.US
    nudge: bool = False
    fallback: bool = False
    post_acute: bool = False
    year: int | None = None


_REQUIRED: Final = ("label", "kinds", "starts", "length", "class", "citation", "provenance")
_KEYS: Final = (
    *_REQUIRED, "when", "unless", "met_by", "warn", "owner", "nudge", "fallback", "post_acute",
    "year", "enabled",
)  # fmt: skip


def _shown(value: object) -> str:
    """A value of a file, safe for a person to read."""
    return clean(repr(value), 40)


class _RuleTable:
    """One rule's table while it is read; every error names the rule and the key."""

    def __init__(self, rule: str, table: object) -> None:
        self.rule = rule
        if not isinstance(table, Mapping):
            raise RuleError(
                f"Clock rule {_shown(rule)} is not a table of keys. Nothing was changed."
            )
        self.table: Mapping[object, object] = table
        for key in table:
            if key not in _KEYS:
                raise self.refuse(str(key), "is not a known key", *_KEYS)
        for key in _REQUIRED:
            if key not in table:
                raise self.refuse(key, "is missing")

    def refuse(self, key: str, what: str, *choices: str) -> RuleError:
        """The error for one key, with the accepted values if there are some to name."""
        known = f" Known: {', '.join(choices)}." if choices else ""
        return RuleError(
            f"Clock rule {_shown(self.rule)}: {_shown(key)} {what}.{known} Correct the rule; "
            "until then nothing was changed."
        )

    def text(self, key: str) -> str:
        """A text that is not empty."""
        value = self.table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(key, "is not a text")
        return value

    def one_of(self, key: str, choices: type[_Choice], default: _Choice | None = None) -> _Choice:
        """One of the known values."""
        value = self.table.get(key, default)
        for choice in choices:
            if choice.value == value:
                return choice
        raise self.refuse(key, f"cannot be {_shown(value)}", *choices)

    def words(self, key: str, known: frozenset[str]) -> tuple[str, ...]:
        """A list of known words; a single word counts as a list of one."""
        value = self.table.get(key, ())
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list | tuple):
            raise self.refuse(key, "is not a list", *sorted(known))
        for word in words:
            if not isinstance(word, str) or word not in known:
                raise self.refuse(key, f"cannot hold {_shown(word)}", *sorted(known))
        return tuple(words)

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise self.refuse(key, f"cannot be {_shown(value)}", "true", "false")
        return value

    def length(self, key: str) -> Length:
        """A length such as `3h`, `2bd` or `0`."""
        value = self.table.get(key)
        match = _LENGTH.fullmatch(value) if isinstance(value, str) else None
        if value in ("0", 0) and not isinstance(value, bool):
            return AT_ONCE
        if not match:
            raise self.refuse(key, f"cannot be {_shown(value)}", f"0, or {_SHAPE}")
        count = int(match[1] + match[2])
        return Length(count, LengthUnit(match[3])) if count else AT_ONCE

    def warn(self, length: Length) -> Length | None:
        """The length of the warning before due; None for the whole length."""
        if self.table.get("warn", "0") == "whole":
            if length.count < 0:
                raise self.refuse("warn", "cannot be 'whole' for a clock that counts back", _SHAPE)
            return None
        warn = self.length("warn") if "warn" in self.table else AT_ONCE
        if warn.count < 0 or warn.unit is LengthUnit.OPEN_HOUR:
            raise self.refuse(
                "warn", f"cannot be '{warn}'", "whole, 0, or a number and m, h, d, bd"
            )
        return warn

    def year(self) -> int | None:
        """The measurement year, for a quality measure."""
        value = self.table.get("year")
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise self.refuse("year", "is not a year")
        return value


def _rule(table: _RuleTable) -> ClockRule:
    """One rule from its table."""
    length = table.length("length")
    kinds = table.words("kinds", frozenset(Kind))
    starts = table.words("starts", FACTS)
    if not kinds:
        raise table.refuse("kinds", "is empty", *Kind)
    if len(starts) != 1:
        raise table.refuse("starts", "must name one fact", *sorted(FACTS))
    rule = ClockRule(
        id=table.rule,
        label=table.text("label"),
        kinds=frozenset(Kind(kind) for kind in kinds),
        starts=starts[0],
        met_by=table.words("met_by", FACTS),
        length=length,
        warn=table.warn(length),
        cls=table.one_of("class", ClockClass),
        citation=table.text("citation"),
        provenance=table.one_of("provenance", Provenance),
        when=frozenset(table.words("when", FLAGS)),
        unless=frozenset(table.words("unless", FLAGS)),
        owner=table.one_of("owner", Owner, Owner.US),
        nudge=table.flag("nudge"),
        fallback=table.flag("fallback"),
        post_acute=table.flag("post_acute"),
        year=table.year(),
    )
    if (rule.nudge or rule.fallback) and rule.cls is not ClockClass.STANDARD:
        raise table.refuse("class", "of a nudge or a fallback can only be 'T'")
    return rule


def rules_from(mapping: Mapping[str, Any]) -> tuple[ClockRule, ...]:
    """Rules from a mapping of id to table, in its order, without those with `enabled = false`.

    A disabled rule is checked as well. Raises RuleError for the first invalid one.
    """
    rules = []
    for name, content in mapping.items():
        table = _RuleTable(str(name), content)
        rule = _rule(table)
        if table.flag("enabled", default=True):
            rules.append(rule)
    return tuple(rules)


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Any]:
    # Imported late: a start whose rows are ranked already needs neither.
    import tomllib
    from importlib.resources import files

    text = (files("carequeue") / "rules" / "clocks.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def site_rules(site: Mapping[str, Any]) -> tuple[ClockRule, ...]:
    """The shipped rules with a site's keys over them, and the site's own rules after them.

    `{"access-triage": {"enabled": True}}` enables a rule and changes nothing else of it.
    """
    tables: dict[str, Any] = dict(_shipped())
    for name, keys in site.items():
        shipped = tables.get(name)
        if isinstance(shipped, Mapping) and isinstance(keys, Mapping):
            tables[name] = {**shipped, **keys}
        else:
            tables[name] = keys
    return rules_from(tables)
