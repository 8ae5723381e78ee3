"""Hard days: a token that ends, a kill in the middle of much, a poisoned row, a careless server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from tests.contract.client import Clinician
from tests.contract.conftest import Arrives
from tests.contract.server import held, ignores_if_match, refuse_write, sent, status, versions
from tests.servers.harness import FhirServer, PracticeServer
from tests.servers.proxy import Answered, Asked, Fault, FaultProxy, answer
from tests.servers.small_clinic import (
    ACCEPTED_REFERRAL,
    ME,
    OVERDUE_FOLLOW_UP,
    ROUTINE_REFERRAL,
    UNDATED_FOLLOW_UP,
    URGENT_REFERRAL,
    many_referrals,
)

BULK: Final = 500
#: A look at the sources from a process of its own; what it did is not asked.
LOOK: Final = """
import sys
from datetime import datetime
from pathlib import Path
from tests.contract.client import Clinician

me, base, token, folder, now = sys.argv[1:]
Clinician(me, "Dana Whitfield", base, token, Path(folder), datetime.fromisoformat(now)).sync()
"""


@pytest.fixture(params=[BULK])
def intake(
    arrives: Arrives, clinic: FhirServer, now: datetime, request: pytest.FixtureRequest
) -> Clinician:
    """Dana on the morning after a mailing: so many new referrals to her team."""
    clinic.load(many_referrals(now, request.param))
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    return dana


def names(count: int = BULK) -> list[str]:
    return [f"Task/bulk-{number:03d}" for number in range(count)]


def statuses(clinic: FhirServer, wanted: Sequence[str]) -> dict[str, str]:
    """The status of each of these Tasks; one that a search leaves out is read."""
    found = {f"Task/{task['id']}": task["status"] for task in clinic.found("Task?_count=500")}
    return {name: found.get(name) or status(clinic, name) for name in wanted}


def kill(child: Callable[[], subprocess.Popen[bytes]], after: int) -> Fault:
    """The server does its work for the so-maniest exchange, and the program is killed with it."""
    left = [after]

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered | None:
        said = forward()
        left[0] -= 1
        if left[0]:
            return said
        os.kill(child().pid, signal.SIGKILL)
        return None

    return fault


def test_five_hundred_changes_killed_halfway_go_on_where_they_were_each_done_once(
    intake: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    intake.accept(*names())
    intake.quit()
    children: list[subprocess.Popen[bytes]] = []
    root = f"{_path(proxy.base)}"
    proxy.once(kill(lambda: children[0], 5), "POST", root, times=5)
    command = [sys.executable, "-c", LOOK, ME, proxy.base, clinic.token, str(intake.folder)]
    children.append(
        subprocess.Popen([*command, intake.instant.isoformat()], cwd=Path(__file__).parents[2])
    )
    assert children[0].wait(120) == -signal.SIGKILL
    assert 0 < list(statuses(clinic, names()).values()).count("accepted") < BULK

    intake.sign_in(clinic.token)
    report = intake.sync()
    assert report.ok, report.words
    assert set(statuses(clinic, names()).values()) == {"accepted"}
    assert {versions(clinic, name) for name in names()[::7]} == {2}
    assert intake.waiting() == intake.needs_her() == 0


@pytest.mark.parametrize("intake", [201], indirect=True)
def test_one_poisoned_row_holds_up_none_of_two_hundred_good_ones(
    intake: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    good, poisoned = names(201)[:100] + names(201)[101:], names(201)[100]
    intake.accept(*names(201))
    proxy.always(refuse_write(clinic, poisoned, 422, "This referral is locked."))
    report = intake.sync()
    assert (report.sent, report.needs_attention, report.waiting) == (200, 1, 0)
    assert set(statuses(clinic, good).values()) == {"accepted"}
    assert status(clinic, poisoned) == "requested"
    assert intake.shown(poisoned).sync == "needs_you"


def test_a_token_that_ends_in_the_middle_of_a_push_leaves_all_kept_and_sends_the_rest_later(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    items = (URGENT_REFERRAL, ROUTINE_REFERRAL, OVERDUE_FOLLOW_UP, UNDATED_FOLLOW_UP)
    dana.note(ACCEPTED_REFERRAL, text="First of the day")
    assert dana.sync().ok
    for item in items:
        dana.note(item, text=f"About {item}")
    _one_by_one(clinic, proxy)
    proxy.once(lambda asked, forward: forward(), "PUT", "/Task/", times=2)
    proxy.always(answer(401), "PUT", "/Task/")
    report = dana.sync()
    assert report.words.startswith("Signed out")
    assert report.sent == 2
    assert report.waiting + report.checking == 2
    assert report.needs_attention == 0

    proxy.heal()
    for _ in range(9):  # signed out for long: that counts against no decision
        proxy.once(answer(401), "PUT", "/Task/")
        dana.later(minutes=20)
        assert dana.sync().needs_attention == 0
    proxy.heal()
    dana.later(minutes=20)
    assert dana.sync().ok
    for item in items:
        texts = [one["text"] for one in held(clinic, item)["note"]]
        assert texts.count(f"About {item}") == 1


MUCH: Final = 5_000


def test_five_thousand_rows_all_arrive_and_the_next_look_asks_for_none_of_them(
    arrives: Arrives, clinic: FhirServer, now: datetime
) -> None:
    clinic.load(
        {"resourceType": "Patient", "id": f"much-{number:03d}", "name": [{"family": "Much"}]}
        for number in range(MUCH // 10)
    )
    clinic.load(
        {
            "resourceType": "Task", "id": f"much-{number:04d}", "status": "requested",
            "intent": "order", "description": f"Send letter {number}",
            "for": {"reference": f"Patient/much-{number // 10:03d}"},
            "owner": {"reference": ME}, "authoredOn": now.isoformat(timespec="seconds"),
        }
        for number in range(MUCH)
    )  # fmt: skip
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    shown = {row.key.rpartition(":")[2] for row in dana.rows()}
    assert len({name for name in shown if name.startswith("Task/much-")}) == MUCH
    assert dana.sync().received == 0


@pytest.fixture
def unguarded(arrives: Arrives, clinic: FhirServer, proxy: FaultProxy) -> Clinician:
    """Dana at a server that reads no If-Match, and says that it does."""
    if isinstance(clinic, PracticeServer):
        clinic.behave("ignores-if-match")
    else:
        proxy.always(ignores_if_match(clinic))
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    return dana


def test_on_a_server_that_ignores_if_match_a_colleagues_change_is_read_before_and_asked_about(
    unguarded: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    unguarded.note(URGENT_REFERRAL, text="First of the day")
    assert unguarded.sync().ok
    unguarded.accept(ROUTINE_REFERRAL)
    theirs = {**held(clinic, ROUTINE_REFERRAL), "status": "rejected"}
    assert clinic.put(ROUTINE_REFERRAL, theirs).status == 200
    report = unguarded.sync()
    assert (report.conflicts, report.sent) == (1, 0)
    assert status(clinic, ROUTINE_REFERRAL) == "rejected"
    assert f"PUT {ROUTINE_REFERRAL}" not in sent(proxy)


def _one_by_one(clinic: FhirServer, proxy: FaultProxy) -> None:
    """The server takes no batches: each change is a request of its own."""
    proxy.once(answer(501), "POST", _path(proxy.base))


def _path(base: str) -> str:
    """The path of the root, by which a batch is told from the rest."""
    return base.partition("://")[2].partition("/")[2]
