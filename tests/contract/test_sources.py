"""Two servers, one queue: each goes its own way, and nothing of one ever reaches the other.

Both are the practice clinic in processes of their own, each behind a recording proxy, with the same
small world under ids of its own, so that whatever crosses over is seen by its name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from carequeue.store.profiles import Profile, SourceProfile, profile_paths
from carequeue.store.queue_window import Tab
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import Transport
from carequeue.wiring import Session
from tests.servers.harness import PracticeServer
from tests.servers.proxy import FaultProxy, before
from tests.servers.small_clinic import Resource

HERE, THERE = "here", "there"
PATIENCE = 30.0
#: What both know the one client by; it is nobody's business in a request.
SHARED: Final = {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "needle-7-of-both"}


def world(name: str, now: datetime) -> list[Resource]:
    """A clinic whose every id is a needle: two clients, four Tasks of mine or of my team."""
    needle = f"needle-{name}"
    asked = (now - timedelta(days=1)).isoformat()

    def ref(kind: str, key: str) -> dict[str, str]:
        return {"reference": f"{kind}/{needle}-{key}"}

    def task(key: str, client: str, owner: dict[str, str]) -> Resource:
        return {
            "resourceType": "Task",
            "id": f"{needle}-{key}",
            "status": "requested",
            "intent": "order",
            "description": f"{key} {name}",
            "for": ref("Patient", client),
            "authoredOn": asked,
            "requester": ref("Practitioner", "me"),
            "owner": owner,
        }

    me, team = ref("Practitioner", "me"), ref("CareTeam", "team")
    organization = ref("Organization", "us")
    return [
        {"resourceType": "Organization", "id": f"{needle}-us", "name": f"We {name}"},
        *({"resourceType": "Practitioner", "id": f"{needle}-{key}",
           "name": [{"family": family, "given": [name.title()]}]}
          for key, family in (("me", "Whitfield"), ("other", "Colleague"))),
        *({"resourceType": "PractitionerRole", "id": f"{needle}-role-{key}", "active": True,
           "practitioner": ref("Practitioner", key), "organization": organization}
          for key in ("me", "other")),
        {"resourceType": "CareTeam", "id": f"{needle}-team", "name": f"Team {name}",
         "managingOrganization": [organization]},
        {"resourceType": "Patient", "id": f"{needle}-p1", "identifier": [SHARED],
         "name": [{"family": "Abara", "given": ["Chidi"]}]},
        {"resourceType": "Patient", "id": f"{needle}-p2",
         "name": [{"family": "Brandt", "given": ["Lotte"]}]},
        task("call", "p1", me), task("visit", "p2", me), task("form", "p1", me),
        task("plan", "p2", team),
    ]  # fmt: skip


@dataclass
class Side:
    """One server of the two, and the way to it."""

    name: str
    server: PracticeServer
    proxy: FaultProxy

    @property
    def key(self) -> str:
        return f"{self.name}:Task/needle-{self.name}-"

    @property
    def needles(self) -> tuple[str, ...]:
        """What may be seen by nobody but this server."""
        return (f"needle-{self.name}", self.server.token, self.server.base, self.proxy.base)

    def kill(self) -> None:
        """End the process at once, and whatever was connected to it."""
        self.server._process.kill()
        self.server._process.wait()
        self.proxy.offline()

    def task(self, key: str) -> Resource:
        found: Resource = self.server.get(f"Task/needle-{self.name}-{key}").json
        return found

    def change(self, key: str, **elements: Any) -> None:
        """A colleague changes a Task."""
        reply = self.server.put(f"Task/needle-{self.name}-{key}", {**self.task(key), **elements})
        assert reply.status == 200, reply


class Desk:
    """One person at both."""

    def __init__(self, sides: list[Side], folder: Path) -> None:
        self.instant = datetime.now(UTC)
        sources = tuple(
            SourceProfile(
                side.name,
                side.proxy.base,
                me=f"Practitioner/needle-{side.name}-me",
                teams=(f"CareTeam/needle-{side.name}-team",),
                organization=f"Organization/needle-{side.name}-us",
            )
            for side in sides
        )
        profile = Profile(
            "both", my_name="Dana Whitfield", time_zone="America/New_York", sources=sources
        )
        tokens = {side.name: side.server.token for side in sides}
        self.session = Session(profile, profile_paths("both", folder), tokens, lambda: self.instant)

    def titles(self) -> set[str]:
        rows = self.session.desk.window(Tab.WHOLE, "", 0, 1000)
        return {row.title for row in rows}

    def act(self, verb: str, key: str, **answers: str) -> None:
        acted = self.session.desk.act(verb, [key], answers, self.instant)
        assert acted.changed == (key,), acted

    def health(self, side: Side) -> Any:
        found = self.session.desk.health(self.instant).sources
        return next(one for one in found if one.name == side.name)

    def within_seconds(self, seen: Any) -> None:
        """Wait for what another thread brings."""
        until = time.monotonic() + PATIENCE
        while not seen() and time.monotonic() < until:
            time.sleep(0.02)
        assert seen()


@pytest.fixture
def here(practice: PracticeServer) -> Iterator[Side]:
    yield from _side(HERE, practice)


@pytest.fixture
def there() -> Iterator[Side]:
    server = PracticeServer()
    yield from _side(THERE, server)
    server.close()


def _side(name: str, server: PracticeServer) -> Iterator[Side]:
    server.load(world(name, datetime.now(UTC)))
    proxy = FaultProxy(server.base, server.token)
    yield Side(name, server, proxy)
    proxy.close()


@pytest.fixture
def desk(here: Side, there: Side, tmp_path: Path) -> Iterator[Desk]:
    """She has synced once; the other server stands first in her profile."""
    desk = Desk([there, here], tmp_path)
    report = desk.session.sync_once()
    assert report.ok, report.words
    yield desk
    desk.session.close()


def test_one_queue_holds_the_items_of_both(desk: Desk) -> None:
    rows = desk.session.desk.window(Tab.MINE, "", 0, 1000)
    assert {row.source for row in rows} == {HERE, THERE}
    assert len(rows) == 6
    assert [row.band for row in rows] == sorted(row.band for row in rows)


def test_the_same_client_is_known_by_the_identifier_of_both(desk: Desk, here: Side) -> None:
    found = desk.session.desk.detail(here.key + "call", desk.instant)
    assert found is not None
    assert found.others == 3  # the form here, and two there
    assert any(words.startswith("there has 2 open items") for words in found.flags)


class TestOneIsKilled:
    def test_its_rows_stay_with_their_age_and_the_other_goes_on(
        self, desk: Desk, here: Side, there: Side
    ) -> None:
        read_at, before_it = desk.instant, desk.titles()
        there.kill()
        here.change("visit", description="changed meanwhile")
        desk.act("note", here.key + "call", text="reached the sister")
        desk.act("note", there.key + "call", text="waits for the county")
        desk.instant += timedelta(minutes=20)
        report = desk.session.sync_once()
        assert report.words.startswith("Offline: there: ")
        assert report.waiting == 1
        assert "changed meanwhile" in str(desk.titles())
        assert [one["text"] for one in here.task("call")["note"]] == ["reached the sister"]

        assert {title for title in before_it if THERE in title} <= desk.titles()
        gone, well = desk.health(there), desk.health(here)
        assert (gone.online, gone.last_full, gone.old(desk.instant)) == (False, read_at, True)
        assert (well.online, well.old(desk.instant)) == (True, False)
        assert desk.session.desk.health(desk.instant).online

    def test_while_the_queue_is_open_too(self, desk: Desk, here: Side, there: Side) -> None:
        there.kill()
        background = desk.session.background()
        background.start()
        desk.within_seconds(lambda: desk.health(there).online is False)
        here.change("visit", description="changed meanwhile")
        desk.act("note", here.key + "call", text="reached the sister")
        desk.within_seconds(lambda: "note" in here.task("call"))
        background.sync_now()
        desk.within_seconds(lambda: "changed meanwhile" in str(desk.titles()))
        assert desk.health(here).online


class TestOneIsSlow:
    def test_the_look_at_the_other_does_not_wait_for_it(
        self, desk: Desk, here: Side, there: Side
    ) -> None:
        """The first answer of the one comes only when the other has been read whole."""
        desk.instant += timedelta(minutes=1)
        here.change("visit", description="changed meanwhile")
        read = threading.Event()
        there.proxy.always(before(lambda: read.wait(PATIENCE)))
        looking = threading.Thread(target=desk.session.sync_once, daemon=True)
        looking.start()
        desk.within_seconds(lambda: desk.health(here).last_full == desk.instant)
        assert "changed meanwhile" in str(desk.titles())
        assert desk.health(there).last_full != desk.instant
        read.set()
        looking.join(PATIENCE)
        assert desk.health(there).last_full == desk.instant


class TestOneTakesRequestsAndAnswersNone:
    def test_costs_one_time_out_a_look_and_the_other_is_sent_and_read(
        self, desk: Desk, here: Side, there: Side, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The hanging one is played at the client's end, so that nobody waits for a time-out."""
        asked: list[str] = []

        def hang(request: httpx.Request) -> httpx.Response:
            asked.append(f"{request.method} {request.url.path}")
            raise httpx.ReadTimeout("", request=request)

        def transport(source: SourceProfile) -> Transport:
            handler = httpx.MockTransport(hang) if source.name == THERE else None
            token = {HERE: here, THERE: there}[source.name].server.token
            return Transport(source.base_url, Tokens(fixed=token), handler=handler)

        for side in (here, there):
            desk.act("note", side.key + "call", text="a call")
        with monkeypatch.context() as patched:
            patched.setattr(desk.session, "transport", transport)
            reports = [desk.session.sync_once() for _ in range(3)]
        assert len(asked) == len(reports)
        assert asked[1:] == ["GET /fhir/metadata"] * 2
        assert "note" in here.task("call")
        for report in reports:
            assert report.words.startswith("Not answering: there: no reply in time.")
            assert (report.ok, report.unable) == (False, "server")
        assert (desk.health(here).silent_since, desk.health(here).online) == (None, True)
        assert desk.health(there).silent_since == desk.instant
        assert desk.session.sync_once().ok
        assert [one["text"] for one in there.task("call")["note"]] == ["a call"]


