"""From a key to what it means, and the guard against a key that is held down.

In:  the table of verbs and motions, the changes of the person. Out: a Verb, a Motion or nothing.
An act key that comes again within `REPEAT` seconds of itself is ignored: a held key must never act
on twenty clients. Keys that move may repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from carequeue.domain.errors import ProfileError
from carequeue.verbs.motions import MOTIONS, Motion
from carequeue.verbs.table import all_verbs
from carequeue.verbs.verb import Verb

REPEAT: Final = 0.25
#: Keys that a terminal cannot tell from another, or that the shell needs.
RESERVED: Final = {
    "ctrl+c": "leaves",
    "ctrl+q": "leaves",
    "ctrl+i": "is Tab",
    "ctrl+m": "is Enter",
    "ctrl+h": "is Backspace",
}


class Keys:
    """The map of one person. Raises ProfileError, naming each fault, where two actions clash."""

    def __init__(self, changes: Mapping[str, str] | None = None) -> None:
        changes = changes or {}
        verbs = {verb.name: verb for verb in all_verbs()}
        defaults = {name: verb.key for name, verb in verbs.items()}
        defaults |= {motion.name: ",".join(motion.keys) for motion in MOTIONS}
        faults = [f"[keys] has no action “{name}”" for name in changes if name not in defaults]
        actions: dict[str, Verb | Motion] = {**verbs, **{motion.name: motion for motion in MOTIONS}}
        self.of: dict[str, str] = {}
        self._map: dict[str, Verb | Motion] = {}
        for name, default in defaults.items():
            keys = [key.strip() for key in changes.get(name, default).split(",") if key.strip()]
            self.of[name] = keys[0] if keys else ""
            for key in keys:
                if key in RESERVED:
                    faults.append(f"{name} = “{key}”: this key {RESERVED[key]} in a terminal")
                elif key in self._map:
                    faults.append(f"“{key}” is asked for by {self._map[key].name} and {name}")
                self._map[key] = actions[name]
        if faults:
            raise ProfileError("; ".join(faults) + ". The keys were not changed.")

    def meaning(self, key: str) -> Verb | Motion | None:
        """What a key does."""
        return self._map.get(key)


class RepeatGuard:
    """Tells a key that is held from one that is pressed again."""

    def __init__(self) -> None:
        self._key = ""
        self._at = float("-inf")

    def held(self, key: str, at: float) -> bool:
        """Whether this press (at a monotonic time in seconds) is the same key, too soon."""
        again = key == self._key and at - self._at < REPEAT
        self._key, self._at = key, at
        return again
