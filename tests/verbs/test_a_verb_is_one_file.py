"""A verb that only its own file knows is in every place where a person meets verbs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from carequeue.cli import use_cases
from carequeue.cli.act_commands import act_command
from carequeue.cli.main import carequeue
from carequeue.domain.intents import IntentKind
from carequeue.screens.key_map import KeyMap
from carequeue.screens.palette import entries
from carequeue.store.cache_transaction import CacheTransaction
from carequeue.verbs.offers import names_of
from carequeue.verbs.verb import Verb
from carequeue.widgets.key_footer import marked_pairs, row_pairs
from carequeue.worklist.intent_wording import Wording
from tests.docs import verb_tables
from tests.fhir.clinic import DANA, NOW, ref, task
from tests.screens.stage import at_the_terminal
from tests.store.cache import Cache
from tests.verbs.made_up import recipe_verb, registered
from tests.worklist import meanwhile
from tests.worklist.world import CRISIS, FOLLOW_UP, IN_CRISIS, REFERRAL, SENT, queue, send

NAME = "OKAFOR, Amara J"
ANSWER = {"why": "client away"}


@pytest.fixture
def park() -> Iterator[Verb]:
    with registered(recipe_verb()) as verb:
        yield verb


@pytest.fixture
def cache(park: Verb, tmp_path: Path) -> Iterator[Cache]:
    cache = queue(tmp_path / "dana", *IN_CRISIS)
    yield cache
    cache.close()


class TestOnTheScreen:
    def test_it_stands_in_the_footer_of_a_row_in_its_place(self, cache: Cache) -> None:
        row = cache.row(FOLLOW_UP)
        assert row_pairs(row.verbs, row.kind, 200, {})[:2] == [("P", "park"), ("l", "log contact")]
        assert "park" not in names_of(cache.row(SENT).verbs)

    def test_it_stands_in_the_footer_of_marked_rows_in_its_place(self, park: Verb) -> None:
        words = [word for _, word in marked_pairs(200, {})]
        assert words[words.index("park") - 1 : words.index("park") + 2] == [
            "done", "park", "log contact",
        ]  # fmt: skip

    def test_it_stands_in_help_and_palette_with_its_key(self, cache: Cache, park: Verb) -> None:
        keys = KeyMap()
        assert keys.meaning("P") is park
        row = cache.row(FOLLOW_UP)
        (entry,) = [e for e in entries(keys, row.kind, names_of(row.verbs)) if e.action is park]
        assert (entry.keys, entry.label, entry.help) == ("P", "park", "Park it")
        assert not entry.off

    def test_the_palette_says_why_it_is_off(self, cache: Cache) -> None:
        assert cache.desk.reasons(SENT)["park"] == f"{NAME} is with Harbor Primary Care"

    async def test_the_message_line_says_what_it_did_and_undo_undoes_it(self, cache: Cache) -> None:
        async with at_the_terminal(cache.desk) as seat:
            seat.controller.go_to(FOLLOW_UP)
            await seat.rest()
            assert "P park" in seat.footer
            await seat.press("P")
            assert "why?" in seat.message
            assert "client away" in seat.text
            await seat.press("1")
            assert seat.message == f"✓ Parked: {NAME}, client away.  u undoes it"
            assert "undo: park OKAFOR" in seat.footer
            await seat.press("u")
            assert seat.message == f"✓ Undone: Parked, {NAME}.  U does it again"


class TestOnTheDesk:
    def test_it_makes_its_intent_and_the_outbox_has_its_words(self, cache: Cache) -> None:
        acted = cache.desk.act("park", [FOLLOW_UP], ANSWER, NOW)
        assert acted.message == f"Parked: {NAME}, client away."
        (intent,) = cache.intents()
        assert (intent.kind, intent.verb) == (IntentKind.SET_STATUS, "park")
        assert intent.args == {"to": "on-hold", "reason": "client away"}
        (line,) = cache.desk.outbox.lines(NOW)
        assert line.did == "Parked: client away"
        assert cache.desk.detail(FOLLOW_UP, NOW).pending == ("park: waits to be sent",)

    def test_the_preview_counts_it_and_a_person_at_risk_is_left_out(self, cache: Cache) -> None:
        preview = cache.desk.preview("park", [FOLLOW_UP, REFERRAL, SENT, CRISIS], ANSWER, NOW)
        assert preview.changes == (FOLLOW_UP, REFERRAL)
        assert [(refusal.key, refusal.why) for refusal in preview.refused] == [
            (SENT, "is with Harbor Primary Care"),
            (CRISIS, "has a crisis clock and is parked one by one, never in bulk"),
        ]

    def test_its_undo_has_its_words_also_once_it_was_sent(self, cache: Cache) -> None:
        cache.desk.act("park", [FOLLOW_UP], ANSWER, NOW)
        send(cache)
        assert cache.desk.undoable().words == f"park {NAME}"
        assert cache.desk.undo(NOW).message == f"Undone: Parked, {NAME}."
        (line,) = cache.desk.outbox.lines(NOW)
        assert line.did == "Undone: parked"

    def test_a_conflict_has_its_words(self, cache: Cache) -> None:
        cache.desk.act("park", [FOLLOW_UP], ANSWER, NOW)
        meanwhile.find(cache, task("t1", owner=ref(DANA), status="cancelled"))
        (conflict,) = cache.desk.outbox.conflicts(NOW)
        assert conflict.did == "Parked: client away"

    def test_what_a_colleague_did_before_has_its_words(self, cache: Cache) -> None:
        cache.desk.act("park", [FOLLOW_UP], ANSWER, NOW)
        (intent,) = cache.intents()
        with cache.session.engine().connect() as connection:
            wording = Wording(CacheTransaction(connection, cache.session.projector()), NOW)
            assert wording.already(intent) == "already parked by somebody else"


class TestOnTheCommandLine:
    @pytest.fixture(autouse=True)
    def command(self, cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
        """The command as a start of the program builds it."""
        monkeypatch.setitem(carequeue.commands, "act", act_command())
        monkeypatch.setattr(use_cases, "open_session", lambda _: Cache(cache.folder).session)
        monkeypatch.setattr(use_cases, "now", lambda: NOW)

    def run(self, *words: str) -> Result:
        result = CliRunner().invoke(carequeue, list(words))
        assert result.exit_code == 0, result.output
        return result

    def test_act_does_it_with_its_question_as_an_option(self, cache: Cache) -> None:
        assert "Answer to `why` (park)." in self.run("act", "--help").output
        result = self.run("act", "park", FOLLOW_UP, "--why", "payer")
        assert f"Parked: {NAME}, payer." in result.output
        assert [intent.args["reason"] for intent in cache.intents()] == ["payer"]

    def test_keys_names_it(self) -> None:
        assert ["P", "Park it; u undoes it."] in [
            line.split(maxsplit=1) for line in self.run("keys").output.splitlines()
        ]


def test_the_docs_have_its_line_and_that_of_its_question(park: Verb) -> None:
    assert "| `park` | `P` | `why` | Park it; u undoes it. |\n" in verb_tables.verb_table()
    assert (
        "| `--why TEXT` | park | `client away`, `payer`, or your own words |\n"
        in verb_tables.option_table()
    )


def test_nothing_of_it_is_left_once_it_is_gone(tmp_path: Path) -> None:
    cache = queue(tmp_path / "dana")
    assert "park" not in names_of(cache.row(FOLLOW_UP).verbs)
    assert KeyMap().meaning("P") is None
    cache.close()
