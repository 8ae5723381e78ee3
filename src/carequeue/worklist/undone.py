"""What a window undid: the group, its items, and how they were just after the undo.

In:  a group that was undone in this transaction. Out: an `Undone`, and later whether somebody has
changed what the act was about.
Why a snapshot at the undo: a redo decides again for what the person saw then. The intents of the
act hold what was seen before the act, which an undo of several acts has moved on from.
Not here: which undone group is the next to redo (`undo_desk.py`), how it is done again (`redo.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.fhir import intent_effects, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.task_facts import is_companion
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.worklist.results import Acted

#: States in which an inverse has not left this computer.
_NOT_LEFT = frozenset({IntentState.QUEUED, IntentState.LOCAL_ONLY})


class Undone(NamedTuple):
    """A group that was undone on the items `keys`.

    `inverse`: the group of the inverses, "" if all of it was dropped. `seen`: id of an undone
    intent -> the elements that the intent owns, as they were after the undo.
    """

    group: str
    keys: tuple[str, ...]
    inverse: str
    seen: Mapping[str, Mapping[str, Any]]

    def acts(self, cache: CacheTransaction) -> list[Intent]:
        """The intents that were undone, in the order of deciding."""
        return [act for act in cache.intents.in_group(self.group) if act.id in self.seen]

    def inverses_not_left(self, cache: CacheTransaction) -> list[Intent]:
        """The inverses if none has left this computer and they undo all of it; otherwise none.

        Without them the act stands as it did; of an act that was dropped in part it would not.
        """
        inverses = cache.intents.in_group(self.inverse) if self.inverse else []
        dropped = any(act.state is IntentState.UNDONE for act in self.acts(cache))
        left = any(intent.state not in _NOT_LEFT for intent in inverses)
        return [] if dropped or left else inverses


def remember(cache: CacheTransaction, before: Sequence[Intent], acted: Acted) -> Undone:
    """What was undone, for a redo; in the transaction of the undo.

    `before`: the intents of the group that stood before the undo, at least one.
    """
    group = before[0].group
    undone = [act for act in before if act.item_key in acted.changed]
    inverse = acted.group if acted.group != group else ""
    return Undone(group, acted.changed, inverse, {act.id: _now(cache, act) for act in undone})


def is_changed(cache: CacheTransaction, undone: Undone, acts: Iterable[Intent]) -> bool:
    """Whether somebody has changed since the undo what one of these acts was about."""
    return any(
        not _same(_now(cache, act), undone.seen[act.id]) or _is_changed_beside(cache, act)
        for act in acts
    )


def _now(cache: CacheTransaction, act: Intent) -> dict[str, Any]:
    view = cache.source(act.source).views.resource(act.target_type, act.target_id)
    return intent_effects.snapshot(_owned(act), view)


def _owned(act: Intent) -> tuple[str, ...]:
    """The elements that an act owns; of a Task that stands for an item, those that undo restores.

    None for any other create: a redo makes another resource.
    """
    if act.kind is not IntentKind.CREATE:
        return intent_effects.unit(act)
    inverse = intent_effects.inverse(act) if is_companion(act.args.get("resource")) else None
    return tuple(inverse[1]["unit"]) if inverse else ()


def _is_changed_beside(cache: CacheTransaction, act: Intent) -> bool:
    """Whether the version that waits beside a held base differs in what the act owns."""
    base = cache.source(act.source).mirror.base(act.target_type, act.target_id)
    if base.gone:
        return True
    if base.theirs is None or base.body is None:
        return False
    return not _same(_snapshot(act, base.theirs), _snapshot(act, base.body))


def _snapshot(act: Intent, resource: Resource) -> dict[str, Any]:
    return intent_effects.snapshot(_owned(act), resource)


def _same(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Whether two snapshots are the same; an owner is compared by its reference alone, since a
    server may add a name to it.
    """
    return _comparable(now) == _comparable(then)


def _comparable(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    comparable = dict(snapshot)
    if owner := values.text(snapshot.get("owner"), "reference"):
        comparable["owner"] = "/".join(owner.split("/")[-2:])
    return comparable
