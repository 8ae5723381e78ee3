"""The outbox: what is not on the server, another try, discarding for good, and taking it along."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import Intent, IntentEvent, IntentState
from carequeue.fhir import codes, jsontext
from carequeue.store.engine import writing
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.push.three_way import ALREADY_SO, ON_TOP
from carequeue.worklist.results import OutboxLine
from tests.fhir.clinic import DANA, NOEL, NOW, ref, task
from tests.store.cache import READ_ONLY, SOURCE, Cache
from tests.worklist import meanwhile
from tests.worklist.world import (
    DISCHARGE,
    FOLLOW_UP,
    HANDOFF,
    LONE,
    REFERRAL,
    queue,
)

STAYS = {"owner": ref(DANA), "requester": ref(NOEL), "description": "Call about the group"}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    found = queue(tmp_path / "dana")
    yield found
    found.close()


def lines(cache: Cache) -> list[OutboxLine]:
    return list(cache.desk.outbox.lines(NOW))


def refused(cache: Cache, to: str = "urgent") -> str:
    """The server did not take a priority; the id of the decision."""
    cache.desk.act("priority", [FOLLOW_UP], {"to": to}, NOW)
    meanwhile.answer(cache, IntentEvent.REFUSED, "422 no such priority")
    return str(cache.intents(["needs_attention"])[-1].id)


class TestTheLines:
    def test_say_what_was_decided_in_the_words_of_the_verbs(self, cache: Cache) -> None:
        for verb, key, answers in (
            ("note", FOLLOW_UP, {"text": "Called twice"}),
            ("assign", FOLLOW_UP, {"to": "Access"}),
            ("snooze", FOLLOW_UP, {"until": "tomorrow 9"}),
            ("priority", FOLLOW_UP, {"to": "asap"}),
            ("decline", REFERRAL, {"reason": "no capacity"}),
            ("accept", HANDOFF, {}),
            ("accept", LONE, {}),
            ("log", DISCHARGE, {"outcome": "left message"}),
            ("handoff", FOLLOW_UP, {"to": "Ortiz", "summary": "x"}),
            ("new", FOLLOW_UP, {"text": "Call the school", "until": "2bd"}),
        ):
            cache.desk.act(verb, [key], answers, NOW)
        assert [line.did for line in lines(cache)] == [
            "Noted: Called twice",
            "Assigned to Access",
            "Snoozed until Tue 10 Mar 09:00",
            "Priority set to asap",
            "Declined, no capacity",
            "Acknowledged",
            "Accepted (opens a task for it)",
            "Accepted",
            "Logged, left message",
            "Handed off to Noel Ortiz",
            "New follow-up: Call the school",
        ]
        assert {line.client for line in lines(cache)} == {"OKAFOR, Amara J"}
        assert {line.by for line in lines(cache)} == {"Dana Whitfield"}

    def test_put_what_needs_a_person_first(self, cache: Cache) -> None:
        cache.desk.act("note", [REFERRAL], {"text": "x"}, NOW)
        stuck = refused(cache)
        first, second = lines(cache)
        assert (first.id, first.state, first.words) == (
            stuck,
            "needs_attention",
            "422 no such priority",
        )
        assert (first.attempts, first.target) == (1, "Task/t1")
        assert (second.state, second.words, second.attempts) == ("queued", "", 0)

    def test_say_what_waits_behind_a_stuck_one(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        assert [line.behind for line in lines(cache)] == [False, False, False]
        first = cache.intents()[0]
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.apply_event(
                first, IntentEvent.REFUSED, "no", NOW
            )
        assert [(line.did, line.behind) for line in lines(cache)] == [
            ("Priority set to urgent", False),
            ("Priority set to stat", True),
            ("Noted: x", False),
        ]

    def test_say_until_when_the_server_asked_us_to_wait(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        (intent,) = cache.intents()
        later = NOW + timedelta(minutes=5)
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.postpone([intent.id], later)
        assert [line.not_before for line in lines(cache)] == [later]
        assert [line.not_before for line in cache.desk.outbox.lines(later)] == [None]

    def test_name_the_client_of_what_has_left_the_queue(self, cache: Cache) -> None:
        cache.desk.act("done", [FOLLOW_UP], {}, NOW)
        assert cache.find(FOLLOW_UP) is None
        (line,) = lines(cache)
        assert (line.client, line.did) == ("OKAFOR, Amara J", "Done")

    def test_never_name_another_client_who_bears_the_same_identifier(self, cache: Cache) -> None:
        same = [{"system": codes.IDENTIFIER, "value": "call-back"}]
        cache.pull(task("own", identifier=same, **STAYS))
        cache.desk.act("note", ["main:call-back"], {"text": "Called"}, NOW)
        other = {"resourceType": "Patient", "id": "c9", "name": [{"family": "Zhou"}]}
        taken = {**task("copied", identifier=same, **STAYS), "for": ref("Patient/c9")}
        cache.pull(other, taken)
        assert cache.row("main:Task/copied").client == "ZHOU"
        assert [line.client for line in lines(cache)] == ["OKAFOR, Amara J"]

    def test_show_what_is_local_only_and_why(self, tmp_path: Path) -> None:
        here = queue(tmp_path / "read-only", can=READ_ONLY)
        here.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        (line,) = lines(here)
        here.close()
        assert (line.state, line.behind) == ("kept_here", False)
        assert line.words == "the server does not support this change"

    def test_say_what_an_undo_takes_back(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        cache.desk.undo(NOW)
        assert [line.did for line in lines(cache)] == ["Undone: priority set"]

    def test_are_none_where_everything_is_on_the_server(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        assert lines(cache) == []

    def test_are_clean(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "bold \x1b[1m"}, NOW)
        meanwhile.answer(cache, IntentEvent.REFUSED, "no\x1b]0;x\x07")
        (line,) = lines(cache)
        assert (line.did, line.words) == ("Noted: bold ␛[1m", "no␛]0;x␇")


class TestAnotherTry:
    def test_waits_to_be_sent_again(self, cache: Cache) -> None:
        stuck = refused(cache)
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.postpone(
                [stuck], NOW + timedelta(hours=1)
            )
        acted = cache.desk.outbox.retry([stuck], NOW)
        assert acted.message == "To be sent again: 1 decision."
        assert acted.changed == (FOLLOW_UP,)
        (line,) = lines(cache)
        assert (line.state, line.not_before) == ("queued", None)
        assert cache.row(FOLLOW_UP).sync == "waiting"
        assert [row[3] for row in sorted(cache.table("audit"))] == ["priority", "retry"]

    def test_is_for_all_where_none_is_named(self, cache: Cache) -> None:
        refused(cache)
        cache.desk.act("note", [REFERRAL], {"text": "x"}, NOW)
        meanwhile.answer(cache, IntentEvent.REFUSED, "no", "r1")
        assert cache.desk.outbox.retry([], NOW).message == "To be sent again: 2 decisions."
        assert cache.desk.outbox.retry([], NOW).message == "Nothing needs another try."

    def test_is_a_question_where_a_colleague_changed_just_that_meanwhile(
        self, cache: Cache
    ) -> None:
        """Another decision on it settled since, and the base moved: sending would overwrite."""
        stuck = refused(cache)
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        meanwhile.find(cache, task("t1", priority="stat", **STAYS))
        acted = cache.desk.outbox.retry([stuck], NOW)
        assert acted.message.endswith(
            "1 decision now in conflict with a colleague's change: press x."
        )
        found = cache.desk.outbox.conflict(FOLLOW_UP, NOW)
        assert found is not None
        (line,) = found.differences
        assert (line.before, line.mine, line.theirs) == ("", "urgent", "stat")

    def test_is_done_where_a_colleague_did_just_that_meanwhile(self, cache: Cache) -> None:
        stuck = refused(cache)
        cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        meanwhile.find(cache, task("t1", priority="urgent", **STAYS))
        cache.desk.outbox.retry([stuck], NOW)
        assert [intent.state for intent in cache.intents() if intent.id == stuck] == [
            IntentState.ACKNOWLEDGED
        ]

    def test_of_one_behind_another_waits_for_that_ones_answer(self, cache: Cache) -> None:
        refused(cache, "urgent")
        first = cache.intents()[0]
        with writing(cache.session.engine()) as connection:
            SqliteSourceRepository(connection, SOURCE).outbox.append(
                [_again(first, "second", "stat")]
            )
        cache.desk.outbox.retry(["second"], NOW)
        states = [(line.id, line.state, line.behind) for line in lines(cache)]
        assert states == [(first.id, "needs_attention", False), ("second", "queued", True)]

    @pytest.mark.parametrize("state", ["queued", "conflict", "acknowledged", "unknown"])
    def test_is_for_what_needs_attention_only(self, cache: Cache, state: str) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        (intent,) = cache.intents()
        if state == "conflict":
            meanwhile.find(cache, task("t1", priority="stat", **STAYS))
        if state == "acknowledged":
            meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED)
        before = cache.intents()
        with pytest.raises(BadQuestion, match="Nothing was changed"):
            cache.desk.outbox.retry(["unknown" if state == "unknown" else intent.id], NOW)
        with pytest.raises(BadQuestion, match="Nothing was changed"):
            cache.desk.outbox.discard(
                [intent.id if state != "unknown" else state], "discard 1", NOW
            )
        assert cache.intents() == before

    def test_can_be_undone(self, cache: Cache) -> None:
        refused(cache)
        cache.desk.outbox.retry([], NOW)
        cache.desk.undo(NOW)
        assert lines(cache) == []


def _again(first: Intent, key: str, to: str) -> Intent:
    from dataclasses import replace

    return replace(
        first, id=key, args={"to": to}, seen={"priority": "urgent"},
        state=IntentState.NEEDS_ATTENTION,
    )  # fmt: skip


class TestDiscarding:
    def test_asks_for_a_typed_word(self, cache: Cache) -> None:
        stuck = refused(cache)
        assert cache.desk.outbox.discard_word([stuck]) == "discard 1"
        for typed in ("", "discard", "discard 2", "yes"):
            with pytest.raises(BadQuestion, match="type: discard 1"):
                cache.desk.outbox.discard([stuck], typed, NOW)
        acted = cache.desk.outbox.discard([stuck], " Discard  1 ", NOW)
        assert acted.message == "Discarded: 1 decision. The server's record is unchanged."
        assert lines(cache) == []
        (intent,) = cache.intents()
        assert (intent.state, intent.words) == (IntentState.UNDONE, "discarded")
        assert cache.row(FOLLOW_UP).sync == ""
        assert [row[3] for row in sorted(cache.table("audit"))] == ["priority", "discard"]

    def test_takes_along_and_counts_what_rests_on_it(self, cache: Cache) -> None:
        """A follow-up that the server would not have, a note on it, and a contact about it."""
        acted = cache.desk.act("new", [FOLLOW_UP], {"text": "Call", "until": "2bd"}, NOW)
        (create,) = cache.intents()
        meanwhile.answer(cache, IntentEvent.REFUSED, "no", create.target_id)
        made = f"main:{create.target_id}"
        assert acted.group
        cache.desk.act("note", [made], {"text": "x"}, NOW)
        cache.desk.act("log", [made], {"outcome": "reached"}, NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "stays"}, NOW)
        waiting = [line for line in lines(cache) if line.behind]
        assert [line.did for line in waiting] == ["Noted: x", "Logged, reached"]
        word = cache.desk.outbox.discard_word([create.id])
        assert word == "discard 3"
        cache.desk.outbox.discard([create.id], word, NOW)
        assert [line.did for line in lines(cache)] == ["Noted: stays"]
        assert cache.find(made) is None

    def test_makes_what_a_pull_brought_meanwhile_the_base(self, cache: Cache) -> None:
        stuck = refused(cache)
        cache.pull(task("t1", priority="stat", **STAYS))
        cache.desk.outbox.discard([stuck], "discard 1", NOW)
        body = cache.base("Task/t1").body
        assert body is not None
        assert body["priority"] == "stat"

    def test_of_nothing_is_refused(self, cache: Cache) -> None:
        with pytest.raises(BadQuestion, match="No decision was named"):
            cache.desk.outbox.discard([], "discard 0", NOW)


class TestTakingItAlong:
    def test_is_one_line_a_decision_that_comes_back_as_it_was(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "süß \x1b[1m\x7f \u202e 🙂"}, NOW)
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        text = cache.desk.outbox.export([])
        assert text.isascii()
        assert text.replace("\n", "").isprintable()
        note, priority = [jsontext.loads(line) for line in text.splitlines()]
        intents = cache.intents()
        assert note["args"] == intents[0].args
        assert (note["kind"], note["target"], note["state"]) == ("add_note", "Task/t1", "queued")
        assert (priority["seen"], priority["id"]) == ({}, intents[1].id)
        assert priority["decided_at"] == "2026-03-09T14:00:00+00:00"

    def test_keeps_the_spelling_of_numbers(self, cache: Cache) -> None:
        cache.pull(task("t1", businessStatus={"x": jsontext.Exact("1.50")}, **STAYS))
        cache.desk.act("done", [FOLLOW_UP], {}, NOW)
        text = cache.desk.outbox.export([])
        assert '"businessStatus":{"x":1.50}' in text
        assert json.loads(text)["seen"]["businessStatus"]["x"] == 1.5

    def test_of_some_is_by_their_ids(self, cache: Cache) -> None:
        cache.desk.act("note", [FOLLOW_UP], {"text": "one"}, NOW)
        cache.desk.act("note", [FOLLOW_UP], {"text": "two"}, NOW)
        second = cache.intents()[1].id
        (line,) = cache.desk.outbox.export([second]).splitlines()
        assert json.loads(line)["args"] == {"text": "two"}
        with pytest.raises(BadQuestion, match="no such decision"):
            cache.desk.outbox.export(["nobody"])


class TestTheQuietLine:
    def told(self, cache: Cache, words: str, after: int) -> tuple[int, list[str]]:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.answer(cache, IntentEvent.ACKNOWLEDGED, words)
        mark, sentences = cache.desk.outbox.news(after, NOW)
        return mark, list(sentences)

    def test_says_that_somebody_did_it_before(self, cache: Cache) -> None:
        mark, _ = cache.desk.outbox.news(-1, NOW)
        mark, sentences = self.told(cache, ALREADY_SO, mark)
        assert sentences == ["OKAFOR, Amara J: already set to that priority by somebody else."]
        assert cache.desk.outbox.news(mark, NOW) == (mark, ())

    def test_says_what_a_colleague_changed_beside_it(self, cache: Cache) -> None:
        _, sentences = self.told(cache, ON_TOP, 0)
        assert sentences == [f"OKAFOR, Amara J: sent; {ON_TOP}."]

    def test_tells_nothing_of_the_past_at_the_first_look(self, cache: Cache) -> None:
        mark, sentences = self.told(cache, ALREADY_SO, -1)
        assert (mark, sentences) == (1, [])

    def test_nor_of_what_simply_arrived(self, cache: Cache) -> None:
        mark, sentences = self.told(cache, "", 0)
        assert (mark, sentences) == (0, [])
