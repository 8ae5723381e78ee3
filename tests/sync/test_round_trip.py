"""What comes back to a server has every element that it gave us.

For resources with arbitrary extra elements: what the server received, compared token by token with
what it had sent, differs in what the decision owns and nowhere else. An undo makes even that whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Final

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carequeue.fhir import codes
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceCache, SqliteSourceRepository
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import Transport
from carequeue.sync.sync_cycle import Syncer
from tests.fhir.clinic import DANA
from tests.store.cache import SOURCE, WRITABLE, Cache, clinic_of_dana
from tests.sync.recorder import BASE, Number, Pairs, Recorder, read, tree_of

NUMBERS: Final = ["1.50", "-0", "0", "1E+2", "12345678901234567890", "0.1000", "-1.0e-10", "7"]
#: Names that a Task may have beside those that a decision owns, some of them no FHIR at all.
NAMES: Final = [
    "_status", "_description", "_given", "extension", "modifierExtension", "contained", "input",
    "note", "text", "identifier", "vendorSpecific", "größe", "a b", "\u2028", "x" * 80,
]  # fmt: skip
LISTS: Final = frozenset({"extension", "note", "input", "contained", "identifier"})

leaves = (
    st.sampled_from(NUMBERS).map(Number)
    | st.none()
    | st.booleans()
    | st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(
            st.tuples(st.text("ab_é", max_size=3), inner), max_size=3, unique_by=lambda p: p[0]
        ).map(Pairs)
    ),
    max_leaves=8,
)
extras = st.dictionaries(st.sampled_from(NAMES), trees, max_size=6).map(
    lambda found: {
        name: [part] if name in LISTS and not (isinstance(part, list) and part) else part
        for name, part in found.items()
    }
)


unhurried = partial(settings, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Office:
    """Dana at work with a recording server; a fresh Task an example."""

    cache: Cache
    server: Recorder
    syncer: Syncer
    numbers: Iterator[int]

    def begin(self, extra: dict[str, Any], shuffle: int) -> tuple[str, Pairs]:
        """A Task with these elements is on the server, and was pulled."""
        key = f"t{next(self.numbers)}"
        plain = {
            "resourceType": "Task",
            "id": key,
            "status": "requested",
            "intent": "order",
            "for": {"reference": f"Patient/of-{key}", "display": "Amara"},
            "owner": {"reference": DANA, "type": "Practitioner"},
            "authoredOn": "2026-03-05T15:00:00.000Z",
            "statusReason": {"text": "as they said"},
        }
        whole = [*tree_of(plain), *extra.items()]
        at = shuffle % len(whole)
        self.server.resources.clear()
        self.server.put(Pairs([*whole[at:], *whole[:at]]))
        self.look()
        self.server.received.clear()
        return f"main:Task/{key}", self.server.now(f"Task/{key}")

    def look(self) -> None:
        looked = self.syncer.run_cycle()
        assert looked.full, looked

    @property
    def sent(self) -> Pairs:
        """The body of the one write that the server received."""
        ((method, _, body),) = self.server.received
        assert method == "PUT"
        return body


@pytest.fixture(scope="module", params=["one by one", "in a batch"])
def office(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    cache = clinic_of_dana(tmp_path_factory.mktemp("office"), can=WRITABLE)
    with cache.session.engine().connect() as connection:
        connection.exec_driver_sql("DELETE FROM capability")
        connection.commit()
    server = Recorder(batch=request.param == "in a batch")
    session = cache.session
    with Transport(BASE, Tokens(), handler=httpx.MockTransport(server)) as transport:
        syncer = Syncer(
            SOURCE,
            {},
            SqliteSourceCache(SOURCE, session.engine(), session.projector()),
            transport,
            lambda: cache.instant,
        )
        assert syncer.run_cycle().full
        with writing(session.engine()) as connection:  # one write an act is compared here
            SqliteSourceRepository(connection, SOURCE).sync_state.observe(
                "if_match", "yes", cache.instant
            )
        yield Office(cache, server, syncer, count())
    cache.close()


#: Verb, answers, and the elements that it owns.
ACTS: Final[list[tuple[str, dict[str, str], tuple[str, ...]]]] = [
    ("done", {}, ("status", "statusReason", "businessStatus", "lastModified")),
    ("priority", {"to": "stat", "anyway": "yes"}, ("priority",)),
    ("due", {"until": "3bd", "anyway": "yes"}, ("restriction",)),
    ("assign", {"to": "Ortiz"}, ("owner",)),
    ("note", {"text": "Called"}, ()),
    ("snooze", {"until": "3bd"}, ()),
]


def others(resource: Pairs, owned: tuple[str, ...], ours: set[str]) -> list[tuple[str, Any]]:
    """A resource without its meta, the elements of this name, and the entries that are ours."""
    kept = []
    for name, part in resource.without("meta", *owned):
        if name in ("note", "extension"):
            rest = [one for one in part if not (isinstance(one, Pairs) and is_ours(one, ours))]
            if rest or not part:
                kept.append((name, rest))
        else:
            kept.append((name, part))
    return kept


def is_ours(entry: Pairs, ours: set[str]) -> bool:
    return entry.get("id") in ours or entry.get("url") in ours


@unhurried(max_examples=35)
@given(extra=extras, shuffle=st.integers(0, 20), act=st.sampled_from(ACTS))
def test_only_what_the_decision_owns_has_changed(
    office: Office, extra: dict[str, Any], shuffle: int, act: tuple[str, dict[str, str], Any]
) -> None:
    verb, answers, owned = act
    key, before = office.begin(extra, shuffle)
    office.cache.desk.act(verb, [key], answers, office.cache.instant)
    ours = {office.cache.intents()[-1].id, codes.SNOOZED_UNTIL}
    office.look()
    assert others(office.sent, owned, ours) == others(before, owned, ours)
    assert office.sent != before


@unhurried(max_examples=25)
@given(extra=extras, shuffle=st.integers(0, 20), act=st.sampled_from(ACTS))
def test_an_undo_after_it_was_sent_leaves_nothing_behind(
    office: Office, extra: dict[str, Any], shuffle: int, act: tuple[str, dict[str, str], Any]
) -> None:
    verb, answers, owned = act
    key, before = office.begin(extra, shuffle)
    office.cache.desk.act(verb, [key], answers, office.cache.instant)
    office.look()
    office.cache.desk.undo(office.cache.instant)
    office.look()
    after = office.server.now(key.removeprefix("main:"))
    assert others(after, owned, set()) == others(before, owned, set())
    without_time = dict(after.without("meta", "lastModified"))
    assert without_time == dict(before.without("meta", "lastModified"))


@unhurried(max_examples=15)
@given(extra=extras, acts=st.lists(st.sampled_from(ACTS[1:]), min_size=2, max_size=5))
def test_several_decisions_leave_in_one_write_with_all_that_was_there(
    office: Office, extra: dict[str, Any], acts: list[tuple[str, dict[str, str], Any]]
) -> None:
    key, before = office.begin(extra, 0)
    for verb, answers, _ in acts:
        office.cache.desk.act(verb, [key], answers, office.cache.instant)
    ours = {intent.id for intent in office.cache.intents()} | {codes.SNOOZED_UNTIL}
    owned = tuple(name for _, _, names in acts for name in names)
    office.look()
    assert others(office.sent, owned, ours) == others(before, owned, ours)


def test_an_element_named_twice_is_never_written_back(office: Office) -> None:
    """Whichever of the two were sent back, the other would be lost."""
    office.server.resources.clear()
    twice = (
        '{"resourceType":"Task","id":"tw","status":"requested","for":{"reference":"Patient/c1"},'
    )
    office.server.put(read(twice + '"x":1,"x":2}'))
    office.look()
    office.server.received.clear()
    office.cache.desk.act("priority", ["main:Task/tw"], {"to": "stat"}, office.cache.instant)
    office.look()
    assert office.server.received == []


def test_the_comparison_sees_what_a_reading_of_json_would_not() -> None:
    """The measure itself: a number in other letters, another order, a lost null are differences."""
    for one, other in (
        ('{"a":1.50}', '{"a":1.5}'),
        ('{"a":12345678901234567890}', '{"a":12345678901234567000}'),
        ('{"a":1,"b":2}', '{"b":2,"a":1}'),
        ('{"a":[null,1]}', '{"a":[1]}'),
        ('{"a":1,"a":2}', '{"a":2}'),
    ):
        assert read(one) != read(other)
        assert read(json.dumps(json.loads(one))) is not None
