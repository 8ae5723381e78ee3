"""The keys and values of a profile, and the check of each of them.

In:  plain tables, as TOML gives them.  Out: a `Profile`, or `WrongValue` with the dotted key and
what was expected there; the value itself is never repeated, it may be a token in the wrong place.
(A clock rule's value is, cut short: among the words of a rule no token goes astray.)
Decided here: no token is ever written down, only the name of a variable or a command that gives
one; plain http goes to this machine only; an unknown key is refused, for it may be a typing error.
Not here: files (`profiles.py`). docs/profiles.md explains every key; a test holds it to the tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

T = TypeVar("T")

#: The keys of a profile and of one `[sources.NAME]` of it, with what each is expected to be.
PROFILE_KEYS: Final[Mapping[str, str]] = {
    "me": 'a reference such as "Practitioner/ana", or ""',
    "my_name": "a text of one line",
    "teams": 'a list of references such as ["CareTeam/access"]',
    "organization": 'a reference such as "Organization/riverbend", or ""',
    "organization_name": "a text of one line",
    "time_zone": 'the name of a time zone such as "America/Chicago"',
    "open_days": 'a list of days such as ["mon", "tue", "wed"]',
    "opens": 'a time of day such as "08:00"',
    "closes": 'a time of day such as "17:00", later than `opens`',
    "closed_days": 'a list of dates such as ["2026-12-25"]',
    "theme": "a word of a-z, 0-9 and -",
    "contact_notes": 'a table of keys 1 to 9, each with "OUTCOME: note" of at most 300 characters, '
    "where OUTCOME is reached, left message or no answer",
    "rules": "a table [rules.ID] for each clock rule that differs from the shipped ones",
    "sources": "at least one table [sources.NAME], where NAME is 1 to 40 of a-z, 0-9 and -",
}
SOURCE_KEYS: Final[Mapping[str, str]] = {
    "base_url": "an address that starts with https:// (http:// for this machine only), without "
    "a user, a password, ? or #",
    "scope": 'a table of FHIR types and search parameters, such as {Task = "owner=Practitioner/1"}',
    "token_env": "the name of an environment variable",
    "token_command": "a list: a program and its arguments",
    "ca_bundle": "the path of a file of certificates",
    "label": "a text of one line, at most 40 characters",
    "me": 'a reference such as "Practitioner/ana", or ""',
    "teams": 'a list of references such as ["CareTeam/access"]',
    "organization": 'a reference such as "Organization/riverbend", or ""',
}
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: What a profile and a source may be called.
PROFILE_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
_TYPE: Final = re.compile(r"[A-Z][A-Za-z]{1,63}")
_REFERENCE: Final = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9\-.]{1,200}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_DIGIT: Final = re.compile(r"[1-9]")
_CONTACT_NOTE: Final = re.compile(r"(reached|left message|no answer): \S.{0,299}")
_LONGEST_TEXT: Final = 1000
_LONGEST_LABEL: Final = 40


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """One FHIR server: `scope` maps a type to extra search parameters ("owner=Practitioner/1").

    At most one of `token_env` (a variable's name) and `token_command` (program and arguments) is
    set. `ca_bundle` is a path, "" for the system's certificates. `me`, `teams` and `organization`
    say who we are on this server, where that is not what the profile says (`Profile.on`).
    """

    name: str
    base_url: str
    scope: Mapping[str, str] = field(default_factory=dict)
    token_env: str = ""
    token_command: tuple[str, ...] = ()
    ca_bundle: str = ""
    label: str = ""
    me: str = ""
    teams: tuple[str, ...] = ()
    organization: str = ""

    @property
    def shown(self) -> str:
        """The name that people use."""
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class OnSource:
    """Who we are on one server, as it names us."""

    me: str
    teams: tuple[str, ...]
    organization: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Who we are and whom we ask. References are relative to the sources ("Practitioner/ana").

    `open_days` counts from Monday = 0. `closed_days` are ISO dates; None where the profile does
    not say, so that the calendar proposes them; an empty tuple means "never closed". Times are in
    `time_zone`, the site's, never the machine's. `contact_notes`: a digit -> the outcome of a
    contact and a note, "left message: Asked to call back". `rules` are tables that
    `domain.rules.site_rules` has taken.
    """

    name: str
    me: str = ""
    my_name: str = ""
    teams: tuple[str, ...] = ()
    organization: str = ""
    organization_name: str = ""
    time_zone: str = "UTC"
    open_days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: time = time(8)
    closes: time = time(17)
    closed_days: tuple[str, ...] | None = None
    theme: str = ""
    contact_notes: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[SourceProfile, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)

    def on(self, source: SourceProfile) -> OnSource:
        """Who we are on a source.

        What the profile says holds at the address of its first source only: the id of a person on
        one server is somebody else's on another. A further server says its own, or nobody is us.
        """
        home = bool(self.sources) and self.sources[0].base_url == source.base_url
        return OnSource(
            source.me or (self.me if home else ""),
            source.teams or (self.teams if home else ()),
            source.organization or (self.organization if home else ""),
        )


class WrongValue(Exception):
    """A key that is unknown, missing or not what it should be; the value is never repeated."""


def as_mapping(profile: Profile) -> dict[str, Any]:
    """The profile as its file says it: plain tables, lists and texts; empty ones are left out."""
    table: dict[str, Any] = {
        "me": profile.me,
        "my_name": profile.my_name,
        "teams": list(profile.teams),
        "organization": profile.organization,
        "organization_name": profile.organization_name,
        "time_zone": profile.time_zone,
        "open_days": [DAYS[day] for day in profile.open_days],
        "opens": profile.opens.isoformat("minutes"),
        "closes": profile.closes.isoformat("minutes"),
        "theme": profile.theme,
    }
    table = {key: value for key, value in table.items() if value}
    if profile.closed_days is not None:
        table["closed_days"] = list(profile.closed_days)
    if profile.contact_notes:
        table["contact_notes"] = dict(profile.contact_notes)
    if profile.rules:
        table["rules"] = deepcopy(dict(profile.rules))
    table["sources"] = {source.name: _source_mapping(source) for source in profile.sources}
    return table


class _Table:
    """Takes the values of one TOML table, each through its check; a fault names the dotted key."""

    def __init__(self, values: object, above: str, known: Mapping[str, str]) -> None:
        if not isinstance(values, dict):
            raise WrongValue(f"`{above.rstrip('.')}` is expected to be a table")
        self._values, self._above, self._known = values, above, known
        for key in values:
            if key not in known:
                raise WrongValue(_unknown(f"{above}{key}", str(key), known))

    def take(self, key: str, check: Callable[[Any], T], default: T | None = None) -> T:
        """The value, checked; the default where it is absent and there is one."""
        if key not in self._values and default is not None:
            return default
        try:
            return check(self._values[key])
        except (KeyError, ValueError, TypeError, AttributeError):
            lacks = "" if key in self._values else "is missing; it "
            raise WrongValue(
                f"`{self._above}{key}` {lacks}is expected to be {self._known[key]}"
            ) from None


def _unknown(place: str, key: str, known: Mapping[str, str]) -> str:
    import difflib

    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"the keys are {', '.join(known)}"
    return f"`{place}` is not a key that CareQueue knows; {hint}"


def from_mapping(name: str, values: Mapping[str, Any]) -> Profile:
    """The profile that a TOML table says.

    Raises WrongValue at the first key that is not right, and RuleError for a clock rule.
    """
    table = _Table(values, "", PROFILE_KEYS)
    opens = table.take("opens", _time, time(8))
    sources = tuple(_source(key, value) for key, value in table.take("sources", _named).items())
    _called_apart(sources)
    return Profile(
        name=name,
        me=table.take("me", _reference, ""),
        my_name=table.take("my_name", _text, ""),
        teams=table.take("teams", _list_of(_reference), ()),
        organization=table.take("organization", _reference, ""),
        organization_name=table.take("organization_name", _text, ""),
        time_zone=table.take("time_zone", _zone),
        open_days=table.take("open_days", _days, (0, 1, 2, 3, 4)),
        opens=opens,
        closes=table.take("closes", lambda value: _later(_time(value), opens), time(17)),
        closed_days=table.take("closed_days", _list_of(_date)) if "closed_days" in values else None,
        theme=table.take("theme", _word, ""),
        contact_notes=table.take("contact_notes", _contact_notes, {}),
        rules=table.take("rules", _rules, {}),
        sources=sources,
    )


def _called_apart(sources: tuple[SourceProfile, ...]) -> None:
    """Raises WrongValue where people would take one source for another."""
    called: set[str] = set()
    for source in sources:
        if source.shown in called:
            raise WrongValue(
                f"`sources.{source.name}.label` is expected to be what no other source is called"
            )
        called.add(source.shown)


def _source(name: str, values: object) -> SourceProfile:
    table = _Table(values, f"sources.{name}.", SOURCE_KEYS)
    source = SourceProfile(
        name=name,
        base_url=table.take("base_url", check_address),
        scope=table.take("scope", _scope, {}),
        token_env=table.take("token_env", _variable, ""),
        token_command=table.take("token_command", _list_of(_text), ()),
        ca_bundle=table.take("ca_bundle", _text, ""),
        label=table.take("label", _label, ""),
        me=table.take("me", _reference, ""),
        teams=table.take("teams", _list_of(_reference), ()),
        organization=table.take("organization", _reference, ""),
    )
    if source.token_env and source.token_command:
        raise WrongValue(
            f"`sources.{name}.token_command` is expected to be absent where `token_env` is there"
        )
    return source


# Each check gives the value in its own type, or raises ValueError.


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not value.isprintable():
        raise ValueError
    return value


def _label(value: Any) -> str:
    if len(value) > _LONGEST_LABEL:
        raise ValueError
    return _text(value)


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not pattern.fullmatch(value):
        raise ValueError
    return str(value)


def _optional(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    """A check for a text that is empty or matches a pattern."""
    return lambda value: "" if value == "" else _matching(pattern, value)


_reference: Final = _optional(_REFERENCE)
_variable: Final = _optional(_VARIABLE)
_word: Final = _optional(PROFILE_NAME)


def _list_of(check: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def checked(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list) or not all(value):
            raise ValueError
        return tuple(check(part) for part in value)

    return checked


def _zone(value: Any) -> str:
    try:
        return ZoneInfo(_text(value)).key
    except OSError:  # such as "America", which is a folder of zones
        raise ValueError from None


def _time(value: Any) -> time:
    parsed = time.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(parsed, time) or parsed.tzinfo or parsed.second or parsed.microsecond:
        raise ValueError
    return parsed


def _later(closes: time, opens: time) -> time:
    if closes <= opens:
        raise ValueError
    return closes


def _date(value: Any) -> str:
    if isinstance(value, datetime):
        raise ValueError
    return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()


def _days(value: Any) -> tuple[int, ...]:
    days = _list_of(DAYS.index)(value)
    if not days:
        raise ValueError
    return tuple(sorted(set(days)))


def _named(value: Any) -> dict[str, Any]:
    if not value or not all(PROFILE_NAME.fullmatch(name) for name in value):
        raise ValueError
    return dict(value)


def _rules(value: Any) -> dict[str, Any]:
    # Late: most profiles have none, and the way to the first frame does without the rules.
    from carequeue.domain.rules import site_rules

    if not isinstance(value, dict):
        raise ValueError
    site_rules(value)
    return value


def _contact_notes(value: Any) -> dict[str, str]:
    return {
        _matching(_DIGIT, key): _matching(_CONTACT_NOTE, _text(note))
        for key, note in _named(value).items()
    }


def _scope(value: Any) -> dict[str, str]:
    scope = {_matching(_TYPE, kind): _text(extra) for kind, extra in value.items()}
    if any(re.search(r"[\s#?]", extra) for extra in scope.values()):
        raise ValueError
    return scope


def check_address(value: Any) -> str:
    """A base address without a slash at its end. Raises ValueError where no token may go there."""
    parts = urlsplit(_text(value))
    _ = parts.port  # raises ValueError where it is no port
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)
    if not safe or not parts.hostname or "@" in parts.netloc or re.search(r"[\s?#\\]", value):
        raise ValueError
    return str(value).rstrip("/")


def _source_mapping(source: SourceProfile) -> dict[str, Any]:
    table: dict[str, Any] = {
        "base_url": source.base_url,
        "label": source.label,
        "me": source.me,
        "teams": list(source.teams),
        "organization": source.organization,
        "token_env": source.token_env,
        "token_command": list(source.token_command),
        "ca_bundle": source.ca_bundle,
        "scope": dict(source.scope),
    }
    return {key: value for key, value in table.items() if value}
