"""The harness itself: what it loads, how its servers end, what only one of them can."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from tests.servers import small_clinic as small
from tests.servers.harness import FhirServer, MedplumServer, PracticeServer, Resource, problems

TASK: Resource = {"resourceType": "Task", "id": "1", "status": "requested", "intent": "order"}


class TestTheSmallClinic:
    def test_is_held_by_each_server_under_the_same_ids(
        self, server: FhirServer, now: datetime
    ) -> None:
        laid = small.small_clinic(now) + small.many_referrals(now)
        server.load(laid)
        for kind in sorted({one["resourceType"] for one in laid}):
            held = {one["id"] for one in server.found(f"{kind}?_count=50")}
            assert held == {one["id"] for one in laid if one["resourceType"] == kind}

    def test_names_only_what_is_in_it(self, now: datetime) -> None:
        laid = small.small_clinic(now) + small.many_referrals(now)
        there = {f"{one['resourceType']}/{one['id']}" for one in laid}
        named = set(re.findall(r'"reference": "([^"]+)"', json.dumps(laid)))
        assert named <= there
        words = [value for name, value in vars(small).items() if name.isupper()]
        assert {word for word in words if re.fullmatch(r"[A-Z]\w+/[\w-]+", str(word))} <= there

    def test_is_fhir_to_a_validator_that_nobody_here_wrote(
        self, medplum: FhirServer, now: datetime
    ) -> None:
        assert problems([{"resourceType": "Task", "id": "1"}]) != []
        assert problems(small.small_clinic(now) + small.many_referrals(now)) == []


class TestTheProcess:
    @pytest.mark.usefixtures("medplum")
    @pytest.mark.parametrize("kind", [PracticeServer, MedplumServer])
    def test_ends_by_itself_when_its_input_ends(
        self, kind: type[PracticeServer] | type[MedplumServer]
    ) -> None:
        started = kind()
        assert started.close() == 0
        with pytest.raises(OSError, match="refused"):
            started.get("metadata")


class TestThePracticeClinic:
    def test_behaves_like_other_servers_and_well_again(self, practice: PracticeServer) -> None:
        practice.load([TASK])
        practice.behave("conflict-409")
        assert practice.put("Task/1", TASK, If_Match='W/"stale"').status == 409
        practice.behave()
        assert practice.put("Task/1", TASK, If_Match='W/"stale"').status == 412

    def test_keeps_account_of_what_it_was_asked(self, practice: PracticeServer) -> None:
        practice.get("Task?_count=3")
        assert "Task?_count=3" in json.dumps(practice.log())
