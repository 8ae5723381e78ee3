"""Who belongs to us is what the source's own directory says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from carequeue.domain.items import Us
from carequeue.fhir.chart import Resource
from carequeue.fhir.our_directory import TimeAway, assignable, our_people
from tests.fhir.clinic import CLINIC, DANA, DIRECTORY, HARBOR, NOEL, NOW, US, ZONE, ref

RUTH = "Practitioner/ruth"
BASIC = Us(me=DANA, my_name="Dana Whitfield", organization=CLINIC)


def test_a_role_places_its_person_in_our_organization() -> None:
    assert {DANA, "PractitionerRole/role-dana"} <= our_people(DIRECTORY, BASIC)


def test_a_part_of_our_organization_is_ours_with_its_people() -> None:
    assert {"Organization/crisis", NOEL, "CareTeam/access"} <= our_people(DIRECTORY, BASIC)


def test_a_partner_is_not_ours() -> None:
    doctor: Resource = {
        "resourceType": "PractitionerRole",
        "id": "r9",
        "practitioner": ref("Practitioner/bone"),
        "organization": ref(HARBOR),
    }
    found = our_people([*DIRECTORY, doctor], BASIC)
    assert not found & {HARBOR, "Practitioner/bone", "PractitionerRole/r9"}


def test_organizations_that_are_part_of_each_other_come_to_an_end() -> None:
    circle: list[Resource] = [
        {"resourceType": "Organization", "id": "a", "partOf": ref("Organization/b")},
        {"resourceType": "Organization", "id": "b", "partOf": ref("Organization/a")},
    ]
    assert our_people(circle, Us(organization="Organization/a")) == {"Organization/b"}


def test_work_can_be_given_to_people_and_teams_in_the_order_of_their_names() -> None:
    assert assignable(DIRECTORY, US, NOW, ZONE) == (
        ("CareTeam/access", "Access", True, None),
        (DANA, "Dana Whitfield", False, None),
        (NOEL, "Noel Ortiz", False, None),
    )


def test_a_team_of_one_client_is_not_offered() -> None:
    team: Resource = {
        "resourceType": "CareTeam", "id": "one", "name": "Team of one client",
        "subject": ref("Patient/c1"), "managingOrganization": [ref(CLINIC)],
    }  # fmt: skip
    offered = assignable([*DIRECTORY, team], US, NOW, ZONE)
    assert "CareTeam/one" not in {person.reference for person in offered}


def role(key: str = "role-ruth", **elements: Any) -> Resource:
    """A role of Ruth Ames at our clinic."""
    return {
        "resourceType": "PractitionerRole", "id": key, "active": True, "organization": ref(CLINIC),
        "practitioner": {"reference": RUTH, "display": "Ruth Ames"}, **elements,
    }  # fmt: skip


def absence(*resources: Resource) -> TimeAway | None:
    """The absence of Ruth Ames by a directory that has these resources, too."""
    offered = assignable([*DIRECTORY, *resources], US, NOW, ZONE)
    (ruth,) = (person for person in offered if person.reference == RUTH)
    return ruth.absence


def away(**during: str) -> dict[str, Any]:
    return {"notAvailable": [{"description": "Leave", "during": during}]}


END_OF_13_MARCH = datetime(2026, 3, 14, 4, 59, 59, tzinfo=UTC)  # in Chicago, in summer time
LEFT = TimeAway(left=True)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, None),
        (away(start="2026-03-02", end="2026-03-13"), TimeAway(END_OF_13_MARCH)),
        (away(end="2026-03-09T15:00:00Z"), TimeAway(NOW.replace(hour=15))),
        (away(start="2026-03-09T08:00:00-05:00"), TimeAway()),
        (away(start="2026-03-02", end="9999-12-31"), TimeAway()),
        (away(start="2026-03-10", end="2026-03-13"), None),  # not yet
        (away(start="2026-03-02", end="2026-03-08"), None),  # over
        (away(start="2026-03-02", end="Easter"), None),  # cannot be read
        (away(start="some day", end="2026-03-13"), None),
        (away(), None),  # a description alone says no time
        ({"notAvailable": ["Leave", {"during": "always"}]}, None),
        ({"availableTime": [{"daysOfWeek": ["tue"]}]}, None),  # today is Monday
        ({"period": {"start": "2020-01-01", "end": "2026-03-08"}}, LEFT),
        ({"period": {"start": "2020-01-01", "end": "2026-03-09"}}, None),
        ({"active": False}, LEFT),
    ],
)
def test_a_role_says_whether_its_person_is_away(
    elements: dict[str, Any], expected: TimeAway | None
) -> None:
    assert absence(role(**elements)) == expected


def test_of_two_absences_at_once_the_later_end_counts() -> None:
    parts = [
        {"during": {"start": "2026-03-01", "end": end}} for end in ("2026-03-10", "2026-03-13")
    ]
    assert absence(role(notAvailable=parts)) == TimeAway(END_OF_13_MARCH)


def test_who_is_there_in_one_role_is_not_away() -> None:
    assert absence(role("a", active=False), role("b")) is None
    leave = role("a", **away(start="2026-03-02", end="2026-03-13"))
    assert absence(leave, role("b", active=False)) == TimeAway(END_OF_13_MARCH)


def test_who_is_not_active_in_the_directory_has_left() -> None:
    person: Resource = {"resourceType": "Practitioner", "id": "ruth", "active": False}
    assert absence(person, role()) == LEFT


def test_who_is_away_comes_after_all_others() -> None:
    offered = assignable([*DIRECTORY, role(**away(start="2026-03-02"))], US, NOW, ZONE)
    assert [person.name for person in offered] == [
        "Access", "Dana Whitfield", "Noel Ortiz", "Ruth Ames",
    ]  # fmt: skip


def test_a_malformed_directory_places_nobody() -> None:
    odd: list[Resource] = [{"resourceType": "PractitionerRole", "id": 7, "organization": [CLINIC]}]
    assert our_people(odd, BASIC) == frozenset()
