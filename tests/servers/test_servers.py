"""What the two servers do, asked of each by plain HTTP: nothing in here is CareQueue's own.

Where both agree the test says so; where they differ, the answer is in `habits.py`, which is the
table of `docs/servers.md`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.servers import small_clinic as small
from tests.servers.habits import HABITS, Habits, table
from tests.servers.harness import FhirServer, Reply, Resource, send

DOCS = Path(__file__).parents[2] / "docs" / "servers.md"
KEY = "https://example.org/key"


@pytest.fixture
def habits(server: FhirServer) -> Habits:
    """What this server is said to do."""
    return HABITS[server.name]


def task(key: str, **more: object) -> Resource:
    whom = {"reference": "Patient/p"}
    made = {"resourceType": "Task", "id": key, "status": "requested", "intent": "order"}
    return {**made, "for": whom, **more}


def etag(reply: Reply) -> str:
    return f'W/"{reply.json["meta"]["versionId"]}"'


def entries(reply: Reply) -> list[Resource]:
    return [entry["resource"] for entry in reply.json.get("entry", [])]


def status(entry: Resource) -> int:
    """Of an entry of an answer; `201` and `201 Created` are both allowed by FHIR."""
    return int(entry["response"]["status"][:3])


def bundle(kind: str, *requests: tuple[str, str, Resource, str]) -> Resource:
    """A Bundle of (method, url, resource, ifMatch)."""
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [
            {
                "request": {"method": method, "url": url, **({"ifMatch": match} if match else {})},
                "resource": resource,
            }
            for method, url, resource, match in requests
        ],
    }


class TestMetadata:
    def test_says_that_it_is_r4_and_what_it_takes(self, server: FhirServer) -> None:
        said = server.get("metadata").json
        assert (said["resourceType"], said["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
        declared = {entry["type"]: entry for entry in said["rest"][0]["resource"]}
        for kind in ("Task", "ServiceRequest", "Patient", "Communication", "Encounter"):
            codes = {one["code"] for one in declared[kind]["interaction"]}
            assert {"read", "create", "update", "search-type"} <= codes
            assert declared[kind]["versioning"] == "versioned"
            assert declared[kind]["updateCreate"] is True
            assert declared[kind]["conditionalCreate"] is True
        assert {"code": "batch"} in said["rest"][0]["interaction"]

    def test_declares_include_only_where_it_works(self, server: FhirServer, habits: Habits) -> None:
        declared = server.get("metadata").json["rest"][0]["resource"]
        assert any("searchInclude" in entry for entry in declared) is habits.include

    def test_declares_type_history_only_where_there_is_one(
        self, server: FhirServer, habits: Habits
    ) -> None:
        kinds = server.get("metadata").json["rest"][0]["resource"]
        declared = {"code": "history-type"} in next(
            entry["interaction"] for entry in kinds if entry["type"] == "Task"
        )
        assert declared is (habits.type_history == 200)

    def test_is_told_without_a_token_and_nothing_else_is(
        self, server: FhirServer, habits: Habits
    ) -> None:
        assert send("GET", f"{server.base}/metadata")[0] == 200
        assert send("GET", f"{server.base}/Task")[0] == habits.no_token
        assert send("GET", f"{server.base}/Task", "another")[0] == habits.no_token

    def test_the_docs_hold_what_both_declare(
        self, practice: FhirServer, medplum: FhirServer
    ) -> None:
        ours, theirs = declared(practice), declared(medplum)
        lines = [f"| {name} | {said} | {theirs[name]} |" for name, said in ours.items()]
        assert "\n".join(lines) in DOCS.read_text(encoding="utf-8")


def declared(server: FhirServer) -> dict[str, str]:
    """What a CapabilityStatement says of the system and of Task, as the docs show it."""
    statement = server.get("metadata").json
    rest = statement["rest"][0]
    (entry,) = (one for one in rest["resource"] if one["type"] == "Task")
    said = {"`fhirVersion`": statement["fhirVersion"]}
    for name in ("versioning", "updateCreate", "conditionalCreate", "conditionalUpdate"):
        said[f"`{name}`"] = {True: "yes", False: "no"}.get(entry[name], entry[name])
    said["`conditionalDelete`"] = entry["conditionalDelete"]
    said["`searchInclude`"] = "yes" if "searchInclude" in entry else "no"
    said["interactions of Task"] = ", ".join(sorted(one["code"] for one in entry["interaction"]))
    said["of the system"] = ", ".join(sorted(one["code"] for one in rest["interaction"]))
    return said


class TestOneResource:
    def test_a_read_carries_its_version_and_its_time(self, server: FhirServer) -> None:
        server.load([task("1")])
        read = server.get("Task/1")
        assert read.status == 200
        assert read.headers["etag"] == etag(read)
        changed = datetime.fromisoformat(read.json["meta"]["lastUpdated"])
        assert abs(datetime.now(UTC) - changed) < timedelta(minutes=5)

    def test_an_update_of_the_version_that_was_read(
        self, server: FhirServer, habits: Habits
    ) -> None:
        server.load([task("1")])
        read = server.get("Task/1")
        done = server.put("Task/1", task("1", status="accepted"), If_Match=etag(read))
        assert done.status == habits.update
        assert done.json["status"] == "accepted"
        assert done.headers["etag"] == etag(done) != etag(read)
        assert server.get("Task/1").json == done.json

    def test_an_update_of_a_stale_version_changes_nothing(
        self, server: FhirServer, habits: Habits
    ) -> None:
        server.load([task("1")])
        seen = etag(server.get("Task/1"))
        theirs = server.put("Task/1", task("1", status="accepted"), If_Match=seen)
        refused = server.put("Task/1", task("1", status="rejected"), If_Match=seen)
        assert refused.status == habits.stale
        assert refused.json["resourceType"] == "OperationOutcome"
        assert server.get("Task/1").json == theirs.json

    def test_an_update_without_a_version(self, server: FhirServer, habits: Habits) -> None:
        server.load([task("1")])
        done = server.put("Task/1", task("1", status="accepted"))
        assert done.status == habits.blind
        assert server.get("Task/1").json["status"] == "accepted"

    def test_an_if_match_without_quotation_marks(self, server: FhirServer, habits: Habits) -> None:
        server.load([task("1")])
        assert server.put("Task/1", task("1"), If_Match="stale").status == habits.unquoted

    def test_an_update_makes_what_does_not_exist(self, server: FhirServer, habits: Habits) -> None:
        assert server.put("Task/mine", task("mine")).status == habits.update_create
        assert server.get("Task/mine").json["id"] == "mine"

    def test_an_update_of_a_version_of_what_does_not_exist(
        self, server: FhirServer, habits: Habits
    ) -> None:
        refused = server.put("Task/gone", task("gone"), If_Match='W/"1"')
        assert refused.status == habits.guarded_nothing
        assert server.get("Task/gone").status == 404

    def test_an_update_of_only_what_is_new(self, server: FhirServer, habits: Habits) -> None:
        server.load([task("1")])
        again = server.put("Task/1", task("1"), If_None_Match="*")
        assert again.status == habits.only_new

    def test_a_conditional_create_twice_makes_one(self, server: FhirServer, habits: Habits) -> None:
        new = task("", identifier=[{"system": KEY, "value": "discharge-1"}])
        del new["id"]
        condition = f"identifier={KEY}|discharge-1"
        first = server.post("Task", new, If_None_Exist=condition)
        again = server.post("Task", new, If_None_Exist=condition)
        assert (first.status, again.status) == (habits.create, habits.conditional_again)
        assert first.headers["location"].startswith(f"{server.base}/Task/{first.json['id']}")
        assert again.json["id"] == first.json["id"]
        assert [one["id"] for one in server.found(f"Task?{condition}")] == [first.json["id"]]

    def test_a_create_with_an_id(self, server: FhirServer, habits: Habits) -> None:
        made = server.post("Task", task("mine"))
        assert made.status == habits.create
        assert (made.json["id"] == "mine") is habits.client_id

    def test_what_was_deleted_and_what_never_was(self, server: FhirServer, habits: Habits) -> None:
        server.load([task("1")])
        assert server.delete("Task/1").status == habits.delete
        assert server.get("Task/1").status == habits.deleted
        assert server.delete("Task/1").status == habits.delete_again
        assert server.get("Task/never").status == habits.unknown_id

    def test_a_body_that_is_no_json(self, server: FhirServer, habits: Habits) -> None:
        url = f"{server.base}/Task/1"
        assert send("PUT", url, server.token, b"<html>")[0] == habits.bad_json

    def test_a_code_that_does_not_exist(self, server: FhirServer, habits: Habits) -> None:
        assert server.put("Task/1", task("1", status="odd")).status == habits.unknown_code

    def test_its_history(self, server: FhirServer, habits: Habits) -> None:
        server.load([task("1")])
        server.put("Task/1", task("1", status="accepted"))
        past = server.get("Task/1/_history")
        assert past.status == habits.instance_history
        assert {one["status"] for one in entries(past)} == {"requested", "accepted"}
        assert server.get("Task/_history").status == habits.type_history


class TestWhatIsKept:
    def test_unknown_elements_and_the_ids_of_elements(self, server: FhirServer) -> None:
        sent = next(
            one for one in small.follow_ups(datetime.now(UTC)) if one["id"] == "follow-up-undated"
        )
        sent["vendorElement"] = {"deep": [{"id": "e1"}, None, {"a": True}]}
        server.load([sent])
        kept = server.get("Task/follow-up-undated").json
        del kept["meta"]
        assert kept == sent

    def test_a_null_in_an_array_and_its_shadow(self, server: FhirServer) -> None:
        names = [{"given": ["Ann", None], "_given": [None, {"id": "g2"}]}]
        server.load([{"resourceType": "Patient", "id": "p", "name": names}])
        assert server.get("Patient/p").json["name"] == names

    def test_numbers(self, server: FhirServer, habits: Habits) -> None:
        odd = (
            b'{"resourceType":"Task","id":"1","status":"requested","intent":"order",'
            b'"x":1.50,"y":12345678901234567890}'
        )
        send("PUT", f"{server.base}/Task/1", server.token, odd)
        kept = server.raw("GET", "Task/1").decode()
        assert re.findall(r'"[xy]"\s*:\s*([0-9.]+)', kept) == [habits.decimal, habits.long_integer]

    def test_empty_elements(self, server: FhirServer, habits: Habits) -> None:
        empty = {"a": "", "b": {}, "c": []}
        server.load([task("1", **empty)])
        kept = server.get("Task/1").json
        assert {key: kept[key] for key in empty if key in kept} == (empty if habits.empties else {})


class TestSearch:
    def test_from_an_instant_on_it_is_included(self, server: FhirServer) -> None:
        server.load([task("1"), task("2")])
        last = server.get("Task/2").json["meta"]["lastUpdated"]
        server.put("Task/1", task("1", status="accepted"))
        ids = [one["id"] for one in server.found(f"Task?_lastUpdated=ge{last}&_sort=_lastUpdated")]
        assert set(ids) == {"1", "2"}
        assert server.found("Task?_lastUpdated=ge2999-01-01") == []

    def test_an_instant_of_another_offset_is_the_same_instant(self, server: FhirServer) -> None:
        server.load([task("1")])
        later = datetime.now(UTC) + timedelta(hours=1)
        assert server.found(f"Task?_lastUpdated=ge{later:%Y-%m-%dT%H:%M:%SZ}") == []
        local = (later - timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%S-07:00")
        assert server.found(f"Task?_lastUpdated=ge{local}") == []
        before = (later - timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S-07:00")
        assert [one["id"] for one in server.found(f"Task?_lastUpdated=ge{before}")] == ["1"]

    def test_by_the_order_of_change(self, server: FhirServer) -> None:
        server.load([task(str(number)) for number in range(20)])
        server.put("Task/3", task("3", status="accepted"))
        rows = server.found("Task?_sort=_lastUpdated&_count=7")
        times = [row["meta"]["lastUpdated"] for row in rows]
        assert times == sorted(times)
        newest = server.get("Task?_sort=-_lastUpdated&_count=1")
        assert entries(newest)[0]["meta"]["lastUpdated"] == max(times)

    def test_page_by_page_to_the_end(self, server: FhirServer, habits: Habits) -> None:
        server.load([task(f"t{number:02d}") for number in range(60)])
        first = server.get("Task?_sort=_lastUpdated&_count=25")
        links = [link["relation"] for link in first.json.get("link", [])]
        assert len(entries(first)) == 25
        assert ("next" in links) is habits.next_link
        rows = server.found("Task?_sort=_lastUpdated&_count=25")
        assert sorted(row["id"] for row in rows) == [f"t{number:02d}" for number in range(60)]
        assert len(entries(server.get("Task"))) == habits.default_page

    def test_what_the_bundle_says_of_itself(self, server: FhirServer, habits: Habits) -> None:
        server.load([task("1"), task("2")])
        reply = server.get("Task?_count=1")
        assert ("total" in reply.json) is habits.total
        assert server.get("Task?_count=1&_total=accurate").json["total"] == 2
        assert ("lastUpdated" in reply.json.get("meta", {})) is habits.searched_at
        assert ({"search", "fullUrl"} <= reply.json["entry"][0].keys()) is habits.entry_mode
        assert "date" in reply.headers

    def test_a_row_that_changes_between_two_pages(self, server: FhirServer, habits: Habits) -> None:
        for number in range(4):
            server.load([task(f"t{number}")])
        search = "Task?_sort=_lastUpdated&_count=2"
        first = server.get(search)
        moved = entries(first)[0]["id"]
        stamp = etag(first._replace(json=entries(first)[0]))
        changed = server.put(f"Task/{moved}", task(moved, status="accepted"), If_Match=stamp)
        assert changed.status == 200
        links = {link["relation"]: link["url"] for link in first.json.get("link", [])}
        following = links.get("next", f"{search}&_offset=2").removeprefix(server.base + "/")
        seen = {one["id"] for one in [*entries(first), *server.found(following)]}
        assert (seen != {"t0", "t1", "t2", "t3"}) is habits.shifts

    def test_by_a_list_of_ids(self, server: FhirServer) -> None:
        server.load([task("1"), task("2"), task("3")])
        assert {one["id"] for one in server.found("Task?_id=1,3,7")} == {"1", "3"}

    def test_by_identifier(self, server: FhirServer) -> None:
        server.load(small.clients())
        (found,) = server.found(f"Patient?identifier={small.MRN}|CLIENT-03")
        assert found["id"] == "client-03"

    def test_by_client_owner_and_status(self, server: FhirServer, now: datetime) -> None:
        server.load(small.small_clinic(now))
        of_client = server.found("Task?patient=Patient/client-01")
        assert [one["id"] for one in of_client] == ["referral-urgent"]
        assert "handoff-to-me" in {one["id"] for one in server.found(f"Task?owner={small.ME}")}
        closed = server.found("Task?status=rejected,cancelled")
        assert [one["id"] for one in closed] == ["referral-declined"]

    def test_what_it_refers_to(self, server: FhirServer, habits: Habits) -> None:
        server.load([{"resourceType": "Patient", "id": "p"}, task("1")])
        kinds = {one["resourceType"] for one in entries(server.get("Task?_include=Task:patient"))}
        assert ("Patient" in kinds) is habits.include

    def test_by_what_does_not_exist(self, server: FhirServer, habits: Habits) -> None:
        server.load([task("1")])
        assert len(entries(server.get("Task?odd=1"))) == habits.odd_parameter
        assert server.get("Oddity").status == habits.unknown_type


class TestBundles:
    def test_a_stale_entry_of_a_batch_holds_up_no_other(
        self, server: FhirServer, habits: Habits
    ) -> None:
        server.load([task("1"), task("2"), task("3")])
        seen = [etag(server.get(f"Task/{key}")) for key in "123"]
        server.put("Task/2", task("2", status="accepted"))
        asked = bundle(
            "batch",
            *(
                ("PUT", f"Task/{key}", task(key, status="rejected"), match)
                for key, match in zip("123", seen, strict=True)
            ),
        )
        answers = server.post("", asked).json["entry"]
        assert [status(entry) for entry in answers] == [200, habits.batch_stale, 200]
        assert [server.get(f"Task/{key}").json["status"] for key in "123"] == [
            "rejected",
            "accepted",
            "rejected",
        ]
        assert (len(answers[0]["response"]["status"]) > 3) is habits.batch_words
        assert ({"etag", "lastModified"} <= answers[0]["response"].keys()) is habits.batch_etag
        assert ("resource" in answers[0]) is habits.batch_resource

    def test_a_conditional_create_in_a_batch(self, server: FhirServer) -> None:
        new = task("", identifier=[{"system": KEY, "value": "1"}])
        del new["id"]
        asked = bundle("batch", ("POST", "Task", new, ""))
        asked["entry"][0]["request"]["ifNoneExist"] = f"identifier={KEY}|1"
        first, again = (server.post("", asked).json["entry"][0] for _ in "12")
        assert (status(first), status(again)) == (201, 200)
        assert len(server.found(f"Task?identifier={KEY}|1")) == 1

    def test_a_stale_entry_of_a_transaction(self, server: FhirServer, habits: Habits) -> None:
        server.load([task("1"), task("2")])
        asked = bundle(
            "transaction",
            ("PUT", "Task/1", task("1", status="rejected"), ""),
            ("PUT", "Task/2", task("2", status="rejected"), 'W/"stale"'),
        )
        server.post("", asked)
        undone = server.get("Task/1").json["status"] == "requested"
        assert undone is habits.transaction


def test_the_docs_hold_the_table_of_what_was_observed() -> None:
    assert table() in DOCS.read_text(encoding="utf-8")
