"""Decisions whose resource no longer names the client with whom they were made.

In:  the rows of a source, inside a transaction. Out: those decisions as conflicts of their own
kind, which a person answers; nothing of them leaves.
Checked where the mirror moves (`part_from_clients`: a pull, a settle, a restored server) and once
more before the bytes leave (`may_leave`), so that no way of moving a base can be forgotten.
Not here: which client a resource names (`fhir/client_identity.py`), the comparison of a resource
that was just read (`three_way.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from carequeue.domain.intents import Intent, IntentEvent, IntentKind, IntentState
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import (
    ClientRecords,
    creates_for_its_client,
    is_about_its_client,
    merged_references,
    points_to,
)
from carequeue.sync.ports import SourceRepository

Key = tuple[str, str]
OTHER_CLIENT: Final = "the record now names another client"
CLIENT_NOT_RECORDED: Final = (
    "an earlier version of CareQueue did not record with which client this was decided"
)
#: Not in doubt: what may be on the server already is read back and compared.
_CHECKED: Final = frozenset({IntentState.QUEUED, IntentState.LOCAL_ONLY})


def records_of(rows: SourceRepository) -> ClientRecords:
    """What the cache knows of clients, for a comparison inside this transaction."""

    def find(reference: str) -> Resource | None:
        kind, _, key = reference.partition("/")
        known = rows.mirror.base(kind, key)
        return known.theirs or known.body

    return ClientRecords(rows.base_url, find=find)


def records_for_pending(
    rows: SourceRepository, intents: Sequence[Intent], theirs: Resource | None
) -> ClientRecords:
    """The same as plain values, for the pure half of a push. `theirs`: a newer version, if any."""
    found = records_of(rows)
    clients = [one.client for one in intents if one.client is not None]
    return ClientRecords(found.base_url, merged_references(clients, theirs, found))


def keys_of(resources: Sequence[Resource]) -> list[Key]:
    """Type and id of each resource of a page."""
    return [(str(one.get("resourceType")), str(one.get("id"))) for one in resources]


def part_from_clients(rows: SourceRepository, moved: Collection[Key], now: datetime) -> None:
    """Ask about each waiting decision whose resource names another client since `moved` changed."""
    if not moved:
        return
    names = {f"{kind}/{key}" for kind, key in moved}
    waiting = [
        one
        for one in rows.outbox.open_intents()
        if one.state in _CHECKED and not names.isdisjoint(_rests_on(one, rows.base_url))
    ]
    records = records_of(rows) if waiting else None
    for one in waiting:
        if records is not None and not _is_its_client(rows, one, records):
            rows.outbox.apply_event(one, IntentEvent.FOUND_OTHER_CLIENT, OTHER_CLIENT, now)


def may_leave(rows: SourceRepository, intents: Sequence[Intent], now: datetime) -> bool:
    """Whether all of these still concern their clients; those that do not become conflicts."""
    records = records_of(rows)
    stays = [one for one in intents if not _is_its_client(rows, one, records)]
    unknown = [one for one in intents if one not in stays and not is_recorded(one)]
    for one in stays:
        rows.outbox.apply_event(one, IntentEvent.FOUND_OTHER_CLIENT, OTHER_CLIENT, now)
    for one in unknown:
        rows.outbox.apply_event(one, IntentEvent.FOUND_OTHER_CLIENT, CLIENT_NOT_RECORDED, now)
    return not (stays or unknown)


def is_recorded(intent: Intent) -> bool:
    """Whether it was written down with whom this was decided, when it was decided."""
    return intent.client is not None and not intent.client.assumed


def _is_its_client(rows: SourceRepository, intent: Intent, records: ClientRecords) -> bool:
    if intent.kind is IntentKind.CREATE:
        return creates_for_its_client(intent, records)
    base = rows.mirror.base(intent.target_type, intent.target_id).body
    return base is None or is_about_its_client(intent, base, records)


def _rests_on(intent: Intent, base_url: str) -> Iterable[str]:
    """References of the resources by which the client of a decision is told."""
    yield f"{intent.target_type}/{intent.target_id}"
    if intent.client is not None:
        yield from (*intent.client.through, intent.client.reference)
    if intent.kind is IntentKind.CREATE:
        yield from points_to(intent.args.get("resource"), base_url)
