"""From drafts of one act to intents: with which client, what the person saw, and where each can go.

In:  drafts (`verbs/verb_to_intents.py`), the views of the cache, what the source can take. Out:
intents that are not stored yet. Every intent gets the client whom its resource is about as the
person sees it, or the client of the act that it undoes.
Not here: whether the verb applies (`act.py`), the outbox itself (`store/outbox.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from carequeue.domain.intents import ClientIdentity, Intent, IntentKind, IntentState
from carequeue.domain.items import Us
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import created_for, decided_with
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.protocol.capabilities import Abilities, from_json
from carequeue.verbs.verb_to_intents import IntentDraft

_MALFORMED = "this record came malformed, and is never written back"


@dataclass(frozen=True, slots=True)
class Filing:
    """Drafts of one act on one item -> intents: with which client, what the person saw, and where
    each can go.

    `client`: what is recorded where the act undoes an earlier one; else it is whom the
    resource names as the person sees it, under `client_name`.
    """

    cache: CacheTransaction
    source: str
    item_key: str
    chart: str
    us: Us
    verb: str
    group: str
    can: Abilities
    now: datetime
    base_url: str
    client_name: str
    inverse_of: str = ""
    client: ClientIdentity | None = None
    window: str = ""

    def intents(self, made: Sequence[IntentDraft]) -> list[Intent]:
        """In the order in which they are to take effect."""
        views: dict[tuple[str, str], Resource | None] = {}
        filed: list[Intent] = []
        for draft in made:
            name = (draft.target_type, draft.target_id)
            if name not in views:
                views[name] = self.cache.source(self.source).views.resource(*name)
            intent = self._intent(draft, filed, views[name])
            views[name] = intent_effects.fold(views[name], [intent])
            filed.append(intent)
        return filed

    def _intent(self, draft: IntentDraft, filed: Sequence[Intent], view: Resource | None) -> Intent:
        bare = Intent(
            id=str(uuid.uuid4()),
            group=self.group,
            seq=len(filed),
            source=self.source,
            target_type=draft.target_type,
            target_id=draft.target_id,
            item_key=self.item_key,
            kind=draft.kind,
            args=draft.args,
            verb=self.verb,
            decided_at=self.now,
            author=self.us.me,
            author_name=self.us.my_name,
            chart=self.chart,
            after=filed[draft.after].id if draft.after is not None else "",
            inverse_of=self.inverse_of,
            client=self.client or self._client(draft, view),
            window=self.window,
        )
        seen: dict[str, Any] = {}
        if draft.kind is not IntentKind.CREATE:
            seen = intent_effects.snapshot(intent_effects.unit(bare), view or {})
        why = self._why_here(bare, filed)
        state = IntentState.LOCAL_ONLY if why else IntentState.QUEUED
        return replace(bare, seen=seen, state=state, words=why)

    def _client(self, draft: IntentDraft, view: Resource | None) -> ClientIdentity:
        records = self.cache.source(self.source).views.client_records()
        if draft.kind is IntentKind.CREATE:
            return created_for(draft.args["resource"], records, self.client_name)
        return decided_with(view, records, self.client_name)

    def _why_here(self, intent: Intent, filed: Sequence[Intent]) -> str:
        """Why it is kept here, "" where the source can take it.

        What belongs to a resource that is kept here stays with it.
        """
        kind, key = intent.target_type, intent.target_id
        if intent.kind is IntentKind.CREATE:
            return self.can.refusal(intent)
        same = [one for one in filed if (one.target_type, one.target_id) == (kind, key)]
        same += self.cache.source(self.source).outbox.open_on(kind, key)
        creates = [one for one in same if one.kind is IntentKind.CREATE]
        if creates:
            return creates[0].words if creates[0].state is IntentState.LOCAL_ONLY else ""
        return self.can.refusal(intent) or (_MALFORMED if self._malformed(kind, key) else "")

    def _malformed(self, kind: str, key: str) -> bool:
        """What came malformed is never written back: that could lose what we could not read."""
        return self.cache.source(self.source).mirror.is_malformed(kind, key)


def abilities(cache: CacheTransaction, source: str) -> Abilities:
    """What a source can take, as far as the cache knows."""
    kept, _ = cache.source(source).sync_state.capability("statement")
    observed = cache.source(source).sync_state.observed()
    return from_json(kept, observed) if kept else Abilities(observed=observed)
