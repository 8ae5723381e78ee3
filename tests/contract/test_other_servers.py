"""What a server cannot take stays here and is said; what it sends, however odd, is shown clean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from carequeue.verbs.offers import names_of
from tests.contract.client import Clinician
from tests.contract.conftest import Arrives
from tests.contract.lacking import lacks
from tests.contract.server import (
    change,
    held,
    ignores_if_match,
    of_client,
    sent,
    status,
    text_of,
    versions,
)
from tests.servers.harness import FhirServer, PracticeServer, Resource
from tests.servers.proxy import Answered, Asked, FaultProxy, before, drop_request
from tests.servers.small_clinic import (
    DISCHARGE,
    LONE_REFERRAL,
    ME,
    ROUTINE_REFERRAL,
    UNDATED_FOLLOW_UP,
    URGENT_REFERRAL,
    clients,
    directory,
)

HOSTILE = "[/red]\x1b]52;c;c2VjcmV0\x07 \u202egnp.exe\u202c O'Brien"


@pytest.fixture
def reader(arrives: Arrives, clinic: FhirServer, proxy: FaultProxy) -> Clinician:
    """Dana at a server that lets Tasks be read and not written."""
    if isinstance(clinic, PracticeServer):
        clinic.behave("no-task-write")
    else:
        proxy.read_only("Task")
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    return dana


def test_without_a_writable_task_a_decision_is_kept_here_and_said(
    reader: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before = held(clinic, URGENT_REFERRAL)
    acted = reader.accept(URGENT_REFERRAL)
    assert acted.kept_here == 1
    assert "Saved on this computer only" in acted.message
    assert reader.shown(URGENT_REFERRAL).sync == "kept_here"
    assert "decline" not in names_of(reader.shown(URGENT_REFERRAL).verbs)  # it counts as accepted
    report = reader.sync()
    assert report.ok
    assert (report.kept_here, report.sent) == (1, 0)
    assert "1 saved on this computer only" in report.words
    reader.later(days=1)
    assert reader.sync().ok
    assert sent(proxy) == []  # not tried, not tried again
    assert held(clinic, URGENT_REFERRAL) == before


def test_without_a_writable_task_what_needs_one_is_kept_here_and_a_contact_still_goes(
    reader: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    tasks = clinic.found("Task?_count=200")
    reader.accept(LONE_REFERRAL)
    reader.plan(LONE_REFERRAL, text="Call the ward", until="3bd")
    reader.note(reader.titled("Call the ward").key, text="Ask for the charge nurse")
    reader.note(UNDATED_FOLLOW_UP, text="Kept here")
    reader.log(UNDATED_FOLLOW_UP, outcome="reached")
    assert reader.sync().ok
    (contact,) = of_client(clinic, "Communication", "client-10")
    assert contact["status"] == "completed"
    assert sent(proxy) == [f"PUT Communication/{contact['id']}"]
    assert clinic.found("Task?_count=200") == tasks
    assert reader.titled("Call the ward").sync == "kept_here"


def test_what_is_kept_here_stands_over_whatever_the_server_sends_and_can_be_taken_back(
    reader: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    reader.prioritize(ROUTINE_REFERRAL, to="urgent")
    assert reader.sync().ok
    proxy.heal()
    if isinstance(clinic, PracticeServer):
        clinic.behave()
    changed = {**held(clinic, ROUTINE_REFERRAL), "description": "Asked again by the ward"}
    assert clinic.put(ROUTINE_REFERRAL, changed).status == 200
    assert reader.sync().received == 1
    assert reader.shown(ROUTINE_REFERRAL).sync == "kept_here"
    assert "urgent" in reader.shown(ROUTINE_REFERRAL).title
    reader.undo()
    assert reader.sync().ok
    assert "urgent" not in reader.shown(ROUTINE_REFERRAL).title
    assert text_of(held(clinic, ROUTINE_REFERRAL)) == text_of(changed)


def test_what_was_kept_here_is_sent_by_itself_once_the_server_takes_it(
    reader: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    reader.accept(URGENT_REFERRAL)
    reader.accept(ROUTINE_REFERRAL)
    reader.note(UNDATED_FOLLOW_UP, text="Kept until the server takes it")
    reader.accept(LONE_REFERRAL)
    assert reader.sync().kept_here == 5  # a request without a Task makes two
    lacks(clinic, proxy)
    change(clinic, URGENT_REFERRAL, priority="stat")
    theirs = change(clinic, ROUTINE_REFERRAL, status="rejected")
    reader.later(days=1)  # its statement is read anew
    report = reader.sync()
    assert (report.sent, report.kept_here, report.conflicts) == (4, 0, 1), report
    assert (status(clinic, URGENT_REFERRAL), held(clinic, URGENT_REFERRAL)["priority"]) == (
        "accepted",
        "stat",
    )
    assert held(clinic, ROUTINE_REFERRAL) == theirs  # changed since she saw it: she is asked
    texts = [one["text"] for one in held(clinic, UNDATED_FOLLOW_UP)["note"]]
    assert texts.count("Kept until the server takes it") == 1
    (made,) = of_client(clinic, "Task", "client-07")
    assert made["status"] == "accepted"


@pytest.fixture
def lacking(arrives: Arrives, clinic: FhirServer, proxy: FaultProxy) -> Callable[[str], Clinician]:
    """Dana at a server that lacks something."""

    def before(name: str) -> Clinician:
        lacks(clinic, proxy, name)
        dana = arrives(ME, "Dana Whitfield")
        dana.sync()
        return dana

    return before


def test_where_tasks_can_be_changed_and_not_created_only_what_needs_a_new_one_is_kept_here(
    lacking: Callable[[str], Clinician], clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana = lacking("task-no-create")
    tasks = len(clinic.found("Task?_count=200"))
    assert dana.accept(URGENT_REFERRAL).kept_here == 0
    assert dana.accept(LONE_REFERRAL).kept_here == 1
    dana.plan(URGENT_REFERRAL, text="Call the ward", until="3bd")
    report = dana.sync()
    assert (report.ok, report.sent, report.waiting) == (True, 1, 0)
    assert report.kept_here == 3
    assert status(clinic, URGENT_REFERRAL) == "accepted"
    assert len(clinic.found("Task?_count=200")) == tasks
    lacks(clinic, proxy)
    dana.later(days=1)
    report = dana.sync()
    assert (report.ok, report.sent, report.kept_here) == (True, 3, 0)
    (made,) = of_client(clinic, "Task", "client-07")
    assert made["status"] == "accepted"


def test_where_there_is_no_task_at_all_what_needs_one_is_kept_here_and_a_contact_still_goes(
    lacking: Callable[[str], Clinician], clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana = lacking("no-task")
    assert dana.accept(LONE_REFERRAL).kept_here == 1
    dana.log(DISCHARGE, outcome="no answer")
    report = dana.sync()
    assert (report.sent, report.waiting, report.needs_attention) == (1, 0, 0)
    assert dana.shown(LONE_REFERRAL).sync == "kept_here"
    (contact,) = of_client(clinic, "Communication", "client-05")
    assert contact["status"] == "not-done"
    assert not [request for request in sent(proxy) if "Task" in request]


def test_where_only_three_statuses_are_known_the_others_are_kept_here_and_never_tried_again(
    lacking: Callable[[str], Clinician], clinic: FhirServer, proxy: FaultProxy
) -> None:
    dana = lacking("three-statuses")
    dana.accept(URGENT_REFERRAL)
    dana.note(URGENT_REFERRAL, text="Called the ward")
    report = dana.sync()
    assert (report.kept_here, report.needs_attention, report.waiting) == (1, 0, 0)
    assert dana.shown(URGENT_REFERRAL).sync == "kept_here"
    written = held(clinic, URGENT_REFERRAL)
    assert (written["status"], written["note"][-1]["text"]) == ("requested", "Called the ward")
    assert dana.accept(ROUTINE_REFERRAL).kept_here == 1  # known by now, before she types
    since = len(proxy.asked())
    dana.later(hours=2)
    assert dana.sync().kept_here == 2
    assert sent(proxy, since) == []

    # A status that it knows: what was accepted here goes with it.
    dana.done(URGENT_REFERRAL, met="client was seen")
    report = dana.sync()
    assert (report.ok, report.kept_here) == (True, 1)
    written = held(clinic, URGENT_REFERRAL)
    assert (written["status"], written["owner"]["reference"]) == ("completed", ME)
    lacks(clinic, proxy)
    dana.later(days=1)
    assert dana.sync().kept_here == 0
    assert status(clinic, ROUTINE_REFERRAL) == "accepted"


@pytest.fixture
def careless(arrives: Arrives, clinic: FhirServer, proxy: FaultProxy) -> Clinician:
    """Dana at a server that reads no If-Match; her first write has shown it."""
    if isinstance(clinic, PracticeServer):
        clinic.behave("ignores-if-match")
    else:
        proxy.always(ignores_if_match(clinic))
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    dana.note(UNDATED_FOLLOW_UP, text="First of the day")
    assert dana.sync().ok
    return dana


def test_a_server_that_looks_for_no_colleague_is_found_out_by_one_write_that_happens_once(
    careless: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    assert sent(proxy) == [f"PUT {UNDATED_FOLLOW_UP}"]
    assert versions(clinic, UNDATED_FOLLOW_UP) == 2
    texts = [one["text"] for one in held(clinic, UNDATED_FOLLOW_UP)["note"]]
    assert texts.count("First of the day") == 1


def test_what_waits_for_it_is_labelled_and_many_at_once_are_told_beforehand(
    careless: Clinician, proxy: FaultProxy
) -> None:
    proxy.offline()
    preview = careless.preview("accept", URGENT_REFERRAL, ROUTINE_REFERRAL)
    assert preview.unprotected == preview.changes
    assert len(preview.changes) == 2
    careless.accept(URGENT_REFERRAL)
    assert not careless.sync().ok
    assert careless.shown(URGENT_REFERRAL).sync == "unprotected"
    proxy.online()
    assert careless.sync().ok
    assert careless.shown(URGENT_REFERRAL).sync == ""


def test_what_went_over_a_colleagues_change_in_the_same_moment_is_said_to_her(
    careless: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    """Nothing on our side can close that moment; the server's history tells of it."""
    careless.prioritize(ROUTINE_REFERRAL, to="urgent")

    def a_colleague_was_quicker(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        change(clinic, ROUTINE_REFERRAL, status="rejected")
        taken = ignores_if_match(clinic)(asked, forward)
        assert taken is not None
        return taken

    proxy.once(a_colleague_was_quicker, "PUT", ROUTINE_REFERRAL)
    assert careless.sync().ok
    assert status(clinic, ROUTINE_REFERRAL) == "requested"
    (told,) = careless.told()
    assert "overwritten unseen" in told
    assert "status (theirs: rejected)" in told


MANY = 450


@pytest.fixture
def crowd(clinic: FhirServer, now: datetime) -> set[str]:
    """More Tasks than two pages hold; their names."""
    clinic.load(_follow_up(number, now) for number in range(MANY))
    there = {f"Task/{task['id']}" for task in clinic.found("Task?_count=500")}
    assert len([name for name in there if "many" in name]) == MANY
    return {name for name in there if "many" in name}


def names(person: Clinician) -> set[str]:
    """The items that she is shown, by their Tasks."""
    return {row.key.rpartition(":")[2] for row in person.rows()}


def test_more_rows_than_a_page_all_arrive(arrives: Arrives, crowd: set[str]) -> None:
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    assert crowd <= names(dana)
    assert dana.sync().received == 0


@pytest.mark.parametrize("quirk", ["slashless-next", "relative-next", "foreign-next"])
def test_more_rows_than_a_page_all_arrive_however_the_next_one_is_named(
    practice: PracticeServer, tmp_path: Path, now: datetime, quirk: str
) -> None:
    practice.load([*directory(), *clients()])
    practice.load(_follow_up(number, now) for number in range(MANY))
    practice.behave(quirk)
    dana = Clinician(ME, "Dana Whitfield", practice.base, practice.token, tmp_path, now)
    try:
        assert dana.sync().ok
        assert len(names(dana)) == MANY
        assert (
            len([request for request in practice.log() if "_page=" in request["path"]])
            >= MANY // 200
        )
    finally:
        dana.quit()


def test_a_first_sync_that_breaks_goes_on_where_it_was(
    arrives: Arrives, crowd: set[str], proxy: FaultProxy
) -> None:
    dana = arrives(ME, "Dana Whitfield")
    proxy.once(lambda asked, forward: forward(), "GET", "/Task?")
    proxy.once(drop_request, "GET", "/Task?")
    report = dana.sync()
    assert (report.ok, report.words.startswith("Offline")) == (False, True)
    assert len(names(dana) & crowd) > 100  # usable already
    asked = len(proxy.asked("GET", "/Task?"))
    assert dana.sync().ok
    assert crowd <= names(dana)
    assert len(proxy.asked("GET", "/Task?")) - asked == 2  # not the first page again


def test_a_row_that_moves_between_two_pages_hides_no_other(
    arrives: Arrives, clinic: FhirServer, crowd: set[str], proxy: FaultProxy
) -> None:
    dana = arrives(ME, "Dana Whitfield")
    proxy.once(lambda asked, forward: forward(), "GET", "/Task?")
    proxy.once(before(lambda: change(clinic, "Task/many-000", priority="asap")), "GET", "/Task?")
    assert dana.sync().ok
    assert held(clinic, "Task/many-000")["priority"] == "asap"
    assert crowd <= names(dana)


def test_a_hostile_name_arrives_as_it_is_and_is_shown_clean(
    arrives: Arrives, clinic: FhirServer
) -> None:
    name = [{"family": HOSTILE, "given": ["[bold]Ana[/bold]\x00\x1b[2J"]}]
    patient = {**held(clinic, "Patient/client-02"), "name": name}
    assert clinic.put("Patient/client-02", patient).status == 200
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    row = dana.shown(ROUTINE_REFERRAL)
    for part in (row.client, row.title, row.move_name):
        assert not [one for one in part if ord(one) < 32 or ord(one) in range(0x7F, 0xA0)]
        assert "\u202e" not in part
    assert "[/RED]" in row.client  # markup is text like any other
    acted = dana.accept(ROUTINE_REFERRAL)
    assert "\x1b" not in acted.message
    assert dana.sync().ok
    assert held(clinic, ROUTINE_REFERRAL)["status"] == "accepted"
    assert held(clinic, "Patient/client-02")["name"] == name


def _follow_up(number: int, now: datetime) -> Resource:
    return {
        "resourceType": "Task",
        "id": f"many-{number:03d}",
        "status": "requested",
        "intent": "order",
        "description": f"Send letter {number}",
        "for": {"reference": "Patient/client-01"},
        "owner": {"reference": ME},
        "authoredOn": now.isoformat(timespec="seconds"),
    }
