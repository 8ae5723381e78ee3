"""Requests of the outbox as HTTP: one by one, or as one batch; replies matched by position.

A batch is n independent writes; a batch whose answer does not match it leaves every entry in doubt.
Every write asks for the resource back (`Prefer`). A server that gives none has still said yes, and
with which status, version and location: that is handed on (`bare`), and what was written is read.
Readings go in batches too, where the source has batches: read by id, since a search can lag. Only
what a batch clearly shows is taken from it; the rest is read one by one.
A resource in an answer counts only where it is the one that was asked about, by type and by id: a
server that answers with another one (a batch out of order, a proxy's cache) has said nothing, and
its version is nothing either. What follows is reading back, never a base taken from a stranger.
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
from carequeue.sync.protocol.sending import HttpAnswer, Sends, Unreachable
from carequeue.sync.push import messages as m

Reply = m.Reply | m.NoReply
#: Without it HAPI FHIR answers the entries of a batch without their resources.
_REPRESENTATION: Final = {"Prefer": "return=representation"}
#: What a gateway says where the server behind it did not answer in time.
_GATEWAY: Final = (502, 504)


class Exchanged(NamedTuple):
    """One reply a request, in order; none where a batch was refused whole."""

    replies: tuple[Reply, ...]
    batch: m.Batched = m.Batched.DONE


def exchange(transport: Sends, command: m.Exchange) -> Exchanged:
    """Send writes, as one batch or one by one."""
    if command.batch:
        return _as_batch(transport, command.requests)
    return Exchanged(_one_by_one(transport, command.requests))


def read_back(
    transport: Sends, requests: Sequence[m.Request], at_once: int = 1
) -> tuple[Reply, ...]:
    """Read resources as they now are; a search by identifier gives its one match, else 404.

    `at_once`: how many may stand in one request; 1 where the source has no batches.
    """
    together = min(at_once, len(requests)) > 1
    replies = _in_batches(transport, requests, at_once) if together else {}
    alone = [request for request in requests if request.key not in replies]
    replies |= {reply.key: reply for reply in _one_by_one(transport, alone)}
    return tuple(_found(replies[request.key]) for request in requests)


def _one_by_one(transport: Sends, requests: Sequence[m.Request]) -> tuple[Reply, ...]:
    """Once nobody answers in time, or who answers sends us away, the rest is not tried.

    Each try would wait for its own timeout, or be one more for a server that asks for a pause.
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
    """The guard of a create under an id of ours, which is a PUT like any other.

    Without it, one that is delivered late goes over what was written there since.
    """
    return "*" if request.creates and request.method == "PUT" else ""


def _reply(request: m.Request, answer: HttpAnswer) -> m.Reply:
    resource = _asked_for(request, answer.json)
    named = _id_at(answer.headers.get("location", ""), request)
    bare = _is_bare(request, answer.status, answer.json, named)
    return m.Reply(
        request.key,
        answer.status,
        resource,
        _version(answer.headers.get("etag", ""), resource, bare),
        answer.headers.get("retry-after", ""),
        outcome_words(answer.json) if answer.status >= 400 else "",
        answer.status == 400 and is_conflict_issue(answer.json),
        issues(answer.json) if answer.status >= 400 else (),
        location=named if request.creates and (bare or resource) else "",
        bare=bare,
    )


def _id_at(location: str, request: m.Request) -> str:
    """The id in a `Location`: `[base]/Task/12/_history/1`, or relative; "" where there is none."""
    steps: list[str] = []
    with suppress(ValueError):  # what is no address says nothing
        steps = urlsplit(location).path.split("/")
    kind = request.key[0]
    ids = [after for of, after in pairwise(steps) if of == kind and ID.fullmatch(after)]
    return ids[-1] if ids else ""


def _is_bare(request: m.Request, status: int, json: Any, named: str) -> bool:
    """Whether this is a yes to the request, without any resource.

    An answer with another resource, or with the location of another, speaks of something else.
    `named`: the id in its `Location`.
    """
    without = json is None or values.text(json, "resourceType") == "OperationOutcome"
    other = bool(named) and not request.creates and named != request.key[1]
    return 200 <= status < 300 and request.method != "GET" and without and not other


