"""Views: resources as this person sees them, the bases with the open intents applied.

In:  bases of the mirror and open intents. Out: one resource, a chart, a source's directory. No view
is stored: it follows from the two at this instant of the transaction.
Not here: how an intent changes a base (`fhir/intent_effects.py`), the rows of the queue
(`projection.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from carequeue.domain.intents import STUCK_STATES, Intent, IntentKind
from carequeue.fhir import intent_effects, jsontext
from carequeue.fhir.chart import Chart, Resource
from carequeue.fhir.chart_to_items import DIRECTORY_TYPES, shared
from carequeue.fhir.client_identity import ClientRecords
from carequeue.fhir.intent_dependencies import behind
from carequeue.store.outbox import SourceOutbox
from carequeue.store.source_scope import SourcePart

#: The bases of one client, by type and id: a chart before any intent.
ChartBases = Mapping[str, Mapping[str, Resource]]
#: Resources of the directory that were looked up, by source and reference: many charts share them.
DirectoryCache = dict[tuple[str, str], Resource | None]


class SourceViews(SourcePart):
    """The resources of one source as this person sees them."""

    def resource(self, kind: str, key: str) -> Resource | None:
        """One resource as this person sees it; None if the cache has none."""
        row = self._scope.raw.execute(
            "SELECT body FROM resource WHERE source = ? AND type = ? AND id = ? AND body <> ''",
            (self._scope.source, kind, key),
        ).fetchone()
        base: Resource | None = jsontext.loads(row[0]) if row else None
        return intent_effects.fold(base, self._shown_on(kind, key))

    def referenced(self, reference: str) -> Resource | None:
        """The resource that a relative reference names, as this person sees it."""
        kind, _, key = reference.partition("/")
        return self.resource(kind, key)

    def _shown_on(self, kind: str, key: str) -> list[Intent]:
        """The open intents on one resource that its view shows; others of its chart decide that."""
        outbox = SourceOutbox(self._scope)
        on_resource = outbox.open_on(kind, key)
        if not on_resource:
            return []
        own = {intent.id for intent in on_resource}
        chart = outbox.open_in_chart(on_resource[-1].chart)
        return [intent for intent in intent_effects.standing(chart) if intent.id in own]

    def charts(self) -> set[str]:
        """Every chart of the source."""
        rows = self._scope.raw.execute(
            "SELECT DISTINCT chart FROM resource WHERE source = ? AND body <> ''",
            (self._scope.source,),
        )
        return {chart for (chart,) in rows}

    def bases(self, chart: str) -> ChartBases:
        """Read the bases of one client from the disk, the costly part of reading a chart."""
        bases: dict[str, dict[str, Resource]] = {}
        for kind, key, body in self._scope.raw.execute(
            "SELECT type, id, body FROM resource WHERE source = ? AND chart = ? AND body <> '' "
            "AND substr(id, 1, 1) <> '?'",  # a resource without an id cannot be referred to
            (self._scope.source, chart),
        ):
            bases.setdefault(kind, {})[key] = jsontext.loads(body)
        return bases

    def chart(
        self, chart: str, bases: ChartBases, intents: Sequence[Intent], directory: DirectoryCache
    ) -> Chart:
        """The chart of one client as this person sees it: its bases with the intents applied.

        `directory` collects the resources of the directory that are looked up.
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
        """The records of the source's clients, as this person sees them."""
        return ClientRecords(self._scope.base_url, find=self.referenced)

    def directory(self) -> list[Resource]:
        """All resources of the source's directory: people, roles, teams, organizations."""
        rows = self._scope.raw.execute(
            f"SELECT body FROM resource WHERE source = ? AND body <> '' "
            f"AND type IN ({','.join('?' * len(DIRECTORY_TYPES))})",
            (self._scope.source, *DIRECTORY_TYPES),
        )
        return [jsontext.loads(body) for (body,) in rows]


def shown_intents(pending: Sequence[Intent], *, as_seen: bool) -> Iterator[Intent]:
    """The open intents of a chart that its views show, in order.

    `as_seen`: the elements of an intent that waits for the person, or behind such an intent, are as
    the person saw them.
    """
    yield from intent_effects.standing(pending)
    if as_seen:
        waits = behind(pending)
        yield from (
            _before(intent)
            for intent in reversed(pending)
            if intent.state in STUCK_STATES or intent.id in waits
        )


def _before(intent: Intent) -> Intent:
    """An intent that restores the elements of this one as the person saw them."""
    values = {"unit": list(intent_effects.unit(intent)), "values": dict(intent.seen)}
    return replace(intent, kind=IntentKind.RESTORE, args=values)
