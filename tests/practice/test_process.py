"""The child process: it says where it is, replays its seed, and never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from carequeue.domain.errors import ServerError
from tests.practice.conftest import NOW
from tests.servers.controlled_clinic import ControlledClinic

COMMAND = [sys.executable, "-m", "carequeue.practice", "--clients=3", "--seed=1"]
PARENT = """
import os, subprocess, sys
child = subprocess.Popen(
    [sys.executable, "-m", "carequeue.practice", "--clients=3"],
    stdin=int(sys.argv[1]) if len(sys.argv) > 1 else subprocess.PIPE,
    stdout=subprocess.PIPE,
)
print(child.stdout.readline().decode(), flush=True)
sys.stdin.read()
"""
posix = pytest.mark.skipif(os.name != "posix", reason="signals and inherited pipes of POSIX")


def line_to(base: str) -> socket.socket:
    """An open connection: its other end closes when the process is gone, and not before."""
    host, _, port = base.removeprefix("http://").removesuffix("/fhir").partition(":")
    line = socket.create_connection((host, int(port)))
    line.settimeout(1.0)
    return line


def is_gone(line: socket.socket) -> bool:
    """Whether the other end closes within a second."""
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_it_prints_one_line_that_says_all(opened: ControlledClinic) -> None:
    assert opened.base.startswith("http://127.0.0.1:")
    assert len(opened.token) >= 32
    assert opened.me["time_zone"] == "America/Chicago"
    assert opened.me["teams"] == ["CareTeam/adult-outpatient"]


def test_two_clinics_of_one_seed_and_time_answer_alike(opened: ControlledClinic) -> None:
    def bodies(clinic: ControlledClinic) -> list[str]:
        entries = clinic.get("_history?_count=500")["entry"]
        return [json.dumps(entry["resource"]) for entry in entries]

    with ControlledClinic(seed=7, clients=40, now=NOW) as twin:
        assert bodies(twin) == bodies(opened)
        assert twin.token != opened.token


def test_it_leaves_when_its_input_ends() -> None:
    child = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdout, line_to(json.loads(child.stdout.readline())["base"]) as line:
        child.stdin.close()
        assert is_gone(line)
    child.wait()


def test_closing_a_clinic_ends_it_and_may_be_said_twice() -> None:
    clinic = ControlledClinic(clients=3)
    with line_to(clinic.base) as line:
        clinic.close()
        clinic.close()
        assert is_gone(line)


@posix
def test_it_leaves_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent.stdin, parent.stdout:
        with line_to(json.loads(parent.stdout.readline())["base"]) as line:
            parent.send_signal(signal.SIGKILL)
            assert is_gone(line)
        parent.wait()


@posix
def test_it_leaves_even_where_somebody_else_holds_its_input_open() -> None:
    end, held = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(end)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(end,),
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent.stdin, parent.stdout:
        with line_to(json.loads(parent.stdout.readline())["base"]) as line:
            parent.send_signal(signal.SIGKILL)
            assert is_gone(line)
        parent.wait()
    os.close(end)
    os.close(held)


def test_a_clinic_that_cannot_start_says_why() -> None:
    with pytest.raises(ServerError, match="No quirk 'nonsense'"):
        ControlledClinic(clients=3, quirks=["nonsense"])
    with pytest.raises(ServerError, match="offset is missing"):
        ControlledClinic(clients=3, now="2026-11-24T15:12:00")
