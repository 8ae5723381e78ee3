"""The words for a decision and its client, from the verbs: for the outbox and for conflicts.

In:  an intent, the cache. Out: clean texts. An act may be several intents (a contact and the Task
that it completes); each intent names its own part.
Not here: what the server has meanwhile (`fhir/differences.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from carequeue.domain.intents import Intent, IntentKind
from carequeue.domain.items import Client, Kind, client_label
from carequeue.domain.sanitize import clean
from carequeue.domain.spoken_dates import say_when
from carequeue.fhir import values
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import decided_with
from carequeue.fhir.differences import Say
from carequeue.fhir.our_directory import name_of
from carequeue.fhir.task_facts import is_companion
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.client_check import is_recorded
from carequeue.verbs.table import find_verb
from carequeue.verbs.undo import VERB as UNDO

_LONGEST: Final = 300


class Wording:
    """The site's words for decisions; reads names and rows in one transaction."""

    def __init__(self, cache: CacheTransaction, now: datetime) -> None:
        self._cache = cache
        self._now = now
        self._rows: dict[tuple[str, str], tuple[str, str, str]] = {}

    def say(self, source: str) -> Say:
        """The site's words for the elements of a source's resources."""
        site = self._cache.site
        base_url = site.base_urls.get(source, "")
        return Say(partial(self._name, source, base_url), self._when, site.zone, base_url)

    def row(self, intent: Intent) -> tuple[str, str, str]:
        """Client, title and kind of an intent's item.

        An item that has left the queue has no title; its client is read from the chart.
        """
        key = intent.item_key
        if (key, intent.chart) not in self._rows:
            row = self._cache.queue.client_title_kind(key, intent.chart)
            self._rows[key, intent.chart] = row or (self._client(intent), "", "")
        return self._rows[key, intent.chart]

    def client(self, intent: Intent) -> str:
        """The client with whom it was decided, whomever its row names by now.

        If an earlier version did not record the client: the client whom the record names now.
        """
        if intent.client is not None and is_recorded(intent):
            return clean(intent.client.name, 120) or self.row(intent)[0]
        target = self._cache.source(intent.source).views.resource(
            intent.target_type, intent.target_id
        )
        return self.named(intent.source, target) or self.row(intent)[0]

    def named(self, source: str, resource: Resource | None) -> str:
        """The client of a resource: the name in the cache, else the words of the resource; ""."""
        records = self._cache.source(source).views.client_records()
        client = decided_with(resource, records)
        if client.reference.startswith("Patient/"):
            return self._patient(source, client.reference) or clean(client.reference, 120)
        return clean(client.reference or ", ".join(value for _, value in client.identifiers), 120)

    def describe(self, intent: Intent) -> str:
        """The decision: "Accepted", "Noted: called twice", "Assigned to Ortiz"."""
        if intent.inverse_of:
            undone = self._cache.intents.in_group(intent.inverse_of)
            verb = find_verb(undone[0].verb) if undone else None
            what = f": {verb.done_for(self.kind(intent)).lower()}" if verb else ""
            return clean(f"{UNDO.done}{what}{self._told(intent)}", _LONGEST)
        verb = find_verb(intent.verb)
        if verb is None:  # a later version of CareQueue knew it
            return clean(intent.verb, _LONGEST)
        if intent.kind is IntentKind.CREATE and is_companion(intent.args.get("resource")):
            details = " (opens a task for it)"
        else:
            details = verb.describe(intent, self.say(intent.source))
        return clean(verb.done_for(self.kind(intent)) + details, _LONGEST)

    def _told(self, intent: Intent) -> str:
        """Who is told, if an intent is the message to a partner about an undo."""
        if intent.kind is not IntentKind.CREATE:
            return ""
        say = self.say(intent.source)
        recipients = values.objects(intent.args["resource"], "recipient")
        return f" (tells {', '.join(filter(None, map(say.name, recipients))) or 'the partner'})"

    def already(self, intent: Intent) -> str:
        """The words if somebody else had done it before: "already accepted by somebody else"."""
        verb = find_verb(intent.verb)
        done = (verb.already or verb.done_for(self.kind(intent)).lower()) if verb else "done"
        return f"already {done} by somebody else"

    def kind(self, intent: Intent) -> str:
        """The kind of item; after the item has left the queue, as far as the decision tells it."""
        return self.row(intent)[2] or (Kind.HANDOFF if intent.args.get("output") else "")

    def _when(self, instant: datetime) -> str:
        return say_when(instant, self._now, self._cache.site.calendar)

    def _name(self, source: str, base_url: str, party: Any) -> str:
        """The name for a Reference: our own name, its display, the directory, or its own text."""
        if not isinstance(party, Mapping):
            return ""
        reference = values.reference(party, base_url)
        us = self._cache.us(source)
        if us.is_me(reference):
            return us.my_name or "you"
        party_resource = self._resource(source, reference) if reference else None
        return (
            name_of(party_resource)
            or values.squeeze(values.text(party, "display"))
            or values.text(party, "reference")
            or values.text(party, "identifier.value")
        )

    def _resource(self, source: str, reference: str) -> Resource | None:
        kind, _, key = reference.partition("/")
        return self._cache.source(source).views.resource(kind, key)

    def _client(self, intent: Intent) -> str:
        known = intent.chart.startswith("Patient/")
        name = self._patient(intent.source, intent.chart) if known else ""
        return name or clean(intent.item_key, 80)

    def _patient(self, source: str, reference: str) -> str:
        """A Patient of the cache by name; "" if the cache has none."""
        patient = self._resource(source, reference)
        if patient is None:
            return ""
        family, given, words = values.human_name(patient.get("name"))
        family, given, words = map(values.squeeze, (family, given, words))
        return clean(client_label(Client(reference, family, given, words)), 120)
