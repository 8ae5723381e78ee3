"""Requests of the outbox as HTTP: one by one, or as one batch; replies matched by position.

A batch is n independent writes; a batch whose answer does not match it leaves every entry in doubt.
A resource in an answer counts only where it is the one that was asked about, by type and by id: a
server that answers with another one (a batch out of order, a proxy's cache) has said nothing, and
its version is nothing either. What follows is reading back, never a base taken from a stranger.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from carequeue.domain.errors import ServerError
from carequeue.fhir import values
from carequeue.fhir.bundles import (
    BatchAnswer,
    BatchRequest,
    batch,
    is_conflict_issue,
    is_subset,
    issues,
    outcome_words,
    read_batch,
)
from carequeue.fhir.chart import Resource
from carequeue.fhir.us import own_reference
from carequeue.fhir.values import ID
from carequeue.sync import messages as m
from carequeue.sync.cycle import Sends
from carequeue.sync.failures import throttles
from carequeue.sync.transport import HttpAnswer, Unreachable

Reply = m.Reply | m.NoReply


class Exchanged(NamedTuple):
    """One reply a request, in order; none where a batch was refused whole."""

    replies: tuple[Reply, ...]
    batch: m.Batched = m.Batched.DONE


def exchange(transport: Sends, command: m.Exchange) -> Exchanged:
    """Send writes, as one batch or one by one."""
    if command.batch:
        return _as_batch(transport, command.requests)
    return Exchanged(_one_by_one(transport, command.requests))


def read_back(transport: Sends, requests: Sequence[m.Request]) -> tuple[Reply, ...]:
    """Read resources as they now are; a search by identifier gives its one match, else 404."""
    return tuple(_found(reply) for reply in _one_by_one(transport, requests))


def _one_by_one(transport: Sends, requests: Sequence[m.Request]) -> tuple[Reply, ...]:
    """Once nobody answers in time, or who answers sends us away, the rest is not tried.

    Each try would wait for its own timeout, or be one more for a server that asks for a pause.
    """
    replies: list[Reply] = []
    ended: Reply | None = None
    for request in requests:
        reply = replace(ended, lane=request.lane) if ended else _one(transport, request)
        if isinstance(reply, m.NoReply):
            ended = replace(reply, left=False) if reply.ends or not reply.left else None
        elif reply.status == 401 or throttles(reply.status, reply.retry_after):
            ended = reply
        replies.append(reply)
    return tuple(replies)


def _one(transport: Sends, request: m.Request) -> Reply:
    headers = {"Prefer": "return=representation"} if request.body is not None else {}
    if request.if_match:
        headers["If-Match"] = request.if_match
    if request.if_none_exist:
        headers["If-None-Exist"] = request.if_none_exist
    if absent := _absent(request):
        headers["If-None-Match"] = absent
    try:
        answer = transport.send(request.method, request.path, request.body, headers)
    except Unreachable as error:
        return m.NoReply(request.lane, error.left, error.why, error.unreadable, error.ends)
    except ServerError as error:
        return m.NoReply(request.lane, True, str(error), unreadable=True)
    return _reply(request, answer)


def _absent(request: m.Request) -> str:
    """The guard of a create under an id of ours, which is a PUT like any other.

    Without it, one that is delivered late goes over what was written there since.
    """
    return "*" if request.creates and request.method == "PUT" else ""


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
        issues(answer.json) if answer.status >= 400 else (),
        location=_id_at(answer.headers.get("location", ""), request),
    )


def _id_at(location: str, request: m.Request) -> str:
    """The id that a `Location` gives to what was made: `[base]/Task/12/_history/1`, or relative."""
    steps: list[str] = []
    with suppress(ValueError):  # what is no address says nothing
        steps = urlsplit(location).path.split("/") if request.creates else []
    kind = request.lane[0]
    ids = [after for of, after in pairwise(steps) if of == kind and ID.fullmatch(after)]
    return ids[-1] if ids else ""


def _asked_for(request: m.Request, json: Any) -> Resource | None:
    """The resource of an answer, where it is the one that the request names; else None.

    A search or a history answers with a Bundle; a create with an id that the server chose.
    """
    if not isinstance(json, dict) or is_subset(json):
        return None  # written back, a part would take away all that is not in it
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
    """What a search or a history found, as the reply about its first."""
    if isinstance(reply, m.NoReply):
        return reply
    resource = reply.resource
    if resource is None or resource.get("resourceType") != "Bundle":
        return reply
    entries = (values.get(entry, "resource") for entry in values.objects(resource, "entry"))
    shown = [one for one in entries if own_reference(one).partition("/")[0] == reply.lane[0]]
    many = tuple(one for one in shown if not is_subset(one))
    if not many:
        return m.Reply(reply.lane, 200 if shown else 404)  # a part: it is there, and says nothing
    return m.Reply(reply.lane, 200, many[0], _version("", many[0]), many=many)


def _as_batch(transport: Sends, requests: Sequence[m.Request]) -> Exchanged:
    try:
        answer = transport.send("POST", "", batch([_entry(one) for one in requests]))
    except Unreachable as error:
        if error.unreadable:
            return _silent(requests, error.why)
        became = m.Batched.UNANSWERED if error.left else m.Batched.DONE
        return _no_replies(requests, error.why, became, left=error.left, ends=error.ends)
    except ServerError as error:
        return _silent(requests, str(error))
    if answer.status in (404, 405, 415, 501) or _is_not_supported(answer):
        return Exchanged((), m.Batched.NEVER)
    if answer.status in (400, 403, 413, 422):
        return Exchanged((), m.Batched.TOO_LARGE if answer.status == 413 else m.Batched.REFUSED)
    if answer.status in (502, 504):  # a gateway: it had no answer either
        why = f"a gateway had no answer ({answer.status})"
        return _no_replies(requests, why, m.Batched.UNANSWERED)
    if answer.status >= 500 and answer.status != 503:  # it fell over, perhaps halfway
        return _silent(requests, f"it failed at many changes in one request ({answer.status})")
    if answer.status >= 300:
        return Exchanged(tuple(_reply(one, answer) for one in requests))
    entries = read_batch(answer.json, len(requests))
    if entries is None:
        return _silent(requests, "the answer did not match what was asked")
    return Exchanged(
        tuple(_entry_reply(one, entry) for one, entry in zip(requests, entries, strict=True))
    )


def _silent(requests: Sequence[m.Request], why: str) -> Exchanged:
    """Each of them may have been done."""
    return _no_replies(requests, why, m.Batched.SILENT)


def _no_replies(
    requests: Sequence[m.Request],
    why: str,
    became: m.Batched,
    *,
    left: bool = True,
    ends: bool = False,
) -> Exchanged:
    return Exchanged(tuple(m.NoReply(one.lane, left, why, ends=ends) for one in requests), became)


def _is_not_supported(answer: HttpAnswer) -> bool:
    said = issues(answer.json) if answer.status in (400, 422) else ()
    return any(issue.code == "not-supported" for issue in said)


def _entry(request: m.Request) -> BatchRequest:
    return BatchRequest(
        request.method,
        request.path,
        request.body,
        if_match=request.if_match,
        if_none_exist=request.if_none_exist,
        if_none_match=_absent(request),
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
        issues(entry.outcome) if entry.status >= 400 else (),
        location=_id_at(entry.location, request),
    )
