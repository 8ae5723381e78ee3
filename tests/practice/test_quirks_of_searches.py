"""The ways of other servers in what they show: searches, pages, histories, instants."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.practice.conftest import a_task, below, link, send
from tests.practice.test_quirks import codes, declared
from tests.servers.controlled_clinic import ControlledClinic
from tests.servers.harness import send as plain


def test_last_updated_may_be_in_whole_seconds(clinic: ControlledClinic) -> None:
    clinic.put(a_task("coarse"))
    fine = clinic.get("Task/coarse")["meta"]["lastUpdated"]
    clinic.set_quirks("second-precision")
    coarse = clinic.get("Task/coarse")["meta"]["lastUpdated"]
    assert coarse == fine[:19] + "Z"
    bundle = clinic.get(f"Task?_id=coarse&_lastUpdated=ge{coarse}")
    assert bundle["entry"][0]["resource"]["meta"]["lastUpdated"] == coarse
    assert len(bundle["meta"]["lastUpdated"]) == len(coarse)
    assert "entry" not in clinic.get(f"Task?_id=coarse&_lastUpdated=gt{coarse}")
    later_in_that_second = coarse[:19] + ".999Z"
    assert "entry" not in clinic.get(f"Task?_id=coarse&_lastUpdated=ge{later_in_that_second}")


def test_a_write_may_be_seen_late_by_searches_and_at_once_by_reads(
    clinic: ControlledClinic,
) -> None:
    tree = a_task("slow-index", identifier=[{"system": "urn:test", "value": "slow-index"}])
    clinic.put(tree)
    clinic.set_quirks("late-visibility=60")
    changed = send(clinic, "PUT", "Task/slow-index", tree | {"status": "accepted"})
    assert changed.headers["etag"] == 'W/"2"'
    assert clinic.get("Task/slow-index")["status"] == "accepted"
    stamp = changed.json["meta"]["lastUpdated"]
    path = "Task?_id=slow-index&status="
    assert clinic.get(f"{path}requested")["entry"][0]["resource"]["meta"]["versionId"] == "1"
    assert "entry" not in clinic.get(f"Task/_history?_since={stamp}")
    condition = "identifier=urn:test|slow-index&status=accepted"
    assert send(clinic, "POST", "Task", tree, If_None_Exist=condition).status == 200
    clinic.advance(58)
    assert "entry" not in clinic.get(f"{path}accepted")
    clinic.advance(3)
    assert "entry" not in clinic.get(f"{path}requested")
    [entry] = clinic.get(f"{path}accepted&_lastUpdated=le{stamp}")["entry"]
    assert entry["resource"]["meta"]["lastUpdated"] == stamp
    assert clinic.get(f"Task/_history?_since={stamp}")["entry"]


def test_a_late_deletion_stays_in_searches_meanwhile(clinic: ControlledClinic) -> None:
    clinic.put(a_task("lingers"))
    clinic.set_quirks("late-visibility=60")
    clinic.delete("Task/lingers")
    assert send(clinic, "GET", "Task/lingers").status == 410
    assert clinic.get("Task?_id=lingers")["entry"]
    clinic.advance(61)
    assert "entry" not in clinic.get("Task?_id=lingers")


def test_a_write_that_becomes_visible_late_never_covers_a_newer_one(
    clinic: ControlledClinic,
) -> None:
    clinic.set_quirks("late-visibility=60")
    clinic.put(a_task("overtaken"))
    clinic.set_quirks()
    clinic.put(a_task("overtaken", status="accepted"))
    for _ in range(2):
        [entry] = clinic.get("Task?_id=overtaken")["entry"]
        assert entry["resource"]["meta"]["versionId"] == "2"
        assert "entry" not in clinic.get("Task?_id=overtaken&status=requested")
        clinic.advance(61)


def test_elements_may_be_ignored(clinic: ControlledClinic) -> None:
    [entry] = clinic.get("Task?_id=fu-001&_elements=id,meta")["entry"]
    assert set(entry["resource"]) == {"resourceType", "id", "meta"}
    clinic.set_quirks("ignores-elements")
    bundle = clinic.get("Task?_id=fu-001&_elements=id,meta")
    assert bundle["entry"][0]["resource"]["description"]
    assert "tag" not in bundle["entry"][0]["resource"]["meta"]
    assert link(bundle, "self") == f"{clinic.base}/Task?_id=fu-001"


def test_a_search_may_have_no_etag(clinic: ControlledClinic) -> None:
    assert "etag" in send(clinic, "GET", "CareTeam").headers
    clinic.set_quirks("no-search-etag")
    assert "etag" not in send(clinic, "GET", "CareTeam").headers
    assert "etag" in send(clinic, "GET", "CareTeam/access").headers


def test_there_may_be_no_history(clinic: ControlledClinic) -> None:
    clinic.set_quirks("no-history")
    assert not codes(clinic) & {"vread", "history-instance", "history-type"}
    one = declared(clinic, "Task")
    assert one is not None
    assert one["readHistory"] is False
    for path in ("_history", "Task/_history", "Task/fu-001/_history", "Task/fu-001/_history/1"):
        assert send(clinic, "GET", path).status == 404, path
    assert clinic.get("Task/fu-001")["meta"]["versionId"]


def test_a_next_link_may_lead_to_the_same_page(clinic: ControlledClinic) -> None:
    clinic.set_quirks("looping-next")
    first = clinic.get("Patient?_count=2")
    more = link(first, "next")
    assert more == link(first, "self")
    clinic.set_quirks()
    second = link(first | {"link": clinic.get("Patient?_count=2")["link"]}, "next")
    assert second is not None
    clinic.set_quirks("looping-next")
    page = clinic.get(second.removeprefix(clinic.base + "/"))
    assert (link(page, "next"), link(page, "self")) == (second, second)
    assert link(clinic.get("Patient?_count=500"), "next") is None
    history = clinic.get("Patient/_history?_count=2")
    assert link(history, "next") == link(history, "self")


@pytest.mark.parametrize("path", ["Patient?_count=2", "Patient/_history?_count=2"])
def test_a_next_link_may_be_the_base_and_a_query_without_a_slash(
    clinic: ControlledClinic, path: str
) -> None:
    by_the_book = link(clinic.get(path), "next")
    assert by_the_book is not None
    wanted = entries(clinic.get(below(clinic, by_the_book)))
    clinic.set_quirks("slashless-next")
    more = link(clinic.get(path), "next")
    assert more is not None
    assert more.startswith(f"{clinic.base}?_getpages=Patient")
    status, _, body = plain("GET", more, clinic.token)
    assert (status, entries(json.loads(body))) == (200, wanted)


@pytest.mark.parametrize("query", ["", "?", "?_getpages=", "?_getpages=/", "?_page=x"])
def test_nothing_else_is_at_the_base(clinic: ControlledClinic, query: str) -> None:
    assert plain("GET", f"{clinic.base}{query}", clinic.token)[0] == 404


def test_a_next_link_may_be_a_query_alone(clinic: ControlledClinic) -> None:
    clinic.set_quirks("relative-next")
    first = clinic.get("Patient?_count=2")
    more = link(first, "next")
    assert more is not None
    assert more.startswith("?_page=")
    assert not set(entries(first)) & set(entries(clinic.get(f"Patient{more}")))


def entries(bundle: Any) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle["entry"]]


def test_a_page_may_be_cut_short_without_a_next_link(clinic: ControlledClinic) -> None:
    clinic.set_quirks("cut-pages")
    cut = clinic.get("Patient?_count=10")
    assert (len(cut["entry"]), cut["total"], link(cut, "next")) == (5, 40, None)
    whole = clinic.get("Patient?_count=10")
    assert len(whole["entry"]) == 10
    assert link(whole, "next")
    clinic.set_quirks("cut-pages=2")
    assert len(clinic.get("Patient")["entry"]) == 20


def test_the_matches_of_a_page_may_stand_there_twice(clinic: ControlledClinic) -> None:
    clinic.set_quirks("doubled-entries")
    bundle = clinic.get("CareTeam?_sort=_id&_total=accurate")
    keys = [entry["resource"]["id"] for entry in bundle["entry"]]
    assert keys == [key for key in sorted(set(keys)) for _ in range(2)]
    assert (len(keys), bundle["total"]) == (8, 4)
