"""Tokens that run out and are renewed, and backups that are restored."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from carequeue.domain.errors import ServerError
from tests.practice.conftest import a_task, send
from tests.servers.controlled_clinic import ControlledClinic


def test_a_token_may_run_out_and_be_renewed(clinic: ControlledClinic) -> None:
    clinic.set_quirks("token-expires=2")
    old = clinic.token
    assert [send(clinic, "GET", "CareTeam/access").status for _ in range(4)] == [200, 200, 401, 401]
    assert send(clinic, "PUT", "Task/too-late", a_task("too-late")).status == 401
    assert send(clinic, "GET", "metadata").status == 200
    assert clinic.renew_token() != old
    assert send(clinic, "GET", "CareTeam/access").status == 200
    stale = clinic.request("GET", "CareTeam/access", headers={"Authorization": f"Bearer {old}"})
    assert stale.status == 401
    assert send(clinic, "GET", "CareTeam/access").status == 200
    assert send(clinic, "GET", "CareTeam/access").status == 401
    assert send(clinic, "GET", "Task/too-late").status == 401
    clinic.set_quirks()
    assert send(clinic, "GET", "Task/too-late").status == 404


def test_a_token_command_prints_a_new_token(clinic: ControlledClinic) -> None:
    command = shlex.split(clinic.token_command)
    printed = [subprocess.check_output(command, text=True).strip() for _ in range(2)]
    first, second = (
        clinic.request("GET", "Patient?_count=1", headers={"Authorization": f"Bearer {token}"})
        for token in printed
    )
    assert (first.status, second.status) == (401, 200)
    clinic.renew_token()


def test_all_data_go_back_to_the_backup_versions_included(clinic: ControlledClinic) -> None:
    clinic.put(a_task("kept", description="first"))
    clinic.snapshot()
    clinic.put(a_task("kept", description="second"))
    clinic.put(a_task("lost"))
    clinic.delete("Task/fu-002")
    clinic.restore()
    kept = clinic.get("Task/kept")
    assert (kept["description"], kept["meta"]["versionId"]) == ("first", "1")
    assert len(clinic.get("Task/kept/_history")["entry"]) == 1
    assert send(clinic, "GET", "Task/lost").status == 404
    assert send(clinic, "GET", "Task/fu-002").status == 200
    assert "entry" not in clinic.get("Task?_id=lost")
    again = send(clinic, "PUT", "Task/kept", a_task("kept", description="third"))
    assert again.json["meta"]["versionId"] == "2"
    assert again.json["meta"]["lastUpdated"] > kept["meta"]["lastUpdated"]
    clinic.restore()
    assert clinic.get("Task/kept")["description"] == "first"


def test_without_a_backup_there_is_nothing_to_restore() -> None:
    with ControlledClinic(clients=1) as fresh, pytest.raises(ServerError, match="no snapshot"):
        fresh.restore()
