"""The model server: FHIR over dicts, with the quirks of a real one and a memory of every version.

In:  a request, the time, and which decisions it carries (told by the wire, never by the request).
Out: an answer; and every accepted write to `on_write`, which holds it against the promise.
Bodies are never changed after they were kept, so that they can be shared without a copy.
Not here: what happens to a request on its way (`wire.py`), the clinic (`world.py`), searches
(`searching.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from carequeue.fhir import codes, jsontext
from carequeue.fhir.values import identifier_value
from tests.simulation.quirks import Quirks
from tests.simulation.searching import search
from tests.simulation.shapes import (
    BASE_URL,
    MORE,
    STATUSES,
    TYPES,
    Answer,
    Json,
    Key,
    Row,
    Version,
    Write,
    outcome,
    stamp,
)
from tests.simulation.statement import statement

_WITH_IDS: Final = ("note", "output")
Carried = Callable[[str, str, Any], tuple[str, ...]]


class Server:
    """One server."""

    def __init__(self, quirks: Quirks, on_write: Callable[[Write], None]) -> None:
        self.quirks = quirks
        self.rows: dict[Key, Row] = {}
        self.returned: set[bytes] = set()  # every body that it ever gave, or could have given
        self.token = True
        self.writes = 0
        self.requests = 0
        self.on_write = on_write
        self.pages: dict[str, tuple[list[Json], str, datetime]] = {}
        self.searches = 0
        self.has_place = quirks.task
        #: Row -> its versions that a backup lost, or that a request from before it made anew.
        self.set_back: dict[Key, set[str]] = {}
        self.restores = 0
        self.sent: Any = None
        self._ids = 0

    # --- the door ---------------------------------------------------------------------------------

    def handle(
        self,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        now: datetime,
        carried: Carried,
    ) -> Answer:
        """One request, done."""
        self.requests += 1
        if not self.token:
            return outcome(401, "login", "who are you?")
        if path.partition("?")[0] == "metadata":
            return Answer(200, {}, statement(self))
        if path == "":
            return self._batch(body, headers, now, carried)
        if method == "GET":
            return self._get(path, now)
        done = self._write(method, path, body, headers, now, carried(method, path, body))
        if done.status < 300 and not self._echoes(headers):
            done = Answer(done.status, done.headers, None)
        return done

    def server_time(self, now: datetime) -> datetime:
        """Its own clock."""
        return now + timedelta(seconds=self.quirks.skew) if self.quirks.skew else now

    def _echoes(self, headers: Mapping[str, str]) -> bool:
        asked = headers.get("Prefer") == "return=representation"
        return self.quirks.echo == "always" or (self.quirks.echo == "asked" and asked)

    def _batch(self, body: Any, sent: Mapping[str, str], now: datetime, carried: Carried) -> Answer:
        entries = body["entry"]
        if self.quirks.batch == 0:
            return outcome(self.quirks.no_batch, "not-supported", "no batch here")
        if len(entries) > self.quirks.batch:
            return outcome(413, "too-long", "too many at once")
        answers = []
        for entry in entries:
            asked = entry["request"]
            headers = {}
            for name, header in _IN_A_BATCH:
                if name in asked:
                    headers[header] = asked[name]
            method, path, resource = asked["method"], asked["url"], entry.get("resource")
            one = self._done(method, path, resource, headers, now, carried)
            response: Json = {"status": str(one.status)}
            response |= one.headers
            answer: Json = {"response": response}
            if one.status >= 400:
                response["outcome"] = one.json
            elif one.json is not None and (method == "GET" or self._echoes(sent)):
                answer["resource"] = one.json
            answers.append(answer)
        return Answer(
            200, {}, {"resourceType": "Bundle", "type": "batch-response", "entry": answers}
        )

    def _done(
        self,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        now: datetime,
        carried: Carried,
    ) -> Answer:
        """One entry of a batch."""
        if method != "GET":
            return self._write(method, path, body, headers, now, carried(method, path, body))
        if not self.quirks.batch_reads:
            return outcome(404, "not-found", "no readings in a batch")
        return self._get(path, now)

    def _get(self, path: str, now: datetime) -> Answer:
        kind, _, rest = path.partition("/")
        if "?" in path or not rest:
            return search(self, path, now)
        row = self.rows.get((kind, rest))
        if row is None:
            return outcome(404, "not-found", "not here")
        if row.body is None:
            return outcome(self.quirks.gone, "deleted", "no longer here")
        return Answer(200, self._etag(row.now), row.body)

    def _etag(self, version: Version) -> dict[str, str]:
        return {} if self.quirks.meta == "none" else {"etag": f'W/"{version.number}"'}

    # --- writes -----------------------------------------------------------------------------------

    def can(self, interaction: str, kind: str) -> bool:
        """What it takes at present."""
        return interaction in self.interactions(kind)

    def interactions(self, kind: str) -> frozenset[str]:
        """What it declares of a type."""
        if kind == "Task":
            return _PLACES[self.has_place] | self._history()
        if kind == "Communication":
            return _PLACES["all"] | self._history()
        if kind in MORE:
            return _PLACES["all"] | self._history() if self.quirks.more else frozenset()
        return _PLACES["read"] if kind in TYPES else frozenset()

    def _history(self) -> frozenset[str]:
        return frozenset({"history-type"}) if self.quirks.history else frozenset()

    def _write(
        self,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        now: datetime,
        carried: tuple[str, ...],
    ) -> Answer:
        kind, _, key = path.partition("/")
        if (refused := self._refused(kind, body)) is not None:
            return refused
        if method == "POST":
            return self._post(kind, body, headers, now, carried)
        row = self.rows.get((kind, key))
        if row is None or row.body is None:
            return self._put_where_nothing_is(kind, key, body, headers, now, carried)
        if not self.can("update", kind):
            return outcome(405, "not-supported", f"{kind} cannot be changed here")
        if headers.get("If-None-Match") == "*" and self.quirks.none_match:
            return outcome(412, "conflict", "it is there already")
        stale = self._stale(row.now, headers.get("If-Match", ""))
        if stale is not None:
            return stale
        after = self.keep(row.key, body, now, carried)
        return Answer(200, self._etag(after), after.body)

    def _refused(self, kind: str, body: Any) -> Answer | None:
        """What its own rules do not take."""
        if kind != "Task":
            return None
        if self.quirks.statuses and body.get("status") not in STATUSES:
            words = f"unknown status: {body.get('status')}"
            return outcome(422, "code-invalid", words, "Task.status")
        rule = self.quirks.refuses
        snoozed = any(one["url"] == codes.SNOOZED_UNTIL for one in body.get("extension", ()))
        if (rule == "asap" and body.get("priority") == "asap") or (rule == "snooze" and snoozed):
            return outcome(422, "business-rule", f"nothing is {rule} here")
        return None

    def _stale(self, version: Version, guard: str) -> Answer | None:
        if self.quirks.guard == "ignored" or self.quirks.meta == "none":
            return None
        if not guard:
            if self.quirks.needs_guard:
                return outcome(428, "required", "which version is it about?")
            return None
        if guard == f'W/"{version.number}"':
            return None
        return outcome(self.quirks.stale, "conflict", "somebody was quicker")

    def _put_where_nothing_is(
        self,
        kind: str,
        key: str,
        body: Any,
        headers: Mapping[str, str],
        now: datetime,
        carried: tuple[str, ...],
    ) -> Answer:
        if "If-Match" in headers and self.quirks.guard != "ignored":
            code = self.quirks.put_gone if (kind, key) in self.rows else 404
            return outcome(code, "not-found", "not here")
        if not self.quirks.update_create or not self.can("create", kind):
            return outcome(405, "not-supported", "an id is given by the server only")
        after = self.keep((kind, key), body, now, carried)
        return Answer(201, self._etag(after), after.body)

    def _post(
        self,
        kind: str,
        body: Any,
        headers: Mapping[str, str],
        now: datetime,
        carried: tuple[str, ...],
    ) -> Answer:
        if not self.can("create", kind):
            return outcome(405, "not-supported", f"{kind} cannot be made here")
        if headers.get("If-None-Exist") and self.quirks.conditional:
            named = identifier_value(body, codes.IDENTIFIER)
            there = self.named(kind, named)
            if len(there) > 1:
                return outcome(412, "multiple-matches", "more than one is there")
            if there:
                return Answer(200, self._etag(there[0].now), there[0].body)
        self._ids += 1
        key = (kind, f"s{self._ids}")
        after = self.keep(key, body, now, carried)
        location = f"{BASE_URL}/{'/'.join(key)}/_history/{after.number}"
        return Answer(201, {**self._etag(after), "location": location}, after.body)

    def named(self, kind: str, value: str) -> list[Row]:
        """The rows that carry an identifier of ours now."""
        return [
            row
            for (of, _), row in self.rows.items()
            if of == kind and row.body and identifier_value(row.body, codes.IDENTIFIER) == value
        ]

    def keep(
        self,
        key: Key,
        body: Json | None,
        now: datetime,
        carried: tuple[str, ...] = (),
        stamped: datetime | None = None,
    ) -> Version:
        """A new version of a row (None: it is deleted), written by these decisions or a colleague.

        `stamped`: the instant that it bears, where that is earlier than it is there.
        """
        self.writes += 1
        row = self.rows.get(key)
        before = row.now if row else None
        if row is None:
            row = self.rows[key] = Row(key)
        number = str(self.writes if self.quirks.versions == "global" else len(row.versions) + 1)
        at = self.server_time(stamped or now)
        if self.quirks.coarse:
            at = at.replace(microsecond=0)
        kept = None if body is None else self._as_kept(key, body, number, at, before)
        seen_at = now + timedelta(seconds=self.quirks.index_lag) if self.quirks.index_lag else now
        after = Version(number, kept, at, seen_at, carried, self.writes)
        row.versions.append(after)
        if kept is not None:
            self.returned.add(jsontext.dumps(kept))
        self.on_write(Write(row, before, after, carried, self.sent))
        if self.sent is not None and self.sent.restores < self.restores:
            self.set_back.setdefault(key, set()).add(number)
        return after

    def _as_kept(
        self, key: Key, body: Json, number: str, at: datetime, before: Version | None
    ) -> Json:
        kept: Json = {"resourceType": key[0], "id": key[1]}
        tags = _tags(body)
        if self.quirks.merges_tags and before and before.body:
            tags = [*_tags(before.body), *(tag for tag in tags if tag not in _tags(before.body))]
        if self.quirks.meta == "full":
            kept["meta"] = {"versionId": number, "lastUpdated": stamp(at)}
            if tags:
                kept["meta"]["tag"] = tags
        for name, value in body.items():
            if name in ("resourceType", "id", "meta"):
                continue
            if self.quirks.drops_ids and name in _WITH_IDS and isinstance(value, list):
                value = [{k: v for k, v in each.items() if k != "id"} for each in value]
            kept[name] = value
        return kept

    def restore(self, at: datetime) -> int:
        """A backup of an earlier instant is played back; how many rows that changed."""
        changed = 0
        for key, row in list(self.rows.items()):
            if key[0] not in ("Task", "Communication", *MORE):
                continue
            kept = [version for version in row.versions if version.at <= at]
            if lost := {version.number for version in row.versions if version.at > at}:
                self.set_back.setdefault(key, set()).update(lost)
                changed += 1
            if kept:
                row.versions[:] = kept
            else:
                del self.rows[key]
        self.pages.clear()
        self.restores += 1
        return changed

    def date(self, now: datetime) -> dict[str, str]:
        """The Date header, where its Bundles say no time."""
        return {"date": format_datetime(self.server_time(now), usegmt=True)}


_IN_A_BATCH: Final = (
    ("ifMatch", "If-Match"),
    ("ifNoneMatch", "If-None-Match"),
    ("ifNoneExist", "If-None-Exist"),
)
_READS: Final = frozenset({"read", "search-type"})
_PLACES: Final = {
    "all": _READS | {"create", "update", "delete"},
    "no_create": _READS | {"update"},
    "read": _READS,
    "none": frozenset[str](),
}


def _tags(body: Json) -> list[Any]:
    meta = body.get("meta")
    found = meta.get("tag") if isinstance(meta, dict) else None
    return found if isinstance(found, list) else []
