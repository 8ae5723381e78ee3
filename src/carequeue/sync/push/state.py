"""What one push knows between two steps. Frozen; changed by `machine.py` only."""

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
    sizing: Sizing = Sizing()  # noqa: RUF009 - frozen

    @property
    def at_once(self) -> int:
        """How many requests one batch may hold, as far as is known; 1 if there are no batches."""
        return self.sizing.size if self.can.batch else 1

    def phase(self, targets: Iterable[m.PendingResource], phase: m.Phase) -> PushState:
        """The state with these resources in this phase."""
        changed = {target.key: replace(target, phase=phase) for target in targets}
        return replace(self, pending={**self.pending, **changed})
