"""The state of one push between two steps, and the size of its batches. Frozen.

`machine.py` and `batch_size.py` make the next state.
Why batches are halved: servers differ (docs/servers.md), few state their limit, and one row that a
server rejects can make it reject the whole batch: halved often enough, that row is alone and its
reply is its own. So the size grows again while all goes well, but within one push never back to a
size that was named as too large (413).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from carequeue.sync.protocol.capabilities import BATCH_SIZE, Abilities
from carequeue.sync.push import messages as m

#: Exchanges in a row that went well at a size, before a larger one is tried.
_PATIENCE: Final = 8
_SMALLEST: Final = 2


@dataclass(frozen=True, slots=True)
class Sizing:
    """The size of the next batch. `limit`: a size that was rejected as too large in this push.

    `went_well`: exchanges in a row at this size. `alone_already`: it has grown once from one at a
    time and failed; then there are no batches here.
    """

    size: int = BATCH_SIZE
    limit: int = BATCH_SIZE + 1
    went_well: int = 0
    alone_already: bool = False

    def worked(self, sent: int) -> Sizing:
        """After an exchange of this many requests that all got a reply."""
        if sent < self.size or self.size >= BATCH_SIZE:
            return self
        if self.went_well + 1 < _PATIENCE:
            return replace(self, went_well=self.went_well + 1)
        larger = min(self.size * 2, BATCH_SIZE)
        return replace(self, size=larger if larger < self.limit else self.size, went_well=0)

    def failed(self, sent: int, too_large: bool) -> Sizing:
        """After a batch of this size was rejected or got no reply. `too_large`: because of its
        size.
        """
        limit = min(self.limit, sent) if too_large else self.limit
        return replace(
            self,
            size=max(sent // 2, 1),
            limit=limit,
            went_well=0,
            alone_already=self.alone_already or sent <= _SMALLEST + 1,
        )

    def hopeless(self, sent: int) -> bool:
        """Whether a failure at this size shows that the server has no batches."""
        return sent == _SMALLEST and self.alone_already


@dataclass(frozen=True, slots=True)
class PushState:
    """One push to one source. `aliases`: local reference -> the server's, for what we created.

    `already_read`: resources that were read in this push. `just_read`: the one that was read last,
    alone. `deferred`: resources that could not be read; left alone until the next sync cycle.
    `merged_over_remote`: intents that are sent on top of a colleague's change to other elements.
    `pause`: the source asks to be left alone until then. `probing`: the resource whose write
    carries a wrong If-Match on purpose; `probed`: all such resources; `probe_suspect`: one of them
    whose reply was neither a success nor a conflict. `awaiting`: resources with a request in
    flight. `single_read_answered`: a single read was answered for a resource whose batch was not.
    `unanswered_size`: size of a request without a reply that may have been too large. `silent`: the
    sync cycle before ended because the server did not answer.
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
    sizing: Sizing = Sizing()

    @property
    def at_once(self) -> int:
        """How many requests one batch may hold, as far as is known; 1 if there are no batches."""
        return self.sizing.size if self.can.batch else 1

    def phase(self, targets: Iterable[m.PendingResource], phase: m.Phase) -> PushState:
        """The state with these resources in this phase."""
        changed = {target.key: replace(target, phase=phase) for target in targets}
        return replace(self, pending={**self.pending, **changed})
