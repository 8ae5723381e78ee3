"""A server that answers with something else than was asked: our mirror takes none of it as ours.

Whole syncs over loopback; what a server made of a request is read from the requests that came, what
we made of its answer from the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from carequeue.store.queue_window import Tab
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.worklist.results import SyncReport
from tests.bad_input.home import Home, task
from tests.bad_input.hostile import Asked, Hostile, Said, bundle, honest, serving, statement

KEY: Final = "main:Task/t1"
OURS, THEIRS = task("t1", "c1"), task("t2", "c2")
#: What a server may answer to a PUT of Task/t1, given what was sent.
OTHERS: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "another id": lambda sent: {**sent, "id": "t2"},
    "another Task, changed as ours was to be": lambda sent: {**THEIRS, "priority": "urgent"},
    "another type": lambda sent: {**sent, "resourceType": "ServiceRequest"},
    "a Bundle with its id": lambda sent: {**sent, "resourceType": "Bundle"},
    "another client's": lambda sent: {**sent, "for": {"reference": "Patient/c2"}},
    "no id": lambda sent: {name: part for name, part in sent.items() if name != "id"},
    "an id that is a number": lambda sent: {**sent, "id": 1},
}


def now() -> datetime:
    return datetime.now(UTC)


def decide(home: Home, verb: str = "priority", key: str = KEY, **answers: str) -> None:
    """A person decides; nothing is sent yet."""
    with home.session() as session:
        acted = session.desk.act(verb, [key], answers or {"to": "urgent"}, now())
        assert acted.changed == (key,)


def sync(home: Home) -> SyncReport:
    with home.session() as session:
        return session.sync_once()


def intents(home: Home) -> list[tuple[Any, ...]]:
    return home.rows("SELECT kind, target_id, state FROM intent ORDER BY seq")


def mirrored(home: Home) -> dict[str, str]:
    """Task -> whose it is, as the mirror has it."""
    whose = "SELECT id, json_extract(body, '$.for.reference') FROM resource WHERE type = 'Task'"
    return {str(key): str(client) for key, client in home.rows(whose)}


@pytest.fixture
def clinic(home: Home) -> Any:
    """Two clients' Tasks, synced; the server's answers may then be exchanged."""
    with serving(honest(OURS, THEIRS)) as server:
        home.write_profile(server.base)
        assert sync(home).ok
        proven(home)
        server.requested.clear()
        yield server


def proven(home: Home) -> None:
    """The server was seen to heed `If-Match`: its writes need no look before them."""
    from carequeue.store.engine import writing

    with home.session() as session, writing(session.engine()) as connection:
        SqliteSourceRepository(connection, "main").sync_state.observe("if_match", "yes", now())


def writes_answered(
    server: Hostile, with_what: Callable[[Asked], Said], batch: bool = False
) -> None:
    """The server from now on: honest when it is asked, and this to every write."""
    calm = honest(OURS, THEIRS, batch=batch)
    server.answer = lambda asked: with_what(asked) if asked.method != "GET" else calm(asked)


class TestAWriteAnsweredWithAnother:
    @pytest.mark.parametrize("case", OTHERS)
    def test_is_read_back_and_never_taken(self, home: Home, clinic: Hostile, case: str) -> None:
        writes_answered(clinic, lambda asked: Said(OTHERS[case](asked.body)))
        decide(home)
        report = sync(home)
        assert report.sent == 0
        assert mirrored(home) == {"t1": "Patient/c1", "t2": "Patient/c2"}
        ((_, target, state),) = intents(home)
        assert target == "t1"
        assert state in ("needs_attention", "conflict")
        reads = [one.key for one in clinic.requested if one.method == "GET" and "/" in one.key]
        assert set(reads) == {"Task/t1"}

    def test_is_done_where_the_reading_shows_it(self, home: Home, clinic: Hostile) -> None:
        kept = {"t1": OURS, "t2": THEIRS}

        def answer(asked: Asked) -> Said:
            key = asked.key.partition("/")[2]
            if asked.method == "PUT":
                kept[key] = {**asked.body, "meta": {"versionId": "2"}}
                return Said(THEIRS)
            return Said(kept[key]) if key in kept else honest(*kept.values())(asked)

        clinic.answer = answer
        decide(home)
        assert sync(home).sent == 1
        assert clinic.writes() == ["PUT Task/t1"]
        assert mirrored(home) == {"t1": "Patient/c1", "t2": "Patient/c2"}

    @pytest.mark.parametrize(
        "other",
        [
            THEIRS,
            {"resourceType": "Patient", "id": "t1"},
            {**OURS, "id": "t2"},
            bundle(THEIRS),
            [1],
        ],
    )
    def test_a_reading_of_another_is_a_fault_of_the_server_to_be_tried_later(
        self, home: Home, clinic: Hostile, other: Any
    ) -> None:
        def answer(asked: Asked) -> Said:
            if asked.method == "PUT":
                return Said(b"", 409)
            return Said(other) if asked.key == "Task/t1" else honest(OURS, THEIRS)(asked)

        clinic.answer = answer
        decide(home)
        sync(home)
        assert intents(home) == [("set_priority", "t1", "in_doubt")]  # not gone, no conflict
        ((later,),) = home.rows("SELECT not_before FROM intent")
        assert datetime.fromisoformat(later) > now() - timedelta(seconds=60)
        assert mirrored(home) == {"t1": "Patient/c1", "t2": "Patient/c2"}

    def test_a_batch_with_swapped_entries_leaves_each_in_doubt(
        self, home: Home, clinic: Hostile
    ) -> None:
        def swapped(asked: Asked) -> Said:
            sent = [entry["resource"] for entry in asked.body["entry"]]
            response = {"status": "200", "etag": 'W/"9"'}
            entries = [{"response": response, "resource": one} for one in sent[::-1]]
            return Said({"resourceType": "Bundle", "type": "batch-response", "entry": entries})

        with home.session() as session:
            from carequeue.store.engine import writing
            from carequeue.sync.protocol.capabilities import read_statement, to_json

            can = to_json(read_statement(statement(batch=True), {}))
            with writing(session.engine()) as connection:
                SqliteSourceRepository(connection, "main").sync_state.declare(
                    "statement", can, now()
                )
        proven(home)
        writes_answered(clinic, swapped, batch=True)
        decide(home)
        decide(home, key="main:Task/t2")
        assert sync(home).sent == 0
        assert "POST " in clinic.writes()
        assert mirrored(home) == {"t1": "Patient/c1", "t2": "Patient/c2"}
        versions = home.rows("SELECT id, version_id FROM resource WHERE type = 'Task' ORDER BY id")
        assert versions == [("t1", "1"), ("t2", "1")]


class TestACreateAnsweredWithAnId:
    @pytest.mark.parametrize("made", ["../../x", "a/b?c", "", "x" * 5000, 5, "..", "Task/t2"])
    def test_that_is_none_never_becomes_an_address(
        self, home: Home, clinic: Hostile, made: Any
    ) -> None:
        writes_answered(clinic, lambda asked: Said({**asked.body, "id": made}, 201))
        decide(home, "new", text="Find a group", until="tomorrow 9")
        sync(home)
        sync(home)
        assert home.rows("SELECT server_id FROM alias") == []
        assert all(one.key.count("/") <= 1 and ".." not in one.path for one in clinic.requested)

    def test_of_another_row_does_not_take_its_place(self, home: Home, clinic: Hostile) -> None:
        writes_answered(clinic, lambda asked: Said({**asked.body, "id": "t2"}, 201))
        decide(home, "new", text="Find a group", until="tomorrow 9")
        sync(home)
        assert mirrored(home)["t2"] == "Patient/c2"
        assert home.rows("SELECT server_id FROM alias") == []

    def test_with_another_clients_row_is_a_persons_to_answer(
        self, home: Home, clinic: Hostile
    ) -> None:
        other = task("t7", "c2")
        writes_answered(clinic, lambda asked: Said({**asked.body, **other}, 201))
        decide(home, "new", text="Find a group", until="tomorrow 9")
        sync(home)
        ((_, _, state),) = intents(home)
        assert state == "needs_attention"
        assert "t7" not in mirrored(home)


class TestAVersion:
    @pytest.mark.parametrize(
        "version",
        ['1"\r\nX-Stolen: yes', "1\r\nX-Stolen: yes", 'a"b', "€", " ", '1, W/"2"', "x" * 9000,
         "\x00"],
    )  # fmt: skip
    def test_that_no_header_can_carry_is_none(self, home: Home, version: str) -> None:
        odd = task(meta={"versionId": version})
        kept = {"t1": odd}

        def answer(asked: Asked) -> Said:
            if asked.method == "PUT":
                kept["t1"] = asked.body
            return honest(kept["t1"])(asked) if asked.method == "GET" else Said(kept["t1"])

        with serving(answer) as server:
            home.write_profile(server.base)
            sync(home)
            decide(home)
            assert sync(home).sent == 1
        put = [one for one in server.requested if one.method == "PUT"]
        assert len(put) == 1
        assert not {"If-Match", "X-Stolen"} & set(put[0].headers)
        # without a guard it was looked at just before
        before = server.requested[server.requested.index(put[0]) - 1]
        assert (before.method, before.key) == ("GET", "Task/t1")


class TestAnId:
    @pytest.mark.parametrize("odd", [1, "t1\n", "t1 ", "../t1", "a/b", "x" * 5000, {"a": 1}, True])
    def test_that_is_none_never_takes_the_place_of_another(self, home: Home, odd: Any) -> None:
        good = [OURS, task("1", "c3"), task("x" * 200, "c4"), task("True", "c5")]
        bad = {**task("?", "c9"), "id": odd}

        def answer(asked: Asked) -> Said:
            pages = bundle(*good, bad) if asked.key == "Task" else bundle()
            return Said(statement() if asked.key == "metadata" else pages)

        with serving(answer) as server:
            home.write_profile(server.base)
            assert sync(home).ok
        held = mirrored(home)
        assert {key: held[key] for key in ("t1", "1", "x" * 200, "True")} == {
            "t1": "Patient/c1", "1": "Patient/c3", "x" * 200: "Patient/c4", "True": "Patient/c5",
        }  # fmt: skip
        assert len(held) == 5  # kept as it came, under a name of its own

    @pytest.mark.parametrize("odd", [".", ".."])
    def test_that_climbs_is_nothing_that_can_be_acted_on(self, home: Home, odd: str) -> None:
        with serving(honest({**OURS, "id": odd})) as server:
            home.write_profile(server.base)
            sync(home)
            with home.session() as session:
                assert session.desk.window(Tab.WHOLE, "", 0, 9) == []

    @pytest.mark.parametrize(
        "reference",
        ["../../x", "Patient/..", "Patient/1?_count=9", "https://elsewhere.example/Patient/1",
         "Patient/1,2&_x=y", "Patient/" + "9" * 300, "//elsewhere.example/Patient/1", "#x"],
    )  # fmt: skip
    def test_in_a_reference_that_is_none_is_never_asked_for(
        self, home: Home, reference: str
    ) -> None:
        odd = task(**{"for": {"reference": reference, "display": "Somebody"}})
        with serving(honest(odd)) as server:
            home.write_profile(server.base)
            sync(home)
            assert not [one for one in server.requested if one.key.startswith("Patient")]
            assert all(
                one.path.startswith("/fhir/") and ".." not in one.path for one in server.requested
            )
            with home.session() as session:  # the row is there all the same
                assert len(session.desk.window(Tab.WHOLE, "", 0, 9)) == 1


CLIMBING: Final = (
    "{base}/../admin", "{base}/%2e%2e/admin", "{base}/a/%2E%2e/%2e./admin", "{base}\\..\\admin",
    "https://elsewhere.example/fhir/../admin", "../admin", "/admin", "?" + "x" * 20_000, "\ud800",
)  # fmt: skip


class TestALink:
    @pytest.mark.parametrize("link", CLIMBING)
    def test_that_climbs_out_of_the_base_is_not_followed(self, home: Home, link: str) -> None:
        def answer(asked: Asked) -> Said:
            if asked.key == "metadata":
                return Said(statement())
            url = link.replace("{base}", server.base)
            return Said(bundle(OURS, link=[{"relation": "next", "url": url}]))

        with serving(answer) as server:
            home.write_profile(server.base)
            report = sync(home)
            assert not report.ok
            assert "What is here stays" in report.words
            paths = {one.path for one in server.requested}
            assert all(path.startswith("/fhir/") and "admin" not in path for path in paths)
            assert all(len(one.query) < 1000 for one in server.requested)

    def test_to_another_host_is_read_from_our_own_and_the_token_stays_here(
        self, home: Home
    ) -> None:
        with serving(honest()) as other:

            def answer(asked: Asked) -> Said:
                if asked.key == "metadata" or "page" in asked.query:
                    return Said(statement() if asked.key == "metadata" else bundle(THEIRS))
                url = f"{other.base}/{asked.key}?page=2"
                return Said(bundle(OURS, link=[{"relation": "next", "url": url}]))

            with serving(answer) as server:
                home.write_profile(server.base)
                assert sync(home).ok
        assert other.requested == []
        assert mirrored(home) == {"t1": "Patient/c1", "t2": "Patient/c2"}

    def test_without_end_is_taken_up_by_the_next_look_and_never_called_up_to_date(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("carequeue.sync.pull.paging.MOST_PAGES", 5)

        def answer(asked: Asked) -> Said:
            if asked.key == "metadata":
                return Said(statement())
            if asked.key != "Task":
                return Said(bundle())
            at = int(asked.query.partition("page=")[2] or 0) + 1
            link = {"relation": "next", "url": f"{server.base}/Task?page={at}"}
            return Said(bundle(task(f"n{at}"), link=[link]))

        with serving(answer) as server:
            home.write_profile(server.base)
            first, second = sync(home), sync(home)
        assert not first.ok
        assert not second.ok
        assert "the rest of Task" in first.words
        asked = [one.query for one in server.requested if "page=" in one.query]
        assert len(asked) == len(set(asked)) > 5


class TestATime:
    @pytest.mark.parametrize(
        "stamp",
        ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "x" * 9000,
         "2999-01-01T00:00:00Z", "-1", ""],
    )  # fmt: skip
    def test_that_cannot_be_is_no_watermark(self, home: Home, stamp: str) -> None:
        served = [OURS]

        def answer(asked: Asked) -> Said:
            if asked.key == "metadata":
                return Said(statement())
            since = asked.query.partition("_lastUpdated=ge")[2][:4]
            found = served if asked.key == "Task" and since < "2027" else []
            return Said(bundle(*found, meta={"lastUpdated": stamp}), headers=(("Date", stamp),))

        with serving(answer) as server:
            home.write_profile(server.base)
            assert sync(home).ok
            served.append(THEIRS)
            assert sync(home).ok
        assert set(mirrored(home)) == {"t1", "t2"}  # what came later is still found

    @pytest.mark.parametrize(
        "wait",
        ["-5", "1e999", "9" * 20, "nan", "Fri, 31 Dec 9999 23:59:59 GMT", "٣", "1e-9", "0x10",
         "Fri, 31 Dec 9999 23:59:59 -2359", "x" * 5000],
    )  # fmt: skip
    def test_to_wait_is_an_hour_at_most_and_holds_nobody_up(
        self, home: Home, clinic: Hostile, wait: str
    ) -> None:
        encoded = wait.encode().decode("latin-1")
        writes_answered(clinic, lambda asked: Said(b"", 503, (("Retry-After", encoded),)))
        decide(home)
        before = now()
        assert sync(home).checking == 1
        assert now() - before < timedelta(seconds=30)
        ((later,),) = home.rows("SELECT not_before FROM intent")
        assert before < datetime.fromisoformat(later) <= now() + timedelta(hours=1)


@pytest.mark.parametrize("total", [-1, 0, 10**30, 10**9, 1.5, "many", None])
def test_a_total_that_lies_ends_all_the_same(home: Home, total: Any) -> None:
    def answer(asked: Asked) -> Said:
        if asked.key == "metadata":
            return Said(statement())
        return Said(bundle(OURS, total=total) if asked.key == "Task" else bundle(total=total))

    with serving(answer) as server:
        home.write_profile(server.base)
        sync(home)
        assert len(server.requested) < 60
    assert mirrored(home) == {"t1": "Patient/c1"}


def test_one_row_that_nobody_foresaw_does_not_hold_up_the_sending(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of our own while a page is kept is named; what was decided has left before."""

    def faulty(*_: Any, **__: Any) -> None:
        raise KeyError("needle of a client's name")

    taken: list[Asked] = []

    def answer(asked: Asked) -> Said:
        if asked.method == "PUT":
            taken.append(asked)
            return Said(asked.body)
        return honest(OURS)(asked)

    with serving(answer) as server:
        home.write_profile(server.base)
        sync(home)
        proven(home)
        decide(home)
        monkeypatch.setattr("carequeue.store.mirror.SourceMirror.save", faulty)
        report = sync(home)
    assert len(taken) == 1
    assert (report.sent, report.ok, report.unable) == (1, False, "server")
    assert "KeyError" in report.words
    assert "Your data and your work are still saved" in report.words
    assert "needle" not in report.words


PAGES: Final[dict[str, Any]] = {
    "entries of every wrong type": {
        "resourceType": "Bundle",
        "entry": [None, 1, [], "x", {"resource": [1]}, {"resource": {}}, {}],
        "link": 5,
        "total": "x",
        "meta": [],
    },
    "keys twice": b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Task","id":"a",'
    b'"status":"draft","status":"ready","for":{"reference":"Patient/c1"}}}]}',
    "numbers without end": b'{"resourceType":"Bundle","total":1e999999,"entry":[{"resource":'
    b'{"resourceType":"Task","id":"a","x":1e999999,"y":' + b"9" * 10_000 + b"}}]}",
}


@pytest.mark.parametrize("case", PAGES)
def test_what_is_odd_is_kept_and_stops_nothing(home: Home, case: str) -> None:
    def answer(asked: Asked) -> Said:
        return Said(statement() if asked.key == "metadata" else PAGES[case])

    with serving(answer) as server:
        home.write_profile(server.base)
        assert sync(home).ok
    home.counts()
