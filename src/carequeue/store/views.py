"""The views: resources as this person sees them, what she decided over what the source gave.

In:  bases of the mirror and open intents. Out: one resource, a chart, a source's directory.
Nothing of it is kept: a view is what the two say at this instant of the transaction.
Not here: how a decision is laid over a base (`fhir/intent_effects.py`); what the rows of the queue
make of it (`projection.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from carequeue.domain.intents import STUCK_STATES, Intent, IntentKind
from carequeue.fhir import intent_effects, jsontext
from carequeue.fhir.chart import Chart, Resource
from carequeue.fhir.chart_to_items import DIRECTORY_TYPES, shared
from carequeue.fhir.client_identity import ClientRecords
from carequeue.store import outbox
from carequeue.store.engine import quick


def views(
    connection: Connection,
    source: str,
    chart: str,
    pending: Sequence[Intent],
    known: dict[tuple[str, str], Resource | None],
    *,
    as_seen: bool = False,
) -> Chart:
    """The chart of one client as this person sees it: bases, with the open intents over them.

    `pending`: those intents, in order. `known` keeps what was found of the directory, which many
    charts refer to. `as_seen`: what is stuck is shown as it was before it was decided.
    """
    resources: dict[str, dict[str, Resource]] = {}
    for kind, key, body in quick(connection).execute(
        "SELECT type, id, body FROM resource WHERE source = ? AND chart = ? AND body <> '' "
        "AND substr(id, 1, 1) <> '?'",  # what has no id is kept, and cannot be spoken of
        (source, chart),
    ):
        resources.setdefault(kind, {})[key] = jsontext.loads(body)
    before = [_before(one) for one in reversed(pending) if as_seen and one.state in STUCK_STATES]
    for intent in (*intent_effects.standing(pending), *before):
        kind = resources.setdefault(intent.target_type, {})
        view = intent_effects.fold(kind.get(intent.target_id), [intent])
        if view is not None:
            kind[intent.target_id] = view

    def find(reference: str) -> Resource | None:
        kind, _, key = reference.partition("/")
        if not shared(kind):
            return view_of(connection, source, kind, key)
        if (source, reference) not in known:
            known[source, reference] = view_of(connection, source, kind, key)
        return known[source, reference]

    return Chart(source, chart, resources, find)


def _before(intent: Intent) -> Intent:
    """What puts back the elements of a decision as the person saw them."""
    values = {"unit": list(intent_effects.unit(intent)), "values": dict(intent.seen)}
    return replace(intent, kind=IntentKind.RESTORE, args=values)


def view_of(connection: Connection, source: str, kind: str, key: str) -> Resource | None:
    """One resource as this person sees it; None where the cache has none."""
    row = (
        quick(connection)
        .execute(
            "SELECT body FROM resource WHERE source = ? AND type = ? AND id = ? AND body <> ''",
            (source, kind, key),
        )
        .fetchone()
    )
    view: Resource | None = jsontext.loads(row[0]) if row else None
    return intent_effects.fold(view, _standing_on(connection, source, kind, key))


def _standing_on(connection: Connection, source: str, kind: str, key: str) -> list[Intent]:
    """The open intents of one resource that the view shows; what they wait for may be elsewhere."""
    on_it = outbox.of_target(connection, source, kind, key)
    if not on_it:
        return []
    own = {intent.id for intent in on_it}
    chart = outbox.of_chart(connection, source, on_it[-1].chart)
    return [intent for intent in intent_effects.standing(chart) if intent.id in own]


def client_records(connection: Connection, source: str, base_url: str) -> ClientRecords:
    """What the cache knows of a source's clients, as this person sees them."""
    return ClientRecords(base_url, find=partial(_find, connection, source))


def _find(connection: Connection, source: str, reference: str) -> Resource | None:
    kind, _, key = reference.partition("/")
    return view_of(connection, source, kind, key)


def directory(connection: Connection, source: str) -> list[Resource]:
    """Everything of the source's own directory: people, roles, teams, organizations."""
    found = quick(connection).execute(
        f"SELECT body FROM resource WHERE source = ? AND body <> '' "
        f"AND type IN ({','.join('?' * len(DIRECTORY_TYPES))})",
        (source, *DIRECTORY_TYPES),
    )
    return [jsontext.loads(body) for (body,) in found]
