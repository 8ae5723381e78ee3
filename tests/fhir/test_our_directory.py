"""Who belongs to us is what the source's own directory says."""

from __future__ import annotations

from carequeue.domain.items import Us
from carequeue.fhir.chart import Resource
from carequeue.fhir.our_directory import assignable, our_people
from tests.fhir.clinic import CLINIC, DANA, DIRECTORY, HARBOR, NOEL, US, ref

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
    assert assignable(DIRECTORY, US) == (
        ("CareTeam/access", "Access", True),
        (DANA, "Dana Whitfield", False),
        (NOEL, "Noel Ortiz", False),
    )


def test_nobody_is_offered_who_has_left_nor_a_team_of_one_client() -> None:
    left: list[Resource] = [
        {"resourceType": "PractitionerRole", "id": "x", "active": False,
         "practitioner": ref("Practitioner/gone"), "organization": ref(CLINIC)},
        {"resourceType": "CareTeam", "id": "one", "name": "Team of one client",
         "subject": ref("Patient/c1"), "managingOrganization": [ref(CLINIC)]},
    ]  # fmt: skip
    offered = {reference for reference, _, _ in assignable([*DIRECTORY, *left], US)}
    assert not offered & {"Practitioner/gone", "CareTeam/one"}


def test_a_malformed_directory_places_nobody() -> None:
    odd: list[Resource] = [{"resourceType": "PractitionerRole", "id": 7, "organization": [CLINIC]}]
    assert our_people(odd, BASIC) == frozenset()
