"""One decision about one item or many: checked, put into the outbox, shown at once.

One transaction writes the intents, the audit rows and the rows of the queue: what the person sees
after it is on the disk. An act on many items is the same with many keys and one group; its preview
runs the same checks and writes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from carequeue.domain.clocks import class_of, clocks_of
from carequeue.domain.intents import Intent, IntentState
from carequeue.domain.items import WorkItem
from carequeue.domain.sanitize import clean
from carequeue.domain.verb_rules import Permission, VerbCase
from carequeue.fhir import intent_effects
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.store.source_scope import ChartName
from carequeue.store.views import ChartBases
from carequeue.sync.protocol.capabilities import UNSUPPORTED
from carequeue.verbs.decision import Decision, RowAfter
from carequeue.verbs.offers import asked_of, names_of
from carequeue.verbs.permissions import allowed, bulk_refusal
from carequeue.verbs.verb import Verb
from carequeue.verbs.verb_to_intents import drafts_of
from carequeue.worklist.answer_parsing import answers_to
from carequeue.worklist.answer_wording import confirmed_answers
from carequeue.worklist.client_items import client_item, made_row, row_of, void_identifiers
from carequeue.worklist.consequence import ActedOn, RowPlace, row_after
from carequeue.worklist.drafts_to_intents import Filing, abilities
from carequeue.worklist.results import Acted, Preview, Refused, Shown

_OTHERS = "is not the client whom the record names now: sync first (r), then decide again"
_STUCK = "has a change of yours that the server refused: x first"


@dataclass(frozen=True, slots=True)
class Checked:
    """One key, its item if there is one, and whether the verb applies.

    `row`: the key of the row that the act is seen in: the item's own, or a new one of its client.
    `made`: the key of the row of a Task that the act makes.
    """

    key: str
    item: WorkItem | None
    permission: Permission
    row: str = ""
    made: str = ""

    @property
    def client(self) -> str:
        """The client's name, clean."""
        return clean(self.item.label if self.item else self.key, 80)

    @property
    def refused(self) -> Refused:
        """The refusal for a list, which has the name in a column of its own."""
        why = clean(self.permission.why, 300)
        return Refused(self.key, self.client, why.removeprefix(self.client).strip())


