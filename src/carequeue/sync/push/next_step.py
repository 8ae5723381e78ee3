"""The next step for one pending resource after a reply, and the checks that every reply needs.
Pure.

Used by `write_responses.py` (replies to writes) and `read_responses.py` (replies to reads).
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from carequeue.domain.intents import IntentEvent, IntentKind, IntentState
from carequeue.fhir import codes, intent_effects
from carequeue.fhir.chart import Resource
from carequeue.fhir.client_identity import is_about_its_client, names_same_client
from carequeue.fhir.values import identifier_value
from carequeue.sync.protocol.failures import BUSY_LIMIT, busy_words, delay, throttles
from carequeue.sync.push import messages as m
from carequeue.sync.push.state import PushState
from carequeue.sync.push.three_way import ON_TOP, runs

OTHER: Final = "the server accepted it, but returned something else"


@dataclass(frozen=True, slots=True)
class NextStep:
    """One of: a change to save, a request to read first, or a stop; and what was learned.

    `target`: the pending resource as it stands while it is read. `merged_over_remote`: intents that
    are sent on top of a colleague's change to other elements. `pause`: the whole source asks to be
    left alone until then. `probe_inconclusive`: the reply to a wrong If-Match was an error of
    another kind.
    """

    change: m.Change | None = None
    read: m.Request | None = None
    stop: m.Stop | None = None
    target: m.PendingResource | None = None
    observed: Mapping[str, str] = field(default_factory=dict)
    merged_over_remote: frozenset[str] = frozenset()
    pause: datetime | None = None
    probe_inconclusive: bool = False


def sign_in(reply: m.Reply) -> NextStep:
    """The server wants a sign-in: everything waits, and nothing counts against an intent."""
    return NextStep(stop=m.Stop(reply.words or "the server asks who you are", sign_in=True))


def later(state: PushState, target: m.PendingResource, reply: m.Reply, now: datetime) -> NextStep:
    """The server is busy: wait, longer each time; after `BUSY_LIMIT` times a person is asked.

    What was sent stays in doubt: it is read back before it is sent again.
    """
    words = busy_words(reply.status, reply.words)
    busy = max((intent.busy for intent in target.intents), default=0)
    until = now + wait(state, target, target.attempts + busy, reply.retry_after, now)
    pause = until if throttles(reply.status, reply.retry_after) else None
    if busy + 1 >= BUSY_LIMIT:
        tried = f"asked {BUSY_LIMIT} times, and the server was busy each time ({reply.status})"
        text = f"{tried}: {reply.words}" if reply.words else tried
        return NextStep(m.Change(target.key, refused(target, text)), pause=pause)
    return NextStep(m.Change(target.key, not_before=until, words=words, busy=True), pause=pause)


def wait(
    state: PushState, target: m.PendingResource, tries: int, retry_after: str, now: datetime
) -> timedelta:
    """The wait of a resource: as the server asks, else longer with every try, with jitter."""
    chance = random.Random(f"{state.seed}/{target.key}/{state.tries}")  # noqa: S311 - jitter
    return delay(tries, retry_after, now, chance)


def all_of(
    target: m.PendingResource, event: IntentEvent, words: str = ""
) -> tuple[m.IntentOutcome, ...]:
    """The same outcome for every intent of a pending resource."""
    return tuple(m.IntentOutcome(intent, event, words) for intent in target.intents)


def refused(target: m.PendingResource, words: str) -> tuple[m.IntentOutcome, ...]:
    """Outcomes of a rejection: a person is asked. Of a create, only about the create; the rest
    waits.
    """
    first, *rest = target.intents
    if first.kind is not IntentKind.CREATE:
        return all_of(target, IntentEvent.REFUSED, words)
    waiting = [intent for intent in rest if intent.state is IntentState.IN_DOUBT]
    return (
        m.IntentOutcome(first, IntentEvent.REFUSED, words),
        *(m.IntentOutcome(intent, IntentEvent.FOUND_NOT_APPLIED) for intent in waiting),
    )


def fits(target: m.PendingResource, resource: Resource) -> bool:
    """Whether a reply holds the resource that was asked about."""
    if target.base is None:
        return intent_effects.satisfied((target.intents or target.local_only)[0], resource)
    return resource.get("id") == target.key[1]


def ours(target: m.PendingResource, resource: Resource) -> bool:
    """Whether a success speaks of our resource and of the client it was about.

    The right resource under another client's name is read back, and then a person answers. What we
    created must carry our identifier if it carries one of that system; otherwise it is another row.
    """
    if target.base is not None:
        return fits(target, resource) and names_its_client(target, resource)
    named = identifier_value(resource, codes.IDENTIFIER)
    return (fits(target, resource) or not named) and names_its_client(target, resource)


def names_its_client(target: m.PendingResource, resource: Resource) -> bool:
    """Whether a reply names the client of the intents and of the resource as it was sent."""
    sent = intent_effects.fold(target.base, target.intents) or {}
    kept = names_same_client(sent, resource, target.records.base_url)
    return kept and all(
        is_about_its_client(intent, resource, target.records) for intent in target.intents
    )


def unmet(target: m.PendingResource, resource: Resource | None) -> list[str]:
    """Ids of the intents that a resource does not show as done; of several on a unit the last
    counts.
    """
    changes = [intent for intent in target.intents if intent.kind is not IntentKind.CREATE]
    return [run[-1].id for run in runs(changes) if not intent_effects.satisfied(run[-1], resource)]


def taken(
    target: m.PendingResource,
    missing: Sequence[str],
    merged_over_remote: frozenset[str],
    words: str = "",
) -> tuple[m.IntentOutcome, ...]:
    """Outcomes of a success: the intents are acknowledged, and a person is asked about `missing`.

    `missing`: ids from `unmet`. `merged_over_remote`: ids of intents that get that message.
    `words`: the message for all.
    """
    return tuple(
        m.IntentOutcome(intent, IntentEvent.REFUSED, OTHER)
        if intent.id in missing
        else m.IntentOutcome(
            intent,
            IntentEvent.ACKNOWLEDGED,
            words or (ON_TOP if intent.id in merged_over_remote else ""),
        )
        for intent in target.intents
    )
