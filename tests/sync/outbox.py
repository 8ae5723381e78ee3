"""The outbox of a real cache, as a push loads and saves it."""

from __future__ import annotations

from carequeue.domain.intents import Intent, IntentEvent
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push import messages as m
from carequeue.sync.push.pending import load_pending, save_changes
from tests.fhir.clinic import NOW
from tests.store.cache import SOURCE, Cache


def file(cache: Cache, *intents: Intent) -> None:
    with writing(cache.session.engine()) as connection:
        SqliteSourceRepository(connection, SOURCE).outbox.append(intents)


def lanes(cache: Cache) -> dict[str, m.PendingResource]:
    with cache.session.engine().connect() as connection:
        return {
            "/".join(one.key): one
            for one in load_pending(SqliteSourceRepository(connection, SOURCE))
        }


def keep(cache: Cache, *changes: m.Change) -> m.ChangesSaved:
    with writing(cache.session.engine()) as connection:
        return save_changes(
            SqliteSourceRepository(connection, SOURCE), m.SaveChanges(changes), NOW
        ).event


def happened(cache: Cache, key: str, *events: IntentEvent) -> None:
    with writing(cache.session.engine()) as connection:
        for event in events:
            (intent,) = SqliteSourceRepository(connection, SOURCE).outbox.by_ids([key])
            SqliteSourceRepository(connection, SOURCE).outbox.apply_event(intent, event, "", NOW)
