"""A client who was found by search, in the place of an item: an act needs no row to begin from.

In:  the key of a client (the source and the record: "clinic:Patient/12"). Out: an item that holds
the client alone, and the key of the row that an act for this client makes.
Not here: how clients are found (`store/client_search.py`), what is made (`verbs/`).
"""

from __future__ import annotations

from collections.abc import Sequence

from carequeue.domain.items import Kind, Move, Mover, ResourceRef, WorkItem
from carequeue.fhir import codes, values
from carequeue.fhir.chart_reader import client_of_patient
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.verbs.verb_to_intents import IntentDraft

_PATIENT = "Patient/"


def is_client_key(key: str) -> bool:
    """Whether a key names a client and not a row."""
    return key.partition(":")[2].startswith(_PATIENT)


def client_item(cache: CacheTransaction, key: str) -> tuple[WorkItem, str] | None:
    """A client as an item, and the client's chart; None if the cache has no such record."""
    source, _, chart = key.partition(":")
    if not is_client_key(key) or source not in cache.site.us:
        return None
    patient = cache.source(source).views.referenced(chart)
    if patient is None:
        return None
    anchor = ResourceRef(source, "Patient", chart.removeprefix(_PATIENT))
    client = client_of_patient(chart, patient)
    return WorkItem(key, source, Kind.FOLLOW_UP, "", client, Move(Mover.ME, "you"), anchor), chart


def row_of(item: WorkItem, drafts: Sequence[IntentDraft]) -> str:
    """The key of the row that an act is seen in: the item's own, or that of the new Task."""
    if item.anchor.type != "Patient":
        return item.key
    tasks = [draft.args["resource"] for draft in drafts if draft.target_type == "Task"]
    made = next((values.identifier_value(task, codes.IDENTIFIER) for task in tasks), "")
    return f"{item.source}:{made}" if made else item.key
