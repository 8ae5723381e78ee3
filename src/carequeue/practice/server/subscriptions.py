"""Who wants to hear of which changes, and what they are told; free of sockets.

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
        self._wishes: dict[str, ActiveSubscription] = {}
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
        wish = self._read(tree, "")
        quirks = self._active_quirks.now
        if wish.by_topic and quirks.r4_subscriptions_only:
            raise Refusal(422, "not-supported", "There is no topic here; criteria are a search.")
        if not wish.by_topic and quirks.backport_subscriptions_only:
            raise Refusal(422, "not-supported", f"Criteria are a topic: {TOPIC}.")
        for kind, pairs in wish.searches:
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
            tuple(_search(str(one)) for one in searches),
            str(content),
            ends[1] if ends else None,
        )

    def reread(self) -> None:
        """Take the Subscriptions from the store, after one changed or all data did."""
        with self._store.all_seen():
            rows = self._store.select("c.type = ? AND NOT c.deleted", ["Subscription"], "c.id", -1)
        self._wishes = {row.id: self._read(read(row.body), row.id) for row in rows}

    # --- binding -------------------------------------------------------------------------------

    def token(self, request: HttpRequest, key: str | None) -> HttpReply:
        """The answer of $get-ws-binding-token, for one or the named Subscriptions by topic."""
        if self._active_quirks.now.r4_subscriptions_only:
            raise Refusal(404, "not-supported", "There is no such operation here.")
        asked = [key] if key is not None else _asked(request)
        keys = asked or [one.id for one in self._wishes.values() if one.by_topic]
        for one in keys:
            if one not in self._wishes or not self._wishes[one].by_topic:
                raise Refusal(404, "not-found", f"There is no Subscription/{one[:64]} by topic.")
        token, ends = secrets.token_urlsafe(24), self._store.now() + TOKEN_SECONDS * 1000
        self._tokens[token] = (ends, keys)
        parts = [
            {"name": "token", "valueString": token},
            {"name": "expiration", "valueDateTime": instant(ends)},
            *({"name": "subscription", "valueString": one} for one in keys),
            {"name": "websocket-url", "valueUrl": self._socket},
        ]
        return HttpReply(200, write({"resourceType": "Parameters", "parameter": parts}))

    def bind(self, message: str) -> list[tuple[str, str]]:
        """(Subscription, first message) of a client's words. Raises Refusal where they are not."""
        quirks = self._active_quirks.now
        word, _, what = message.strip().partition(" ")
        wish = self._wishes.get(what)
        if quirks.no_subscriptions:
            raise Refusal(404, "not-supported", "There are no Subscriptions here.")
        if word == "bind" and wish and not wish.by_topic and self._is_on(wish):
            return [(what, f"bound {what}")]
        ends, keys = self._tokens.get(what, (0, []))
        if word == "bind-with-token" and ends >= self._store.now():
            wishes = [self._wishes[key] for key in keys if key in self._wishes]
            return [(one.id, self._bundle(one, "handshake", [])) for one in wishes]
        raise Refusal(403, "forbidden", "This binds to nothing here.")

    def _is_on(self, wish: ActiveSubscription) -> bool:
        return wish.active and (wish.ends is None or wish.ends >= self._store.now())

    # --- telling ---------------------------------------------------------------------------------

    def _committed(self, versions: list[ResourceVersion]) -> None:
        if any(one.type == "Subscription" for one in versions):
            self.reread()
        if self._active_quirks.now.no_subscriptions or not self._wishes:
            return
        for wish in self._wishes.values():
            if not self._is_on(wish):
                continue
            found = [one for one in versions if self._matches(wish, one)]
            if found:
                self._events[wish.id] = self._events.get(wish.id, 0) + len(found)
                by_topic = wish.by_topic
                text = self._bundle(wish, "event-notification", found) if by_topic else "ping "
                self.tell(wish.id, text if by_topic else text + wish.id)

    def _matches(self, wish: ActiveSubscription, one: ResourceVersion) -> bool:
        if one.type == "Subscription":
            return False
        if not wish.searches:
            return True
        if one.deleted:
            return wish.by_topic and any(kind == one.type for kind, _ in wish.searches)
        return any(kind == one.type and self._finds(kind, p, one) for kind, p in wish.searches)

    def _finds(self, kind: str, pairs: Sequence[QueryPair], one: ResourceVersion) -> bool:
        query = understand(kind, pairs, self._base)
        query.limit("c.id = ?", one.id)
        with self._store.all_seen():
            return bool(self._store.count(query.where, [query.type, *query.args]))

    def _bundle(self, wish: ActiveSubscription, what: str, versions: list[ResourceVersion]) -> str:
        """A notification; events are numbered from the first after the Subscription was made."""
        total = self._events.get(wish.id, 0)
        status: list[Tree] = [
            {
                "name": "subscription",
                "valueReference": {"reference": f"{self._base}/Subscription/{wish.id}"},
            },
            {"name": "topic", "valueCanonical": TOPIC},
            {"name": "status", "valueCode": "active" if wish.active else "off"},
            {"name": "type", "valueCode": what},
            {"name": "events-since-subscription-start", "valueString": str(total)},
        ]
        first = total - len(versions) + 1
        for number, one in enumerate(versions, start=first):
            status.append(self._event(number, one, wish.content != "empty"))
        entries = [self._status_entry(wish, status)]
        if wish.content != "empty":
            entries += [self._entry(one, wish.content == "full-resource") for one in versions]
        return write(
            {
                "resourceType": "Bundle",
                "id": str(uuid.uuid4()),
                "type": "history",
                "timestamp": instant(self._store.now()),
                "entry": entries,
            }
        )

    def _event(self, number: int, one: ResourceVersion, focus: bool) -> Tree:
        part: list[Tree] = [
            {"name": "event-number", "valueString": str(number)},
            {"name": "timestamp", "valueInstant": instant(one.updated)},
        ]
        if focus:
            reference = {"reference": f"{self._base}/{one.type}/{one.id}"}
            part.append({"name": "focus", "valueReference": reference})
        return {"name": "notification-event", "part": part}

    def _status_entry(self, wish: ActiveSubscription, parameters: list[Tree]) -> Tree:
        return {
            "fullUrl": f"urn:uuid:{uuid.uuid4()}",
            "resource": {
                "resourceType": "Parameters",
                "meta": {"profile": [_STATUS]},
                "parameter": parameters,
            },
            "request": {"method": "GET", "url": f"Subscription/{wish.id}/$status"},
            "response": {"status": "200"},
        }

    def _entry(self, one: ResourceVersion, whole: bool) -> Tree:
        address = one.type if one.method == "POST" else f"{one.type}/{one.id}"
        status = "204" if one.deleted else "201" if one.number == 1 else "200"
        return {
            "fullUrl": f"{self._base}/{one.type}/{one.id}",
            **({"resource": read(one.body)} if whole and not one.deleted else {}),
            "request": {"method": one.method, "url": address},
            "response": {"status": status, "etag": one.etag, "lastModified": instant(one.updated)},
        }


def _search(text: str) -> tuple[str, tuple[QueryPair, ...]]:
    kind, _, query = text.partition("?")
    return kind, tuple(parse_qsl(query, keep_blank_values=True))


def _values(beside: Any, url: str, name: str) -> Iterator[str]:
    """The values of one extension of a primitive element (`_criteria`, `_payload`)."""
    many = beside.get("extension") if isinstance(beside, dict) else None
    for one in many if isinstance(many, list) else []:
        if isinstance(one, dict) and one.get("url") == url and isinstance(one.get(name), str):
            yield one[name]


def _asked(request: HttpRequest) -> list[str]:
    """The ids that a call of the operation names, in its address or its Parameters."""
    named = [value for name, value in request.query if name == "id"]
    if not request.body:
        return named
    parts = request.resource().get("parameter")
    return named + [
        str(one.get("valueId", one.get("valueString", "")))
        for one in (parts if isinstance(parts, list) else [])
        if isinstance(one, dict) and one.get("name") == "id"
    ]
