"""After a person's answer has moved a base: which decisions are about another client by now.

In:  resources whose base moved in this transaction. Out: such decisions are conflicts
(`sync/client_check.py`), and their charts are projected with the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.client_check import part_from_clients

Target = tuple[str, str, str]  # source, type, id


def recheck_clients(cache: CacheTransaction, moved: Iterable[Target], now: datetime) -> None:
    """Ask about each waiting decision whose resource names another client since its base moved."""
    by_source: dict[str, set[tuple[str, str]]] = {}
    for source, kind, key in moved:
        by_source.setdefault(source, set()).add((kind, key))
    for source, keys in by_source.items():
        part_from_clients(cache.source(source), keys, now)
