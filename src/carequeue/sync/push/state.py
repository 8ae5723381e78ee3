"""What one push knows between two steps. Plain, frozen; changed by `machine.py` only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.push import messages as m
from carequeue.sync.push.batch_size import Sizing


@dataclass(frozen=True, slots=True)
class PushState:
    """One push to one source. `aliases`: local reference -> the server's, for what we created.

    `looked`: lanes that were read in this push, and `fresh` the one that was read last and alone.
    `aside`: lanes whose reading said nothing, left alone until the next look. `on_top`: intents
    that go on top of what a colleague changed beside them. `pause`: the source asks to be left
    alone until then. `probing`: the lane whose guard is wrong on purpose, `probed` those that were,
    `suspect` the one of those whose answer was neither a yes nor a conflict. `awaiting`: lanes with
    a request on its way. `heard`: of what was
    not answered when it was sent, a single reading is. `unanswered`: how many there were in a
    request of which it is not known yet whether it was too large. `silent`: the look before ended
    because nobody answered.
    """

    can: Abilities
    seed: int = 0
    pending: Mapping[m.ResourceKey, m.PendingResource] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    stopped: m.Stop | None = None
    tries: int = 0
    already_read: frozenset[m.ResourceKey] = frozenset()
    just_read: m.ResourceKey | None = None
    deferred: frozenset[m.ResourceKey] = frozenset()
    merged_over_remote: frozenset[str] = frozenset()
    pause: datetime | None = None
    probing: m.ResourceKey | None = None
    probed: frozenset[m.ResourceKey] = frozenset()
    probe_suspect: m.ResourceKey | None = None
    awaiting: frozenset[m.ResourceKey] = frozenset()
    single_read_answered: bool = False
    unanswered_size: int = 0
    silent: bool = False
    sizing: Sizing = Sizing()  # noqa: RUF009 - frozen

    @property
    def at_once(self) -> int:
        """How many requests may stand in one, as far as is known; 1 where there are no batches."""
        return self.sizing.size if self.can.batch else 1

    def phase(self, targets: Iterable[m.PendingResource], phase: m.Phase) -> PushState:
        """With these lanes in this phase."""
        changed = {target.key: replace(target, phase=phase) for target in targets}
        return replace(self, pending={**self.pending, **changed})
