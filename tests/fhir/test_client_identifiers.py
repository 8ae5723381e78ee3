"""Which identifiers of a Patient can recognize the client on another server."""

from __future__ import annotations

from typing import Any

import pytest

from carequeue.fhir.client_identifiers import identifiers

SSN = "http://hl7.org/fhir/sid/us-ssn"


def patient(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": list(parts)}


def ssn(value: str, **more: str) -> dict[str, str]:
    return {"system": SSN, "value": value, **more}


def test_each_is_taken_once_in_its_order_without_blanks() -> None:
    county = {"system": "https://county.example/id", "value": "7-A"}
    assert identifiers(patient(ssn(" 123-45-6789 "), county, ssn("123-45-6789"))) == (
        (SSN, "123-45-6789"),
        ("https://county.example/id", "7-A"),
    )


@pytest.mark.parametrize(
    "identifier",
    [
        {"value": "123-45-6789"},
        {"system": SSN},
        ssn("123-45-6789", use="old"),
        ssn("000-00-0000"),
        ssn("UNKNOWN"),
        ssn("1" * 201),
        {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "value": "12345"},
    ],
    ids=["no system", "no value", "old", "one sign", "no digit", "too long", "its own kind"],
)
def test_what_could_be_anybodys_is_left_out(identifier: dict[str, str]) -> None:
    assert identifiers(patient(identifier)) == ()


@pytest.mark.parametrize(
    "odd",
    [None, 7, {}, {"identifier": 7}, {"identifier": [None, "x", {"system": 1, "value": []}]},
     {"identifier": [{"system": "s" * 500, "value": "v"}, {"system": " ", "value": "v"}]}],
)  # fmt: skip
def test_what_is_odd_is_passed_over(odd: Any) -> None:
    assert identifiers(odd) == ()


def test_a_number_of_them_without_end_is_cut() -> None:
    assert len(identifiers(patient(*(ssn(str(1000 + n)) for n in range(10_000))))) == 40