def test_no_token_id_or_query_of_one_ever_reaches_the_other(
    desk: Desk, here: Side, there: Side
) -> None:
    background = desk.session.background()
    background.start()
    for side in (here, there):
        desk.act("note", side.key + "call", text="an afternoon call")
        desk.act("log", side.key + "visit", outcome="no answer")
        desk.act("assign", side.key + "form", to="Colleague")
        desk.act("claim", side.key + "plan")
        desk.act("new", side.key + "call", text="look again", until="3bd")
        desk.act("snooze", side.key + "visit", until="tomorrow 9")
        desk.act("priority", side.key + "call", to="urgent")
    desk.within_seconds(lambda: desk.session.desk.health(desk.instant).waiting == 0)
    desk.session.desk.undo(desk.instant)
    background.sync_now()
    desk.within_seconds(lambda: desk.session.desk.health(desk.instant).waiting == 0)
    background.stop()
    assert desk.session.sync_once().ok
    for side, other in ((here, there), (there, here)):
        owner = {"reference": f"Practitioner/needle-{side.name}-other"}
        assert side.task("form")["owner"]["reference"] == owner["reference"]
        assert len(side.proxy.exchanges) > 20
        for exchange in side.proxy.exchanges:
            asked = exchange.asked
            whole = " ".join(
                [asked.method, asked.path, *(f"{name}: {value}" for name, value in asked.headers),
                 asked.body.decode()]
            )  # fmt: skip
            assert not [needle for needle in other.needles if needle in whole]
            assert SHARED["value"] not in whole
            if not asked.path.endswith("/metadata") or asked.method == "GET":
                assert asked.header("Authorization") == f"Bearer {side.server.token}"
