"""From a key to its action, and the guard against a key that is held down.

In:  the table of verbs and motions, the person's changes. Out: a Verb, a Motion or nothing.
The key of an act is ignored if it repeats within `REPEAT` seconds: a held key must never act on
twenty clients. Keys that move may repeat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from carequeue.domain.errors import ProfileError
from carequeue.verbs.motions import MOTIONS, Motion
from carequeue.verbs.table import all_verbs
from carequeue.verbs.verb import Verb

REPEAT: Final = 0.25
#: Keys that a terminal cannot tell from another key, or that quit the program.
RESERVED: Final = {
    "ctrl+c": "quits",
    "ctrl+q": "quits",
    "ctrl+i": "is Tab",
    "ctrl+m": "is Enter",
    "ctrl+h": "is Backspace",
}


class KeyMap:
    """The keys of one person. Raises ProfileError, which names each error, if two actions clash."""

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
                    faults.append(f"“{key}” is set for both {self._map[key].name} and {name}")
                self._map[key] = actions[name]
        if faults:
            raise ProfileError("; ".join(faults) + ". The keys were not changed.")

    def meaning(self, key: str) -> Verb | Motion | None:
        """The action of a key; None if it has none."""
        return self._map.get(key)


class RepeatGuard:
    """Tells whether a key is held down or was pressed again."""

    def __init__(self) -> None:
        self._key = ""
        self._at = float("-inf")

    def held(self, key: str, at: float) -> bool:
        """Whether the same key was pressed too soon before; `at` is monotonic seconds."""
        again = key == self._key and at - self._at < REPEAT
        self._key, self._at = key, at
        return again
