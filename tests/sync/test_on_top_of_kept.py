"""What is decided on top of a decision that is kept here: the server knows no "accepted" here.

Who accepts a referral takes it, too; who passes it on afterwards has decided that part anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sync.recorder import said
from tests.sync.shelf import Office, follow_up

TEAM = "CareTeam/access"
NOEL = {"reference": "Practitioner/noel"}
ASKED = {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]}
REFUSAL = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "code-invalid", "expression": ["Task.status"]}],
}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Dana has accepted what nobody had taken; the server does not know that status."""
    found = Office(tmp_path)
    found.server.put(follow_up("t0", code=ASKED, owner=None))
    found.look()
    found.server.fault = few_statuses
    found.act("accept", "t0")
    found.look()
    assert found.states() == ["kept_here"]
    assert owner(found) == "you"
    return found


def few_statuses(request: httpx.Request, forward: Any) -> httpx.Response:
    if request.method == "PUT" and json.loads(request.content)["status"] == "accepted":
        return said(json.dumps(REFUSAL), 422)
    response: httpx.Response = forward()
    return response


def owner(office: Office) -> str:
    """Whose move the queue says it is."""
    return str(office.cache.row("main:Task/t0").move_name)


def test_is_sent_and_not_hidden_by_it_afterwards(office: Office) -> None:
    office.act("assign", "t0", to=TEAM)
    assert owner(office) == TEAM
    office.look()
    assert office.states() == ["kept_here", "acknowledged"]
    assert office.server.rows["Task/t0"]["owner"]["reference"] == TEAM
    assert owner(office) == TEAM
    assert office.cache.row("main:Task/t0").sync == "kept_here"


def test_that_is_kept_here_as_well_says_why_once(office: Office) -> None:
    office.server.put(follow_up("t1", code=ASKED, owner=None))
    office.look()
    acted = office.cache.desk.act("accept", ["main:Task/t1"], {}, office.cache.instant)
    assert (
        "J. Saved on this computer only: the server does not support this status." in acted.message
    )


def test_stands_when_the_server_can_take_the_earlier_one_after_all(office: Office) -> None:
    office.act("assign", "t0", to=TEAM)
    office.look()
    office.server.fault = lambda request, forward: forward()
    office.cache.later(hours=13)  # what it can take is read anew
    office.look()
    task = office.server.rows["Task/t0"]
    assert (task["status"], task["owner"]["reference"]) == ("accepted", TEAM)
    assert office.states() == ["acknowledged", "acknowledged"]


def test_leaves_with_the_earlier_one_once_somebody_says_that_the_server_was_mended(
    office: Office,
) -> None:
    """`carequeue connect` again: nothing has to wait until the statement is read by itself."""
    office.server.fault = lambda request, forward: forward()
    office.look()
    assert office.states() == ["kept_here"]
    office.cache.session.ask_again("main")
    office.look()
    assert office.states() == ["acknowledged"]


def test_that_would_go_over_what_it_hides_is_asked_about(office: Office) -> None:
    """A colleague took the row meanwhile; it is shown as Dana's, who accepted it."""
    office.server.put(follow_up("t0", code=ASKED, owner=NOEL))
    office.look()
    office.act("assign", "t0", to=TEAM)
    office.look()
    assert office.states() == ["kept_here", "conflict"]
    assert office.server.rows["Task/t0"]["owner"] == NOEL


def test_goes_where_the_person_says_so_who_has_seen_both(office: Office) -> None:
    office.server.put(follow_up("t0", code=ASKED, owner=NOEL))
    office.look()
    office.act("assign", "t0", to=TEAM)
    office.look()
    shown = office.cache.desk.outbox.conflict("main:Task/t0", office.cache.instant)
    assert shown is not None
    office.cache.desk.outbox.resolve(shown, "mine", office.cache.instant)
    office.look()
    assert office.states() == ["kept_here", "acknowledged"]
    assert office.server.rows["Task/t0"]["owner"]["reference"] == TEAM