class Acts:
    """Puts decisions into the outbox of one cache.

    `window`: the run of the program in which they are made. `shown`: key -> whom the item was
    about when the person looked at it. `away`: reference -> in which words a named person is away.
    """

    def __init__(
        self,
        cache: CacheTransaction,
        window: str = "",
        shown: Mapping[str, Shown] | None = None,
        away: Mapping[str, str] | None = None,
    ) -> None:
        self._cache = cache
        self._bases: dict[ChartName, ChartBases] = {}  # of the charts that were read
        self._window = window
        self._shown = shown or {}
        self._away = away or {}

    # --- checking ---------------------------------------------------------------------------------

    def items(self, keys: Sequence[str], now: datetime) -> dict[str, tuple[WorkItem, str]]:
        """Key -> item and its chart, for the keys that are in the queue.

        The bases that were read serve the projection of the same transaction, too.
        """
        items: dict[str, tuple[WorkItem, str]] = {}
        wanted = set(keys)
        connection, projector = self._cache.connection, self._cache.projector
        charts = dict.fromkeys(self._cache.queue.chart_of(key) for key in keys)
        for chart in filter(None, charts):
            bases = self._bases[chart] = self._cache.source(chart[0]).views.bases(chart[1])
            for item in projector.read_items(connection, *chart, bases, now):
                if item.key in wanted:
                    items[item.key] = (item, chart[1])
        for key in wanted - items.keys():
            if found := client_item(self._cache, key):
                items[key] = found
        return items

    def check(
        self,
        verb: Verb,
        keys: Sequence[str],
        items: Mapping[str, tuple[WorkItem, str]],
        now: datetime,
    ) -> Iterator[Checked]:
        """Whether the verb applies to each key; for many at once, by the rule of bulk acts too."""
        keys = tuple(dict.fromkeys(keys))
        for key in keys:
            if key not in items:
                yield Checked(key, None, Permission(False, "is no longer in the queue"))
                continue
            item, chart = items[key]
            if seen := _another_client(self._shown.get(key), _shown(item, chart)):
                yield Checked(key, item, Permission(False, seen))
                continue
            case = self._case(item, now)
            permission = allowed(verb, case)
            bulk = permission.ok and len(keys) > 1
            why = bulk_refusal(verb, case.item_class) if bulk else None
            if why:
                permission = Permission(False, why)
            yield Checked(key, item, permission)

    def _case(self, item: WorkItem, now: datetime) -> VerbCase:
        site = self._cache.site
        gravest = class_of(clocks_of(item, site.rules, site.calendar))
        return VerbCase(item, self._cache.us(item.source, now), item_class=gravest)

    def reasons(self, verbs: Sequence[Verb], key: str, now: datetime) -> dict[str, str]:
        """Verb -> why it does not apply to an item; the chart is read once for all verbs."""
        items = self.items([key], now)
        if key not in items:
            return dict.fromkeys((verb.name for verb in verbs), "It is no longer in the queue.")
        reasons: dict[str, str] = {}
        for verb in verbs:
            checked = next(self.check(verb, [key], items, now))
            if not checked.permission.ok:
                reasons[verb.name] = f"{checked.client} {checked.refused.why}"
        return reasons

    def preview(
        self, verb: Verb, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> Preview:
        """The keys that would change, are so already, are not allowed, would be local-only."""
        items = self.items(keys, now)
        changes, already, refused, local_only, unprotected = [], [], [], [], []
        for checked, intents in self._filed(verb, keys, items, answers, "", now):
            if checked.item is not None and checked.permission.ok:
                changes.append(checked.key)
                if _why_local(intents):
                    local_only.append(checked.key)
                elif self._is_unprotected(checked.item):
                    unprotected.append(checked.key)
            elif checked.permission.already:
                already.append(checked.key)
            else:
                refused.append(checked.refused)
        return Preview(
            verb.name,
            tuple(changes),
            tuple(already),
            tuple(refused),
            tuple(local_only),
            tuple(unprotected),
            {key: _shown(*items[key]) for key in changes},
        )

    def _filed(
        self,
        verb: Verb,
        keys: Sequence[str],
        items: Mapping[str, tuple[WorkItem, str]],
        answers: Mapping[str, str],
        group: str,
        now: datetime,
    ) -> Iterator[tuple[Checked, list[Intent]]]:
        """Each key, checked, and its intents if the verb applies."""
        for checked in self.check(verb, keys, items, now):
            intents: list[Intent] = []
            if checked.item is not None and checked.permission.ok:
                item, chart = items[checked.key]
                asked = asked_of(verb, self._case(item, now))
                given = answers_to(verb, asked, answers)
                intents = self._intents(verb, item, chart, given, group, now)
                if is_behind(self._cache, intents):
                    checked = replace(checked, permission=Permission(False, _STUCK))
                elif names_others(intents, chart):
                    checked = replace(checked, permission=Permission(False, _OTHERS))
                else:
                    row, made = intents[0].item_key, made_row(intents)
                    checked = replace(checked, row=row, made=made)
            yield checked, intents

    def _is_unprotected(self, item: WorkItem) -> bool:
        return item.target is not None and abilities(self._cache, item.source).unprotected(
            item.target.type
        )

    # --- acting -----------------------------------------------------------------------------------

    def act(
        self, verb: Verb, keys: Sequence[str], answers: Mapping[str, str], now: datetime
    ) -> Acted:
        """Store the decision, in the caller's transaction; the result names each refusal."""
        items = self.items(keys, now)
        group = str(uuid.uuid4())
        changed: list[Checked] = []
        already: list[Checked] = []
        refused, local_only = [], list[str]()
        for checked, intents in self._filed(verb, keys, items, answers, group, now):
            if checked.item is None or not checked.permission.ok:
                if checked.permission.already:
                    already.append(checked)
                else:
                    refused.append(checked.refused)
                continue
            item, chart = items[checked.key]
            source = self._cache.source(item.source)
            source.outbox.append(intents)
            source.charts.add((item.source, chart))
            self._cache.audit(now).append(
                self._cache.us(item.source).me, verb.name, item.key, group
            )
            local_only += _why_local(intents)[:1]
            changed.append(checked)
        after = self._after(verb, changed if len(keys) == 1 else (), answers, now)
        given = after.answers if after else answers
        confirmed = confirmed_answers(verb, given, now, self._cache.site.calendar, self._away)
        message = _message(verb, changed, already, refused, confirmed, local_only)
        return Acted(
            f"{message} {verb.afterwards(after) or after.moved}".rstrip() if after else message,
            group if changed else "",
            tuple(checked.key for checked in changed),
            tuple(checked.key for checked in already),
            tuple(refused),
            len(local_only),
            confirmed,
            offers=self._offer(verb, after),
        )

    def _after(
        self, verb: Verb, changed: Sequence[Checked], answers: Mapping[str, str], now: datetime
    ) -> RowAfter | None:
        """Project what the act has touched; the row of its item afterwards, None for several."""
        acted = changed[0] if len(changed) == 1 else None
        item = acted.item if acted else None
        if acted is None or item is None:
            self._cache.project(now, self._bases)
            return None
        given = answers_to(verb, asked_of(verb, self._case(item, now)), answers)
        before = self._place(item, item.key)
        self._cache.project(now, self._bases)
        left = self._cache.queue.rank_of(acted.row) is None
        row = acted.made if left and acted.made else acted.row
        there = self.items([row], now).get(row) if verb.tells_clocks else None
        after = self._place(there[0] if there else item, row)
        return row_after(ActedOn(item, given, before, after), now, self._cache.site.calendar)

    def _place(self, item: WorkItem, key: str) -> RowPlace:
        site = self._cache.site
        clocks = clocks_of(item, site.rules, site.calendar)
        return RowPlace(self._cache.queue.rank_of(key), clocks)

    def _offer(self, verb: Verb, after: RowAfter | None) -> str:
        """The verb that the message offers next, "" if there is none that applies."""
        name = verb.offers(after) if after else ""
        row = self._cache.queue.offers_of(after.item.key) if after and name else ""
        return name if name in names_of(row) else ""

    def _intents(
        self,
        verb: Verb,
        item: WorkItem,
        chart: str,
        answers: Mapping[str, str],
        group: str,
        now: datetime,
    ) -> list[Intent]:
        us = self._cache.us(item.source, now)
        views = self._cache.source(item.source).views
        task = views.resource(item.target.type, item.target.id) if item.target else None
        decision = Decision(
            item,
            answers,
            us,
            now,
            lambda: str(uuid.uuid4()),
            task or {},
            void_identifiers(self._cache, item),
            views.resource(item.anchor.type, item.anchor.id) or {},
        )
        drafts = drafts_of(verb, decision)
        filing = Filing(
            self._cache,
            source=item.source,
            item_key=row_of(item, drafts),
            chart=chart,
            verb=verb.name,
            group=group,
            now=now,
            window=self._window,
            client_name=clean(item.label, 120),
        )
        return filing.intents(drafts)


def _another_client(shown: Shown | None, now: Shown) -> str:
    """The refusal if an item names another client than the person saw; otherwise ""."""
    if shown is None or shown == now:
        return ""
    if shown.client == now.client:
        return (
            "is on another record now than when you looked. Nothing was changed there: "
            "look at it, then decide again"
        )
    return (
        f"is the client whom this item names now; when you looked it named {shown.client}. "
        "Nothing was changed there: look at it, then decide again"
    )


def _shown(item: WorkItem, chart: str) -> Shown:
    """The client of an item, as its row names it (`store/projection.py`)."""
    return Shown(chart, clean(item.label, 120), clean(item.client.birth_date, 10))


def _why_local(intents: Sequence[Intent]) -> list[str]:
    """The reason of each intent that is local-only."""
    return [intent.words for intent in intents if intent.state is IntentState.LOCAL_ONLY]


def names_others(intents: Sequence[Intent], chart: str) -> bool:
    """Whether a decision would be recorded with another Patient than the one whose row it is on."""
    clients = {intent.client.reference for intent in intents if intent.client is not None}
    patients = {reference for reference in clients if reference.startswith("Patient/")}
    return chart.startswith("Patient/") and bool(patients - {chart})


def is_behind(cache: CacheTransaction, intents: Sequence[Intent]) -> bool:
    """Whether these intents would wait behind a refused one, on whatever row.

    The view does not show what waits behind it, so a new decision would overwrite that unseen.
    """
    for intent in intents:
        before = cache.source(intent.source).outbox.open_in_chart(intent.chart)
        if intent not in intent_effects.standing([*before, intent]):
            return True
    return False


def _message(
    verb: Verb,
    changed: Sequence[Checked],
    already: Sequence[Checked],
    refused: Sequence[Refused],
    confirmed: str,
    local_only: Sequence[str],
) -> str:
    if not changed:
        if len(refused) == 1 and not already:
            return f"{refused[0].client} {refused[0].why}."
        if len(already) == 1 and not refused:
            return f"{already[0].permission.why}."
        return f"Nothing changed: {len(already)} already so, {len(refused)} not allowed."
    if len(changed) == 1 and not already and not refused:
        item = changed[0].item
        done = verb.done_for(item.kind, item.status) if item else verb.done
        message = f"{done}: {changed[0].client}{confirmed}."
    else:
        message = f"{verb.done}: {len(changed)} items{confirmed}"
        message += f", {len(already)} already so" if already else ""
        message += f", {len(refused)} not allowed" if refused else ""
        message += "."
    if len(local_only) == len(changed):
        why = local_only[0] if len(set(local_only)) == 1 else UNSUPPORTED
        message += f" Saved on this computer only: {why}."
    elif local_only:
        message += f" {len(local_only)} of them saved on this computer only."
    return message
