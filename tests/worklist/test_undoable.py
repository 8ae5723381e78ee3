"""Several windows on one cache: each undoes what it did itself, and asks about what others did."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import COMMAND_LINE
from carequeue.store.engine import writing
from carequeue.wiring import Session
from carequeue.worklist.results import Undoable, Where
from carequeue.worklist.undo import ChangedSince
from tests.fhir.clinic import DANA, NOEL, NOW, PATIENT, ref, task
from tests.store.cache import Cache, clinic_of_dana
from tests.store.two_sources import COUNTY, ME_AT_COUNTY, client, follow_up, ssn, two_sources
from tests.worklist.world import FOLLOW_UP, HANDOFF, REFERRAL, queue, send

NAME: Final = "OKAFOR, Amara J"


class Office:
    """One cache, and the programs of one person that are open on it."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.open: list[Session] = [cache.session]

    def another(self, run: str = "", **who: Any) -> Any:
        """The desk of one program more."""
        profile = replace(self.cache.profile, **who)
        session = Session(profile, self.cache.paths, now=lambda: self.cache.instant, run=run)
        self.open.append(session)
        return session.desk

    def close(self) -> None:
        for session in self.open:
            session.close()

    def rows(self) -> dict[str, tuple[str, str, str]]:
        """Id of each intent, in order -> its group, its state, the group that it takes back."""
        with self.cache.session.engine().connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT id, group_id, state, inverse_of FROM intent ORDER BY seq"
            ).all()
        return {key: (group, state, inverse) for key, group, state, inverse in found}

    def undone(self) -> set[str]:
        """The groups of which anything was dropped or taken back by an inverse."""
        rows = self.rows().values()
        dropped = {group for group, state, _ in rows if state == "undone"}
        return dropped | {inverse for *_, inverse in rows if inverse}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(queue(tmp_path))
    yield made
    made.close()


def named(desk: Any) -> Undoable:
    found = desk.undoable()
    assert isinstance(found, Undoable)
    return found


def note(desk: Any, text: str, *keys: str) -> str:
    return str(desk.act("note", keys or (FOLLOW_UP,), {"text": text}, NOW).group)


class TestAWindow:
    def test_undoes_its_own_act_although_another_window_acted_later(self, office: Office) -> None:
        here, other = office.cache.desk, office.another()
        mine, theirs = note(here, "mine"), note(other, "theirs", REFERRAL)
        assert here.undo(NOW).changed == (FOLLOW_UP,)
        assert office.undone() == {mine}
        assert named(other).group == theirs
        assert named(other).where is Where.HERE

    def test_undoes_the_latest_act_first_and_then_the_one_before_it(self, office: Office) -> None:
        here, other = office.cache.desk, office.another()
        first, _, last = note(here, "1"), note(other, "x"), note(here, "2")
        order = []
        for _ in range(2):
            order.append(named(here).group)
            here.undo(NOW)
        assert order == [last, first]
        assert named(here).where is Where.OTHER_WINDOW

    def test_never_undoes_another_window_s_act_without_its_name(self, office: Office) -> None:
        note(office.another(), "theirs")
        with pytest.raises(BadQuestion, match="nothing of yours"):
            office.cache.desk.undo(NOW)
        assert office.undone() == set()

    def test_undoes_what_was_named_and_not_what_came_since(self, office: Office) -> None:
        """Another window acts between the paint and the key; so does this one."""
        here, other = office.cache.desk, office.another()
        note(here, "mine")
        shown = named(here).group
        note(other, "theirs")
        note(here, "mine again")
        here.undo(NOW, shown)
        assert office.undone() == {shown}

    def test_refuses_by_name_what_another_window_has_undone(self, office: Office) -> None:
        here, other = office.cache.desk, office.another()
        note(here, "before")
        shown = note(here, "mine")
        other.undo(NOW, shown)
        with pytest.raises(BadQuestion, match=rf"note {NAME}\. It was undone or discarded already"):
            here.undo(NOW, shown)
        assert office.undone() == {shown}

    def test_names_the_client_of_an_item_that_has_left_the_queue(self, office: Office) -> None:
        here = office.cache.desk
        here.act("done", [FOLLOW_UP], {}, NOW)
        assert office.cache.find(FOLLOW_UP) is None
        assert named(here).words == f"done {NAME}"
        assert here.undo(NOW).message == f"Undone: Done, {NAME}."

    def test_names_a_handoff_in_its_own_words(self, office: Office) -> None:
        office.cache.desk.act("accept", [HANDOFF], {}, NOW)
        assert named(office.cache.desk).words == f"acknowledge {NAME}"

    def test_counts_the_items_of_an_act_on_many(self, office: Office) -> None:
        here = office.cache.desk
        note(here, "seen", FOLLOW_UP, REFERRAL)
        note(office.another(), "theirs")
        assert named(here).words == "note 2 items"
        assert here.undo(NOW).message == "Undone: Noted, 2 items."

    def test_undoes_what_was_sent_since_it_was_named(self, office: Office) -> None:
        here, other = office.cache.desk, office.another()
        here.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        shown = named(here).group
        note(other, "theirs", REFERRAL)
        send(office.cache)
        here.undo(NOW, shown)
        assert {intent.inverse_of for intent in office.cache.intents()} == {"", shown}

    def test_names_its_act_while_it_works_offline_by_choice(self, office: Office) -> None:
        here, other = office.cache.desk, office.another()
        here.set_offline(True)
        mine = note(here, "mine")
        note(other, "theirs")
        here.undo(NOW, named(here).group)
        assert office.undone() == {mine}

    def test_goes_past_what_was_changed_since_after_it_said_so(self, office: Office) -> None:
        here = office.cache.desk
        first = note(here, "first", REFERRAL)
        here.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        send(office.cache)
        office.cache.pull(task("t1", owner=ref(DANA), priority="asap", meta={"versionId": "10"}))
        with pytest.raises(BadQuestion, match=rf"{NAME}: changed since"):
            here.undo(NOW, named(here).group)
        assert named(here).group == first

    def test_says_by_name_what_keeps_it_from_being_undone(self, office: Office) -> None:
        here, other = office.cache.desk, office.another()
        discharge = "main:discharge-contact:Encounter/e1"
        made = here.act("claim", [discharge], {}, NOW).group
        note(other, "theirs", discharge)
        with pytest.raises(BadQuestion, match=rf"Can’t undo claim {NAME}\. You did something else"):
            here.undo(NOW, made)
        assert office.undone() == set()


