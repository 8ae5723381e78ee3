"""Requests of the outbox as HTTP: one by one, or as one batch; replies matched by position.

A batch is n independent writes; a batch whose answer does not match it leaves every entry in doubt.
A resource in an answer counts only where it is the one that was asked about, by type and by id: a
server that answers with another one (a batch out of order, a proxy's cache) has said nothing, and
its version is nothing either. What follows is reading back, never a base taken from a stranger.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from carequeue.domain.errors import ServerError
from carequeue.fhir import values
from carequeue.fhir.bundles import (
    BatchAnswer,
    BatchRequest,
    batch,
    is_conflict_issue,
    outcome_words,
    read_batch,
)
from carequeue.fhir.chart import Resource
from carequeue.fhir.us import own_reference
from carequeue.sync import messages as m
from carequeue.sync.transport import HttpAnswer, Transport, Unreachable

Reply = m.Reply | m.NoReply


def exchange(
    transport: Transport, command: m.Exchange, no_batch: Callable[[bool], None]
) -> tuple[Reply, ...]:
    """Send writes; one reply a request, in order.

    `no_batch` is told where the server took no batch; True: it never will.
    """
    if command.batch:
        replies = _as_batch(transport, command.requests, no_batch)
        if replies is not None:
            return replies
    return _one_by_one(transport, command.requests)


def read_back(transport: Transport, requests: Sequence[m.Request]) -> tuple[Reply, ...]:
    """Read resources as they now are; a search by identifier gives its one match, else 404."""
    return tuple(_found(reply) for reply in _one_by_one(transport, requests))


def _one_by_one(transport: Transport, requests: Sequence[m.Request]) -> tuple[Reply, ...]:
    """Once the network is gone the rest is not tried: each try would wait for its own timeout."""
    replies: list[Reply] = []
    gone: m.NoReply | None = None
    for request in requests:
        reply = replace(gone, lane=request.lane) if gone else _one(transport, request)
        if isinstance(reply, m.NoReply) and not reply.left:
            gone = reply
        replies.append(reply)
    return tuple(replies)


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
    return _reply(request, answer)


def _reply(request: m.Request, answer: HttpAnswer) -> m.Reply:
    resource = _asked_for(request, answer.json)
    return m.Reply(
        request.lane,
        answer.status,
        resource,
        _version(answer.headers.get("etag", ""), resource),
        answer.headers.get("retry-after", ""),
        outcome_words(answer.json) if answer.status >= 400 else "",
        answer.status == 400 and is_conflict_issue(answer.json),
    )


def _asked_for(request: m.Request, json: Any) -> Resource | None:
    """The resource of an answer, where it is the one that the request names; else None.

    A search may answer with a Bundle; a create with an id that the server chose.
    """
    if not isinstance(json, dict):
        return None
    path = request.path.partition("?")[0]
    if request.method == "GET" and path != request.path:
        return json if json.get("resourceType") == "Bundle" else None
    if json.get("resourceType") != request.lane[0]:
        return None
    named = own_reference(json)
    return json if named and (request.creates or named == path) else None


def _version(etag: str, resource: Resource | None) -> str:
    if resource is None:
        return ""
    meta = resource.get("meta")
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
        if own_reference(one).partition("/")[0] == reply.lane[0]:
            return m.Reply(reply.lane, 200, one, _version("", one))
    return m.Reply(reply.lane, 404)


def _as_batch(
    transport: Transport, requests: Sequence[m.Request], no_batch: Callable[[bool], None]
) -> tuple[Reply, ...] | None:
    """None: the server took no batch, and did nothing."""
    try:
        answer = transport.send("POST", "", batch([_entry(one) for one in requests]))
    except Unreachable as error:
        return tuple(m.NoReply(one.lane, error.left, error.why) for one in requests)
    except ServerError as error:
        return tuple(m.NoReply(one.lane, True, str(error)) for one in requests)
    if answer.status in (400, 403, 404, 405, 413, 415, 422, 501):
        no_batch(answer.status in (404, 405, 501) or _is_not_supported(answer))
        return None
    if answer.status >= 500 and answer.status != 503:  # it fell over, perhaps halfway
        no_batch(False)
        words = f"the server failed at many changes in one request ({answer.status})"
        return tuple(m.NoReply(one.lane, True, words) for one in requests)
    if answer.status >= 300:
        return tuple(_reply(one, answer) for one in requests)
    entries = read_batch(answer.json, len(requests))
    if entries is None:
        words = "the answer did not match what was asked"
        return tuple(m.NoReply(one.lane, True, words) for one in requests)
    return tuple(_entry_reply(one, entry) for one, entry in zip(requests, entries, strict=True))


def _is_not_supported(answer: HttpAnswer) -> bool:
    issues = values.objects(answer.json, "issue")
    return any(values.text(issue, "code") == "not-supported" for issue in issues)


def _entry(request: m.Request) -> BatchRequest:
    return BatchRequest(
        request.method,
        request.path,
        request.body,
        if_match=request.if_match,
        if_none_exist=request.if_none_exist,
    )


def _entry_reply(request: m.Request, entry: BatchAnswer) -> Reply:
    resource = _asked_for(request, entry.resource)
    return m.Reply(
        request.lane,
        entry.status,
        resource,
        _version(entry.etag, resource),
        "",
        outcome_words(entry.outcome) if entry.status >= 400 else "",
        entry.status == 400 and is_conflict_issue(entry.outcome),
    )
