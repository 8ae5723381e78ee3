"""Redo: what was undone is decided again, now, on the records as they are.

In:  what this window undid. Out: the act as it stood, if its undo has not left this computer:
then the inverses are dropped. Otherwise new intents of the same verb, kinds and arguments, guarded
like those of any act; undo undoes them.
Each item is checked as if its key had been pressed: the verb must still apply, the item must name
the same client, and nobody may have changed since the undo what the act is about. What the act
created gets a new id, because the old one is used up; a Task that stands for an item is created
again only where the item has none.
Not here: which group is the next to redo (`undo_desk.py`), what was undone (`undone.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.domain.items import WorkItem
from carequeue.domain.sanitize import clean
from carequeue.fhir import codes, values
from carequeue.fhir.intent_effects import iso
from carequeue.fhir.partner_notices import is_told_message
from carequeue.fhir.task_facts import is_companion
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.verbs.table import find_verb
from carequeue.verbs.verb_to_intents import IntentDraft
from carequeue.worklist.act import Acts, is_behind, names_others
from carequeue.worklist.client_items import decided_on, row_of, void_identifiers
from carequeue.worklist.drafts_to_intents import Filing
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Acted, Refused
from carequeue.worklist.undo import check_not_there, drop
from carequeue.worklist.undoable import Undoer
from carequeue.worklist.undone import Undone, is_changed

NAME = "redo"  # in the audit log
_OTHERS = "now names another client"
_STUCK = "has a change of yours that the server refused: x first"
_PAST = "was hidden until a time that has passed"
_CHANGED = "was changed since the undo: look at it, then decide again"


@dataclass(frozen=True, slots=True)
class _Redone:
    """The undone intents of one item, and the intents that would do them again."""

    old: Sequence[Intent]
    new: Sequence[Intent]


def redo(cache: CacheTransaction, undoer: Undoer, undone: Undone, now: datetime) -> Acted:
    """Decide an undone group again, in the caller's transaction.

    Raises BadQuestion if it can be done on none of its items; of many items, the others are named.
    """
    redone, refused = _checked(cache, undoer, undone, now)
    if not redone:
        raise BadQuestion(f"{_in_words(refused)}. Nothing was done again.")
    inverses = undone.inverses_not_left(cache) if not refused else []
    if inverses:
        check_not_there(cache, inverses)
        drop(cache, inverses, "done again", now)
        done = [item.old for item in redone]
    else:
        done = [item.new for item in redone]
        for intents in done:
            cache.source(intents[0].source).outbox.append(intents)
    for intents in done:
        first = intents[0]
        cache.source(first.source).charts.add((first.source, first.chart))
        cache.audit(now).append(undoer.author, NAME, first.item_key, first.group)
    cache.project(now)
    message = _message(Wording(cache, now), done, refused)
    keys = tuple(intents[0].item_key for intents in done)
    local = sum(_is_local(intents) for intents in done)
    return Acted(message, done[0][0].group, keys, refused=tuple(refused), kept_here=local)


def _checked(
    cache: CacheTransaction, undoer: Undoer, undone: Undone, now: datetime
) -> tuple[list[_Redone], list[Refused]]:
    """The items on which the act can be done again, and those on which it cannot."""
    by_row: dict[str, list[Intent]] = {}
    for act in undone.acts(cache):
        by_row.setdefault(act.item_key, []).append(act)
    by_key = {decided_on(acts): acts for acts in by_row.values()}
    verb = find_verb(next(iter(by_key.values()))[0].verb) if by_key else None
    if verb is None:
        raise BadQuestion("There is nothing to redo.")
    group, acting = str(uuid.uuid4()), Acts(cache)
    items = acting.items(tuple(by_key), now)
    redone: list[_Redone] = []
    refused: list[Refused] = []
    for checked in acting.check(verb, tuple(by_key), items, now):
        if checked.item is None or not checked.permission.ok:
            refused.append(checked.refused)
            continue
        old, (item, chart) = by_key[checked.key], items[checked.key]
        new = _refiled(cache, undoer, old, items[checked.key], group, now)
        why = _CHANGED if is_changed(cache, undone, old) or _is_made_since(old, item) else ""
        if why := _why_not(cache, old, new, chart, now) or why:
            refused.append(Refused(checked.key, checked.client, why))
        else:
            redone.append(_Redone(old, new))
    return redone, refused


def _refiled(
    cache: CacheTransaction,
    undoer: Undoer,
    old: Sequence[Intent],
    found: tuple[WorkItem, str],
    group: str,
    now: datetime,
) -> list[Intent]:
    """The intents of one item once more, on the item as it is now."""
    item, chart = found
    drafts = _drafts(old, item, void_identifiers(cache, item), now)
    filing = Filing(
        cache,
        source=item.source,
        item_key=row_of(item, drafts),
        chart=chart,
        verb=old[0].verb,
        group=group,
        now=now,
        window=undoer.window,
        client_name=clean(item.label, 120),
    )
    return filing.intents(drafts)


def _drafts(
    old: Sequence[Intent], item: WorkItem, void: Collection[str], now: datetime
) -> list[IntentDraft]:
    """Drafts of the same changes; `ids`: id of what was created then -> its id now.

    `void`: identifiers that are used up.
    """
    ids: dict[str, str] = {}
    places: dict[str, int] = {}  # id of an old intent -> the index of its draft
    drafts: list[IntentDraft] = []
    for intent in old:
        if intent.kind is IntentKind.CREATE:
            resource = intent.args["resource"]
            stands = is_companion(resource) and item.target is not None
            new_id = item.target.id if stands and item.target else str(uuid.uuid4())
            ids |= dict.fromkeys((resource.get("id", intent.target_id), intent.target_id), new_id)
            if stands:
                continue
        args = {name: value for name, value in intent.args.items() if name != "given_up"}
        if intent.kind is IntentKind.CREATE:
            args["resource"] = _made_now(intent.args["resource"], void, now)
        target = ids.get(intent.target_id, intent.target_id)
        places[intent.id] = len(drafts)
        drafts.append(
            IntentDraft(
                intent.target_type, target, intent.kind, _renamed(args, ids),
                places.get(intent.after),
            )
        )  # fmt: skip
    return drafts


def _made_now(resource: Mapping[str, Any], void: Collection[str], now: datetime) -> dict[str, Any]:
    """A resource with an identifier that is not used up; a message is sent now.

    A contact keeps its time: the client was called then.
    """
    made = dict(resource)
    value = values.identifier_value(resource, codes.IDENTIFIER)
    if value in void:
        free = next(name for name in (f"{value}:{n}" for n in count(2)) if name not in void)
        made["identifier"] = [{"system": codes.IDENTIFIER, "value": free}]
    if is_told_message(made):
        made["sent"] = iso(now)
    return made


def _renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """A JSON value with the new ids, and with the new ids in references."""
    if isinstance(value, Mapping):
        return {name: _renamed(part, ids) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(part, ids) for part in value]
    if not isinstance(value, str):
        return value
    head, slash, key = value.rpartition("/")
    return f"{head}{slash}{ids[key]}" if key in ids else value


def _why_not(
    cache: CacheTransaction,
    old: Sequence[Intent],
    new: Sequence[Intent],
    chart: str,
    now: datetime,
) -> str:
    """Why the new intents of an item are not stored; "" if they may be."""
    before = {intent.client.reference for intent in old if intent.client is not None}
    after = {intent.client.reference for intent in new if intent.client is not None}
    if names_others(new, chart) or (before and not after <= before):
        return _OTHERS
    if is_behind(cache, new):
        return _STUCK
    until = [intent.args.get("until") for intent in new if intent.kind is IntentKind.SNOOZE]
    past = any(text and datetime.fromisoformat(text) <= now for text in until)
    return _PAST if past else ""


def _is_made_since(old: Sequence[Intent], item: WorkItem) -> bool:
    """Whether an item has a Task now whose own Task was dropped by the undo."""
    dropped = any(
        intent.state is IntentState.UNDONE and is_companion(intent.args.get("resource"))
        for intent in old
    )
    return dropped and item.target is not None


def _is_local(intents: Sequence[Intent]) -> bool:
    return any(intent.state is IntentState.LOCAL_ONLY for intent in intents)


def _message(wording: Wording, done: Sequence[Sequence[Intent]], refused: Sequence[Refused]) -> str:
    """The acts that were done again; and on which items they were not."""
    first = done[0][0]
    verb = find_verb(first.verb)
    kind = wording.kind(first) if len(done) == 1 else ""
    what = verb.done_for(kind) if verb else first.verb
    who = wording.client(first) if len(done) == 1 else f"{len(done)} items"
    message = f"Done again: {what}, {who}"
    if refused:
        message += f"; not done: {_in_words(refused)}"
    local = " Saved on this computer only." if all(map(_is_local, done)) else ""
    return f"{message}.{local}"


def _in_words(refused: Sequence[Refused]) -> str:
    """The first three that were refused, with their reasons."""
    names = "; ".join(f"{refusal.client} {refusal.why}" for refusal in refused[:3])
    more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
    return f"{names}{more}"
