"""One decision of a person: what goes into the outbox, what she sees at once, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from carequeue.domain.errors import BadQuestion
from carequeue.domain.intents import IntentEvent, IntentState
from carequeue.fhir import codes
from carequeue.store.queue_window import Tab
from carequeue.verbs.offers import names_of
from carequeue.verbs.table import item_verbs
from tests.fhir.clinic import CLIENT, DANA, DIRECTORY, NOW, PATIENT, ref, stay, task
from tests.store.cache import Cache, clinic_of_dana
from tests.verbs.named import named
from tests.worklist import meanwhile
from tests.worklist.world import (
    ANSWERS,
    CRISIS,
    DISCHARGE,
    FOLLOW_UP,
    HANDOFF,
    IN_CRISIS,
    LONE,
    REFERRAL,
    SENT,
    queue,
    summary,
)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path)
    yield cache
    cache.close()


class TestEachVerb:
    """What a verb means as decisions about resources, each about one resource."""

    @pytest.mark.parametrize(
        ("verb", "key", "intents"),
        [
            ("accept", REFERRAL, [("set_status", "Task/r1")]),
            ("accept", HANDOFF, [("set_status", "Task/h1")]),
            ("accept", LONE, [("create", "Task/new"), ("set_status", "Task/new")]),
            ("decline", REFERRAL, [("set_status", "Task/r1")]),
            ("decline", HANDOFF, [("set_status", "Task/h1")]),
            ("claim", REFERRAL, [("assign", "Task/r1")]),
            ("claim", DISCHARGE, [("create", "Task/new"), ("assign", "Task/new")]),
            ("done", FOLLOW_UP, [("set_status", "Task/t1")]),
            ("done", DISCHARGE, [("create", "Task/new"), ("set_status", "Task/new")]),
            ("log", FOLLOW_UP, [("create", "Communication/new")]),
            ("log", DISCHARGE, [("create", "Communication/new")]),
            ("log", SENT, [("create", "Communication/new")]),
            ("snooze", FOLLOW_UP, [("snooze", "Task/t1")]),
            ("snooze", LONE, [("create", "Task/new"), ("snooze", "Task/new")]),
            ("note", SENT, [("add_note", "Task/r2")]),
            ("assign", FOLLOW_UP, [("assign", "Task/t1")]),
            ("handoff", FOLLOW_UP, [("create", "Task/new")]),
            ("priority", REFERRAL, [("set_priority", "Task/r1")]),
            ("due", FOLLOW_UP, [("set_due", "Task/t1")]),
            ("due", DISCHARGE, [("create", "Task/new"), ("set_due", "Task/new")]),
            ("new", REFERRAL, [("create", "Task/new")]),
        ],
    )
    def test_is_these_decisions(
        self, cache: Cache, verb: str, key: str, intents: list[tuple[str, str]]
    ) -> None:
        acted = cache.desk.act(verb, [key], ANSWERS.get(verb, {}), NOW)
        assert summary(cache) == intents
        assert acted.changed == (key,)
        assert {intent.group for intent in cache.intents()} == {acted.group}
        assert {intent.state for intent in cache.intents()} == {IntentState.QUEUED}
        assert {intent.item_key for intent in cache.intents()} == {key}
        assert {(intent.author, intent.decided_at) for intent in cache.intents()} == {(DANA, NOW)}

    def test_on_what_has_no_task_yet_goes_to_the_one_that_it_creates(self, cache: Cache) -> None:
        cache.desk.act("claim", [DISCHARGE], {}, NOW)
        create, claim = cache.intents()
        assert claim.after == create.id
        assert claim.target_id == create.target_id
        (identifier,) = create.args["resource"]["identifier"]
        assert identifier == {
            "system": codes.IDENTIFIER,
            "value": "discharge-contact:Encounter/e1",
        }

    def test_is_done_to_that_task_when_it_comes_again(self, cache: Cache) -> None:
        cache.desk.act("claim", [DISCHARGE], {}, NOW)
        cache.desk.act("note", [DISCHARGE], {"text": "x"}, NOW)
        created, *rest = [intent.target_id for intent in cache.intents()]
        assert rest == [created, created]
        assert summary(cache)[-1] == ("add_note", "Task/new")

    def test_keeps_what_the_person_saw(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "stat"}, NOW)
        cache.desk.act("priority", [FOLLOW_UP], {"to": "asap"}, NOW)
        first, second = cache.intents()
        assert (first.seen, second.seen) == ({}, {"priority": "stat"})

    def test_is_shown_at_once_and_before_any_server_knows(self, cache: Cache) -> None:
        assert cache.row(FOLLOW_UP).band != 6
        cache.desk.act("snooze", [FOLLOW_UP], {"until": "3bd"}, NOW)
        row = cache.row(FOLLOW_UP)
        assert (row.band, row.unit, row.sync) == (6, "sleep", "waiting")

    def test_that_closes_an_item_takes_it_out_of_the_queue(self, cache: Cache) -> None:
        cache.desk.act("done", [FOLLOW_UP], {}, NOW)
        assert cache.find(FOLLOW_UP) is None

    def test_survives_the_end_of_the_program(self, cache: Cache) -> None:
        acted = cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        cache.close()
        cache.open()
        assert [intent.group for intent in cache.intents()] == [acted.group]
        assert cache.row(FOLLOW_UP).sync == "waiting"

    @pytest.mark.parametrize(
        ("verb", "key", "said"),
        [
            ("accept", REFERRAL, "Accepted: OKAFOR, Amara J."),
            ("decline", REFERRAL, "Declined: OKAFOR, Amara J, no capacity."),
            ("due", FOLLOW_UP, "Due date set: OKAFOR, Amara J to Thu 12 Mar 08:00."),
            ("assign", FOLLOW_UP, "Assigned: OKAFOR, Amara J to Noel Ortiz."),
            ("priority", FOLLOW_UP, "Priority set: OKAFOR, Amara J to urgent."),
            ("handoff", FOLLOW_UP, "Handed off: OKAFOR, Amara J to Access."),
        ],
    )
    def test_says_what_it_did_and_to_whom(
        self, cache: Cache, verb: str, key: str, said: str
    ) -> None:
        assert cache.desk.act(verb, [key], ANSWERS.get(verb, {}), NOW).message.startswith(said)

    def test_tells_the_sender_where_to_go_instead(self, cache: Cache) -> None:
        answers = {"reason": "no capacity", "instead": "Northside Recovery"}
        acted = cache.desk.act("decline", [REFERRAL], answers, NOW)
        wanted = "no capacity; instead: Northside Recovery"
        assert acted.message.startswith(f"Declined: OKAFOR, Amara J, {wanted}. Sent back to ")
        (intent,) = cache.intents()
        assert intent.args == {"to": "rejected", "reason": wanted}

    def test_repeats_own_words_whole(self, cache: Cache) -> None:
        acted = cache.desk.act("decline", [REFERRAL], {"reason": "moved | no address"}, NOW)
        assert acted.message == (
            "Declined: OKAFOR, Amara J, moved | no address. Sent back to Harbor Primary Care."
        )

    def test_says_what_has_to_happen_next_where_that_is_another_thing(self, cache: Cache) -> None:
        acted = cache.desk.act("accept", [REFERRAL], {}, NOW)
        title = cache.row(REFERRAL).title
        assert acted.message == f"Accepted: OKAFOR, Amara J. Next: {title}, by Thu 12 Mar 17:00."

    @pytest.mark.parametrize(("ended", "why"), [("08T02", "has run out"), ("09T12", "warns")])
    def test_says_why_a_snooze_does_not_hide_it(self, tmp_path: Path, ended: str, why: str) -> None:
        left = stay("e7", period={"end": f"2026-03-{ended}:00:00Z"})
        cache = clinic_of_dana(tmp_path / ended, left)
        key = "main:discharge-contact:Encounter/e7"
        acted = cache.desk.act("snooze", [key], {"until": "3bd"}, NOW)
        assert cache.row(key).band != 6
        assert acted.message.endswith(f" Still in sight: its clock {why}.")
        cache.close()


class TestAContact:
    def test_on_a_derived_item_stands_by_itself(self, cache: Cache) -> None:
        """Nobody was reached: the stay still asks for a contact, and no Task is made for it."""
        cache.desk.act("log", [DISCHARGE], {"outcome": "no answer"}, NOW)
        (contact,) = cache.intents()
        resource = contact.args["resource"]
        assert resource["status"] == "not-done"
        assert resource["about"] == [ref("Encounter/e1")]
        assert resource["subject"]["reference"] == CLIENT
        assert cache.row(DISCHARGE).sync == "waiting"

    def test_that_reached_the_client_is_what_a_discharge_asked_for(self, cache: Cache) -> None:
        cache.desk.act("log", [DISCHARGE], {"outcome": "reached"}, NOW)
        assert summary(cache) == [("create", "Communication/new")]
        assert cache.find(DISCHARGE) is None

    def test_that_reached_the_client_closes_the_task_that_asked_for_it_after_it(
        self, cache: Cache
    ) -> None:
        cache.desk.act("claim", [DISCHARGE], {}, NOW)
        cache.desk.act("log", [DISCHARGE], {"outcome": "reached"}, NOW)
        *_, contact, done = cache.intents()
        assert (contact.target_type, done.kind.value) == ("Communication", "set_status")
        assert done.after == contact.id

    def test_about_something_else_leaves_the_task_open(self, cache: Cache) -> None:
        cache.desk.act("log", [FOLLOW_UP], {"outcome": "reached"}, NOW)
        assert summary(cache) == [("create", "Communication/new")]
        assert cache.row(FOLLOW_UP)


class TestARefusal:
    @pytest.mark.parametrize(
        ("verb", "key", "words"),
        [
            ("accept", FOLLOW_UP, "needs no accepting"),
            ("accept", SENT, "was sent out"),
            ("done", SENT, "closed by the partner"),
            ("done", REFERRAL, "has to be accepted first"),
            ("done", HANDOFF, "closes when you acknowledge"),
            ("claim", SENT, "is with Harbor Primary Care"),
        ],
    )
    def test_names_the_client_and_changes_nothing(
        self, cache: Cache, verb: str, key: str, words: str
    ) -> None:
        before = cache.rows()
        acted = cache.desk.act(verb, [key], {}, NOW)
        (refused,) = acted.refused
        assert words in acted.message
        assert acted.message.startswith("OKAFOR, Amara J")
        assert acted.message.count("OKAFOR") == 1
        assert refused.client == "OKAFOR, Amara J"
        assert (acted.group, acted.changed, cache.intents()) == ("", (), [])
        assert cache.rows() == before

    def test_of_what_is_so_already_is_not_counted_as_one(self, cache: Cache) -> None:
        cache.pull(task("t2", owner=ref(DANA)))
        acted = cache.desk.act("claim", ["main:Task/t2"], {}, NOW)
        assert (acted.already, acted.refused, cache.intents()) == (("main:Task/t2",), (), [])

    def test_of_a_key_that_has_left_the_queue(self, cache: Cache) -> None:
        cache.desk.act("done", [FOLLOW_UP], {}, NOW)
        before = len(cache.intents())
        acted = cache.desk.act("note", [FOLLOW_UP], {"text": "too late"}, NOW)
        assert "is no longer in the queue" in acted.message
        assert len(cache.intents()) == before

    def test_of_a_key_that_never_was(self, cache: Cache) -> None:
        acted = cache.desk.act("done", ["main:Task/none", "", "\x1b[2J"], {}, NOW)
        assert len(acted.refused) == 3
        assert "\x1b" not in acted.message + "".join(one.client for one in acted.refused)

    def test_of_sleep_while_a_crisis_clock_runs(self, tmp_path: Path) -> None:
        cache = queue(tmp_path / "crisis", *IN_CRISIS)
        acted = cache.desk.act("snooze", [CRISIS], {"until": "3bd"}, NOW)
        assert "crisis clock, which cannot sleep" in acted.message
        assert cache.intents() == []
        cache.close()

    def test_is_foretold_by_the_row_for_every_verb(self, tmp_path: Path) -> None:
        """The keys that the footer shows are those that work, and a key that does not says why."""
        cache = queue(tmp_path / "crisis", *IN_CRISIS)
        for row in cache.rows(Tab.WHOLE):
            reasons = cache.desk.reasons(row.key)
            for verb in (verb.name for verb in item_verbs()):
                preview = cache.desk.preview(verb, [row.key], ANSWERS.get(verb, {}), NOW)
                offered = verb in names_of(row.verbs)
                assert bool(preview.changes) == offered, (row.key, verb)
                assert (verb not in reasons) == offered, (row.key, verb)
        cache.close()


class TestAnAnswer:
    @pytest.mark.parametrize("verb", [verb.name for verb in item_verbs()])
    def test_that_is_missing_changes_nothing(self, cache: Cache, verb: str) -> None:
        questions = [question for question in named(verb).asks if question.asked is None]
        needed = [question for question in questions if question.default is None]
        for question in needed:
            answers = {**ANSWERS[verb], question.name: "  "}
            with pytest.raises(BadQuestion, match=f"{question.name}.*Nothing was changed"):
                cache.desk.act(verb, [FOLLOW_UP], answers, NOW)
        assert cache.intents() == []
        assert not needed or verb in ANSWERS

    @pytest.mark.parametrize(
        ("verb", "answers"),
        [
            ("snooze", {"until": "yesterday"}),
            ("snooze", {"until": "2026-03-01T09:00:00+00:00"}),
            ("snooze", {"until": "\x1b]52;c;x\x07"}),
            ("log", {"outcome": "maybe"}),
            ("priority", {"to": "highest"}),
            ("assign", {"to": "Nobody At All"}),
            ("assign", {"to": "Practitioner/stranger"}),
            ("assign", {"to": "t"}),
            ("handoff", {"to": "Access", "summary": "x", "severity": "dire"}),
            ("note", {"text": "x", "colour": "red"}),
            ("note", {"text": "\ud800"}),
            ("claim", {"to": "x"}),
            ("nonsense", {}),
            ("undo", {}),
        ],
    )
    def test_that_cannot_be_read_changes_nothing(
        self, cache: Cache, verb: str, answers: dict[str, str]
    ) -> None:
        if answers == {"text": "\ud800"}:  # what has no letters of its own is shown as it is
            cache.desk.act(verb, [FOLLOW_UP], answers, NOW)
            (kept,) = cache.intents()
            assert "\ud800" not in kept.args["text"]
            return
        with pytest.raises(BadQuestion) as told:
            cache.desk.act(verb, [FOLLOW_UP], answers, NOW)
        assert "\x1b" not in str(told.value)
        assert cache.intents() == []
        assert cache.table("audit") == []

    def test_that_has_a_default_need_not_be_given(self, cache: Cache) -> None:
        cache.desk.act("handoff", [FOLLOW_UP], ANSWERS["handoff"], NOW)
        (create,) = cache.intents()
        inputs = create.args["resource"]["input"]
        said = {one["type"]["coding"][0]["code"]: one["valueString"] for one in inputs}
        assert said == {
            "illness-severity": "stable",
            "patient-summary": "Left the ED an hour ago",
        }

    @pytest.mark.parametrize("text", ["Ortiz", "noel", "Practitioner/noel", "Noel Ortiz"])
    def test_that_names_a_person_may_be_a_part_of_the_name(self, cache: Cache, text: str) -> None:
        cache.desk.act("assign", [FOLLOW_UP], {"to": text}, NOW)
        assert cache.intents()[0].args["owner"]["reference"] == "Practitioner/noel"

    def test_that_names_several_says_which(self, cache: Cache) -> None:
        cache.pull(
            {"resourceType": "CareTeam", "id": "access-2", "name": "Access Night",
             "managingOrganization": [ref("Organization/riverbend")]}
        )  # fmt: skip
        with pytest.raises(BadQuestion, match=r"could be .*Access.*Access Night"):
            cache.desk.act("assign", [FOLLOW_UP], {"to": "acc"}, NOW)

    @pytest.mark.parametrize(
        ("verb", "question", "text", "ok", "shown"),
        [
            ("snooze", "until", "3bd", True, "Thu 12 Mar 08:00"),
            ("snooze", "until", "tomorrow 9", True, "Tue 10 Mar 09:00"),
            ("log", "outcome", "r", True, "reached"),
            ("decline", "reason", "on holiday", True, "on holiday"),
            ("assign", "to", "ortiz", True, "Noel Ortiz"),
            ("snooze", "until", "never", False, "is not a future time"),
        ],
    )
    def test_is_read_back_while_it_is_typed(
        self, cache: Cache, verb: str, question: str, text: str, ok: bool, shown: str
    ) -> None:
        understood, words = cache.desk.check_input(verb, question, text, NOW)
        assert understood == ok
        assert shown in words


class TestBehindWhatTheServerDidNotTake:
    def test_nothing_is_decided_and_the_preview_says_so(self, cache: Cache) -> None:
        cache.desk.act("priority", [FOLLOW_UP], {"to": "urgent"}, NOW)
        meanwhile.answer(cache, IntentEvent.REFUSED, "422 no such priority")
        preview = cache.desk.preview("priority", [FOLLOW_UP, REFERRAL], {"to": "stat"}, NOW)
        acted = cache.desk.act("priority", [FOLLOW_UP, REFERRAL], {"to": "stat"}, NOW)
        assert preview.changes == acted.changed == (REFERRAL,)
        assert preview.refused == acted.refused
        assert "the server refused" in acted.refused[0].why


class TestWhoTheyAre:
    def test_what_a_person_types_is_never_shown_raw(self, cache: Cache) -> None:
        acted = cache.desk.act("decline", [REFERRAL], {"reason": "\x1b[31mred\u202e"}, NOW)
        assert acted.message.isprintable()

    def test_what_a_client_is_called_is_never_shown_raw(self, tmp_path: Path) -> None:
        named = {**PATIENT, "name": [{"text": "\x1b]52;c;evil\x07[/red]"}]}
        cache = clinic_of_dana(tmp_path / "named")
        cache.pull(named, task("t1", owner=ref(DANA)))
        acted = cache.desk.act("note", [FOLLOW_UP], {"text": "x"}, NOW)
        detail = cache.desk.detail(FOLLOW_UP, NOW)
        for shown in (acted.message, detail.client, cache.row(FOLLOW_UP).client):
            assert shown.isprintable()
            assert "[/red]" in shown
        cache.close()

    def test_people_are_offered_the_last_used_first(self, cache: Cache) -> None:
        cache.desk.act("assign", [FOLLOW_UP], {"to": "Ortiz"}, NOW)
        assert cache.desk.people()[0].reference == "Practitioner/noel"

    def test_a_profile_without_a_person_cannot_claim(self, tmp_path: Path) -> None:
        from dataclasses import replace

        from tests.store.cache import PROFILE, WRITABLE

        cache = Cache(tmp_path / "nobody", replace(PROFILE, me="", my_name=""))
        cache.declare(WRITABLE)
        cache.pull(*DIRECTORY, PATIENT, task("t1"))
        with pytest.raises(BadQuestion, match="does not say who you are"):
            cache.desk.act("claim", [FOLLOW_UP], {}, NOW)
        assert cache.intents() == []
        cache.close()