class TestWhatOthersDid:
    def test_is_offered_by_name_when_nothing_of_this_window_is_left(self, office: Office) -> None:
        other = office.another()
        theirs = note(other, "theirs", REFERRAL)
        found = named(office.cache.desk)
        assert (found.group, found.words) == (theirs, f"note {NAME}")
        assert found.where is Where.OTHER_WINDOW
        office.cache.desk.undo(NOW, found.group)
        assert office.undone() == {theirs}
        assert other.undoable() is None

    @pytest.mark.parametrize(
        ("run", "minutes", "where"),
        [
            ("", 1, Where.OTHER_WINDOW),
            ("", -1, Where.EARLIER),
            (COMMAND_LINE, 1, Where.COMMAND_LINE),
            (COMMAND_LINE, -1, Where.COMMAND_LINE),
        ],
    )
    def test_says_whose_it_is(self, office: Office, run: str, minutes: int, where: Where) -> None:
        at = office.cache.instant + timedelta(minutes=minutes)
        office.another(run).act("note", [FOLLOW_UP], {"text": "x"}, at)
        assert named(office.cache.desk).where is where

    def test_of_the_command_line_waits_behind_what_this_window_did(self, office: Office) -> None:
        here = office.cache.desk
        mine, theirs = note(here, "mine"), note(office.another(COMMAND_LINE), "x")
        here.undo(NOW)
        assert office.undone() == {mine}
        assert named(here).group == theirs

    def test_includes_what_was_done_before_a_restart(self, office: Office) -> None:
        mine = note(office.cache.desk, "mine")
        office.cache.close()
        office.cache.later(minutes=5)
        office.cache.open()
        office.open[0] = office.cache.session
        found = named(office.cache.desk)
        assert (found.group, found.where) == (mine, Where.EARLIER)
        with pytest.raises(BadQuestion, match="nothing of yours"):
            office.cache.desk.undo(NOW)

    def test_includes_what_an_earlier_release_kept_without_a_window(self, office: Office) -> None:
        mine = note(office.cache.desk, "mine")
        with writing(office.cache.session.engine()) as connection:
            connection.exec_driver_sql("UPDATE intent SET window = ''")
        assert named(office.another()).group == mine
        with pytest.raises(BadQuestion, match="nothing of yours"):
            office.cache.desk.undo(NOW)

    def test_leaves_out_what_another_person_did_on_the_same_cache(self, office: Office) -> None:
        noel = office.another(me=NOEL, my_name="Noel Ortiz")
        note(noel, "his", REFERRAL)
        assert office.cache.desk.undoable() is None
        mine = note(office.cache.desk, "hers")
        note(noel, "his again", REFERRAL)
        office.cache.desk.undo(NOW)
        assert office.undone() == {mine}
        assert office.cache.desk.undoable() is None


