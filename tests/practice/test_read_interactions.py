"""Searches, pages and histories, and what stands in their Bundles."""

from __future__ import annotations

import gzip
import json
import socket

import pytest

from tests.practice.conftest import a_task, below, found, link, send
from tests.servers.controlled_clinic import ControlledClinic


def pages(clinic: ControlledClinic, path: str) -> list[list[str]]:
    """The ids of all pages of a search."""
    seen = []
    while True:
        answer = send(clinic, "GET", path)
        seen.append(found(answer))
        more = link(answer.json, "next")
        if more is None:
            return seen
        path = below(clinic, more)


@pytest.mark.parametrize("sort", ["_lastUpdated", "-_lastUpdated", "_id", "-_id"])
def test_pages_hold_every_row_once_in_order(clinic: ControlledClinic, sort: str) -> None:
    whole = found(send(clinic, "GET", f"Patient?_sort={sort}&_count=500"))
    paged = pages(clinic, f"Patient?_sort={sort}&_count=7")
    assert [len(page) for page in paged] == [7, 7, 7, 7, 7, 5]
    assert [key for page in paged for key in page] == whole
    assert len(set(whole)) == 40


def test_a_row_that_changes_between_pages_is_never_lost(clinic: ControlledClinic) -> None:
    code = {"coding": [{"code": "moving"}]}
    for place in range(6):
        clinic.put(a_task(f"moving-{place}", code=code))
    first = send(clinic, "GET", "Task?code=moving&_sort=_lastUpdated&_count=3")
    assert found(first) == ["moving-0", "moving-1", "moving-2"]
    clinic.put(a_task("moving-1", code=code))
    clinic.put(a_task("moving-4", code=code))
    more = link(first.json, "next")
    assert more is not None
    rest = [key for page in pages(clinic, below(clinic, more)) for key in page]
    assert rest == ["moving-3", "moving-5", "moving-1", "moving-4"]


