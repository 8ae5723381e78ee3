"""Intents that can never be sent as they are: unsupported, waiting for each other, or hiding. Pure.

In:  the state of a push. Out: changes that make them local-only, or ask a person.
Not here: what may be sent and in which order (`machine.py`).
"""

from __future__ import annotations

from typing import Final

from carequeue.domain.intents import IntentEvent, IntentKind
from carequeue.fhir import intent_effects
from carequeue.sync.protocol.capabilities import UNSUPPORTED
from carequeue.sync.push import messages as m
from carequeue.sync.push.next_step import all_of, refused
from carequeue.sync.push.read_responses import sendable_now
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import overwriting_unseen
from carequeue.sync.push.write_responses import without_status

_EACH_OTHER: Final = "two of your changes depend on each other, so neither can be sent first"


def unsendable(state: PushState) -> tuple[m.Change, ...]:
    """Changes for the first kind that is found; empty if everything can be sent in time."""
    return _unplaced(state) or _entangled(state) or _hidden(state)


def _unplaced(state: PushState) -> tuple[m.Change, ...]:
    """Intents that the source does not support become local-only; those in doubt are read back
    first.
    """
    changes = []
    for target in state.pending.values():
        if target.phase is not m.Phase.READY or not target.intents:
            continue
        if _homeless(target, state):
            changes.append(
                m.Change(target.key, all_of(target, IntentEvent.UNSUPPORTED, UNSUPPORTED))
            )
        elif status := _unknown_status(target, state):
            changes.append(m.Change(target.key, without_status(target, status)))
    return tuple(change for change in changes if change.outcomes)


def _homeless(target: m.PendingResource, state: PushState) -> bool:
    kind = target.key[0]
    if target.base is not None:
        return not state.can.can("update", kind)
    if target.intents[0].kind is not IntentKind.CREATE:
        return True  # its resource is local-only
    return not state.can.makes(kind)


def _unknown_status(target: m.PendingResource, state: PushState) -> str:
    """The status that the intents would set, if the source was seen to reject it."""
    if not any(name.startswith("status:") for name in state.can.observed):
        return ""
    status = (intent_effects.fold(target.base, target.intents) or {}).get("status")
    before = target.base.get("status") if target.base is not None else None
    if not isinstance(status, str) or status == before:
        return ""
    return "" if state.can.knows_status(target.key[0], status) else status


def _entangled(state: PushState) -> tuple[m.Change, ...]:
    """Resources that wait for each other can never be sent, so a person is asked."""
    if not any(target.waits_for for target in state.pending.values()):
        return ()
    owner = {
        intent.id: target.key for target in state.pending.values() for intent in target.intents
    }
    needs = {
        target.key: {owner[need] for need in target.waits_for if need in owner}
        for target in state.pending.values()
        if target.waits_for
    }
    return tuple(
        m.Change(key, refused(state.pending[key], _EACH_OTHER), counts_toward_limit=False)
        for key in needs
        if state.pending[key].phase is m.Phase.READY and _waits_for(key, key, needs)
    )


def _hidden(state: PushState) -> tuple[m.Change, ...]:
    """Intents that were decided on top of a local-only one and would overwrite what it hides."""
    changes = []
    for target in state.pending.values():
        if (
            target.phase is m.Phase.READY
            and target.base is not None
            and target.local_only
            and target.intents
        ):
            placed = sendable_now(target, state.can)  # these are compared when it is read
            kept = [intent for intent in target.local_only if intent not in placed]
            over = overwriting_unseen(target.base, target.intents, kept)
            outcomes = tuple(m.IntentOutcome(intent, IntentEvent.FOUND_CHANGED) for intent in over)
            changes.append(m.Change(target.key, outcomes, counts_toward_limit=False))
    return tuple(change for change in changes if change.outcomes)


def _waits_for(
    key: m.ResourceKey, other: m.ResourceKey, needs: dict[m.ResourceKey, set[m.ResourceKey]]
) -> bool:
    """Whether a resource waits for another, directly or through others."""
    seen: set[m.ResourceKey] = set()
    ahead = list(needs.get(key, ()))
    while ahead:
        key_ahead = ahead.pop()
        if key_ahead == other:
            return True
        if key_ahead not in seen:
            seen.add(key_ahead)
            ahead += needs.get(key_ahead, ())
    return False
