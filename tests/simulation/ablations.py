"""Each safeguard, taken away from outside: what the simulator must then find.

There is no switch for this in the program: a function of it is exchanged for a weaker one while the
runs go on. One that is not missed within two hundred runs would be a safeguard that nobody tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from unittest.mock import PropertyMock, patch

from carequeue.fhir import client_identity, intent_effects
from carequeue.store import mirror
from carequeue.store.source_repository import SqliteSourceCache
from carequeue.sync.manifest import runner as manifest_runner
from carequeue.sync.manifest.runner import ManifestRun
from carequeue.sync.protocol.capabilities import Abilities
from carequeue.sync.protocol.sending import Cycle, Unreachable
from carequeue.sync.pull import runner as pull_runner
from carequeue.sync.pull import search_plan
from carequeue.sync.pull.runner import Pulling
from carequeue.sync.push import (
    http,
    machine,
    messages,
    pending,
    read_responses,
    three_way,
)
from carequeue.sync.push import runner as push_runner
from carequeue.sync.push.three_way import Compared, Comparison
from tests.simulation import answering, memory, person, tables


@dataclass(frozen=True, slots=True)
class Ablation:
    """What is taken away, in a sentence, and the exchange."""

    what: str
    apply: Callable[[ExitStack], None]


def _no_if_match(stack: ExitStack) -> None:
    real = http.exchange

    def bare(transport: Any, command: Any) -> Any:
        requests = tuple(replace(request, if_match="") for request in command.requests)
        return real(transport, replace(command, requests=requests))

    stack.enter_context(patch.object(push_runner, "exchange", bare))
    trusting = PropertyMock(return_value="yes")
    stack.enter_context(patch.object(Abilities, "guard", trusting))


def _no_if_none_match(stack: ExitStack) -> None:
    stack.enter_context(patch.object(http, "_absent", lambda _: ""))


def _no_if_none_exist(stack: ExitStack) -> None:
    real = http.exchange

    def bare(transport: Any, command: Any) -> Any:
        requests = tuple(replace(request, if_none_exist="") for request in command.requests)
        return real(transport, replace(command, requests=requests))

    stack.enter_context(patch.object(push_runner, "exchange", bare))


def _any_partner(stack: ExitStack) -> None:
    stack.enter_context(patch.object(three_way, "differing", lambda *_: ()))


def _base_by_pull(stack: ExitStack) -> None:
    stack.enter_context(patch.object(tables, "held_rows", lambda _: set()))
    stack.enter_context(patch.object(mirror, "held_rows", lambda *_: set()))


def _base_by_screen(stack: ExitStack) -> None:
    stack.enter_context(patch.object(answering, "in_doubt", lambda _: False))


def _no_element_ids(stack: ExitStack) -> None:
    real = intent_effects._note

    def bare(intent: Any) -> dict[str, Any]:
        return {name: value for name, value in real(intent).items() if name != "id"}

    stack.enter_context(patch.object(intent_effects, "_note", bare))
    stack.enter_context(patch.object(intent_effects, "_same_note", lambda *_: False))


def _no_order(stack: ExitStack) -> None:
    def free(_: Any, intents: Any, __: Any) -> list[set[str]]:
        return [set() for _ in intents]

    stack.enter_context(patch.object(pending, "_needs", free))


def _cursor_first(stack: ExitStack) -> None:
    real = Pulling._keep

    def keep(self: Any, command: Any) -> Any:
        if command.search and command.cursor:
            with self._cache.writing(self._now()) as rows:
                rows.sync_state.save_cursor(command.search.name, command.cursor)
        return real(self, command)

    stack.enter_context(patch.object(Pulling, "_keep", keep))


def _no_overlap(stack: ExitStack) -> None:
    stack.enter_context(patch.object(search_plan, "OVERLAP", timedelta()))


def _no_count(stack: ExitStack) -> None:
    stack.enter_context(patch.object(ManifestRun, "run", lambda *_, **__: None))


def _no_write_ahead(stack: ExitStack) -> None:
    def unmarked(_: Any, requests: Any, __: Any) -> Any:
        return [messages.AttemptsRecorded(tuple(requests))]

    stack.enter_context(patch.object(push_runner, "record_attempts", unmarked))


def _no_fence(stack: ExitStack) -> None:
    stack.enter_context(patch.object(memory.MemoryCache, "check_lease", lambda _: None))
    stack.enter_context(patch.object(SqliteSourceCache, "_check_token", lambda *_: None))


def _retry(stack: ExitStack) -> None:
    def again(base: Any, theirs: Any, intents: Any, _: Any) -> Any:
        return tuple(Compared(intent, Comparison.NOT_APPLIED) for intent in intents)

    stack.enter_context(patch.object(read_responses, "compare", again))


def _last_write_wins(stack: ExitStack) -> None:
    _no_if_match(stack)
    _retry(stack)
    stack.enter_context(patch.object(machine, "_read_first", lambda *_: False))


def _no_end(stack: ExitStack) -> None:
    def send(self: Any, *given: Any, **more: Any) -> Any:
        try:
            return self._connection.send(*given, **more)
        except Unreachable as error:
            error.ends = False
            raise

    stack.enter_context(patch.object(Cycle, "send", send))


def _not_meanwhile(stack: ExitStack) -> None:
    stack.enter_context(patch.object(pending, "compare_concurrent", lambda *_: None))


def _no_client(stack: ExitStack) -> None:
    """The comparison with the base stays, as it was before decisions carried their client."""

    def as_base(_: Any, base: Any, theirs: Any, records: Any) -> bool:
        return base is None or client_identity.names_same_client(base, theirs, records.base_url)

    stack.enter_context(patch.object(three_way, "_is_its_client", as_base))
    for module in (pending, pull_runner, manifest_runner):
        stack.enter_context(patch.object(module, "part_from_clients", lambda *_: None))
    stack.enter_context(patch.object(pending, "may_leave", lambda *_: True))
    for module in (answering, person):
        stack.enter_context(patch.object(module, "is_about_its_client", lambda *_: True))


ALL: Final = {
    "if-match": Ablation("writes are sent without the version they rest on", _no_if_match),
    "if-none-match": Ablation("a create under our id may go over what is there", _no_if_none_match),
    "if-none-exist": Ablation(
        "a create that others may be sending too has no condition", _no_if_none_exist
    ),
    "partner": Ablation(
        "a referral that a colleague sent on counts as ours, whomever it asks", _any_partner
    ),
    "base-by-pull": Ablation("a pull moves a base that an intent holds", _base_by_pull),
    "base-by-screen": Ablation(
        "the conflict screen moves a base while something is in doubt", _base_by_screen
    ),
    "element-ids": Ablation(
        "a note carries no id of ours, nor is it known by its text", _no_element_ids
    ),
    "order": Ablation("nothing waits for what must come first", _no_order),
    "cursor-with-page": Ablation("a cursor is kept before its page", _cursor_first),
    "overlap": Ablation("a search asks for changes from the watermark on, no earlier", _no_overlap),
    "reconcile": Ablation("ids are never compared", _no_count),
    "write-ahead": Ablation("nothing is written down before it leaves", _no_write_ahead),
    "fencing": Ablation("a late holder of the lease may commit", _no_fence),
    "settle": Ablation("what is in doubt is sent again, without comparing", _retry),
    "meanwhile": Ablation(
        "what was decided while another decision was on its way is not compared", _not_meanwhile
    ),
    "client": Ablation("a decision is not compared with the client of its record", _no_client),
    "silence": Ablation("a look goes on although nobody answers", _no_end),
    "last-write-wins": Ablation("no version, no reading, no comparing", _last_write_wins),
}


@contextmanager
def without(name: str) -> Iterator[None]:
    """The program without one of its safeguards; all of it where `name` is ""."""
    with ExitStack() as stack:
        if name:
            ALL[name].apply(stack)
        yield
