"""The views: resources as this person sees them, what she decided over what the source gave.

In:  bases of the mirror and open intents. Out: one resource, a chart, a source's directory.
Nothing of it is kept: a view is what the two say at this instant of the transaction.
Not here: how a decision is laid over a base (`fhir/intent_effects.py`); what the rows of the queue
make of it (`projection.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from carequeue.domain.intents import STUCK_STATES, Intent, IntentKind
from carequeue.fhir import intent_effects, jsontext
from carequeue.fhir.chart import Chart, Resource
from carequeue.fhir.chart_to_items import DIRECTORY_TYPES, shared
from carequeue.fhir.client_identity import ClientRecords
from carequeue.store.outbox import SourceOutbox
from carequeue.store.source_scope import SourceScope

#: The bases of one client, by type and id: what a chart is read from, before any decision.
ChartBases = Mapping[str, Mapping[str, Resource]]
#: What was found of a source's directory, which many charts refer to, by source and reference.
DirectoryCache = dict[tuple[str, str], Resource | None]


class SourceViews:
    """The resources of one source as this person sees them."""

    def __init__(self, scope: SourceScope) -> None:
        self._scope = scope
        self._outbox = SourceOutbox(scope)

    def resource(self, kind: str, key: str) -> Resource | None:
        """One resource as this person sees it; None where the cache has none."""
        row = self._scope.raw.execute(
            "SELECT body FROM resource WHERE source = ? AND type = ? AND id = ? AND body <> ''",
            (self._scope.source, kind, key),
        ).fetchone()
        base: Resource | None = jsontext.loads(row[0]) if row else None
        return intent_effects.fold(base, self._standing_on(kind, key))

    def referenced(self, reference: str) -> Resource | None:
        """The resource that a relative reference names, as this person sees it."""
        kind, _, key = reference.partition("/")
        return self.resource(kind, key)

    def _standing_on(self, kind: str, key: str) -> list[Intent]:
        """The open intents of one resource that its view shows; they may wait for others."""
        on_it = self._outbox.open_on(kind, key)
        if not on_it:
            return []
        own = {intent.id for intent in on_it}
        chart = self._outbox.open_in_chart(on_it[-1].chart)
        return [intent for intent in intent_effects.standing(chart) if intent.id in own]

    def charts(self) -> set[str]:
        """Every chart of the source."""
        rows = self._scope.raw.execute(
            "SELECT DISTINCT chart FROM resource WHERE source = ? AND body <> ''",
            (self._scope.source,),
        )
        return {chart for (chart,) in rows}

    def bases(self, chart: str) -> ChartBases:
        """Reads the bases of one client from the disk: what costs most of reading a chart."""
        bases: dict[str, dict[str, Resource]] = {}
        for kind, key, body in self._scope.raw.execute(
            "SELECT type, id, body FROM resource WHERE source = ? AND chart = ? AND body <> '' "
            "AND substr(id, 1, 1) <> '?'",  # what has no id is kept, and cannot be spoken of
            (self._scope.source, chart),
        ):
            bases.setdefault(kind, {})[key] = jsontext.loads(body)
        return bases

    def chart(
        self, chart: str, bases: ChartBases, intents: Sequence[Intent], directory: DirectoryCache
    ) -> Chart:
        """The chart of one client as this person sees it: its bases, with intents laid over them.

        `directory` keeps what was found of the directory.
        """
        resources = {kind: dict(of_kind) for kind, of_kind in bases.items()}
        for intent in intents:
            of_kind = resources.setdefault(intent.target_type, {})
            view = intent_effects.fold(of_kind.get(intent.target_id), [intent])
            if view is not None:
                of_kind[intent.target_id] = view

        def find(reference: str) -> Resource | None:
            if not shared(reference.partition("/")[0]):
                return self.referenced(reference)
            name = (self._scope.source, reference)
            if name not in directory:
                directory[name] = self.referenced(reference)
            return directory[name]

        return Chart(self._scope.source, chart, resources, find, base=self._scope.base_url)

    def client_records(self) -> ClientRecords:
        """What the cache knows of the source's clients, as this person sees them."""
        return ClientRecords(self._scope.base_url, find=self.referenced)

    def directory(self) -> list[Resource]:
        """Everything of the source's own directory: people, roles, teams, organizations."""
        rows = self._scope.raw.execute(
            f"SELECT body FROM resource WHERE source = ? AND body <> '' "
            f"AND type IN ({','.join('?' * len(DIRECTORY_TYPES))})",
            (self._scope.source, *DIRECTORY_TYPES),
        )
        return [jsontext.loads(body) for (body,) in rows]


def shown_intents(pending: Sequence[Intent], *, as_seen: bool) -> Iterator[Intent]:
    """Of the open intents of a chart, in order, those that its views show.

    `as_seen`: what is stuck is put back to what the person saw before deciding it.
    """
    yield from intent_effects.standing(pending)
    if as_seen:
        yield from (_before(one) for one in reversed(pending) if one.state in STUCK_STATES)


def _before(intent: Intent) -> Intent:
    """What puts back the elements of a decision as the person saw them."""
    values = {"unit": list(intent_effects.unit(intent)), "values": dict(intent.seen)}
    return replace(intent, kind=IntentKind.RESTORE, args=values)