def test_a_person_with_two_names_on_two_servers_is_one_person_in_each_window(
    tmp_path: Path,
) -> None:
    office = Office(two_sources(tmp_path))
    cache: Any = office.cache
    cache.come("main", client("c1", ssn("1")), follow_up("t1", "c1", DANA))
    cache.come(COUNTY, client("c1", ssn("2")), follow_up("t1", "c1", ME_AT_COUNTY))
    here, other = cache.desk, office.another()
    mine = note(here, "mine", "county:Task/t1")
    theirs = note(other, "theirs", "main:Task/t1")
    assert here.undo(NOW).changed == ("county:Task/t1",)
    assert office.undone() == {mine}
    assert named(here).group == theirs
    assert named(other).where is Where.HERE
    office.close()


# --- a long day in two windows --------------------------------------------------------------------

ITEMS: Final = [f"main:Task/m{number}" for number in range(6)]


class Day:
    """Two windows and the command line, and what each of them must name next."""

    def __init__(self, folder: Path, seed: int) -> None:
        tasks = [task(f"m{n}", owner=ref(DANA), requester=ref(NOEL)) for n in range(6)]
        self.office = Office(clinic_of_dana(folder, PATIENT, *tasks))
        self.chance = random.Random(seed)
        self.desks: list[Any] = [self.office.cache.desk, self.office.another()]
        self.own: list[set[str]] = [set(), set()]  # the groups of each window
        self.passed: list[set[str]] = [set(), set()]
        self.counts = {"own": 0, "asked": 0, "refused": 0, "acts": 0}

    def expected(self, number: int) -> str:
        """The group that a window has to name, from the rows of the outbox alone."""
        rows = self.office.rows().values()
        reversed_ = {inverse for *_, inverse in rows if inverse}
        left = [
            group
            for group, state, inverse in rows
            if state != "undone" and not inverse
            and group not in reversed_ and group not in self.passed[number]
        ]  # fmt: skip
        own = [group for group in left if group in self.own[number]]
        return (own or left or [""])[-1]

    def changed(self, before: dict[str, tuple[str, str, str]]) -> set[str]:
        """The groups that an undo touched: dropped, or taken back by what it has added."""
        after = self.office.rows()
        dropped = {row[0] for key, row in after.items() if before.get(key, row) != row}
        return dropped | {row[2] for key, row in after.items() if key not in before}

    def act(self, number: int) -> None:
        verb, answers = self.chance.choice(
            [("note", {"text": f"n{self.chance.random()}"}), ("priority", {"to": "stat"}),
             ("priority", {"to": "asap"}), ("snooze", {"until": "2bd"}), ("claim", {})]
        )  # fmt: skip
        count = 3 if self.chance.random() < 0.2 else 1
        keys = tuple(self.chance.sample(ITEMS, count))
        acted = self.desks[number].act(verb, keys, answers, self.office.cache.instant)
        if acted.group:
            self.own[number].add(acted.group)
            self.counts["acts"] += 1

    def command(self) -> None:
        desk = self.office.another(COMMAND_LINE)
        desk.act("note", [self.chance.choice(ITEMS)], {"text": "cron"}, self.office.cache.instant)
        self.office.open.pop().close()

    def restart(self, number: int) -> None:
        self.own[number], self.passed[number] = set(), set()
        self.desks[number] = self.office.another()

    def undo(self, number: int, between: int | None) -> None:
        desk = self.desks[number]
        shown = desk.undoable()
        assert (shown.group if shown else "") == self.expected(number)
        if shown is None:
            return
        mine = shown.group in self.own[number]
        assert (shown.where is Where.HERE) == mine
        if between is not None:
            self.act(between)
        before = self.office.rows()
        try:
            desk.undo(self.office.cache.instant, shown.group)
        except BadQuestion as refusal:
            assert self.office.rows() == before
            self.counts["refused"] += 1
            if isinstance(refusal, ChangedSince):
                self.passed[number].add(shown.group)
            return
        self.counts["own" if mine else "asked"] += 1
        assert self.changed(before) == {shown.group}

    def unasked(self, number: int) -> None:
        """`undo` without a name: never what others did."""
        before = self.office.rows()
        with suppress(BadQuestion):
            self.desks[number].undo(self.office.cache.instant)
        assert self.changed(before) <= self.own[number]


def test_in_500_acts_and_undos_of_two_windows_none_is_undone_but_the_one_that_was_named(
    tmp_path: Path,
) -> None:
    day = Day(tmp_path, seed=1)
    for _ in range(500):
        day.office.cache.later(seconds=20)
        number = day.chance.randrange(2)
        step = day.chance.random()
        if step < 0.45:
            day.act(number)
        elif step < 0.75:
            day.undo(number, None)
        elif step < 0.85:
            day.undo(number, day.chance.randrange(2))
        elif step < 0.90:
            day.unasked(number)
        elif step < 0.94:
            day.command()
        elif step < 0.97:
            send(day.office.cache)
        else:
            day.restart(number)
    day.office.close()
    assert day.counts["acts"] > 150, day.counts
    assert min(day.counts["own"], day.counts["asked"]) > 20, day.counts
