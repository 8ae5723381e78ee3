"""How many changes one request may hold: learned, never assumed. Pure.

In:  how many a server takes as far as is known, and what became of each batch.
Out: how many to send next, and what to remember of it.
Why halving: servers differ (docs/servers.md), few state their limit, and one row that a server
rejects can make it reject the whole batch: halved often enough, that row is alone and its reply is
its own. So the size grows again while all goes well, but within one push never back to a size that
was named as too large (413).
Not here: what is sent (`machine.py`), how it is remembered (`capabilities.py`, `batch_size`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from carequeue.sync.protocol.capabilities import BATCH_SIZE

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
