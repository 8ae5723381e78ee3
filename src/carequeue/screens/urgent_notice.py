"""How the screen names a new item in Now or Safety, and which key goes to it just now.

In:  the new items, the keys of the person, the layers over the list. Out: the notice for the
message line; whether a key goes to the item that it names.
Where something is typed or asked, every key belongs to that: the notice says to leave it first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carequeue.screens.key_map import Keys
from carequeue.screens.overlay import Layer
from carequeue.screens.urgent_items import NewUrgent
from carequeue.verbs.motions import Motion
from carequeue.widgets.bands import band_words
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Notice
from carequeue.widgets.source_labels import Origin


class Naming:
    """The new items as this screen names them."""

    def __init__(
        self,
        urgent: NewUrgent,
        keys: Keys,
        layers: Sequence[Layer],
        origin: Callable[[str], Origin],
    ) -> None:
        self._urgent, self._keys, self._layers, self._origin = urgent, keys, layers, origin

    @property
    def _typing(self) -> bool:
        return any(layer.owns_keys for layer in self._layers)

    def takes(self, key: str) -> bool:
        """Whether this key goes to the item that is named, through all that lies over the list."""
        if self._urgent.first is None or self._typing:
            return False
        action = self._keys.meaning(key)
        return isinstance(action, Motion) and action.name == "urgent"

    def moved(self, before: str | None, here: str | None) -> None:
        """A key has moved the cursor: whoever went to a new item needs no word about it."""
        if here is not None and here != before and not self._typing:
            self._urgent.visit(here)

    def notice(self) -> Notice | None:
        """The item that is named, with its source where there are several, and the way to it."""
        one = self._urgent.first
        if one is None:
            return None
        label = self._origin(one.source).label
        name = f"{one.client} ({label})" if label else one.client
        key = key_name(self._keys.of["urgent"])
        way = f"esc {key}" if self._typing else key
        return Notice(name, band_words(one.band).title, self._urgent.more, way)
