"""A client who was found by search, in the place of an item: an act needs no row to begin from.

In:  the key of a client (the source and the record: "clinic:Patient/12"). Out: an item that holds
the client alone, and the key of the row that an act for this client makes.
Not here: how clients are found (`store/client_search.py`), what is made (`verbs/`).
"""

from __future__ import annotations

from collections.abc import Sequence

from carequeue.domain.intents import Intent, IntentKind
from carequeue.domain.items import Direction, Kind, Move, Mover, ResourceRef, WorkItem
from carequeue.fhir import codes, values
from carequeue.fhir.chart_reader import client_of_patient
from carequeue.fhir.heard_events import item_value
from carequeue.fhir.task_facts import is_companion
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.views import ChartBases
from carequeue.verbs.verb_to_intents import IntentDraft

_PATIENT = "Patient/"
_HEARD: tuple[str, ...] = ("Encounter",)
_SENT_ELSEWHERE: tuple[str, ...] = ("ServiceRequest", "Task")


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
    for draft in drafts:
        if draft.target_type == "Task":
            made = values.identifier_value(draft.args["resource"], codes.IDENTIFIER)
            return f"{item.source}:{made}"
        if draft.target_type == "Encounter":
            return f"{item.source}:{item_value(draft.args['resource'])}"
    return item.key


def decided_on(acts: Sequence[Intent]) -> str:
    """The key on which the act of one row was decided: the row's own, or that of a client, if the
    act itself made the row.
    """
    first = acts[0]
    for act in acts:
        resource = act.args.get("resource")
        if act.kind is not IntentKind.CREATE or is_companion(resource):
            continue
        heard = act.target_type == "Encounter"
        value = (
            item_value(resource) if heard else values.identifier_value(resource, codes.IDENTIFIER)
        )
        if first.item_key == f"{first.source}:{value}":
            return f"{first.source}:{first.chart}"
    return first.item_key


def made_row(intents: Sequence[Intent]) -> str:
    """The key of the row of the Task that these intents create; "" if they create none."""
    for intent in intents:
        if intent.kind is IntentKind.CREATE and intent.target_type == "Task":
            made = values.identifier_value(intent.args["resource"], codes.IDENTIFIER)
            return f"{intent.source}:{made}"
    return ""


def void_identifiers(cache: CacheTransaction, item: WorkItem) -> frozenset[str]:
    """Identifiers of events, and of requests sent elsewhere, that were entered in error: the server
    has them still, and would take another of the same name for the one that is void.
    """
    if item.anchor.type == "Patient":
        chart, kinds = item.anchor.reference, _HEARD
    elif item.direction is Direction.OUTBOUND and item.client.reference:
        chart, kinds = item.client.reference, _SENT_ELSEWHERE
    else:
        return frozenset()
    views = cache.source(item.source).views
    made = map(views.referenced, _references(views.bases(chart), kinds))
    return frozenset(
        values.identifier_value(resource, codes.IDENTIFIER)
        for resource in made
        if values.text(resource, "status") == "entered-in-error"
    ) - {""}


def _references(bases: ChartBases, kinds: tuple[str, ...]) -> list[str]:
    return [f"{kind}/{key}" for kind in kinds for key in bases.get(kind, {})]
