"""From drafts of one act to intents: with which client, what the person saw, where they can go.

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
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import created_for, decided_with
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.sync.protocol.capabilities import Abilities, from_json
from carequeue.verbs.verb_to_intents import IntentDraft

_MALFORMED = "this record is malformed, and is never written back"


@dataclass(frozen=True, slots=True)
class Filing:
    """The facts that all intents of one act on one item share.

    `client`: the client of the act that this act undoes, if it undoes one; otherwise the intent
    gets the client whom the resource names as the person sees it, under `client_name`.
    """

    cache: CacheTransaction
    source: str
    item_key: str
    chart: str
    verb: str
    group: str
    now: datetime
    window: str
    client_name: str
    inverse_of: str = ""
    client: ClientIdentity | None = None

    def intents(self, drafts: Sequence[IntentDraft]) -> list[Intent]:
        """The intents of an act, in the order in which they take effect."""
        views: dict[tuple[str, str], Resource | None] = {}
        filed: list[Intent] = []
        for draft in drafts:
            name = (draft.target_type, draft.target_id)
            if name not in views:
                views[name] = self.cache.source(self.source).views.resource(*name)
            intent = self._intent(draft, filed, views[name])
            views[name] = intent_effects.fold(views[name], [intent])
            filed.append(intent)
        return filed

    def _intent(self, draft: IntentDraft, filed: Sequence[Intent], view: Resource | None) -> Intent:
        us = self.cache.us(self.source)
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
            author=us.me,
            author_name=us.my_name,
            chart=self.chart,
            after=filed[draft.after].id if draft.after is not None else "",
            inverse_of=self.inverse_of,
            client=self.client or self._client(draft, view),
            window=self.window,
        )
        seen: dict[str, Any] = {}
        if draft.kind is not IntentKind.CREATE:
            seen = intent_effects.snapshot(intent_effects.unit(bare), view or {})
        why = self._why_local(bare, filed)
        state = IntentState.LOCAL_ONLY if why else IntentState.QUEUED
        return replace(bare, seen=seen, state=state, words=why)

    def _client(self, draft: IntentDraft, view: Resource | None) -> ClientIdentity:
        records = self.cache.source(self.source).views.client_records()
        if draft.kind is IntentKind.CREATE:
            return created_for(draft.args["resource"], records, self.client_name)
        return decided_with(view, records, self.client_name)

    def _why_local(self, intent: Intent, filed: Sequence[Intent]) -> str:
        """Why an intent is local-only; "" if the source can take it.

        An intent on a resource whose create is local-only is local-only too. A malformed resource
        is never written back: that could lose what we could not read.
        """
        source = self.cache.source(self.source)
        target = (intent.target_type, intent.target_id)
        if intent.kind is not IntentKind.CREATE:
            on_it = [known for known in filed if (known.target_type, known.target_id) == target]
            on_it += source.outbox.open_on(*target)
            for known in on_it:
                if known.kind is IntentKind.CREATE:
                    return known.words if known.state is IntentState.LOCAL_ONLY else ""
            if source.mirror.is_malformed(*target):
                return abilities(self.cache, self.source).refusal(intent) or _MALFORMED
        return abilities(self.cache, self.source).refusal(intent)


def abilities(cache: CacheTransaction, source: str) -> Abilities:
    """The abilities of a source, as far as the cache knows them."""
    state = cache.source(source).sync_state
    statement, _ = state.capability("statement")
    observed = state.observed()
    return from_json(statement, observed) if statement else Abilities(observed=observed)
