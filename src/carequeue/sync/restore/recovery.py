"""Decisions that a server had taken and has lost again, because it was set back. Pure.

In:  acknowledged decisions, and their resources as they stood before and as they stand now.
Out: the same decisions anew, as one group, to be sent and to be taken back like any other.
Why by comparison: what was true of the row before and is not true of it now was lost; what was not
true of it any more had been changed since by somebody, and is not forced upon them.
Not here: that a person was asked first (`policy.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from carequeue.domain.intents import Intent, IntentKind, IntentState
from carequeue.fhir import intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.intent_dependencies import overrules

Resources = Mapping[tuple[str, str], Resource | None]  # by type and id


def lost_after_restore(
    intents: Sequence[Intent], before: Resources, after: Resources
) -> tuple[Intent, ...]:
    """Of acknowledged decisions, in order, those that hold no more. `after` None: not there.

    Of what is not there any more only that is lost which was made here, with what was decided on
    it: a decision on somebody else's record has nothing left to stand on.
    """
    found = []
    made: set[tuple[str, str]] = set()
    for one in intents:
        key = (one.target_type, one.target_id)
        if key not in after or not intent_effects.satisfied(one, before.get(key)):
            continue
        now = after[key]
        if now is None and one.kind is IntentKind.CREATE:
            made.add(key)
        if key in made or (now is not None and not intent_effects.satisfied(one, now)):
            found.append(one)
    return tuple(found)


def not_superseded(
    lost: Sequence[Intent], others: Sequence[Intent], among: Sequence[Intent] = ()
) -> tuple[Intent, ...]:
    """Of what was lost, what no later decision stands over: done anew, it would go over that one.

    `others`: what was taken, or waits. `among`: what may be lost as well, and stands over nothing.
    """
    own = {one.id for one in (*lost, *among)}
    later = [one for one in others if one.id not in own]
    return tuple(one for one in lost if not any(overrules(other, one) for other in later))


def refile(
    intents: Sequence[Intent], after: Resources, new_id: Callable[[], str]
) -> tuple[Intent, ...]:
    """The same decisions in the same order, as one group that is still to be sent.

    When and by whom they were decided stays: a note keeps its time. The group is of no window:
    no key was pressed for it, so no window undoes it unasked. What was made here is made
    again under its first id, and what followed it follows it again. Each is compared with what the
    row is by then: as the server has it now, with those before it.
    """
    group = new_id()
    ids = {one.id: new_id() for one in intents}
    first_ids = {
        (one.target_type, one.target_id): str(one.args["resource"].get("id") or one.target_id)
        for one in intents
        if one.kind is IntentKind.CREATE
    }
    filed = []
    views = dict(after)
    for one in intents:
        key = (one.target_type, one.target_id)
        again = replace(
            one,
            id=ids[one.id],
            group=group,
            seq=0,
            target_id=first_ids.get(key, one.target_id),
            args=_args(one, ids),
            after=ids.get(one.after, ""),
            inverse_of="",
            window="",
            state=IntentState.QUEUED,
            attempts=0,
            settles=0,
            words="",
        )
        seen = intent_effects.snapshot(intent_effects.unit(again), views.get(key))
        filed.append(replace(again, seen=seen))
        views[key] = intent_effects.fold(views.get(key), [again])
    return tuple(filed)


def _args(intent: Intent, ids: Mapping[str, str]) -> Mapping[str, object]:
    """A note that is taken out again is the one that is written again."""
    note = str(intent.args.get("note"))
    if intent.kind is IntentKind.REMOVE_NOTE and note in ids:
        return {**intent.args, "note": ids[note]}
    return intent.args
