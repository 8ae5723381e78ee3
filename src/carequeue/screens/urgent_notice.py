"""How the screen names a new item in Now or Safety, and which key goes to it.

In:  the new items, the person's keys, the overlays over the list. Out: the notice for the message
line; whether a key goes to the named item.
While the person types or answers, every key belongs to the question: the notice then says to leave
the question first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carequeue.screens.key_map import KeyMap
from carequeue.screens.overlay import Overlay
from carequeue.screens.urgent_items import NewUrgent
from carequeue.verbs.motions import Motion
from carequeue.widgets.bands import band_words
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Notice
from carequeue.widgets.source_labels import Origin


class UrgentNotice:
    """The notice of new items on one screen."""

    def __init__(
        self,
        urgent: NewUrgent,
        keys: KeyMap,
        overlays: Sequence[Overlay],
        origin: Callable[[str], Origin],
    ) -> None:
        self._urgent, self._keys, self._overlays, self._origin = urgent, keys, overlays, origin

    @property
    def _typing(self) -> bool:
        return any(overlay.owns_keys for overlay in self._overlays)

    def takes(self, key: str) -> bool:
        """Whether this key goes to the named item, whatever overlay is open."""
        if self._urgent.first is None or self._typing:
            return False
        action = self._keys.meaning(key)
        return isinstance(action, Motion) and action.name == "urgent"

    def moved(self, key_before: str | None, key: str | None) -> None:
        """A key has moved the cursor: a person who went to a new item needs no notice of it."""
        if key is not None and key != key_before and not self._typing:
            self._urgent.visit(key)

    def notice(self) -> Notice | None:
        """The named item, its source if there are several, and the key that goes there."""
        item = self._urgent.first
        if item is None:
            return None
        label = self._origin(item.source).label
        name = f"{item.client} ({label})" if label else item.client
        key = key_name(self._keys.of["urgent"])
        way = f"esc {key}" if self._typing else key
        return Notice(name, band_words(item.band).title, self._urgent.more, way)
