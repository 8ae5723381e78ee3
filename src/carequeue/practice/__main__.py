"""The clinic's own process: `python -m carequeue.practice --seed 7 --clients 400`.

It prints one JSON line (address, token, who "me" is) and answers until its standard input ends or
its parent is gone, whichever is seen first: a killed parent closes the pipe, and a pipe that some
other child of the parent inherited is caught by the look at the parent's process id.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import threading
import time
from datetime import UTC, datetime

from carequeue.practice.people.everybody import ME, ClinicPeople
from carequeue.practice.people.simulated_colleagues import SimulatedColleagues
from carequeue.practice.server.http_server import PracticeServer
from carequeue.practice.server.paced_time import (
    PACES,
    ColleagueChange,
    ColleagueSchedule,
    PacedTime,
)
from carequeue.practice.server.quirks import ActiveQuirks, parse
from carequeue.practice.server.resource_store import ResourceStore
from carequeue.practice.server.service import FhirService

_POLL_SECONDS = 0.05


def main(argv: list[str] | None = None) -> int:
    """Run until the parent is gone; 2 on a wrong argument."""
    _leave_with_parent()
    asked = _arguments(argv)
    now = asked.now or datetime.now(UTC)
    server = PracticeServer(secrets.token_urlsafe(24))
    paced = PacedTime(now)
    store = ResourceStore(paced.now, server.base)
    people = ClinicPeople(asked.seed, asked.clients, now)
    store.seed(people.resources())
    colleagues = SimulatedColleagues(asked.seed, people.clients, store)
    service = FhirService(store, ActiveQuirks(asked.quirks), server.base, server.sockets.address)

    def make_change() -> ColleagueChange:
        with service.transaction():
            return colleagues.step()

    note = server.changes.append
    server.open(service, ColleagueSchedule(make_change, asked.seed, paced, note, asked.pace))
    opened = {"base": server.base, "token": server.token, "me": ME}
    sys.stdout.write(json.dumps(opened, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    threading.Event().wait()
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m carequeue.practice",
        description="A FHIR R4 server with synthetic people, on this machine only.",
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed, the same people")
    parser.add_argument("--clients", type=_people, default=400, help="how many clients")
    parser.add_argument("--quirk", action="append", default=[], help="a way of other servers")
    parser.add_argument("--now", type=_instant, help="the clinic's time, ISO 8601 with an offset")
    parser.add_argument("--pace", choices=PACES, default="off", help="how it moves by itself")
    asked = parser.parse_args(argv)
    try:
        asked.quirks = parse(asked.quirk)
    except ValueError as wrong:
        parser.error(str(wrong))
    return asked


def _people(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 200_000:
        raise argparse.ArgumentTypeError("a number from 1 to 200000")
    return int(text)


def _instant(text: str) -> datetime:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"no date and time: {text!r}") from None
    if when.tzinfo is None:
        raise argparse.ArgumentTypeError("the offset is missing, such as +00:00")
    return when.astimezone(UTC)


def _leave_with_parent() -> None:
    threading.Thread(target=_until_input_ends, daemon=True, name="input").start()
    if os.name == "posix":
        threading.Thread(
            target=_until_orphaned, args=(os.getppid(),), daemon=True, name="parent"
        ).start()


def _until_input_ends() -> None:
    try:
        while os.read(0, 4096):
            pass
    finally:
        os._exit(0)


def _until_orphaned(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
