"""Many at once: each for itself on the server, all of them one act to take back."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.contract.client import Clinician
from tests.contract.conftest import Arrives
from tests.contract.server import change, held, sent, text_of, versions
from tests.servers.harness import FhirServer, Resource
from tests.servers.proxy import FaultProxy, answer, drop_reply
from tests.servers.small_clinic import ME, many_referrals

BULK = 60
NAMES = tuple(f"Task/bulk-{number:03d}" for number in range(BULK))


@pytest.fixture
def intake(arrives: Arrives, clinic: FhirServer, now: datetime) -> Clinician:
    """Dana on the morning after a mailing: sixty new referrals to her team."""
    clinic.load(many_referrals(now, BULK))
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    return dana


def bulk(server: FhirServer) -> dict[str, Resource]:
    """The sixty, as the server gives them."""
    found = {f"Task/{task['id']}": task for task in server.found("Task?_count=200")}
    return {name: found[name] for name in NAMES}


def test_sixty_referrals_change_at_once_and_are_taken_back_at_once(
    intake: Clinician, clinic: FhirServer
) -> None:
    before = bulk(clinic)
    intake.accept(*NAMES)
    report = intake.sync()
    assert (report.ok, report.sent) == (True, BULK)
    accepted = bulk(clinic)
    assert {task["status"] for task in accepted.values()} == {"accepted"}
    assert {task["owner"]["reference"] for task in accepted.values()} == {ME}
    undone = intake.undo()
    assert len(undone.changed) == BULK
    report = intake.sync()
    assert (report.ok, report.sent) == (True, 2 * BULK)  # the sender is told about each client
    after = bulk(clinic)
    for name in NAMES:
        assert text_of(after[name], "lastModified") == text_of(before[name], "lastModified")
    assert {row.sync for row in intake.rows()} == {""}


def test_one_stale_entry_of_a_bulk_is_asked_about_and_the_others_go(
    intake: Clinician, clinic: FhirServer
) -> None:
    some = NAMES[:12]
    intake.accept(*some)
    theirs = change(clinic, some[5], status="rejected")
    change(clinic, some[6], priority="stat")
    report = intake.sync()
    assert (report.sent, report.conflicts, report.waiting) == (11, 1, 0)
    after = bulk(clinic)
    assert after[some[5]] == theirs
    assert after[some[6]]["priority"] == "stat"
    assert {after[name]["status"] for name in some if name != some[5]} == {"accepted"}


def test_a_bulk_whose_reply_is_lost_is_neither_lost_nor_doubled(
    intake: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    intake.note(*NAMES, text="Letter sent")
    proxy.once(drop_reply, "POST")
    assert intake.sync().ok
    after = bulk(clinic)
    assert {
        name: [note["text"] for note in resource["note"]] for name, resource in after.items()
    } == {name: ["Letter sent"] for name in NAMES}
    assert {versions(clinic, name) for name in NAMES} == {2}

    some = NAMES[:20]
    intake.log(*some, outcome="left message")
    proxy.once(drop_reply, "POST")
    assert intake.sync().ok
    contacts = [
        contact["subject"]["reference"] for contact in clinic.found("Communication?_count=200")
    ]
    assert [contacts.count(f"Patient/{name[5:]}") for name in some] == [1] * len(some)


def test_a_bulk_that_is_interrupted_between_two_batches_goes_on_where_it_was(
    intake: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    intake.knows_that_it_looks()
    intake.accept(*NAMES)
    proxy.once(lambda asked, forward: forward(), "POST")
    proxy.always(answer(503), "POST")
    report = intake.sync()
    assert not report.ok
    assert (report.sent, report.checking) == (50, 10)
    assert [task["status"] for task in bulk(clinic).values()].count("accepted") == 50
    proxy.heal()
    intake.later(hours=1)
    report = intake.sync()
    assert (report.ok, report.sent) == (True, 10)
    assert {task["status"] for task in bulk(clinic).values()} == {"accepted"}
    assert {versions(clinic, name) for name in NAMES} == {2}


def test_part_of_a_bulk_taken_back_before_it_was_sent_never_leaves(
    intake: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    intake.knows_that_it_looks()
    intake.accept(*NAMES[:5])
    intake.note(*NAMES, text="Letter sent")
    intake.undo()
    assert intake.sync().sent == 5
    assert sent(proxy) == [f"PUT {name}" for name in NAMES[:5]]
    assert "note" not in held(clinic, NAMES[0])
