"""Subscriptions and their notifications, without sockets.

In:  the Subscriptions in the store, and the versions of every commit. Out: messages, by the id of
the Subscription, handed to `tell` (`websockets.py` has the connections).
Two styles, by what the criteria are: a search (`Task?owner=...`, R4 subscription.html: `bind ID`,
`bound ID`, `ping ID`), or the topic of this server (Subscriptions R5 Backport 1.1: a token binds,
and notifications are Bundles that count the events). A search tells of what matches after the
change; a topic without a filter of every change, and of each deletion in a type that it filters.
Why events are counted whether or not anybody listens: the number in the next message is how a
client sees that it missed one. Notified at the commit, so maybe before a slow index knows.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from carequeue.practice.server.capability_statement import BACKPORT, TOPIC, types
from carequeue.practice.server.fhir_dates import instant, span
from carequeue.practice.server.http_types import HttpReply, HttpRequest, Refusal
from carequeue.practice.server.json_lossless import Tree, read, write
from carequeue.practice.server.quirks import ActiveQuirks
from carequeue.practice.server.resource_store import ResourceStore, ResourceVersion
from carequeue.practice.server.search import QueryPair, understand

_FILTER: Final = f"{BACKPORT}/StructureDefinition/backport-filter-criteria"
_CONTENT: Final = f"{BACKPORT}/StructureDefinition/backport-payload-content"
_STATUS: Final = f"{BACKPORT}/StructureDefinition/backport-subscription-status-r4"
#: A binding token is for binding at once, not for keeping.
TOKEN_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class ActiveSubscription:
    """One Subscription as it is acted on: searches of which one must match, none for all."""

    id: str
    by_topic: bool
    active: bool
    searches: tuple[tuple[str, tuple[QueryPair, ...]], ...]
    content: str  # empty, id-only or full-resource
    ends: int | None  # ms since 1970

    def is_on(self, now: int) -> bool:
        """True if changes are told at this moment (ms since 1970)."""
        return self.active and (self.ends is None or self.ends >= now)


class Subscriptions:
    """All Subscriptions of a server; `socket` is where clients bind. The caller holds the lock."""

    def __init__(
        self, store: ResourceStore, active_quirks: ActiveQuirks, base: str, socket: str
    ) -> None:
        self._store, self._active_quirks, self._base, self._socket = (
            store,
            active_quirks,
            base,
            socket,
        )
        self._subscriptions: dict[str, ActiveSubscription] = {}
        self._events: dict[str, int] = {}
        self._tokens: dict[str, tuple[int, list[str]]] = {}
        self.tell: Callable[[str, str], None] = lambda key, text: None
        store.committed = self._committed

    # --- what a Subscription may be ----------------------------------------------------------

    def taken(self, tree: Tree) -> Tree:
        """A Subscription as it is kept: active at once. Raises Refusal 422 where it cannot be."""
        channel = tree["channel"]
        if not isinstance(channel, dict) or channel.get("type") != "websocket":
            raise Refusal(422, "not-supported", "The channel is a websocket, or there is none.")
        subscription = self._read(tree, "")
        quirks = self._active_quirks.now
        if subscription.by_topic and quirks.r4_subscriptions_only:
            raise Refusal(422, "not-supported", "There is no topic here; criteria are a search.")
        if not subscription.by_topic and quirks.backport_subscriptions_only:
            raise Refusal(422, "not-supported", f"Criteria are a topic: {TOPIC}.")
        for kind, pairs in subscription.searches:
            self._must_be_searchable(kind, pairs)
        return tree | {"status": "active"} if tree["status"] == "requested" else tree

    def _must_be_searchable(self, kind: str, pairs: Sequence[QueryPair]) -> None:
        if kind not in types(self._active_quirks.now):
            raise Refusal(422, "not-supported", f"There is no {kind[:64]} here.")
        try:
            ignored = understand(kind, pairs, self._base).ignored
        except Refusal as no:
            raise Refusal(422, no.code, no.words) from None
        if ignored:
            raise Refusal(422, "not-supported", f"Not known for {kind}: {', '.join(ignored)}.")

    def _read(self, tree: Tree, key: str) -> ActiveSubscription:
        criteria = tree.get("criteria")
        by_topic = criteria == TOPIC
        beside = tree.get("_criteria") if by_topic else None
        searches = _values(beside, _FILTER, "valueString") if by_topic else [criteria]
        channel = tree.get("channel")
        beside = channel.get("_payload") if isinstance(channel, dict) else None
        content = next(_values(beside, _CONTENT, "valueCode"), "empty")
        ends = span(str(tree.get("end", "")))
        return ActiveSubscription(
            key,
            by_topic,
            tree.get("status") == "active",
            tuple(_search(str(search)) for search in searches),
            str(content),
            ends[1] if ends else None,
        )

    def reread(self) -> None:
        """Take the Subscriptions from the store, after one changed or all data did."""
        with self._store.all_seen():
            rows = self._store.select("c.type = ? AND NOT c.deleted", ["Subscription"], "c.id", -1)
        self._subscriptions = {row.id: self._read(read(row.body), row.id) for row in rows}

    # --- binding -------------------------------------------------------------------------------

    def token(self, request: HttpRequest, key: str | None) -> HttpReply:
        """The answer of $get-ws-binding-token, for one or the named Subscriptions by topic."""
        if self._active_quirks.now.r4_subscriptions_only:
            raise Refusal(404, "not-supported", "There is no such operation here.")
        asked = [key] if key is not None else _asked(request)
        by_topic = [known.id for known in self._subscriptions.values() if known.by_topic]
        keys = asked or by_topic
        for name in keys:
            if name not in by_topic:
                raise Refusal(404, "not-found", f"There is no Subscription/{name[:64]} by topic.")
        token, ends = secrets.token_urlsafe(24), self._store.now() + TOKEN_SECONDS * 1000
        self._tokens[token] = (ends, keys)
        parts = [
            {"name": "token", "valueString": token},
            {"name": "expiration", "valueDateTime": instant(ends)},
            *({"name": "subscription", "valueString": name} for name in keys),
            {"name": "websocket-url", "valueUrl": self._socket},
        ]
        return HttpReply(200, write({"resourceType": "Parameters", "parameter": parts}))

    def bind(self, message: str) -> list[tuple[str, str]]:
        """(Subscription, first message) of a client's words. Raises Refusal where they are not."""
        if self._active_quirks.now.no_subscriptions:
            raise Refusal(404, "not-supported", "There are no Subscriptions here.")
        word, _, name = message.strip().partition(" ")
        known, now = self._subscriptions.get(name), self._store.now()
        if word == "bind" and known and not known.by_topic and known.is_on(now):
            return [(name, f"bound {name}")]
        ends, keys = self._tokens.get(name, (0, []))
        if word == "bind-with-token" and ends >= now:
            bound = [self._subscriptions[key] for key in keys if key in self._subscriptions]
            return [(known.id, self._bundle(known, "handshake", [])) for known in bound]
        raise Refusal(403, "forbidden", "This binds to nothing here.")

    # --- telling ---------------------------------------------------------------------------------

    def _committed(self, versions: list[ResourceVersion]) -> None:
        if any(version.type == "Subscription" for version in versions):
            self.reread()
        if self._active_quirks.now.no_subscriptions:
            return
        now = self._store.now()
        for subscription in self._subscriptions.values():
            matching = [version for version in versions if self._matches(subscription, version)]
            if not matching or not subscription.is_on(now):
                continue
            key = subscription.id
            self._events[key] = self._events.get(key, 0) + len(matching)
            if subscription.by_topic:
                self.tell(key, self._bundle(subscription, "event-notification", matching))
            else:
                self.tell(key, f"ping {key}")

    def _matches(self, subscription: ActiveSubscription, version: ResourceVersion) -> bool:
        if version.type == "Subscription":
            return False
        searches = [pairs for kind, pairs in subscription.searches if kind == version.type]
        if version.deleted or not subscription.searches:
            by_all = not subscription.searches
            return by_all or (subscription.by_topic and bool(searches))
        return any(self._finds(pairs, version) for pairs in searches)

    def _finds(self, pairs: Sequence[QueryPair], version: ResourceVersion) -> bool:
        query = understand(version.type, pairs, self._base)
        query.limit("c.id = ?", version.id)
        with self._store.all_seen():
            return bool(self._store.count(query.where, query.args))

    def _bundle(
        self, subscription: ActiveSubscription, what: str, versions: list[ResourceVersion]
    ) -> str:
        """A notification; events are numbered from the first after the Subscription was made."""
        key, content = subscription.id, subscription.content
        total = self._events.get(key, 0)
        reference = {"reference": f"{self._base}/Subscription/{key}"}
        first = total - len(versions) + 1
        status: list[Tree] = [
            {"name": "subscription", "valueReference": reference},
            {"name": "topic", "valueCanonical": TOPIC},
            {"name": "status", "valueCode": "active" if subscription.active else "off"},
            {"name": "type", "valueCode": what},
            {"name": "events-since-subscription-start", "valueString": str(total)},
            *(
                self._event(number, version, content != "empty")
                for number, version in enumerate(versions, start=first)
            ),
        ]
        entries: list[Tree] = [
            {
                "fullUrl": f"urn:uuid:{uuid.uuid4()}",
                "resource": {
                    "resourceType": "Parameters",
                    "meta": {"profile": [_STATUS]},
                    "parameter": status,
                },
                "request": {"method": "GET", "url": f"Subscription/{key}/$status"},
                "response": {"status": "200"},
            }
        ]
        if content != "empty":
            entries += [self._entry(version, content == "full-resource") for version in versions]
        bundle = {"resourceType": "Bundle", "id": str(uuid.uuid4()), "type": "history"}
        return write(bundle | {"timestamp": instant(self._store.now()), "entry": entries})

    def _event(self, number: int, version: ResourceVersion, focus: bool) -> Tree:
        part: list[Tree] = [
            {"name": "event-number", "valueString": str(number)},
            {"name": "timestamp", "valueInstant": instant(version.updated)},
        ]
        if focus:
            reference = {"reference": f"{self._base}/{version.reference}"}
            part.append({"name": "focus", "valueReference": reference})
        return {"name": "notification-event", "part": part}

    def _entry(self, version: ResourceVersion, whole: bool) -> Tree:
        updated = instant(version.updated)
        return {
            "fullUrl": f"{self._base}/{version.reference}",
            **({"resource": read(version.body)} if whole and not version.deleted else {}),
            "request": {"method": version.method, "url": version.written_to},
            "response": {
                "status": str(version.status), "etag": version.etag, "lastModified": updated,
            },
        }  # fmt: skip


def _search(text: str) -> tuple[str, tuple[QueryPair, ...]]:
    kind, _, query = text.partition("?")
    return kind, tuple(parse_qsl(query, keep_blank_values=True))


def _values(beside: Any, url: str, name: str) -> Iterator[str]:
    """The values of one extension of a primitive element (`_criteria`, `_payload`)."""
    extensions = beside.get("extension") if isinstance(beside, dict) else None
    for extension in extensions if isinstance(extensions, list) else []:
        value = extension.get(name) if isinstance(extension, dict) else None
        if isinstance(value, str) and extension.get("url") == url:
            yield value


def _asked(request: HttpRequest) -> list[str]:
    """The ids that a call of the operation names, in its address or its Parameters."""
    named = [value for name, value in request.query if name == "id"]
    if not request.body:
        return named
    parts = request.resource().get("parameter")
    return named + [
        str(part.get("valueId", part.get("valueString", "")))
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict) and part.get("name") == "id"
    ]
