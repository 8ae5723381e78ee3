"""Searches of the model server: by id, by identifier, by `_lastUpdated`, page by page; histories.

In:  the address of a search. Out: a Bundle, as far as its quirks let it. A page is cut from what
was there when the first page was asked for; the next one is named by a token, or by `_offset`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from carequeue.fhir import codes
from carequeue.fhir.values import identifier_value
from tests.simulation import shapes as s

if TYPE_CHECKING:
    from tests.simulation.server import Server
    from tests.simulation.shapes import Json, Row, Version


def search(server: Server, path: str, now: datetime) -> s.Answer:
    """One page."""
    kind, _, query = path.partition("?")
    params = dict(parse_qsl(query))
    if token := params.get("_page"):
        return _further(server, token, now)
    is_history = kind.endswith("/_history")
    kind = kind.removesuffix("/_history")
    if kind in s.TYPES and not server.can("search-type", kind):
        return s.outcome(404, "not-supported", f"no {kind} here")
    if is_history:
        if not server.quirks.history:
            return s.outcome(404, "not-supported", "no history here")
        entries = _history(server, kind, params, now)
    else:
        entries = _found(server, kind, params, now)
    start = 0
    if server.quirks.offset and not is_history:
        start = int(params.get("_offset", "0"))
    size = min(int(params.get("_count", "200")), server.quirks.page)
    what = "history" if is_history else "searchset"
    key = f"{kind}{server.searches}"  # never one that has expired
    server.searches += 1
    server.pages[key] = (entries, what, now)
    return _page(server, path, key, start, size, now)


def _further(server: Server, token: str, now: datetime) -> s.Answer:
    key, start, size = token.split("~")
    if key not in server.pages:
        return s.outcome(410, "not-found", "that link has expired")
    return _page(server, "", key, int(start), int(size), now)


def _page(server: Server, path: str, key: str, start: int, size: int, now: datetime) -> s.Answer:
    entries, what, _ = server.pages[key]
    quirks = server.quirks
    links = [{"relation": "self", "url": f"{s.BASE_URL}/{_applied(path, size)}"}] if path else []
    following = start + size
    if quirks.links != "none" and following < len(entries):
        links.append(_next(key, following, size))
    elif quirks.links == "circle" and start > 0 and not path:
        links.append(_next(key, 0, size))
    bundle: Json = {"resourceType": "Bundle", "type": what, "link": links}
    if quirks.stamped:
        bundle["meta"] = {"lastUpdated": s.stamp(server.server_time(now))}
    if quirks.total or (quirks.links == "none" and what == "searchset"):
        bundle["total"] = len(entries)
    bundle["entry"] = entries[start:following]
    return s.Answer(200, {} if quirks.stamped else server.date(now), bundle)


def _applied(path: str, size: int) -> str:
    """The search as it was done: with the page size that was given."""
    base, _, query = path.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("_count=")]
    return f"{base}?{'&'.join([*kept, f'_count={size}'])}"


def _next(key: str, start: int, size: int) -> Json:
    kind = key.rstrip("0123456789")
    return {"relation": "next", "url": f"{s.BASE_URL}/{kind}?_page={key}~{start}~{size}"}


def _found(server: Server, kind: str, params: dict[str, str], now: datetime) -> list[Json]:
    """The newest searchable version of each row that fits."""
    versions: list[tuple[Version, str]] = []
    wanted = set(params["_id"].split(",")) if "_id" in params else None
    named = params.get("identifier", "").rpartition("|")[2]
    bound = _bound(params.get("_lastUpdated", ""), server)
    for (of, key), row in server.rows.items():
        if of != kind or (wanted is not None and key not in wanted):
            continue
        version = row.searchable(now)
        if version is None or version.body is None or (bound and version.at < bound):
            continue
        if named and identifier_value(version.body, codes.IDENTIFIER) != named:
            continue
        versions.append((version, key))
    if params.get("_sort") == "_lastUpdated" and server.quirks.last_updated:
        versions.sort(key=lambda one: (one[0].at, one[1]))
    subset = params.get("_elements") if server.quirks.elements else None
    return [_entry(version.body, subset) for version, _ in versions]


def _entry(body: Any, subset: str | None) -> Json:
    if subset:
        names = {"resourceType", *subset.split(",")}
        body = {name: value for name, value in body.items() if name in names}
        meta = body.get("meta", {})
        tags = [*meta.get("tag", []), {"code": "SUBSETTED"}]
        body["meta"] = {**meta, "tag": tags}
    return {"resource": body, "search": {"mode": "match"}}


def _bound(said: str, server: Server) -> datetime | None:
    if not said.startswith("ge") or not server.quirks.last_updated:
        return None
    bound = datetime.fromisoformat(said[2:].replace(" ", "+"))
    return bound.replace(microsecond=0) if server.quirks.coarse else bound


def _history(server: Server, kind: str, params: dict[str, str], now: datetime) -> list[Json]:
    since = params.get("_since", "")
    bound = datetime.fromisoformat(since.replace(" ", "+")) if since else None
    found: list[tuple[Version, Row]] = []
    for (of, _), row in server.rows.items():
        if of == kind:
            found += [
                (one, row)
                for one in row.versions
                if one.seen_at <= now and (bound is None or one.at >= bound)
            ]
    found.sort(key=lambda one: (one[0].at, one[0].came), reverse=True)
    return [_past(version, row) for version, row in found]


def _past(version: Version, row: Row) -> Json:
    method = "DELETE" if version.body is None else "PUT"
    entry: Json = {
        "fullUrl": f"{s.BASE_URL}/{'/'.join(row.key)}",
        "request": {"method": method, "url": "/".join(row.key)},
        "response": {"status": "200", "lastModified": s.stamp(version.at)},
    }
    if version.body is not None:
        entry["resource"] = version.body
    return entry
