"""Profiles: who "we" are and which servers we read, one TOML file each, and where all files lie.

In:  a profile's name, and a root folder in the place of the platform's own.
Out: a `Profile`, every value of it checked; `ProfilePaths`, the paths that belong to it.
Decided here: a file that others could change is not trusted, and what is saved reads back as the
same profile before it takes the old one's place.
This module is on the way to the first frame: tomlkit, which keeps a person's comments, is loaded
when something is saved and not before.
Not here: what a profile may say (`profile_values.py`), the key (`encryption_keys.py`), whom a file
may belong to (`private_files.py`), the token (`sync/`).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from carequeue.domain.errors import BadQuestion, ProfileError, RuleError
from carequeue.store.private_files import private_folder, read_private, replace_private
from carequeue.store.profile_values import (
    PROFILE_NAME,
    SOURCE_KEYS,
    Profile,
    SourceProfile,
    WrongValue,
    as_mapping,
    check_address,
    from_mapping,
)

__all__ = [
    "Profile",
    "ProfilePaths",
    "SourceProfile",
    "address",
    "load",
    "names",
    "profile_paths",
    "save",
    "with_setting",
    "with_source",
]

_LISTS: Final = frozenset({"teams", "open_days", "closed_days", "token_command"})
_RULE_LISTS: Final = frozenset({"kinds", "when", "unless", "met_by"})
_OF_TABLES: Final = frozenset({"contact_notes", "sources", "rules"})


@dataclass(frozen=True, slots=True)
class ProfilePaths:
    """The paths of one profile; `folder` holds cache, key, locks and log."""

    config: Path
    folder: Path
    cache: Path
    key: Path
    log: Path

    def lock(self, source: str) -> Path:
        """The lock of one source; its name in a profile is fit for a file."""
        return self.folder / f"sync-{source}.lock"


def profile_paths(name: str, root: Path | None = None) -> ProfilePaths:
    """The paths of a profile: under `root`, else CAREQUEUE_HOME, else the platform's folders.

    Raises ProfileError for a name that is no profile name.
    """
    if not PROFILE_NAME.fullmatch(name):
        raise ProfileError(
            "A profile's name is 1 to 40 of a-z, 0-9 and -. Nothing was opened. "
            "Choose another name with --profile."
        )
    config, data = _roots(root)
    folder = data / name
    return ProfilePaths(
        config=config / f"{name}.toml",
        folder=folder,
        cache=folder / "cache.db",
        key=folder / "key",
        log=folder / "carequeue.log",
    )


def names(root: Path | None = None) -> tuple[str, ...]:
    """The names of the profiles that have a file, in order."""
    config, _ = _roots(root)
    if not config.is_dir():
        return ()
    return tuple(sorted(p.stem for p in config.glob("*.toml") if PROFILE_NAME.fullmatch(p.stem)))


def load(name: str, root: Path | None = None) -> Profile:
    """Read and check a profile.

    Raises ProfileError, with the file, the key and what was expected, where it cannot be used.
    """
    file = profile_paths(name, root).config
    try:
        text = read_private(file, ProfileError).decode()
        return from_mapping(name, tomllib.loads(text))
    except FileNotFoundError:
        raise ProfileError(
            f"There is no profile {name} yet (looked for {file}). Try `carequeue demo`, a practice "
            "clinic with invented people, or `carequeue connect URL` for your own server."
        ) from None
    except UnicodeDecodeError:
        raise ProfileError(_unreadable(file, "it is not text in UTF-8")) from None
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise ProfileError(_unreadable(file, f"it is not TOML ({fault})")) from None
    except WrongValue as wrong:
        raise ProfileError(_unreadable(file, str(wrong))) from None
    except RuleError as wrong:
        raise ProfileError(f"The profile {file} cannot be used. {wrong}") from None


def save(profile: Profile, where: ProfilePaths) -> None:
    """Write a profile, whole or not at all, keeping the comments of the file that was there.

    Raises ProfileError where a file or folder cannot be trusted or written, or a value is wrong.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    private_folder(where.config.parent, ProfileError)
    try:
        document = tomlkit.parse(read_private(where.config, ProfileError).decode())
    except FileNotFoundError:
        document = tomlkit.document()
        document.add(tomlkit.comment("A CareQueue profile. No token belongs in this file."))
    except (TOMLKitError, UnicodeDecodeError):
        raise ProfileError(_unreadable(where.config, "it is not TOML")) from None
    _merge(document, as_mapping(profile))
    text = tomlkit.dumps(document)
    try:
        # What was written must read back as the same profile, before it takes the old one's place.
        same = from_mapping(profile.name, tomllib.loads(text)) == profile
    except WrongValue as wrong:
        raise ProfileError(_unreadable(where.config, str(wrong))) from None
    if not same:
        raise ProfileError(_unreadable(where.config, "its layout cannot be kept on a change"))
    replace_private(where.config, text.encode(), ProfileError)


