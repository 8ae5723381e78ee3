"""Intents whose resource no longer names the client with whom they were decided.

In:  the rows of a source, inside a transaction. Out: those intents as conflicts of their own kind,
which a person answers; none of them is sent.
Checked when the mirror moves (`part_from_clients`: a pull, a read back, a restored server) and once
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
#: Not in doubt: an intent that may be on the server already is read back and compared.
_CHECKED: Final = frozenset({IntentState.QUEUED, IntentState.LOCAL_ONLY})


def records_of(rows: SourceRepository) -> ClientRecords:
    """The records of the source's clients, for a comparison inside this transaction."""

    def find(reference: str) -> Resource | None:
        kind, _, key = reference.partition("/")
        known = rows.mirror.base(kind, key)
        return known.theirs or known.body

    return ClientRecords(rows.base_url, find=find)


def records_for_pending(
    rows: SourceRepository, intents: Sequence[Intent], theirs: Resource | None
) -> ClientRecords:
    """The same as plain values, for the pure half of a push. `theirs`: a newer version, if any."""
    records = records_of(rows)
    clients = [intent.client for intent in intents if intent.client is not None]
    return ClientRecords(records.base_url, merged_references(clients, theirs, records))


def keys_of(resources: Sequence[Resource]) -> list[Key]:
    """Type and id of each resource of a page."""
    return [(str(resource.get("resourceType")), str(resource.get("id"))) for resource in resources]


def part_from_clients(rows: SourceRepository, moved: Collection[Key], now: datetime) -> None:
    """Ask about each waiting intent whose resource names another client since `moved` changed."""
    if not moved:
        return
    names = {f"{kind}/{key}" for kind, key in moved}
    records = records_of(rows)
    for intent in rows.outbox.open_intents():
        if intent.state not in _CHECKED or names.isdisjoint(_named_by(intent, rows.base_url)):
            continue
        if not _is_its_client(rows, intent, records):
            rows.outbox.apply_event(intent, IntentEvent.FOUND_OTHER_CLIENT, OTHER_CLIENT, now)


def may_leave(rows: SourceRepository, intents: Sequence[Intent], now: datetime) -> bool:
    """Whether all of these still concern their clients; those that do not become conflicts."""
    records = records_of(rows)
    strangers = [intent for intent in intents if not _is_its_client(rows, intent, records)]
    unknown = [intent for intent in intents if intent not in strangers and not is_recorded(intent)]
    for intent in strangers:
        rows.outbox.apply_event(intent, IntentEvent.FOUND_OTHER_CLIENT, OTHER_CLIENT, now)
    for intent in unknown:
        rows.outbox.apply_event(intent, IntentEvent.FOUND_OTHER_CLIENT, CLIENT_NOT_RECORDED, now)
    return not (strangers or unknown)


def is_recorded(intent: Intent) -> bool:
    """Whether the client was recorded when the intent was decided."""
    return intent.client is not None and not intent.client.assumed


def _is_its_client(rows: SourceRepository, intent: Intent, records: ClientRecords) -> bool:
    if intent.kind is IntentKind.CREATE:
        return creates_for_its_client(intent, records)
    base = rows.mirror.base(intent.target_type, intent.target_id).body
    return base is None or is_about_its_client(intent, base, records)


def _named_by(intent: Intent, base_url: str) -> Iterable[str]:
    """References of the resources that decide who the client of an intent is."""
    yield f"{intent.target_type}/{intent.target_id}"
    if intent.client is not None:
        yield from (*intent.client.through, intent.client.reference)
    if intent.kind is IntentKind.CREATE:
        yield from points_to(intent.args.get("resource"), base_url)