def test_a_page_token_that_is_not_ours_is_refused(clinic: ControlledClinic) -> None:
    for token in ("x", "!!", "W10", "eyJhIjoxfQ"):
        assert send(clinic, "GET", f"Task?_page={token}").status == 400
        assert send(clinic, "GET", f"Task/_history?_page={token}").status == 400


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("_id=s-1,s-3", ["s-1", "s-3"]),
        ("patient=who", ["s-1", "s-2"]),
        ("patient=Patient/who", ["s-1", "s-2"]),
        ("subject=Patient/who&status=accepted", ["s-2"]),
        ("subject:Patient=who&status:not=accepted", ["s-1"]),
        ("status=requested,accepted&owner=Organization/o", ["s-1", "s-3"]),
        ("owner=o", ["s-1", "s-3"]),
        ("owner:missing=true&patient=who", ["s-2"]),
        ("identifier=urn:s|1", ["s-1"]),
        ("identifier=1", ["s-1", "s-2", "s-3"]),
        ("identifier=urn:other|", ["s-2"]),
        ("identifier=|1", ["s-3"]),
        ("code=http://hl7.org/fhir/CodeSystem/task-code|fulfill&owner=o", ["s-3"]),
        ("focus=ServiceRequest/r", ["s-3"]),
        ("based-on=ServiceRequest/r2", ["s-3"]),
        ("encounter=Encounter/e", ["s-1"]),
        ("requester=Practitioner/p", ["s-2"]),
        ("authored-on=2001-02&patient=who", ["s-1"]),
        ("authored-on=ge2001-02-10&authored-on=lt2001-03&patient=who", ["s-1"]),
        ("authored-on=gt2001-02-10&patient=who", ["s-2"]),
        ("period=2002-06", ["s-2"]),
        ("period=eb2001", []),
    ],
)
def test_a_search_finds_what_its_parameters_say(
    clinic: ControlledClinic, query: str, keys: list[str]
) -> None:
    who, owner = {"reference": "Patient/who"}, {"reference": "Organization/o"}
    base = clinic.base
    for tree in (
        a_task(
            "s-1", **{"for": who}, owner=owner, authoredOn="2001-02-10T12:00:00Z",
            identifier=[{"system": "urn:s", "value": "1"}],
            encounter={"reference": f"{base}/Encounter/e"},
        ),
        a_task(
            "s-2", **{"for": who}, status="accepted", authoredOn="2001-03-01",
            identifier=[{"system": "urn:other", "value": "1"}],
            requester={"reference": "Practitioner/p"},
            executionPeriod={"start": "2002-06-02", "end": "2002-06-05"},
        ),
        a_task(
            "s-3", status="accepted", owner=owner, identifier=[{"value": "1"}],
            focus={"reference": "ServiceRequest/r"}, basedOn=[{"reference": "ServiceRequest/r2"}],
            code={"coding": [
                {"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}
            ]},
        ),
    ):  # fmt: skip
        clinic.put(tree)
    assert found(send(clinic, "GET", f"Task?{query.replace('|', '%7C')}")) == keys


def test_last_updated_bounds_are_those_of_r4(clinic: ControlledClinic) -> None:
    clinic.put(a_task("bound"))
    stamp = clinic.get("Task/bound")["meta"]["lastUpdated"]
    for prefix, there in (("ge", True), ("le", True), ("gt", False), ("lt", False), ("", True)):
        answer = send(clinic, "GET", f"Task?_id=bound&_lastUpdated={prefix}{stamp}")
        assert (found(answer) == ["bound"]) is there
    assert send(clinic, "GET", "Task?_lastUpdated=yesterday").status == 400


def test_a_search_by_post_is_the_same_search(clinic: ControlledClinic) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = clinic.request("POST", "CareTeam/_search?_sort=_id", "_count=2&status=active", form)
    assert found(answer) == ["access", "adult-outpatient"]


def test_total_is_given_where_it_is_asked_for(clinic: ControlledClinic) -> None:
    assert clinic.get("Patient?_count=3&_total=accurate")["total"] == 40
    assert "total" not in clinic.get("Patient?_count=3")
    counted = clinic.get("Patient?_summary=count")
    assert counted["total"] == 40
    assert "entry" not in counted
    assert clinic.get("Patient?_count=0")["total"] == 40


def test_no_page_is_larger_than_five_hundred_and_self_says_so(clinic: ControlledClinic) -> None:
    assert len(found(send(clinic, "GET", "Coverage?_count=100000"))) == 41
    assert send(clinic, "GET", "Patient?_count=ten").status == 400


def test_a_subset_says_that_it_is_one(clinic: ControlledClinic) -> None:
    [entry] = clinic.get("Task?_id=fu-001&_elements=status,intent")["entry"]
    resource = entry["resource"]
    assert set(resource) == {"resourceType", "id", "meta", "status", "intent"}
    assert [tag["code"] for tag in resource["meta"]["tag"]] == ["SUBSETTED"]


@pytest.mark.parametrize(
    ("include", "types"),
    [
        ("Task:patient", {"Patient"}),
        ("Task:focus", {"ServiceRequest"}),
        ("Task:owner", {"Practitioner"}),
        ("Task:requester", {"Organization"}),
        ("*", {"Patient", "ServiceRequest", "Practitioner", "Organization"}),
    ],
)
def test_includes_come_once_and_are_marked(
    clinic: ControlledClinic, include: str, types: set[str]
) -> None:
    entries = clinic.get(f"Task?_id=ref-in-001,ref-in-002&_include={include}")["entry"]
    assert [entry["search"]["mode"] for entry in entries[:2]] == ["match", "match"]
    more = [entry for entry in entries if entry["search"]["mode"] == "include"]
    assert {entry["resource"]["resourceType"] for entry in more} == types
    assert len({entry["fullUrl"] for entry in entries}) == len(entries)


def test_an_unknown_parameter_is_left_out_of_self_unless_handling_is_strict(
    clinic: ControlledClinic,
) -> None:
    path = "Task?status=requested&colour=red&_include=Task:colour&_sort=colour"
    assert link(clinic.get(path), "self") == f"{clinic.base}/Task?status=requested"
    strict = send(clinic, "GET", path, Prefer="handling=strict")
    assert strict.status == 400
    assert "colour" in strict.json["issue"][0]["diagnostics"]
    known = send(clinic, "GET", "Task?status=requested", Prefer="handling=strict")
    assert known.status == 200


def test_the_history_of_one_is_newest_first_and_holds_its_deletion(
    clinic: ControlledClinic,
) -> None:
    for status in ("requested", "accepted"):
        send(clinic, "PUT", "Task/story", a_task("story", status=status))
    send(clinic, "DELETE", "Task/story")
    entries = clinic.get("Task/story/_history")["entry"]
    assert [entry["request"]["method"] for entry in entries] == ["DELETE", "PUT", "PUT"]
    assert [entry["response"]["status"][:3] for entry in entries] == ["204", "200", "201"]
    assert "resource" not in entries[0]
    assert entries[1]["resource"]["status"] == "accepted"
    assert send(clinic, "GET", "Task/never/_history").status == 404


def test_the_history_of_a_type_begins_at_since_and_pages(clinic: ControlledClinic) -> None:
    clinic.put(a_task("since-0"))
    since = clinic.get("Task/since-0")["meta"]["lastUpdated"]
    for place in range(1, 5):
        clinic.put(a_task(f"since-{place}"))
    clinic.put({"resourceType": "Basic", "id": "other", "code": {"text": "x"}})
    seen, path = [], f"Task/_history?_since={since}&_count=2"
    for _ in range(3):
        bundle = clinic.get(path)
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        more = link(bundle, "next")
        path = below(clinic, more) if more else ""
    assert seen == ["since-4", "since-3", "since-2", "since-1", "since-0"]
    assert path == ""


def test_the_servers_time_is_in_every_bundle_and_never_behind_its_rows(
    clinic: ControlledClinic,
) -> None:
    clinic.put(a_task("timed"))
    answer = send(clinic, "GET", "Task?_id=timed")
    [entry] = answer.json["entry"]
    assert answer.json["meta"]["lastUpdated"] >= entry["resource"]["meta"]["lastUpdated"]
    assert answer.headers["date"].startswith("Tue, 24 Nov 2026 15:1")


def test_a_client_that_takes_gzip_gets_it(clinic: ControlledClinic) -> None:
    host, port = clinic.base.removeprefix("http://").removesuffix("/fhir").split(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(
            f"GET /fhir/Patient HTTP/1.1\r\nHost: {host}:{port}\r\nAccept-Encoding: gzip\r\n"
            f"Authorization: Bearer {clinic.token}\r\nConnection: close\r\n\r\n".encode()
        )
        head, _, body = line.makefile("rb").read().partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert json.loads(gzip.decompress(body))["resourceType"] == "Bundle"


def test_metadata_is_open_and_everything_else_is_not(clinic: ControlledClinic) -> None:
    nobody = {"Authorization": ""}
    assert clinic.request("GET", "metadata", headers=nobody).status == 200
    for path in ("Patient", "Task/fu-001", "/control", "/control/log"):
        shut = clinic.request("GET", path, headers=nobody)
        assert shut.status == 401
        assert "Bearer" in shut.headers["www-authenticate"]
    assert clinic.request("GET", "Patient", headers={"Authorization": "Bearer x"}).status == 401


def test_a_name_that_is_not_of_this_machine_is_refused(clinic: ControlledClinic) -> None:
    answer = clinic.request("GET", "metadata", headers={"Host": "practice.example:80"})
    assert answer.status == 403


def test_what_is_nowhere_is_not_found(clinic: ControlledClinic) -> None:
    assert send(clinic, "GET", "Task/never").status == 404
    assert send(clinic, "GET", "Spaceship").status == 404
    assert send(clinic, "GET", "/elsewhere").status == 404
    assert send(clinic, "GET", "/control/nothing").status == 404


def test_the_same_answer_to_a_search_is_not_sent_again(clinic: ControlledClinic) -> None:
    clinic.put(a_task("watched", code={"coding": [{"code": "watched"}]}))
    path = "Task?code=watched&_sort=_lastUpdated"
    first = send(clinic, "GET", path)
    etag = first.headers["etag"]
    assert etag.startswith('W/"')
    clinic.put(a_task("unwatched"))
    same = send(clinic, "GET", path, If_None_Match=etag)
    assert (same.status, same.text, same.headers["etag"]) == (304, "", etag)
    assert send(clinic, "GET", f"{path}&_count=1", If_None_Match=etag).status == 200
    clinic.put(a_task("watched", code={"coding": [{"code": "watched"}]}, description="new"))
    changed = send(clinic, "GET", path, If_None_Match=etag)
    assert changed.status == 200
    assert changed.headers["etag"] != etag


def test_a_count_and_an_empty_search_have_an_etag_too(clinic: ControlledClinic) -> None:
    for path in ("Task?_summary=count", "Task?_id=never"):
        etag = send(clinic, "GET", path).headers["etag"]
        assert send(clinic, "GET", path, If_None_Match=etag).status == 304
        clinic.put(a_task("never" if "never" in path else "counted"))
        assert send(clinic, "GET", path, If_None_Match=etag).status == 200


def test_the_history_of_a_type_since_an_instant_holds_deletions(clinic: ControlledClinic) -> None:
    clinic.put(a_task("going"))
    clinic.put(a_task("staying"))
    since = clinic.get("Task/staying")["meta"]["lastUpdated"]
    clinic.delete("Task/going")
    entries = clinic.get(f"Task/_history?_since={since}")["entry"]
    methods = [(entry["request"]["method"], entry["request"]["url"]) for entry in entries]
    assert methods == [("DELETE", "Task/going"), ("PUT", "Task/staying")]
