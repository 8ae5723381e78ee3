"""One set on a server, and what a real session holds of it after one sync.

The server is Medplum's, emptied before; the session is the product's own, with an encrypted cache
in a temporary folder and the real time. What is counted is counted by `accounting.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from carequeue.domain.items import WorkItem
from carequeue.fhir import jsontext
from carequeue.fhir.our_directory import own_reference
from carequeue.store.profiles import Profile, SourceProfile, profile_paths
from carequeue.store.queue_window import Tab
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.wiring import Session
from tests.samples.accounting import Account, Row, Seen, account
from tests.samples.reasons import Kept, utc_now
from tests.samples.sets import Origin, SampleSet
from tests.servers.harness import BATCH, FhirServer

_SOURCE: Final = "samples"
_ALL: Final = 1_000_000


def look(sample: SampleSet, server: FhirServer) -> Account:
    """Load a set into an empty server, sync it once, and account for it."""
    server.reset()
    refused = load(sample.resources, server)
    now = utc_now()
    with (
        tempfile.TemporaryDirectory() as folder,
        _session(sample.origin, server, folder) as session,
    ):
        report = session.sync_once()
        seen = _seen(session, report.ok, report.words, now)
    return account(sample.resources, refused, seen, now)


def load(resources: Sequence[Any], server: FhirServer) -> dict[int, str]:
    """PUT each under its own id, in batches; place -> why, for those that were refused."""
    refused = {
        place: "it has no type or no id to be stored under"
        for place, resource in enumerate(resources)
        if not own_reference(resource)
    }
    rest = [place for place in range(len(resources)) if place not in refused]
    for first in range(0, len(rest), BATCH):
        part = rest[first : first + BATCH]
        entries = [
            {
                "request": {"method": "PUT", "url": own_reference(resources[place])},
                "resource": resources[place],
            }
            for place in part
        ]
        reply = server.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})
        for place, entry in zip(part, reply.json["entry"], strict=True):
            if entry["response"]["status"][:1] != "2":
                refused[place] = _words(entry["response"])
    return refused


def _words(response: Any) -> str:
    issues = response.get("outcome", {}).get("issue", [])
    said = "; ".join(one.get("details", {}).get("text", one.get("code", "")) for one in issues)
    return f"{response['status']} {said}".strip()


def _session(origin: Origin, server: FhirServer, folder: str) -> Session:
    profile = Profile(
        name=_SOURCE,
        me=origin.me,
        organization=origin.organization,
        sources=(SourceProfile(_SOURCE, server.base),),
    )
    return Session(profile, profile_paths(_SOURCE, Path(folder)), {_SOURCE: server.token})


def _seen(session: Session, ok: bool, said: str, now: datetime) -> Seen:
    """What the session shows; raises AssertionError where the rows are not those of the charts."""
    shown = session.desk.window(Tab.WHOLE, "", 0, _ALL)
    projector = session.projector()
    with session.engine().connect() as connection:
        kept = {
            f"{kind}/{key}": Kept(jsontext.loads(body), trouble, chart)
            for kind, key, body, trouble, chart in connection.exec_driver_sql(
                "SELECT type, id, body, trouble, chart FROM resource WHERE body <> ''"
            )
        }
        items: dict[str, WorkItem] = {}
        for chart in SqliteSourceRepository(connection, _SOURCE).views.charts():
            read = projector.read(connection, _SOURCE, chart, now)
            items |= {item.key: item for item in read.items}
    assert items.keys() == {row.key for row in shown}
    words = {row.key: f"{row.client} | {row.title} | {row.move_name}" for row in shown}
    rows = [_row(items[row.key], words[row.key]) for row in shown]
    named = [one.what for one in session.doctor() if one.level == "problem" or one.hint]
    return Seen(kept, rows, named, ok, said)


def _row(item: WorkItem, words: str) -> Row:
    behind = [ref.reference for ref in (item.anchor, item.target) if ref]
    return Row(item.key, item.kind, frozenset(behind), words)