def _asked_for(request: m.Request, json: Any) -> Resource | None:
    """The resource of an answer, where it is the one that the request names; else None.

    A search or a history answers with a Bundle; a create with an id that the server chose.
    """
    if not isinstance(json, dict) or is_subset(json):
        return None  # written back, a part would take away all that is not in it
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
    meta = resource.get("meta") if resource is not None else None
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
    shown = [one for one in entries if own_reference(one).partition("/")[0] == reply.key[0]]
    many = tuple(one for one in shown if not is_subset(one))
    if not many:
        return m.Reply(reply.key, 200 if shown else 404)  # a part: it is there, and says nothing
    return m.Reply(reply.key, 200, many[0], _version("", many[0]), many=many)


def _as_batch(transport: Sends, requests: Sequence[m.Request]) -> Exchanged:
    try:
        asked = batch([_entry(one) for one in requests])
        answer = transport.send("POST", "", asked, _REPRESENTATION)
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
    if answer.status in _GATEWAY:  # it had no answer either
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
    return Exchanged(tuple(m.NoReply(one.key, left, why, ends=ends) for one in requests), became)


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
    named = _id_at(entry.location, request)
    bare = _is_bare(request, entry.status, entry.resource, named)
    return m.Reply(
        request.key,
        entry.status,
        resource,
        _version(entry.etag, resource, bare),
        "",
        outcome_words(entry.outcome) if entry.status >= 400 else "",
        entry.status == 400 and is_conflict_issue(entry.outcome),
        issues(entry.outcome) if entry.status >= 400 else (),
        location=named if request.creates and (bare or resource) else "",
        bare=bare,
    )


# --- many readings in one request -----------------------------------------------------------------


def _in_batches(
    transport: Sends, requests: Sequence[m.Request], at_once: int
) -> dict[m.ResourceKey, Reply]:
    """What batches of readings clearly show, by lane; what is not in it is still to be read.

    A batch without an answer ends it: each further one could wait as long. A server that sends us
    away has answered all of them.
    """
    replies: dict[m.ResourceKey, Reply] = {}
    for at in range(0, len(requests), at_once):
        part, left = requests[at : at + at_once], requests[at:]
        try:
            asked = batch([_entry(one) for one in part])
            answer = transport.send("POST", "", asked, _REPRESENTATION)
        except Unreachable as error:
            if error.unreadable:
                continue
            lost = m.NoReply(part[0].key, error.left, error.why, ends=error.ends)
            return replies | _lost(left, len(part), lost)
        except ServerError:
            continue  # one by one: it may be the fault of one of them
        if answer.status == 401 or throttles(answer.status, answer.headers.get("retry-after", "")):
            return replies | {one.key: _reply(one, answer) for one in left}
        if answer.status in _GATEWAY:  # nobody behind it answered in time
            why = f"a gateway had no answer ({answer.status})"
            return replies | _lost(left, len(part), m.NoReply(part[0].key, True, why))
        replies |= _shown(part, answer)
    return replies


def _lost(requests: Sequence[m.Request], sent: int, lost: m.NoReply) -> dict[m.ResourceKey, Reply]:
    """The same silence for all that were still to be read; the first `sent` of them had left."""
    return {
        one.key: replace(lost, key=one.key, sent_in_failed_batch=lost.left and number < sent)
        for number, one in enumerate(requests)
    }


def _shown(requests: Sequence[m.Request], answer: HttpAnswer) -> dict[m.ResourceKey, Reply]:
    """The entries that hold what was asked for.

    An entry that says no is asked about alone: that a server takes no reading in a batch must not
    look as if the resource were gone.
    """
    entries = read_batch(answer.json, len(requests)) if answer.status == 200 else None
    replies = [_entry_reply(*pair) for pair in zip(requests, entries or (), strict=False)]
    clear = (one for one in replies if isinstance(one, m.Reply) and one.status == 200)
    return {one.key: one for one in clear if one.resource is not None}
