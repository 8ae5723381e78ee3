"""A decision about one client never lands on another, whatever a colleague makes of the record."""

from __future__ import annotations

from typing import Any

import pytest

from carequeue.domain.errors import BadQuestion
from tests.contract.client import Clinician
from tests.contract.conftest import Arrives
from tests.contract.server import change, held, of_client
from tests.servers.harness import FhirServer, PracticeServer
from tests.servers.proxy import FaultProxy, answer
from tests.servers.small_clinic import (
    LONE_REFERRAL,
    ME,
    ROUTINE_REFERRAL,
    UNDATED_FOLLOW_UP,
)

JANKOWSKI = {"reference": "Patient/client-10", "display": "Piotr Jankowski"}
LINDQVIST = {"reference": "Patient/client-12", "display": "Axel Lindqvist"}
TEXT = "He asked to be called on Friday"
FOR: dict[str, Any] = {"for": LINDQVIST}


def written(server: FhirServer, item: str) -> int:
    """How often her note stands on the record."""
    return sum(note["text"] == TEXT for note in held(server, item).get("note", []))


@pytest.fixture
def reader(arrives: Arrives, clinic: FhirServer, proxy: FaultProxy) -> Clinician:
    """Dana at a server that lets Tasks be read and not written."""
    if isinstance(clinic, PracticeServer):
        clinic.behave("no-task-write")
    else:
        proxy.read_only("Task")
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    return dana


def takes_tasks_again(clinic: FhirServer, proxy: FaultProxy) -> None:
    proxy.heal()
    if isinstance(clinic, PracticeServer):
        clinic.behave()


