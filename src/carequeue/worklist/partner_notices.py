"""The messages that tell partners of an undo, filed behind the inverses.

In:  undone intents that may be on the server, each with its inverses. Out: one message for each
partner and item, and the names of those who are told, or have to be told by hand.
Why one for each item of an act on many: a Communication is about one client.
Why behind the inverse: the partner must not read of a reopening before the referral is open.
Not here: what is told, and to whom (`fhir/partner_notices.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.domain.items import Party, WorkItem
from carequeue.domain.sanitize import clean
from carequeue.fhir import codes
from carequeue.fhir.chart import Resource
from carequeue.fhir.new_resources import NewResources
from carequeue.fhir.partner_notices import about, may_be_told, sentence, told_of
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.verbs.undo import VERB as UNDO
from carequeue.verbs.verb_to_intents import IntentDraft
from carequeue.worklist.client_items import client_item
from carequeue.worklist.drafts_to_intents import Filing

#: More partners than this are counted, not named.
_NAMED = 2


class Reversed(NamedTuple):
    """An undone intent that may be on the server, and the intents that undo it."""

    act: Intent
    inverses: Sequence[Intent]

    @property
    def leaves(self) -> bool:
        """Whether the source takes the undo."""
        return any(inverse.state is IntentState.QUEUED for inverse in self.inverses)


class Told(NamedTuple):
    """Names of partners: who get a message, and whom the source takes no message for."""

    partners: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The sentences for the person, "" if nobody is told."""
        told = f"{_names(self.partners)} will be told." if self.partners else ""
        if not self.by_hand:
            return told
        reason = "this server takes no messages"
        return f"{told} Tell {_names(self.by_hand)} yourself: {reason}.".lstrip()


@dataclass(slots=True)
class _Notice:
    """What one partner is told of the undo on one item."""

    first: Reversed
    to: Party
    sentences: list[str] = field(default_factory=list)
    about: list[str] = field(default_factory=list)


def tell_partners(
    cache: CacheTransaction, undone: Sequence[Reversed], group: str, window: str, now: datetime
) -> Told:
    """File a message to each partner who may have seen what was undone.

    `group`: that of the inverses, which are in the outbox already.
    """
    seen = [part for part in undone if may_be_told(part.act) and _may_have_been_seen(part)]
    items = _items(cache, [part.act for part in seen], now)
    partners: list[str] = []
    by_hand: list[str] = []
    for notice in _notices(cache, seen, items).values():
        name = clean(notice.to.name, 80)
        item = items.get(_target(notice.first.act)) or _client(cache, notice.first.act)
        filed = item and _filed(cache, notice, item, Filed(group, window, now))
        (partners if filed else by_hand).append(name)
        if filed:
            cache.source(filed.source).outbox.append([filed])
    return Told(tuple(dict.fromkeys(partners)), tuple(dict.fromkeys(by_hand)))


class Filed(NamedTuple):
    """The group and the window of an undo, and its instant."""

    group: str
    window: str
    now: datetime


def _may_have_been_seen(part: Reversed) -> bool:
    """A status that the source does not put back is as it was for the partner, too."""
    return part.act.kind is IntentKind.CREATE or part.leaves


def _target(act: Intent) -> tuple[str, str]:
    return act.source, f"{act.target_type}/{act.target_id}"


def _items(
    cache: CacheTransaction, acts: Sequence[Intent], now: datetime
) -> dict[tuple[str, str], WorkItem]:
    """Source and reference of a Task -> its item, as it is after the undo."""
    items: dict[tuple[str, str], WorkItem] = {}
    for source, chart in dict.fromkeys((act.source, act.chart) for act in acts):
        bases = cache.source(source).views.bases(chart)
        for item in cache.projector.read_items(cache.connection, source, chart, bases, now):
            if item.target is not None:
                items[source, item.target.reference] = item
    return items


def _client(cache: CacheTransaction, act: Intent) -> WorkItem | None:
    """The client of an act in the place of an item: what was made has no row any more."""
    found = client_item(cache, f"{act.source}:{act.chart}")
    return found[0] if found else None


def _notices(
    cache: CacheTransaction,
    undone: Sequence[Reversed],
    items: Mapping[tuple[str, str], WorkItem],
) -> dict[tuple[str, str], _Notice]:
    notices: dict[tuple[str, str], _Notice] = {}
    for part in undone:
        act = part.act
        item = items.get(_target(act))
        us, base_url = cache.us(act.source), cache.site.base_urls.get(act.source, "")
        for party in told_of(act, item, us, base_url):
            key = (act.item_key, party.reference or party.name)
            notice = notices.setdefault(key, _Notice(part, party))
            notice.sentences.append(sentence(act, item, cache.site.zone))
            notice.about += about(act)
    return notices


def _filed(cache: CacheTransaction, notice: _Notice, item: WorkItem, undo: Filed) -> Intent | None:
    """The message as an intent; None if the source takes no such message."""
    act = notice.first.act
    message = _message(cache, notice, item, undo.now)
    client = act.client and replace(act.client, assumed=False)
    filing = Filing(
        cache,
        source=act.source,
        item_key=act.item_key,
        chart=act.chart,
        verb=UNDO.name,
        group=undo.group,
        now=undo.now,
        window=undo.window,
        client_name=client.name if client else "",
        inverse_of=act.group,
        client=client,
    )
    draft = IntentDraft(
        "Communication", message["id"], IntentKind.CREATE, {"resource": message}, None
    )
    (intent,) = filing.intents([draft])
    if intent.state is IntentState.LOCAL_ONLY:
        return None
    return replace(intent, after=notice.first.inverses[0].id) if notice.first.leaves else intent


def _message(cache: CacheTransaction, notice: _Notice, item: WorkItem, now: datetime) -> Resource:
    new = NewResources(item, cache.us(item.source), now, lambda: str(uuid.uuid4()))
    words = " ".join(dict.fromkeys(notice.sentences))
    message = new.message(notice.to, codes.CORRECTION, words)
    if notice.about:
        references = dict.fromkeys(notice.about)
        message["about"] = [{"reference": reference} for reference in references]
    return message


def _names(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) <= _NAMED else f"{len(names)} partners"
