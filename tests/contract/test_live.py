"""While the queue is open it follows the server: by its hints, and by looking before one goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carequeue.store.profiles import Profile, ProfilePaths, SourceProfile, profile_paths
from carequeue.store.queue_window import Tab
from carequeue.sync import poll_schedule
from carequeue.wiring import Session
from tests.servers.harness import PracticeServer
from tests.servers.proxy import FaultProxy
from tests.servers.small_clinic import ME, ORGANIZATION, OVERDUE_FOLLOW_UP, TEAM, small_clinic

#: Shorter than any pause between two looks by time alone: what is seen within it was told.
TOLD = poll_schedule.QUICK * 0.7


class Program:
    """Dana's, on the practice clinic, behind a network that can fail."""

    def __init__(self, base: str, token: str, folder: Path) -> None:
        self.ahead = timedelta()
        self.where: ProfilePaths = profile_paths("mine", folder)
        profile = Profile(
            "mine", me=ME, teams=(TEAM,), organization=ORGANIZATION,
            time_zone="America/New_York", sources=(SourceProfile("clinic", base),),
        )  # fmt: skip
        now = lambda: datetime.now(UTC) + self.ahead  # noqa: E731
        self.session = Session(profile, self.where, {"clinic": token}, now)

    def titles(self) -> str:
        rows = self.session.desk.window(Tab.WHOLE, "", 0, 1000)
        return " ".join(row.title for row in rows)


@pytest.fixture
def network(practice: PracticeServer) -> Iterator[FaultProxy]:
    practice.load(small_clinic(datetime.now(UTC)))
    proxy = FaultProxy(practice.base, practice.token)
    yield proxy
    proxy.close()
    practice.behave()


@pytest.fixture
def program(practice: PracticeServer, network: FaultProxy, tmp_path: Path) -> Iterator[Program]:
    made = Program(network.base, practice.token, tmp_path)
    yield made
    made.session.close()


def within(seconds: float, seen: Callable[[], object]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if seen():
            return True
        time.sleep(0.05)
    return False


def change(server: PracticeServer, words: str) -> None:
    task = server.get(OVERDUE_FOLLOW_UP).json
    assert server.put(OVERDUE_FOLLOW_UP, {**task, "description": words}).status == 200


class TestHints:
    @pytest.mark.parametrize(
        "style", ["r4-subscriptions-only", "backport-subscriptions-only", None]
    )
    def test_a_colleague_s_change_is_seen_within_seconds_and_without_a_key(
        self, style: str | None, program: Program, practice: PracticeServer
    ) -> None:
        practice.behave(*filter(None, [style]))
        background = program.session.background()
        background.start()
        (keeper,) = background._workers
        assert within(30, lambda: keeper._pace.hinted)
        change(practice, "told by the server")
        assert within(TOLD, lambda: "told by the server" in program.titles())
        background.stop(10)
        assert practice.found("Subscription") == []

    def test_where_there_are_none_it_is_looked_for(
        self, program: Program, practice: PracticeServer
    ) -> None:
        practice.behave("no-subscriptions")
        background = program.session.background()
        background.start()
        (keeper,) = background._workers
        assert within(30, lambda: keeper._pace.last is not None)
        assert not keeper._pace.hinted
        change(practice, "found by a look")
        background.sync_now()
        assert within(TOLD, lambda: "found by a look" in program.titles())


def test_coming_back_online_is_noticed_within_seconds_and_without_a_key(
    program: Program, practice: PracticeServer, network: FaultProxy
) -> None:
    network.offline()
    background = program.session.background()
    background.start()
    desk = program.session.desk
    assert within(10, lambda: desk.health(program.session.now()).online is False)
    network.online()
    assert within(10, lambda: desk.health(program.session.now()).online)
    assert within(10, program.titles)


class TestOfflineByChoice:
    def test_nothing_is_asked_until_it_ends_and_then_at_once(
        self, program: Program, network: FaultProxy
    ) -> None:
        desk = program.session.desk
        desk.set_offline(True)
        background = program.session.background()
        background.start()
        background.sync_now()
        assert program.session.sync_once().unable == "by_choice"
        assert not within(0.5, lambda: network.asked())
        desk.set_offline(False)
        assert within(10, program.titles)

    def test_an_act_waits_for_its_end(
        self, program: Program, practice: PracticeServer, network: FaultProxy
    ) -> None:
        session = program.session
        assert session.sync_once().ok
        session.desk.set_offline(True)
        background = session.background()
        background.start()
        (key,) = [
            row.key for row in session.desk.window(Tab.WHOLE, "", 0, 1000)
            if OVERDUE_FOLLOW_UP in row.key
        ]  # fmt: skip
        before = len(network.exchanges)
        session.desk.act("note", [key], {"text": "said at the door"}, session.now())
        assert not within(0.5, lambda: len(network.exchanges) > before)
        session.desk.set_offline(False)
        assert within(10, lambda: "note" in practice.get(OVERDUE_FOLLOW_UP).json)


class TestBeforeOutreach:
    def test_one_can_go_where_all_is_here(self, program: Program) -> None:
        found = program.session.before_outreach()
        assert found.ready, found.verdict
        assert found.verdict.startswith("Ready: everything in your scope is here, as of ")
        levels = {check.what: check.level for check in found.checks}
        assert levels == {
            "clinic": "ok", "Your decisions": "ok", "The copy": "ok", "The disk": "ok",
            "Key and cache": "ok", "Time, clinic": "ok",
        }  # fmt: skip

    def test_not_where_the_server_is_away(self, program: Program, network: FaultProxy) -> None:
        assert program.session.sync_once().ok
        network.offline()
        found = program.session.before_outreach()
        assert (found.ready, found.unable) == (False, "server")
        assert "clinic: offline: cannot be reached (last complete sync" in found.verdict

    def test_not_while_something_waits(self, program: Program, network: FaultProxy) -> None:
        session = program.session
        assert session.sync_once().ok
        key = session.desk.window(Tab.MINE, "", 0, 1)[0].key
        session.desk.act("note", [key], {"text": "waits"}, session.now())
        network.offline()
        assert "Your decisions: 1 waits to be sent" in session.before_outreach().verdict

    def test_not_while_one_is_offline_by_choice(self, program: Program) -> None:
        program.session.desk.set_offline(True)
        found = program.session.before_outreach()
        assert (found.ready, found.unable) == (False, "by_choice")
        assert "you chose to work offline" in found.verdict

    def test_not_with_a_key_that_does_not_open_it(self, program: Program) -> None:
        program.where.key.write_text("00" * 32)
        found = program.session.before_outreach()
        assert not found.ready
        assert "Key and cache: The cache" in found.verdict

    @pytest.mark.parametrize(
        ("ahead", "level", "words"),
        [
            (timedelta(seconds=20), "ok", "agrees"),
            (timedelta(minutes=5), "note", "5 minutes ahead of"),
            (-timedelta(hours=1), "problem", "60 minutes behind"),
        ],
    )
    def test_this_machine_s_time_is_compared_with_the_server_s(
        self, program: Program, ahead: timedelta, level: str, words: str
    ) -> None:
        program.ahead = ahead
        found = program.session.before_outreach()
        (check,) = [check for check in found.checks if check.what == "Time, clinic"]
        assert check.level == level
        assert words in check.found
        assert found.ready is (level != "problem")