class TestADecisionSavedOnThisComputerOnly:
    def test_is_not_placed_on_another_clients_record(
        self, reader: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        reader.note(UNDATED_FOLLOW_UP, text=TEXT)
        reader.done(UNDATED_FOLLOW_UP)
        assert reader.sync().ok
        takes_tasks_again(clinic, proxy)
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        if isinstance(clinic, PracticeServer):
            clinic.behave("no-task-write")
        else:
            proxy.read_only("Task")
        assert reader.sync().conflicts == 2
        takes_tasks_again(clinic, proxy)
        reader.later(hours=13)
        report = reader.sync()
        assert (report.conflicts, report.sent) == (2, 0)
        assert "Up to date" not in report.words
        assert written(clinic, UNDATED_FOLLOW_UP) == 0
        assert held(clinic, UNDATED_FOLLOW_UP)["status"] != "completed"

    def test_is_not_shown_on_the_other_clients_row(
        self, reader: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        reader.prioritize(ROUTINE_REFERRAL, to="stat")
        assert "stat" in reader.shown(ROUTINE_REFERRAL).title
        takes_tasks_again(clinic, proxy)
        change(clinic, ROUTINE_REFERRAL, **FOR)
        proxy.read_only("Task")
        reader.sync()
        row = reader.shown(ROUTINE_REFERRAL)
        assert row.client == "LINDQVIST, Axel"
        assert "stat" not in row.title
        assert row.sync == "conflict"


class TestADecisionThatWaits:
    @pytest.mark.parametrize(
        ("theirs", "named"),
        [
            (LINDQVIST, "LINDQVIST, Axel"),
            (None, ""),
            ({"display": "Axel Lindqvist"}, "axel lindqvist"),
            (
                {"reference": "https://elsewhere.example/fhir/Patient/client-10"},
                "https://elsewhere.example/fhir/Patient/client-10",
            ),
        ],
        ids=["another client", "none", "a name only", "the same id on another server"],
    )
    def test_is_a_question_that_names_both_clients(
        self, dana: Clinician, clinic: FhirServer, theirs: Any, named: str
    ) -> None:
        dana.note(UNDATED_FOLLOW_UP, text=TEXT)
        change(clinic, UNDATED_FOLLOW_UP, **{"for": theirs})
        report = dana.sync()
        assert (report.conflicts, report.sent) == (1, 0)
        asked = dana.question(UNDATED_FOLLOW_UP)
        assert (asked.client, asked.other_client) == ("JANKOWSKI, Piotr", named)
        assert (asked.gone, asked.can) == ("other_client", ("theirs",))
        with pytest.raises(BadQuestion, match=r"JANKOWSKI, Piotr: .* Nothing was changed"):
            dana.answer(UNDATED_FOLLOW_UP, "mine")
        dana.answer(UNDATED_FOLLOW_UP, "theirs")
        assert dana.sync().ok
        assert written(clinic, UNDATED_FOLLOW_UP) == 0

    def test_with_no_client_is_a_question_once_there_is_one(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        change(clinic, UNDATED_FOLLOW_UP, **{"for": None})
        assert dana.sync().ok
        dana.note(UNDATED_FOLLOW_UP, text=TEXT)
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        assert dana.sync().conflicts == 1
        assert written(clinic, UNDATED_FOLLOW_UP) == 0

    def test_is_sent_where_the_record_names_its_client_again(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        dana.note(UNDATED_FOLLOW_UP, text=TEXT)
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        change(clinic, UNDATED_FOLLOW_UP, **{"for": JANKOWSKI})
        assert dana.sync().ok
        assert written(clinic, UNDATED_FOLLOW_UP) == 1

    def test_can_be_kept_after_the_question_where_the_client_was_put_back(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        dana.note(UNDATED_FOLLOW_UP, text=TEXT)
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        dana.sync()
        change(clinic, UNDATED_FOLLOW_UP, **{"for": JANKOWSKI})
        dana.sync()
        assert dana.question(UNDATED_FOLLOW_UP).can == ("mine", "theirs")
        dana.answer(UNDATED_FOLLOW_UP, "mine")
        assert dana.sync().ok
        assert written(clinic, UNDATED_FOLLOW_UP) == 1

    def test_is_sent_where_the_two_records_were_merged(
        self, dana: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        dana.note(UNDATED_FOLLOW_UP, text=TEXT)
        link = {"other": {"reference": "Patient/client-12"}, "type": "replaced-by"}
        change(clinic, "Patient/client-10", link=[link])
        proxy.once(answer(503), "PUT", UNDATED_FOLLOW_UP)
        dana.sync()
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        dana.later(hours=1)
        assert dana.sync().conflicts == 0
        assert written(clinic, UNDATED_FOLLOW_UP) == 1

    def test_is_a_question_where_the_record_became_somebody_elses_under_the_same_id(
        self, dana: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        before = held(clinic, "Patient/client-10")["identifier"]
        dana.note(UNDATED_FOLLOW_UP, text=TEXT)
        other = [{**before[0], "value": "99123"}]
        change(clinic, "Patient/client-10", identifier=other, name=[{"family": "Novak"}])
        proxy.once(answer(503), "PUT", UNDATED_FOLLOW_UP)
        dana.sync()
        dana.later(hours=1)
        assert dana.sync().conflicts == 1
        assert written(clinic, UNDATED_FOLLOW_UP) == 0


class TestADecisionThatWasRefused:
    def test_is_not_sent_again_to_another_client(
        self, dana: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        dana.knows_that_it_looks()
        dana.note(UNDATED_FOLLOW_UP, text=TEXT)
        proxy.once(answer(422), "PUT", UNDATED_FOLLOW_UP)
        assert dana.sync().needs_attention == 1
        dana.prioritize(UNDATED_FOLLOW_UP, to="urgent")
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        assert dana.sync().conflicts == 1
        said = dana.retry().message
        assert "1 decision now in conflict with a colleague's change" in said
        assert dana.sync().conflicts == 2
        assert written(clinic, UNDATED_FOLLOW_UP) == 0
        assert held(clinic, UNDATED_FOLLOW_UP).get("priority") != "urgent"


class TestTakingBack:
    @pytest.mark.parametrize("client", [LINDQVIST, None], ids=["another client", "none"])
    def test_does_not_touch_another_clients_record(
        self, dana: Clinician, clinic: FhirServer, client: Any
    ) -> None:
        dana.prioritize(UNDATED_FOLLOW_UP, to="stat")
        assert dana.sync().ok
        theirs = change(clinic, UNDATED_FOLLOW_UP, **{"for": client})
        assert dana.sync().ok
        with pytest.raises(BadQuestion, match="JANKOWSKI, Piotr: the record names another client"):
            dana.undo()
        assert dana.sync().ok
        assert held(clinic, UNDATED_FOLLOW_UP) == theirs

    def test_is_a_question_where_the_change_is_met_on_the_way(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        dana.prioritize(UNDATED_FOLLOW_UP, to="stat")
        assert dana.sync().ok
        dana.undo()
        theirs = change(clinic, UNDATED_FOLLOW_UP, **FOR)
        assert dana.sync().conflicts == 1
        assert dana.question(UNDATED_FOLLOW_UP).client == "JANKOWSKI, Piotr"
        assert held(clinic, UNDATED_FOLLOW_UP) == theirs

    def test_of_a_contact_leaves_one_that_was_moved_to_another_client(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        dana.log(UNDATED_FOLLOW_UP, outcome="no answer")
        assert dana.sync().ok
        (contact,) = of_client(clinic, "Communication", "client-10")
        name = f"Communication/{contact['id']}"
        theirs = change(clinic, name, subject=LINDQVIST, recipient=[LINDQVIST])
        assert dana.sync().ok
        with pytest.raises(BadQuestion, match="the record names another client"):
            dana.undo()
        assert held(clinic, name) == theirs


class TestWhatIsYetToBeCreated:
    def test_is_not_made_for_a_request_that_is_another_clients_by_now(
        self, dana: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        dana.accept(LONE_REFERRAL)
        change(clinic, LONE_REFERRAL, subject=LINDQVIST)
        proxy.once(answer(503), "POST")
        dana.sync()
        dana.later(hours=1)
        assert dana.sync().conflicts >= 1
        assert [task for task in clinic.found("Task?_count=200") if _about_request(task)] == []
        asked = dana.question(LONE_REFERRAL)
        assert (asked.client, asked.other_client) == ("GOLDFARB, Ruth", "LINDQVIST, Axel")
        dana.answer(LONE_REFERRAL, "theirs")
        assert dana.sync().ok

    def test_can_be_kept_where_the_client_was_put_back(
        self, dana: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        dana.log(UNDATED_FOLLOW_UP, outcome="no answer")
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        proxy.once(answer(503), "PUT")
        dana.sync()
        dana.later(hours=1)
        dana.sync()
        change(clinic, UNDATED_FOLLOW_UP, **{"for": JANKOWSKI})
        dana.sync()
        assert dana.question(UNDATED_FOLLOW_UP).can == ("mine", "theirs")
        dana.answer(UNDATED_FOLLOW_UP, "mine")
        assert dana.sync().ok
        assert len(of_client(clinic, "Communication", "client-10")) == 1

    def test_is_no_contact_on_a_task_of_another_client(
        self, dana: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        dana.log(UNDATED_FOLLOW_UP, outcome="no answer")
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        proxy.once(answer(503), "PUT")
        dana.sync()
        dana.later(hours=1)
        assert dana.sync().conflicts == 1
        assert of_client(clinic, "Communication", "client-10") == []
        assert of_client(clinic, "Communication", "client-12") == []


class TestARecordThatStandsByItsFocus:
    """A Task that names no Patient is about the client of its focus."""

    def test_moves_with_its_focus_to_the_other_clients_rows(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        change(clinic, UNDATED_FOLLOW_UP, **{"for": None, "focus": {"reference": LONE_REFERRAL}})
        assert dana.sync().ok
        painted = dana.shown(UNDATED_FOLLOW_UP)
        assert painted.client == "GOLDFARB, Ruth"
        change(clinic, LONE_REFERRAL, subject=LINDQVIST)
        assert dana.sync().ok
        assert dana.shown(UNDATED_FOLLOW_UP).client == "LINDQVIST, Axel"
        assert dana.act_as_painted("note", painted, text=TEXT).changed == ()

    @pytest.mark.parametrize("steps", [1, 2], ids=["its focus", "the focus of its focus"])
    @pytest.mark.parametrize(
        "named", [None, {"reference": "RelatedPerson/mother"}], ids=["nobody", "no Patient"]
    )
    def test_is_asked_about_where_the_focus_became_another_clients(
        self, dana: Clinician, clinic: FhirServer, proxy: FaultProxy, steps: int, named: Any
    ) -> None:
        focus = LONE_REFERRAL
        if steps == 2:
            change(clinic, ROUTINE_REFERRAL, **{"for": None, "focus": {"reference": focus}})
            focus = ROUTINE_REFERRAL
        change(clinic, UNDATED_FOLLOW_UP, **{"for": named, "focus": {"reference": focus}})
        assert dana.sync().ok
        assert dana.shown(UNDATED_FOLLOW_UP).client == "GOLDFARB, Ruth"
        dana.note(UNDATED_FOLLOW_UP, text=TEXT)
        change(clinic, LONE_REFERRAL, subject=LINDQVIST)
        proxy.once(answer(503), "PUT", UNDATED_FOLLOW_UP)
        dana.sync()
        dana.later(hours=1)
        assert dana.sync().conflicts == 1
        assert written(clinic, UNDATED_FOLLOW_UP) == 0


class TestARecordThatBecameSomebodyElses:
    """The same id, another person: an overwritten Patient."""

    def becomes_novak(self, clinic: FhirServer) -> None:
        number = held(clinic, "Patient/client-10")["identifier"][0]
        other = [{**number, "value": "99123"}]
        change(clinic, "Patient/client-10", identifier=other, name=[{"family": "Novak"}])

    def test_gets_no_follow_up_that_was_planned_before(
        self, dana: Clinician, clinic: FhirServer, proxy: FaultProxy
    ) -> None:
        before = len(of_client(clinic, "Task", "client-10"))
        dana.plan(UNDATED_FOLLOW_UP, text="Bring lithium levels", until="3bd")
        self.becomes_novak(clinic)
        proxy.once(answer(503), "PUT")
        dana.sync()
        dana.later(hours=1)
        assert dana.sync().conflicts == 1
        assert len(of_client(clinic, "Task", "client-10")) == before

    def test_takes_no_act_that_was_meant_for_the_painted_row(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        painted = dana.shown(UNDATED_FOLLOW_UP)
        self.becomes_novak(clinic)
        assert dana.sync().ok
        acted = dana.act_as_painted("note", painted, text=TEXT)
        assert acted.changed == ()
        assert "NOVAK" in acted.message
        assert "JANKOWSKI, Piotr" in acted.message


class TestAnActOnARowAsItWasPainted:
    def test_is_refused_where_the_row_is_another_clients_by_now(
        self, dana: Clinician, clinic: FhirServer
    ) -> None:
        painted = dana.shown(UNDATED_FOLLOW_UP)
        change(clinic, UNDATED_FOLLOW_UP, **FOR)
        assert dana.sync().ok
        acted = dana.act_as_painted("note", painted, text=TEXT)
        assert acted.changed == ()
        assert "LINDQVIST, Axel" in acted.message
        assert "JANKOWSKI, Piotr" in acted.message
        assert dana.sync().ok
        assert written(clinic, UNDATED_FOLLOW_UP) == 0


def _about_request(task: Any) -> bool:
    return bool(task.get("focus", {}).get("reference") == LONE_REFERRAL)
