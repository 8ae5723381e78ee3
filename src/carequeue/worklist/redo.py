"""Redo: what was undone is decided again, now, on the records as they are.

In:  a group that this window undid, and the items on which it was undone. Out: new intents of the
same verb, kinds and arguments; they are guarded like those of any act, and undo undoes them.
Each item is checked as if its key had been pressed: the verb must still apply, and the item must
name the same client. What the act created gets a new id, because the old one is used up; a Task
that stands for an item is created again only where the item has none.
Not here: which group is the next to redo (`undo_desk.py`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.domain.items import WorkItem
from carequeue.domain.sanitize import clean
from carequeue.fhir.task_facts import is_companion
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.verbs.table import find_verb
from carequeue.verbs.verb_to_intents import IntentDraft
from carequeue.worklist.act import Acts, is_behind, names_others
from carequeue.worklist.drafts_to_intents import Filing
from carequeue.worklist.intent_wording import Wording
from carequeue.worklist.results import Acted, Refused
from carequeue.worklist.undoable import Undoer

NAME = "redo"  # in the audit log
_OTHERS = "now names another client"
_STUCK = "has a change of yours that the server refused: x first"
_PAST = "was hidden until a time that has passed"


class Undone(NamedTuple):
    """A group that was undone, and the keys of the items on which it was."""

    group: str
    keys: tuple[str, ...]


def redo(cache: CacheTransaction, undoer: Undoer, undone: Undone, now: datetime) -> Acted:
    """Decide an undone group again, in the caller's transaction.

    Raises BadQuestion if it can be done on none of its items; of many items, the others are named.
    """
    acts = [act for act in cache.intents.in_group(undone.group) if act.item_key in undone.keys]
    verb = find_verb(acts[0].verb) if acts else None
    if verb is None:
        raise BadQuestion("There is nothing to redo.")
    group, acting = str(uuid.uuid4()), Acts(cache)
    items = acting.items(undone.keys, now)
    filed: dict[str, list[Intent]] = {}
    refused: list[Refused] = []
    for checked in acting.check(verb, undone.keys, items, now):
        if checked.item is None or not checked.permission.ok:
            refused.append(checked.refused)
            continue
        old = [act for act in acts if act.item_key == checked.key]
        new = _refiled(cache, undoer, old, items[checked.key], group, now)
        if why := _why_not(cache, old, new, items[checked.key][1], now):
            refused.append(Refused(checked.key, checked.client, why))
        else:
            filed[checked.key] = new
    if not filed:
        raise BadQuestion(f"{_in_words(refused)}. Nothing was changed.")
    for key, intents in filed.items():
        _store(cache, undoer, key, intents, now)
    cache.project(now)
    message = _message(Wording(cache, now), filed, refused)
    local = sum(_is_local(intents) for intents in filed.values())
    return Acted(message, group, tuple(filed), refused=tuple(refused), kept_here=local)


def _store(
    cache: CacheTransaction, undoer: Undoer, key: str, intents: Sequence[Intent], now: datetime
) -> None:
    source = cache.source(intents[0].source)
    source.outbox.append(list(intents))
    source.charts.add((intents[0].source, intents[0].chart))
    cache.audit(now).append(undoer.author, NAME, key, intents[0].group)


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
    filing = Filing(
        cache,
        source=item.source,
        item_key=item.key,
        chart=chart,
        verb=old[0].verb,
        group=group,
        now=now,
        window=undoer.window,
        client_name=clean(item.label, 120),
    )
    return filing.intents(_drafts(old, item))


def _drafts(old: Sequence[Intent], item: WorkItem) -> list[IntentDraft]:
    """Drafts of the same changes; `ids`: id of what was created then -> its id now."""
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
        target = ids.get(intent.target_id, intent.target_id)
        places[intent.id] = len(drafts)
        drafts.append(
            IntentDraft(
                intent.target_type, target, intent.kind, _renamed(args, ids),
                places.get(intent.after),
            )
        )  # fmt: skip
    return drafts


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


def _is_local(intents: Sequence[Intent]) -> bool:
    return any(intent.state is IntentState.LOCAL_ONLY for intent in intents)


def _message(
    wording: Wording, filed: Mapping[str, Sequence[Intent]], refused: Sequence[Refused]
) -> str:
    """The acts that were done again; and on which items they were not."""
    first = next(iter(filed.values()))[0]
    verb = find_verb(first.verb)
    kind = wording.kind(first) if len(filed) == 1 else ""
    what = verb.done_for(kind) if verb else first.verb
    who = wording.client(first) if len(filed) == 1 else f"{len(filed)} items"
    message = f"Done again: {what}, {who}"
    if refused:
        message += f"; not done: {_in_words(refused)}"
    local = " Saved on this computer only." if all(map(_is_local, filed.values())) else ""
    return f"{message}.{local}"


def _in_words(refused: Sequence[Refused]) -> str:
    """The first three that were refused, with their reasons."""
    names = "; ".join(f"{refusal.client} {refusal.why}" for refusal in refused[:3])
    more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
    return f"{names}{more}"
