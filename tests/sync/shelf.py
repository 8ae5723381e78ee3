"""A small FHIR server in a function: versions, instants, deletions, histories, pages, backups.

In:  what a test puts, changes, deletes, hides or forbids. Out: answers for a `Transport`.
It knows one parameter, `owner`, which is enough for a scope.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from carequeue.fhir import jsontext
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceCache, SqliteSourceRepository
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import Transport
from carequeue.sync.restore.brake import answer_hold, stored_hold
from carequeue.sync.sync_cycle import CycleResult, Syncer
from tests.fhir.clinic import DANA, NOW, PATIENT, ref, task
from tests.store.cache import PROFILE, SOURCE, Cache
from tests.store.template import begin_with
from tests.sync.recorder import BASE, said

Row = dict[str, Any]
#: What happens to a request; the second argument does the server's work.
Forward = Callable[[], httpx.Response]
Fault = Callable[[httpx.Request, Forward], httpx.Response]
TYPES: Final = ("Task", "ServiceRequest", "Patient", "Practitioner")
#: Rows of a large office.
MANY: Final = 40


class Shelf:
    """The server. `now`: its own time."""

    def __init__(self) -> None:
        self.now = NOW - timedelta(days=2)
        self.rows: dict[str, Row] = {}
        self.log: list[tuple[str, str, Row | None, str]] = []  # method, name, body, instant
        self.gone: set[str] = set()
        self.hidden: set[str] = set()  # from searches
        self.forbidden: set[str] = set()
        self.history = False
        self.by_change = True
        self.elements = True
        self.etags = False
        self.software = "a shelf"
        self.per_page = 50
        self.asked: list[str] = []
        self.conditional: list[str] = []
        self.fault: Fault = lambda request, forward: forward()

    def put(self, resource: Row) -> None:
        """Somebody wrote this."""
        name = f"{resource['resourceType']}/{resource['id']}"
        self.now += timedelta(seconds=1)
        version = 1 + sum(one == name for _, one, _, _ in self.log)
        meta = {"versionId": str(version), "lastUpdated": self.now.isoformat()}
        self.rows[name] = {**resource, "meta": meta}
        self.gone.discard(name)
        self.log.append(("PUT", name, self.rows[name], self.now.isoformat()))

    def delete(self, *names: str) -> None:
        for name in names:
            self.now += timedelta(seconds=1)
            del self.rows[name]
            self.gone.add(name)
            self.log.append(("DELETE", name, None, self.now.isoformat()))

    def backup(self) -> Any:
        return copy.deepcopy((self.rows, self.log, self.gone))

    def restore(self, kept: Any) -> None:
        """The server is set back; its time goes on."""
        self.rows, self.log, self.gone = copy.deepcopy(kept)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = str(request.url).removeprefix(BASE).lstrip("/")
        self.asked.append(f"{request.method} {path}")
        return self.fault(request, lambda: self._answer(request, path))

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        name, _, query = path.partition("?")
        if name == "metadata":
            return self._said(self._statement())
        if request.method == "PUT":
            return self._write(name, request)
        if name.endswith("/_history"):
            return self._history(name.partition("/")[0], dict(parse_qsl(query)))
        return self._read(name) if "/" in name else self._search(request, name, query)

    def _said(self, body: Any, status: int = 200, /, **headers: str) -> httpx.Response:
        date = self.now.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return said(jsontext.dumps(body).decode(), status, date=date, **headers)

    def _write(self, name: str, request: httpx.Request) -> httpx.Response:
        row = self.rows.get(name)
        guard = request.headers.get("if-match", "")
        if guard and (row is None or guard != f'W/"{row["meta"]["versionId"]}"'):
            return self._said({}, 412)
        self.put(jsontext.loads(request.content))
        return self._said(self.rows[name])

    def _read(self, name: str) -> httpx.Response:
        if name in self.forbidden:
            return self._said({}, 403)
        if name not in self.rows:
            return self._said({}, 410 if name in self.gone else 404)
        return self._said(self.rows[name])

    def _search(self, request: httpx.Request, kind: str, query: str) -> httpx.Response:
        asked = dict(parse_qsl(query))
        shown = [row for name, row in self.rows.items() if self._shows(kind, name, row, asked)]
        shown.sort(key=lambda row: str(row["meta"]["lastUpdated"]))
        etag = f'W/"{hash(repr(shown))}"' if self.etags else ""
        if etag and request.headers.get("if-none-match") == etag:
            self.conditional.append(kind)
            return self._said(None, 304)
        start, total = int(asked.get("_offset", "0")), len(shown)
        shown = shown[start : start + self.per_page]
        if self.elements and "_elements" in asked:
            shown = [_part(row) for row in shown]
        bundle: Row = {"resourceType": "Bundle", "type": "searchset", "total": total}
        bundle["entry"] = [{"resource": row} for row in shown]
        if start + self.per_page < total:
            following = urlencode({**asked, "_offset": str(start + self.per_page)})
            bundle["link"] = [{"relation": "next", "url": f"{BASE}/{kind}?{following}"}]
        return self._said(bundle, **({"etag": etag} if etag else {}))

    def _shows(self, kind: str, name: str, row: Row, asked: dict[str, str]) -> bool:
        since = asked.get("_lastUpdated", "").removeprefix("ge")
        return (
            name.startswith(f"{kind}/")
            and name not in self.hidden | self.forbidden
            and ("_id" not in asked or row["id"] in asked["_id"].split(","))
            and ("owner" not in asked or row.get("owner", {}).get("reference") == asked["owner"])
            and (not since or datetime.fromisoformat(since) <= _at(row))
        )

    def _history(self, kind: str, asked: dict[str, str]) -> httpx.Response:
        since = asked.get("_since", "")
        entries = []
        for method, name, body, at in reversed(self.log):
            if name.startswith(f"{kind}/") and at >= since:
                entry: Row = {"request": {"method": method, "url": name}}
                entry |= {"response": {"lastModified": at}}
                entries.append({**entry, "resource": body} if body else entry)
        return self._said({"resourceType": "Bundle", "type": "history", "entry": entries})

    def _statement(self) -> Row:
        able = ["read", "search-type", "create", "update"]
        able += ["history-type"] if self.history else []
        params = [{"name": "_id"}, {"name": "owner"}]
        params += [{"name": "_lastUpdated"}] if self.by_change else []
        kinds = [
            {
                "type": kind,
                "interaction": [{"code": code} for code in able],
                "versioning": "versioned",
                "updateCreate": True,
                "searchParam": params,
            }
            for kind in TYPES
        ]
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "software": {"name": self.software},
            "rest": [{"mode": "server", "resource": kinds}],
        }


def _part(row: Row) -> Row:
    """What is left of a row where only id and meta were asked for."""
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"}
    meta = {**row["meta"], "tag": [{**tag, "code": "SUBSETTED"}]}
    return {"resourceType": row["resourceType"], "id": row["id"], "meta": meta}


def _at(row: Row) -> datetime:
    return datetime.fromisoformat(row["meta"]["lastUpdated"])


def path_of(request: httpx.Request) -> str:
    """The path of a request below the base, with its query."""
    parts = urlsplit(str(request.url))
    return f"{parts.path.removeprefix('/r4/')}?{parts.query}"


class Office:
    """Dana's cache before this server. `count` Tasks of hers are on it."""

    def __init__(self, folder: Path, count: int = 3, base: str = BASE) -> None:
        self.cache = Cache(folder, PROFILE)
        self.server = Shelf()
        self.scope: dict[str, str] = {}
        self.base = base
        self.server.put(PATIENT)
        for number in range(count):
            self.server.put(follow_up(f"t{number}"))

    @classmethod
    def after_a_look(cls, folder: Path, count: int = 3) -> Office:
        """The cache has everything that is on the server."""

        def make(made: Path) -> Shelf:
            first = cls(made, count)
            assert first.look().full
            first.close()
            return first.server

        server = begin_with(("after a look", count), folder, make)
        office = cls(folder, count)
        office.server = server
        return office

    @property
    def syncer(self) -> Syncer:
        """A new one each time: what is not on the disk is not known."""
        session = self.cache.session
        handler = httpx.MockTransport(self.server)
        return Syncer(
            SOURCE,
            self.scope,
            SqliteSourceCache(SOURCE, session.engine(), session.projector(), self.base),
            Transport(self.base, Tokens(fixed="x"), handler=handler),
            lambda: self.cache.instant,
        )

    def look(
        self, *, check_manifest: bool = False, stop: Callable[[], bool] = lambda: False
    ) -> CycleResult:
        if check_manifest:
            with writing(self.cache.session.engine()) as connection:
                SqliteSourceRepository(connection, SOURCE).manifest.fetch_again()
        syncer = self.syncer
        try:
            return syncer.run_cycle(stop=stop)
        finally:
            syncer.close()

    def tomorrow(self) -> CycleResult:
        """The first look of the next day, by which all that is there is counted."""
        self.cache.later(hours=25)
        self.server.now += timedelta(hours=25)
        return self.look()

    def act(self, verb: str, key: str, **answers: str) -> None:
        name = [f"main:Task/{key}"]
        assert self.cache.desk.act(verb, name, answers, self.cache.instant).changed

    @property
    def held(self) -> Any:
        """What waits for a person's answer."""
        with self.cache.session.engine().connect() as connection:
            return stored_hold(SqliteSourceRepository(connection, SOURCE).sync_state)

    def answer(self, said: str) -> bool:
        """A person's answer; whether there was a question."""
        with writing(self.cache.session.engine()) as connection:
            return answer_hold(SqliteSourceRepository(connection, SOURCE), said)

    @property
    def shown(self) -> set[str]:
        """Ids of the Tasks in the queue."""
        return {row.key.rpartition("/")[2] for row in self.cache.rows()}

    def states(self) -> Sequence[str]:
        return [intent.state.value for intent in self.cache.intents()]

    def close(self) -> None:
        self.cache.close()


def follow_up(key: str, **elements: Any) -> Row:
    """A Task of Dana's, of the one client."""
    return dict(task(key, **{"owner": ref(DANA), "description": "Call", **elements}))


def counts(office: Office) -> list[str]:
    """The addresses of manifests that were asked for."""
    return [path for path in office.server.asked if "_elements" in path]
