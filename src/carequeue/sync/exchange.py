"""Requests of the outbox as HTTP: one by one, or as one batch; replies matched by position.

A batch is n independent writes; a batch whose answer does not match it leaves every entry in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from carequeue.domain.errors import ServerError
from carequeue.fhir.bundles import (
    BatchAnswer,
    BatchRequest,
    batch,
    is_conflict_issue,
    outcome_words,
    read_batch,
)
from carequeue.sync import messages as m
from carequeue.sync.transport import HttpAnswer, Transport, Unreachable

Reply = m.Reply | m.NoReply


def exchange(
    transport: Transport, command: m.Exchange, no_batch: Callable[[], None]
) -> tuple[Reply, ...]:
    """Send writes; one reply a request, in order."""
    if command.batch:
        replies = _as_batch(transport, command.requests)
        if replies is not None:
            return replies
        no_batch()
    return tuple(_one(transport, request) for request in command.requests)


def read_back(transport: Transport, requests: Sequence[m.Request]) -> tuple[Reply, ...]:
    """Read resources as they now are; a search by identifier gives its one match, else 404."""
    return tuple(_found(_one(transport, request)) for request in requests)


def _one(transport: Transport, request: m.Request) -> Reply:
    headers = {"Prefer": "return=representation"} if request.body is not None else {}
    if request.if_match:
        headers["If-Match"] = request.if_match
    if request.if_none_exist:
        headers["If-None-Exist"] = request.if_none_exist
    try:
        answer = transport.send(request.method, request.path, request.body, headers)
    except Unreachable as error:
        return m.NoReply(request.lane, error.left, error.why)
    except ServerError as error:
        return m.NoReply(request.lane, True, str(error))
    return _reply(request.lane, answer)


def _reply(lane: m.LaneKey, answer: HttpAnswer) -> m.Reply:
    resource = _resource(answer.json, lane[0])
    return m.Reply(
        lane,
        answer.status,
        resource,
        _version(answer.headers.get("etag", ""), resource),
        answer.headers.get("retry-after", ""),
        outcome_words(answer.json) if answer.status >= 400 else "",
        answer.status == 400 and is_conflict_issue(answer.json),
    )


def _resource(json: Any, kind: str) -> dict[str, Any] | None:
    if not isinstance(json, dict) or json.get("resourceType") not in (kind, "Bundle"):
        return None
    return json


def _version(etag: str, resource: dict[str, Any] | None) -> str:
    meta = resource.get("meta") if resource else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    if isinstance(version, str) and version:
        return version
    return etag.removeprefix("W/").strip('"')


def _found(reply: Reply) -> Reply:
    if isinstance(reply, m.NoReply):
        return reply
    resource = reply.resource
    if resource is None or resource.get("resourceType") != "Bundle":
        return reply
    entries = resource.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        one = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(one, dict) and one.get("resourceType") == reply.lane[0]:
            return m.Reply(reply.lane, 200, one, _version("", one))
    return m.Reply(reply.lane, 404)


def _as_batch(transport: Transport, requests: Sequence[m.Request]) -> tuple[Reply, ...] | None:
    """None: the server takes no batch, and did nothing."""
    try:
        answer = transport.send("POST", "", batch([_entry(one) for one in requests]))
    except Unreachable as error:
        return tuple(m.NoReply(one.lane, error.left, error.why) for one in requests)
    except ServerError as error:
        return tuple(m.NoReply(one.lane, True, str(error)) for one in requests)
    if answer.status in (400, 404, 405, 413, 415, 422, 501):
        return None
    if answer.status >= 300:
        return tuple(_reply(one.lane, answer) for one in requests)
    entries = read_batch(answer.json, len(requests))
    if entries is None:
        words = "the answer did not match what was asked"
        return tuple(m.NoReply(one.lane, True, words) for one in requests)
    return tuple(_entry_reply(one, entry) for one, entry in zip(requests, entries, strict=True))


def _entry(request: m.Request) -> BatchRequest:
    return BatchRequest(
        request.method,
        request.path,
        request.body,
        if_match=request.if_match,
        if_none_exist=request.if_none_exist,
    )


def _entry_reply(request: m.Request, entry: BatchAnswer) -> Reply:
    resource = _resource(entry.resource, request.lane[0])
    return m.Reply(
        request.lane,
        entry.status,
        resource,
        _version(entry.etag, resource),
        "",
        outcome_words(entry.outcome) if entry.status >= 400 else "",
        entry.status == 400 and is_conflict_issue(entry.outcome),
    )
