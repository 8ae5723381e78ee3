"""Every verb in every weather: what the server holds afterwards, by plain GET.

In:  the cases of `verb_cases.py`, all of them in one clinic. Each test acts once on every item and
compares all effects at once, so that a verb more costs no server, no cache and no sync more.
Not here: what each act writes in full (`test_acts.py`, `test_referral_acts.py`, `test_by_hand.py`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from carequeue.verbs.table import client_verbs, item_verbs
from tests.contract.client import SOURCE, Clinician
from tests.contract.conftest import Arrives
from tests.contract.effects import WRITTEN, Effect, Held, effects, expected, held_of
from tests.contract.server import change, sent, versions
from tests.contract.verb_cases import CASES, Case, clients_and_items
from tests.servers.harness import FhirServer
from tests.servers.proxy import FaultProxy, answer, drop_reply
from tests.servers.small_clinic import ME, directory

ON_TASK: Final = tuple(case for case in CASES if case.effect)
REFUSAL: Final = (
    b'{"resourceType": "OperationOutcome", "issue": [{"severity": "error", '
    b'"code": "business-rule", "diagnostics": "The record is locked by intake."}]}'
)
#: What a colleague does to the element that a verb changes, by the first of its elements.
THEIRS: Final[dict[str, dict[str, Any]]] = {
    "status": {"status": "failed", "statusReason": {"text": "program closed"}},
    "businessStatus": {"status": "failed", "statusReason": {"text": "program closed"}},
    "owner": {"owner": {"reference": "Practitioner/omar-haddad"}},
    "priority": {"priority": "stat"},
    "restriction": {"restriction": {"period": {"end": "2031-01-01"}}},
    "extension": {
        "extension": [
            {
                "url": "https://carequeue.dev/fhir/StructureDefinition/snoozed-until",
                "valueDateTime": "2031-01-01T09:00:00Z",
            }
        ]
    },
}


@pytest.fixture
def now() -> datetime:
    """An instant in the first half of an hour: what was heard of is known again by its hour."""
    now = datetime.now(UTC)
    return now - timedelta(minutes=30) if now.minute >= 30 else now


@pytest.fixture
def clinic(server: FhirServer, now: datetime) -> FhirServer:
    """Each kind of server in turn, with the item of each case in it."""
    server.load([*directory(), *clients_and_items(now)])
    return server


def key_of(case: Case) -> str:
    return f"{SOURCE}:{case.task if case.item else case.client}"


def act_on_each(person: Clinician) -> dict[str, str]:
    """Do what each case says, one act after the other; by case, the group of its act."""
    groups = {}
    for case in CASES:
        acted = person.do(case.verb, key_of(case), **case.answers)
        assert acted.changed, (case.name, acted.message)
        groups[case.name] = acted.group
    return groups


def undo_each(person: Clinician) -> None:
    """Take back everything, the last act first."""
    for _ in CASES:
        person.undo()


def rows_of(person: Clinician) -> dict[str, tuple[str, ...]]:
    """By key: what a row says and offers.

    Without its clock: where an answer was undone, the partner's question counts from the undo,
    because R4 tells only when the Task was last modified.
    """
    return {row.key: (row.title, row.move_name, row.verbs, row.sync) for row in person.rows()}


def test_each_verb_has_a_case() -> None:
    verbs = {verb.name for verb in (*item_verbs(), *client_verbs())}
    assert {case.verb for case in CASES} == verbs


def test_applied_each_has_its_effect_and_again_it_is_so_already(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before = held_of(clinic)
    act_on_each(dana)
    assert dana.sync().ok
    after = held_of(clinic)
    assert effects(CASES, before, after) == expected(CASES)
    since = len(proxy.asked())
    dana.later(minutes=10)
    assert dana.sync().ok
    assert sent(proxy, since) == []

    came = {case.name: again(dana, case) for case in CASES}
    assert came == {case.name: filed(case) for case in CASES}
    assert dana.sync().ok
    for name, (changed, made) in effects(CASES, after, held_of(clinic)).items():
        (case,) = [case for case in CASES if case.name == name]
        assert set(changed) == ({"note"} if case.verb == "note" else set()), name
        assert made == (sorted(case.made) if case.again == "another" else []), name


def again(person: Clinician, case: Case) -> str:
    acted = person.do(case.verb, key_of(case), **case.answers)
    return "filed" if acted.changed else "already" if acted.already else "refused"


def filed(case: Case) -> str:
    return "filed" if case.again in ("same", "another") else case.again


def test_decided_offline_each_is_sent_later(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before = held_of(clinic)
    proxy.offline()
    act_on_each(dana)
    assert not dana.sync().ok
    assert sent(proxy) == []
    assert dana.waiting() >= len(CASES)
    proxy.online()
    dana.later(minutes=10)
    assert dana.sync().ok
    assert (dana.waiting(), dana.needs_her()) == (0, 0)
    assert effects(CASES, before, held_of(clinic)) == expected(CASES)


def test_after_lost_replies_each_has_exactly_one_effect(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before = held_of(clinic)
    act_on_each(dana)
    proxy.once(drop_reply, "POST", times=2)
    proxy.once(drop_reply, "PUT", times=2)
    for _ in range(3):
        dana.sync()
        dana.later(minutes=10)
    assert dana.sync().ok
    assert (dana.waiting(), dana.needs_her()) == (0, 0)
    assert effects(CASES, before, held_of(clinic)) == expected(CASES)
    assert {versions(clinic, case.task) for case in ON_TASK} == {2}


def test_a_change_of_something_else_meanwhile_is_kept_beside_each(
    dana: Clinician, clinic: FhirServer
) -> None:
    before = held_of(clinic)
    act_on_each(dana)
    for case in CASES:
        if case.item:
            change(clinic, case.task, description="Ask for Nurse Okoye")
    assert dana.sync().ok
    assert (dana.waiting(), dana.needs_her()) == (0, 0)
    theirs = {"description": "Ask for Nurse Okoye"}
    wanted = {
        case.name: ({**case.effect, **(theirs if case.item else {})}, sorted(case.made))
        for case in CASES
    }
    assert effects(CASES, before, held_of(clinic)) == wanted


@pytest.mark.parametrize("how", ["mine", "theirs"])
def test_a_change_of_the_same_meanwhile_is_asked_for_each(
    dana: Clinician, clinic: FhirServer, how: str
) -> None:
    before = held_of(clinic)
    act_on_each(dana)
    crossed = {case.name: theirs(case) for case in ON_TASK if case.verb != "note"}
    for case in ON_TASK:
        if case.name in crossed:
            change(clinic, case.task, **crossed[case.name])
    meanwhile = held_of(clinic)
    assert dana.sync().conflicts == len(crossed)
    between = held_of(clinic)
    for case in ON_TASK:
        if case.name in crossed:
            assert between[case.task] == meanwhile[case.task], case.name
            asked = dana.question(key_of(case))
            assert (asked.client, asked.by) != ("", ""), case.name
            dana.answer(key_of(case), how)
    assert dana.sync().ok
    assert (dana.waiting(), dana.needs_her()) == (0, 0)
    wanted = expected(CASES)
    if how == "theirs":
        wanted |= {
            case.name: left(case, before, meanwhile) for case in ON_TASK if case.name in crossed
        }
    assert effects(CASES, before, held_of(clinic)) == wanted


def theirs(case: Case) -> dict[str, Any]:
    return THEIRS[next(iter(case.effect))]


def left(case: Case, before: Held, meanwhile: Held) -> Effect:
    """What there is of a case if theirs was kept: their change, and what was sent before ours."""
    ((theirs, _),) = effects([case], before, meanwhile).values()
    return theirs, sorted(case.made) if case.first else []


def test_undone_before_it_was_sent_none_leaves_a_trace(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before, rows = held_of(clinic), rows_of(dana)
    act_on_each(dana)
    undo_each(dana)
    assert dana.sync().ok
    assert sent(proxy) == []
    assert held_of(clinic) == before
    assert rows_of(dana) == rows


def test_undone_after_it_was_sent_each_effect_is_taken_back(
    dana: Clinician, clinic: FhirServer
) -> None:
    before, rows = held_of(clinic), rows_of(dana)
    act_on_each(dana)
    assert dana.sync().ok
    undo_each(dana)
    assert dana.sync().ok
    assert (dana.waiting(), dana.needs_her()) == (0, 0)
    told = {}
    for name, (changed, made) in effects(CASES, before, held_of(clinic)).items():
        assert changed == {}, name
        told[name] = made.count("Communication completed correction")
        undone = "cancelled" if "schedule" in name else "entered-in-error"
        assert {words.split()[1] for words in made[told[name] :]} <= {undone}, name
    assert told == {case.name: case.told for case in CASES}
    assert rows_of(dana) == rows


def test_refused_by_the_server_each_waits_with_its_reason(
    dana: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before = held_of(clinic)
    groups = act_on_each(dana)
    for method in ("POST", "PUT"):
        proxy.always(answer(422, REFUSAL, "application/fhir+json"), method)
    assert dana.sync().needs_attention >= len(CASES)
    assert held_of(clinic) == before
    reasons = dana.reasons()
    for case in CASES:
        assert "locked by intake" in " ".join(reasons[groups[case.name]]), case.name
        if case.item:
            assert dana.shown(case.task).sync == "needs_you", case.name
    proxy.heal()
    dana.retry()
    assert dana.sync().ok
    assert (dana.waiting(), dana.needs_her()) == (0, 0)
    assert effects(CASES, before, held_of(clinic)) == expected(CASES)


@pytest.fixture
def reader(arrives: Arrives, clinic: FhirServer, proxy: FaultProxy) -> Clinician:
    """Dana at a server that takes no change of anything that our verbs write."""
    proxy.read_only(*WRITTEN)
    dana = arrives(ME, "Dana Whitfield")
    assert dana.sync().ok
    return dana


def test_where_the_source_takes_none_each_is_kept_here_until_it_does(
    reader: Clinician, clinic: FhirServer, proxy: FaultProxy
) -> None:
    before = held_of(clinic)
    for case in CASES:
        acted = reader.do(case.verb, key_of(case), **case.answers)
        assert (len(acted.changed), acted.kept_here) == (1, 1), case.name
        assert "Saved on this computer only" in acted.message
    report = reader.sync()
    assert (report.ok, report.sent) == (True, 0)
    reader.later(days=1)
    assert reader.sync().ok
    assert sent(proxy) == []
    assert held_of(clinic) == before
    proxy.heal()
    reader.later(days=1)
    assert reader.sync().ok
    assert effects(CASES, before, held_of(clinic)) == expected(CASES)
