"""What a source can take: declared and observed apart, and what was seen wins."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from carequeue.domain.intents import IntentKind
from carequeue.sync.protocol.capabilities import (
    UNSUPPORTED,
    UNSUPPORTED_STATUS,
    Abilities,
    TypeAbility,
    from_json,
    read_statement,
    sentences,
    status_of,
    to_json,
)
from tests.sync.parts import NEW, R4, accept, create, decision, note


class TestWhatIsKept:
    def test_is_what_was_declared_with_what_was_seen_since(self) -> None:
        able = TypeAbility(frozenset({"read"}), True, True, "versioned-update", frozenset({"_id"}))
        can = Abilities("it", "4.0.1", {"Task": able}, True, True)
        seen = {"if_match": "yes", "batch_size": "12"}
        assert from_json(to_json(can), seen) == replace(can, observed=seen)

    def test_by_an_earlier_carequeue_is_read_as_well(self) -> None:
        """It kept whether there are versions as true or false."""
        types = {
            "Task": [["read"], False, False, True, []], "Flag": [["read"], False, False, False, []]
        }  # fmt: skip
        can = from_json(json.dumps(["it", "4.0.1", False, True, types]), {})
        assert can.of("Task").interactions == {"read"}
        assert not can.unprotected("Task")
        assert not can.unprotected("Flag")

    def test_says_how_a_type_is_versioned(self) -> None:
        rest = {"resource": [{"type": "Task", "versioning": "no-version"}, {"type": "Flag"}]}
        said = {
            "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest],
        }  # fmt: skip
        can = read_statement(said, {})
        assert can.unprotected("Task")
        assert not can.unprotected("Flag")  # it says nothing of it, which is no no

    def test_that_there_are_no_batches_is_seen_within_a_push_too(self) -> None:
        assert not R4.seeing({"batch": "no"}).batch
        assert R4.seeing({"batch_size": "3"}).batch


class TestWhyADecisionIsKeptHere:
    def test_is_nothing_where_the_source_takes_it(self) -> None:
        for one in (accept(), create(), note()):
            assert R4.refusal(one) == ""
            assert Abilities().refusal(one) == ""  # before anything is known

    @pytest.mark.parametrize(
        ("seen", "refused"),
        [
            ({"update:Task": "no"}, ["accept", "note"]),
            ({"create:Task": "no"}, []),
            ({"create:Task": "no", "update-create:Task": "no"}, ["create"]),
        ],
    )
    def test_is_that_it_has_no_place(self, seen: dict[str, str], refused: list[str]) -> None:
        can = R4.seeing(seen)
        decisions = {"accept": accept(), "note": note(), "create": create()}
        why = {name: can.refusal(one) for name, one in decisions.items()}
        assert {name: said for name, said in why.items() if said} == dict.fromkeys(
            refused, UNSUPPORTED
        )

    def test_is_that_the_status_is_not_known(self) -> None:
        can = R4.seeing({"status:Task:accepted": "no", "status:Task:requested": "no"})
        assert can.refusal(accept()) == UNSUPPORTED_STATUS
        assert can.refusal(create()) == UNSUPPORTED_STATUS  # it is made as requested
        assert can.refusal(note()) == ""
        assert can.refusal(decision(IntentKind.SET_STATUS, to="completed")) == ""

    def test_is_asked_about_what_an_undo_writes_too(self) -> None:
        back = decision(IntentKind.RESTORE, unit=["status"], values={"status": "accepted"})
        assert status_of(back) == "accepted"
        assert status_of(decision(IntentKind.RESTORE, unit=["owner"], values={})) == ""


class TestWhatIsSaidOfIt:
    def test_names_what_was_seen(self) -> None:
        can = R4.seeing({"status:Task:on-hold": "no"})
        said = " / ".join(sentences(can))
        assert "the server rejects ours" in said
        assert "Task: the status on-hold is not supported" in said
        assert "changes that need it are saved on this computer only" in said
        assert "unprotected" in " / ".join(sentences(R4.seeing({"if_match": "no"})))

    def test_claims_nothing_of_what_was_not_seen(self) -> None:
        said = " / ".join(sentences(NEW))
        assert "unprotected" not in said
        assert "rejects ours" not in said