def with_setting(profile: Profile, key: str, text: str) -> Profile:
    """The profile with one key changed, as `carequeue config set` takes it.

    `key` is a key of the file, dotted below `sources` and `rules` ("sources.main.scope.Task",
    "rules.access-triage.enabled"); a list is given
    as words, or with commas; an empty text puts the default back.
    Raises BadQuestion where there is no such key or the value is not what is expected there.
    """
    table = as_mapping(profile)
    *above, last = key.split(".")
    place: Any = table
    for step in above:
        place = place.setdefault(step, {}) if isinstance(place, dict) else None
    if not last or not isinstance(place, dict) or isinstance(place.get(last), dict):
        raise BadQuestion(f"{key} is not one value of a profile. Nothing was changed.")
    if text:
        place[last] = _rule_value(last, text) if above[:1] == ["rules"] else _value(last, text)
    else:
        place.pop(last, None)
    try:
        return from_mapping(profile.name, table)
    except WrongValue as wrong:
        raise BadQuestion(f"{wrong}. Nothing was changed.") from None
    except RuleError as wrong:
        raise BadQuestion(str(wrong)) from None


def with_source(profile: Profile, source: SourceProfile) -> Profile:
    """The profile with this source added, or put in the place of the one of the same name."""
    sources = {old.name: old for old in profile.sources} | {source.name: source}
    return replace(profile, sources=tuple(sources.values()))  # each stays in its place


def address(text: str) -> str:
    """A base address in the one form that is kept: no slash at its end.

    Raises BadQuestion where it is not an address that CareQueue would send a token to.
    """
    try:
        return check_address(text.strip())
    except ValueError:
        raise BadQuestion(
            f"The address is expected to be {SOURCE_KEYS['base_url']}. Nothing was changed. "
            f"{_meant(text.strip())}"
        ) from None


def _meant(text: str) -> str:
    with suppress(ValueError):
        if ":" not in text:
            return f"Did you mean {check_address(f'https://{text}')} ?"
    return "Give it as your server administrator gives it, such as https://fhir.example.org/r4"


def _roots(root: Path | None) -> tuple[Path, Path]:
    home = root or (Path(given) if (given := os.environ.get("CAREQUEUE_HOME")) else None)
    if home is not None:
        try:
            home = home.expanduser().absolute()
        except (RuntimeError, OSError):
            raise ProfileError(
                "CAREQUEUE_HOME names no folder that can be found. Nothing was changed. "
                "Set it to a folder of yours, or unset it for the usual place."
            ) from None
        return home / "profiles", home / "data"
    import platformdirs

    return (
        platformdirs.user_config_path("carequeue", appauthor=False) / "profiles",
        platformdirs.user_data_path("carequeue", appauthor=False),
    )


def _unreadable(file: Path, why: str) -> str:
    return (
        f"The profile {file} cannot be used: {why}. Nothing was changed. "
        "Correct it in an editor (docs/profiles.md lists every key), or choose another --profile."
    )


def _merge(document: Any, values: Mapping[str, Any]) -> None:
    import tomlkit

    for key in [key for key in document if key not in values]:
        del document[key]
    for key, value in values.items():
        if isinstance(value, Mapping):
            if not isinstance(document.get(key), Mapping):
                document[key] = tomlkit.table(is_super_table=key in _OF_TABLES)
            _merge(document[key], value)
        elif key not in document or document[key] != value:
            document[key] = value


def _value(key: str, text: str) -> str | list[str]:
    return _as_list(key, text) if key in _LISTS else text


def _rule_value(key: str, text: str) -> object:
    """A value of a clock rule: yes or no, a year, a list, else text."""
    if text in ("true", "false"):
        return text == "true"
    if key == "year" and text.isdecimal():
        return int(text[:9])
    return _as_list(key, text) if key in _RULE_LISTS else text


def _as_list(key: str, text: str) -> list[str]:
    if key == "token_command":
        import shlex

        try:
            return shlex.split(text)
        except ValueError:
            raise BadQuestion(
                f"{key} has a quotation mark that is not closed. Nothing was changed."
            ) from None
    return [word for word in re.split(r"[,\s]+", text) if word]
