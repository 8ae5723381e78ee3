"""Requests of the outbox as HTTP: one at a time, or as one batch; replies matched by position.

A batch is n independent writes; a batch whose reply does not match it leaves every entry in doubt.
Every write asks for the resource back (`Prefer`). A server that returns none has still accepted it,
with a status, version and location: those are passed on (`bare`), and the result is read.
Reads are batched too if the source has batches: by id, since a search can lag. Only what a batch
clearly shows is used; the rest is read one at a time.
A resource in a reply counts only if it is the one that was asked about, by type and id. A server
that answers with another one (a batch out of order, a proxy's cache) has told nothing, and neither
has its version. The resource is then read back; a base is never taken from another resource.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, NamedTuple
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
from carequeue.fhir.our_directory import own_reference
from carequeue.fhir.values import ID
from carequeue.sync.protocol.failures import throttles
from carequeue.sync.protocol.sending import HttpResponse, Sends, Unreachable
from carequeue.sync.push import messages as m

Reply = m.Reply | m.NoReply
#: Without this header HAPI FHIR answers the entries of a batch without their resources.
_REPRESENTATION: Final = {"Prefer": "return=representation"}
#: Status of a gateway whose server did not reply in time.
_GATEWAY: Final = (502, 504)


class Exchanged(NamedTuple):
    """One reply for each request, in order; none if a batch was rejected as a whole."""

    replies: tuple[Reply, ...]
    batch: m.Batched = m.Batched.DONE


def exchange(transport: Sends, command: m.Exchange) -> Exchanged:
    """Send writes, as one batch or one at a time."""
    if command.batch:
        return _as_batch(transport, command.requests)
    return Exchanged(_one_by_one(transport, command.requests))


def read_back(
    transport: Sends, requests: Sequence[m.Request], at_once: int = 1
) -> tuple[Reply, ...]:
    """Read resources as they now are; a search by identifier gives its one match, otherwise 404.

    `at_once`: how many may be in one request; 1 if the source has no batches.
    """
    together = min(at_once, len(requests)) > 1
    replies = _in_batches(transport, requests, at_once) if together else {}
    alone = [request for request in requests if request.key not in replies]
    replies |= {reply.key: reply for reply in _one_by_one(transport, alone)}
    return tuple(_found(replies[request.key]) for request in requests)


def _one_by_one(transport: Sends, requests: Sequence[m.Request]) -> tuple[Reply, ...]:
    """Send one at a time. After a time-out, or a 401 or pause from the server, the rest is not
    tried.

    Each try would wait for its own time-out, or be one more for a server that asks for a pause.
    """
    replies: list[Reply] = []
    ended: Reply | None = None
    for request in requests:
        reply = replace(ended, key=request.key) if ended else _one(transport, request)
        if isinstance(reply, m.NoReply):
            ended = replace(reply, left=False) if reply.ends or not reply.left else None
        elif reply.status == 401 or throttles(reply.status, reply.retry_after):
            ended = reply
        replies.append(reply)
    return tuple(replies)


def _one(transport: Sends, request: m.Request) -> Reply:
    headers = dict(_REPRESENTATION) if request.body is not None else {}
    if request.if_match:
        headers["If-Match"] = request.if_match
    if request.if_none_exist:
        headers["If-None-Exist"] = request.if_none_exist
    if absent := _absent(request):
        headers["If-None-Match"] = absent
    try:
        answer = transport.send(request.method, request.path, request.body, headers)
    except Unreachable as error:
        return m.NoReply(request.key, error.left, error.why, error.unreadable, error.ends)
    except ServerError as error:
        return m.NoReply(request.key, True, str(error), unreadable=True)
    return _reply(request, answer)


def _absent(request: m.Request) -> str:
    """The If-None-Match of a create under our id, which is a PUT like any other.

    Without it, a late delivery would overwrite what was written there since.
    """
    return "*" if request.creates and request.method == "PUT" else ""


def _reply(request: m.Request, answer: HttpResponse) -> m.Reply:
    """The reply to a request that was sent alone."""
    headers, json = answer.headers, answer.json
    etag, location = headers.get("etag", ""), headers.get("location", "")
    entry = BatchAnswer(answer.status, etag, json, json, location)
    return replace(_entry_reply(request, entry), retry_after=headers.get("retry-after", ""))


def _entry_reply(request: m.Request, entry: BatchAnswer) -> m.Reply:
    """The reply to a request that was an entry of a batch."""
    resource = _asked_for(request, entry.resource)
    named = _id_at(entry.location, request)
    bare = _is_bare(request, entry.status, entry.resource, named)
    failed = entry.status >= 400
    return m.Reply(
        request.key,
        entry.status,
        resource,
        _version(entry.etag, resource, bare),
        words=outcome_words(entry.outcome) if failed else "",
        conflict_issue=entry.status == 400 and is_conflict_issue(entry.outcome),
        issues=issues(entry.outcome) if failed else (),
        location=named if request.creates and (bare or resource) else "",
        bare=bare,
    )


def _id_at(location: str, request: m.Request) -> str:
    """The id in a `Location`: `[base]/Task/12/_history/1`, or relative; "" where there is none."""
    steps: list[str] = []
    with suppress(ValueError):  # an invalid URL tells nothing
        steps = urlsplit(location).path.split("/")
    kind = request.key[0]
    ids = [after for of, after in pairwise(steps) if of == kind and ID.fullmatch(after)]
    return ids[-1] if ids else ""


def _is_bare(request: m.Request, status: int, json: Any, named: str) -> bool:
    """Whether this is a success of the request, without any resource.

    A reply with another resource, or with another location, is about something else. `named`: the
    id in its `Location`.
    """
    without = json is None or values.text(json, "resourceType") == "OperationOutcome"
    other = bool(named) and not request.creates and named != request.key[1]
    return 200 <= status < 300 and request.method != "GET" and without and not other


def _asked_for(request: m.Request, json: Any) -> Resource | None:
    """The resource of a reply, if it is the one that the request names; otherwise None.

    A search or a history returns a Bundle; a create returns an id that the server chose.
    """
    if not isinstance(json, dict) or is_subset(json):
        return None  # writing a partial resource back would remove the rest of it
    path = request.path.partition("?")[0]
    if request.method == "GET" and path != request.path:
        return json if json.get("resourceType") == "Bundle" else None
    if json.get("resourceType") != request.key[0]:
        return None
    named = own_reference(json)
    return json if named and (request.creates or named == path) else None


def _version(etag: str, resource: Resource | None, bare: bool = False) -> str:
    if resource is None and not bare:
        return ""
    return values.text(resource, "meta.versionId") or etag.removeprefix("W/").strip('"')


def _found(reply: Reply) -> Reply:
    """The result of a search or a history, as the reply about its first match."""
    if isinstance(reply, m.NoReply):
        return reply
    resource = reply.resource
    if resource is None or resource.get("resourceType") != "Bundle":
        return reply
    entries = (values.get(entry, "resource") for entry in values.objects(resource, "entry"))
    shown = [
        resource
        for resource in entries
        if own_reference(resource).partition("/")[0] == reply.key[0]
    ]
    many = tuple(resource for resource in shown if not is_subset(resource))
    if not many:
        # A partial resource: it exists, and tells nothing.
        return m.Reply(reply.key, 200 if shown else 404)
    return m.Reply(reply.key, 200, many[0], _version("", many[0]), many=many)


def _as_batch(transport: Sends, requests: Sequence[m.Request]) -> Exchanged:
    try:
        asked = batch([_entry(request) for request in requests])
        answer = transport.send("POST", "", asked, _REPRESENTATION)
    except Unreachable as error:
        if error.unreadable:
            return _no_replies(requests, error.why)
        became = m.Batched.UNANSWERED if error.left else m.Batched.DONE
        return _no_replies(requests, error.why, became, left=error.left, ends=error.ends)
    except ServerError as error:
        return _no_replies(requests, str(error))
    if answer.status in (404, 405, 415, 501) or _is_not_supported(answer):
        return Exchanged((), m.Batched.NEVER)
    if answer.status in (400, 403, 413, 422):
        return Exchanged((), m.Batched.TOO_LARGE if answer.status == 413 else m.Batched.REFUSED)
    if answer.status in _GATEWAY:  # it got no reply either
        why = f"a gateway got no reply ({answer.status})"
        return _no_replies(requests, why, m.Batched.UNANSWERED)
    if answer.status >= 500 and answer.status != 503:  # it failed, perhaps halfway
        why = f"it failed with many changes in one request ({answer.status})"
        return _no_replies(requests, why)
    if answer.status >= 300:
        return Exchanged(tuple(_reply(request, answer) for request in requests))
    entries = read_batch(answer.json, len(requests))
    if entries is None:
        return _no_replies(requests, "the reply did not match the request")
    return Exchanged(
        tuple(
            _entry_reply(request, entry) for request, entry in zip(requests, entries, strict=True)
        )
    )


def _no_replies(
    requests: Sequence[m.Request],
    why: str,
    became: m.Batched = m.Batched.SILENT,
    *,
    left: bool = True,
    ends: bool = False,
) -> Exchanged:
    """No usable reply: each of the requests may have been done, if they left."""
    replies = tuple(m.NoReply(request.key, left, why, ends=ends) for request in requests)
    return Exchanged(replies, became)


def _is_not_supported(answer: HttpResponse) -> bool:
    rejected = answer.status in (400, 422)
    return rejected and any(issue.code == "not-supported" for issue in issues(answer.json))


def _entry(request: m.Request) -> BatchRequest:
    return BatchRequest(
        request.method,
        request.path,
        request.body,
        if_match=request.if_match,
        if_none_exist=request.if_none_exist,
        if_none_match=_absent(request),
    )


# --- many reads in one request --------------------------------------------------------------------


def _in_batches(
    transport: Sends, requests: Sequence[m.Request], at_once: int
) -> dict[m.ResourceKey, Reply]:
    """The clear replies of batches of reads, by resource; a missing resource is still to be read.

    A batch without a reply ends it: each further one could wait as long. A server that asks for a
    sign-in or a pause has answered all of them.
    """
    replies: dict[m.ResourceKey, Reply] = {}
    for at in range(0, len(requests), at_once):
        part, left = requests[at : at + at_once], requests[at:]
        try:
            asked = batch([_entry(request) for request in part])
            answer = transport.send("POST", "", asked, _REPRESENTATION)
        except Unreachable as error:
            if error.unreadable:
                continue
            lost = m.NoReply(part[0].key, error.left, error.why, ends=error.ends)
            return replies | _lost(left, len(part), lost)
        except ServerError:
            continue  # one at a time: one of them may be the cause
        if answer.status == 401 or throttles(answer.status, answer.headers.get("retry-after", "")):
            return replies | {request.key: _reply(request, answer) for request in left}
        if answer.status in _GATEWAY:  # its server did not reply in time
            why = f"a gateway got no reply ({answer.status})"
            return replies | _lost(left, len(part), m.NoReply(part[0].key, True, why))
        replies |= _shown(part, answer)
    return replies


def _lost(requests: Sequence[m.Request], sent: int, lost: m.NoReply) -> dict[m.ResourceKey, Reply]:
    """No reply for all that were still to be read; the first `sent` of them were sent."""
    return {
        request.key: replace(
            lost, key=request.key, sent_in_failed_batch=lost.left and number < sent
        )
        for number, request in enumerate(requests)
    }


def _shown(requests: Sequence[m.Request], answer: HttpResponse) -> dict[m.ResourceKey, Reply]:
    """The replies of a batch that hold what was asked for.

    An entry with an error is asked about alone: a server without reads in batches must not look as
    if the resource were gone.
    """
    entries = read_batch(answer.json, len(requests)) if answer.status == 200 else None
    replies = [_entry_reply(*pair) for pair in zip(requests, entries or (), strict=False)]
    clear = (reply for reply in replies if reply.status == 200)
    return {reply.key: reply for reply in clear if reply.resource is not None}
