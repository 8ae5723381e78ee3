"""Which client a resource names, and whether that is the client of a decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.intents import ClientIdentity, IntentKind
from carequeue.fhir import codes
from carequeue.fhir.client_identity import (
    NO_RECORDS,
    ClientRecords,
    created_for,
    creates_for_its_client,
    decided_with,
    is_about_its_client,
    merged_records,
    merged_references,
    named_client,
    same_client,
)
from tests.fhir.clinic import intent

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("Patient/p"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["reference", "identifier", "system", "value", "display", "id", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
BASE = "https://ehr.example/fhir"
MRN = "https://riverbend.example/mrn"
PIOTR = {"reference": "Patient/p"}
AXEL = {"reference": "Patient/a"}


def patient(key: str, *numbers: str, **more: Any) -> dict[str, Any]:
    named = [{"system": MRN, "value": number} for number in numbers]
    return {"resourceType": "Patient", "id": key, "identifier": named, **more}


def task(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Task", "id": "t1", "status": "requested", **elements}


def records(*known: dict[str, Any]) -> ClientRecords:
    by_name = {f"{one['resourceType']}/{one['id']}": one for one in known}
    return ClientRecords(BASE, find=by_name.get)


def decided(client: ClientIdentity | None, **args: Any) -> Any:
    return replace(intent(IntentKind.ADD_NOTE, text="Called", **args), client=client)


def about(resource: dict[str, Any], *known: dict[str, Any]) -> Any:
    """A decision made when the record and its neighbors looked like this."""
    return decided(decided_with(resource, records(*known), "JANKOWSKI, Piotr"))


class TestTheClientOfAResource:
    @pytest.mark.parametrize(
        ("resource", "reference"),
        [
            (task(**{"for": PIOTR}), "Patient/p"),
            (task(**{"for": {"reference": f"{BASE}/Patient/p"}}), "Patient/p"),
            (task(**{"for": {"reference": f"{BASE}/Patient/p/_history/3"}}), "Patient/p"),
            (
                task(**{"for": {"reference": "https://other.example/Patient/p"}}),
                "https://other.example/Patient/p",
            ),
            (task(), ""),
            (task(**{"for": {}}), ""),
            (task(**{"for": {"display": " Piotr  Jankowski"}}), "piotr jankowski"),
            ({"resourceType": "ServiceRequest", "id": "r", "subject": PIOTR}, "Patient/p"),
            ({"resourceType": "Communication", "id": "c", "recipient": [PIOTR]}, "Patient/p"),
            ({"resourceType": "Coverage", "id": "c", "beneficiary": PIOTR}, "Patient/p"),
            ({"resourceType": "ClaimResponse", "id": "c", "patient": PIOTR}, "Patient/p"),
            (
                {"resourceType": "Appointment", "id": "a", "participant": [{"actor": PIOTR}]},
                "Patient/p",
            ),
            (patient("p"), "Patient/p"),
        ],
    )
    def test_is_the_one_that_it_names(self, resource: dict[str, Any], reference: str) -> None:
        assert named_client(resource, BASE).reference == reference

    def test_by_an_identifier_or_contained_is_known_by_identifiers(self) -> None:
        named = {"identifier": {"system": MRN, "value": "12"}}
        assert named_client(task(**{"for": named})).identifiers == ((MRN, "12"),)
        inside = task(**{"for": {"reference": "#p"}}, contained=[patient("p", "12")])
        assert named_client(inside) == ClientIdentity("", ((MRN, "12"),))

    @given(value=ANYTHING)
    def test_is_read_from_whatever_a_server_sends(self, value: Any) -> None:
        for element in ("for", "subject", "recipient", "focus", "contained"):
            resource = task(**{element: value})
            assert is_about_its_client(about(resource), resource)


class TestADecision:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (PIOTR, AXEL),
            (PIOTR, None),
            (None, PIOTR),
            (PIOTR, {"reference": "https://other.example/fhir/Patient/p"}),
            (PIOTR, {"display": "Piotr Jankowski"}),
            ({"display": "Piotr Jankowski"}, {"display": "Axel Lindqvist"}),
            ({"identifier": {"system": MRN, "value": "12"}}, AXEL),
            (
                {"identifier": {"system": MRN, "value": "12"}},
                {"identifier": {"system": "urn:other", "value": "12"}},
            ),
            (PIOTR, {"reference": "Group/p"}),
            (
                {"identifier": {"value": "88123"}, "display": "John Smith"},
                {"identifier": {"value": "99999"}, "display": "John Smith"},
            ),
            (PIOTR, ["Patient/p"]),
        ],
    )
    def test_is_not_about_a_record_that_names_somebody_else(self, before: Any, after: Any) -> None:
        one = about(task(**({"for": before} if before else {})))
        assert not is_about_its_client(one, task(**({"for": after} if after else {})))

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (PIOTR, {**PIOTR, "display": "Jankowski, P."}),
            (PIOTR, {"reference": f"{BASE}/Patient/p"}),
            ({"reference": f"{BASE}/Patient/p"}, {"reference": "Patient/p/_history/2"}),
            (PIOTR, {"identifier": {"system": MRN, "value": "12"}}),
            ({"display": "Piotr Jankowski"}, {"display": "piotr  jankowski"}),
            (None, None),
        ],
    )
    def test_is_about_a_record_that_names_its_client_otherwise(
        self, before: Any, after: Any
    ) -> None:
        known = patient("p", "12")
        one = about(task(**({"for": before} if before else {})), known)
        there = task(**({"for": after} if after else {}))
        assert is_about_its_client(one, there, records(known))

    def test_is_asked_about_where_its_client_was_not_recorded(self) -> None:
        assert is_about_its_client(decided(None), task(**{"for": AXEL}))

    def test_follows_the_focus_where_the_task_names_nobody(self) -> None:
        request = {"resourceType": "ServiceRequest", "id": "r", "subject": PIOTR}
        focused = task(focus={"reference": "ServiceRequest/r"})
        one = about(focused, request)
        assert one.client.through == ("ServiceRequest/r",)
        assert is_about_its_client(one, focused, records(request))
        assert is_about_its_client(one, {**focused, "for": PIOTR}, records(request))
        assert not is_about_its_client(one, focused, records({**request, "subject": AXEL}))
        assert not is_about_its_client(one, {**focused, "for": AXEL}, records(request))
        assert not is_about_its_client(one, task(focus={"reference": "ServiceRequest/s"}))

    def test_is_not_about_a_record_that_became_somebody_elses_under_the_same_id(self) -> None:
        one = about(task(**{"for": PIOTR}), patient("p", "12"))
        there = task(**{"for": PIOTR})
        assert is_about_its_client(one, there, records(patient("p", "12", "13")))
        assert is_about_its_client(one, there, records(patient("p")))
        assert not is_about_its_client(one, there, records(patient("p", "57")))

    @given(key=st.sampled_from(["Patient/a", "Patient/b", ""]), other=st.sampled_from("ab"))
    def test_is_the_same_only_under_the_same_reference(self, key: str, other: str) -> None:
        one, two = ClientIdentity(key), ClientIdentity(f"Patient/{other}")
        assert same_client(one, two) == (key == f"Patient/{other}")
        assert same_client(one, one)


class TestMergedRecords:
    OLD = patient("old", link=[{"other": {"reference": "Patient/new"}, "type": "replaced-by"}])
    NEW = patient("new", link=[{"other": {"reference": "Patient/old"}, "type": "replaces"}])

    @pytest.mark.parametrize("known", [(OLD,), (NEW,), (OLD, NEW)], ids=["old", "new", "both"])
    def test_are_one_client(self, known: tuple[dict[str, Any], ...]) -> None:
        there = records(*known)
        assert merged_records("Patient/old", "Patient/new", there)
        assert merged_records("Patient/new", "Patient/old", there)
        one = about(task(**{"for": {"reference": "Patient/old"}}))
        assert is_about_its_client(
            one, task(**{"for": {"reference": "Patient/new"}}), records(*known)
        )

    def test_are_known_by_a_link_in_full_and_by_a_chain_of_older_records(self) -> None:
        full = {"other": {"reference": f"{BASE}/Patient/new"}, "type": "replaced-by"}
        assert merged_records("Patient/old", "Patient/new", records(patient("old", link=[full])))

        def replaces(key: str, older: str) -> dict[str, Any]:
            return patient(
                key, link=[{"other": {"reference": f"Patient/{older}"}, "type": "replaces"}]
            )

        chain = records(replaces("c", "b"), replaces("b", "a"))
        assert merged_records("Patient/a", "Patient/c", chain)

    def test_in_a_chain_and_in_a_circle_end(self) -> None:
        def link(key: str, to: str) -> dict[str, Any]:
            other = {"reference": f"Patient/{to}"}
            return patient(key, link=[{"other": other, "type": "replaced-by"}])

        known = records(link("a", "b"), link("b", "c"), link("c", "a"))
        assert merged_records("Patient/a", "Patient/c", known)
        assert not merged_records("Patient/a", "Patient/x", known)

    @pytest.mark.parametrize("kind", ["seealso", "refer", "", None])
    def test_are_not_those_that_only_refer_to_each_other(self, kind: Any) -> None:
        linked = patient("old", link=[{"other": {"reference": "Patient/new"}, "type": kind}])
        assert not merged_records("Patient/old", "Patient/new", records(linked))

    def test_are_named_for_a_comparison_without_a_cache(self) -> None:
        client = ClientIdentity("Patient/old")
        there = task(**{"for": {"reference": "Patient/new"}})
        found = merged_references([client], there, records(self.NEW))
        assert found == {"Patient/new"}
        assert is_about_its_client(decided(client), there, ClientRecords(BASE, found))


class TestACreate:
    def contact(self, *known: dict[str, Any]) -> bool:
        made = {
            "resourceType": "Communication",
            "subject": PIOTR,
            "about": [{"reference": "Task/t1"}, {"reference": "ServiceRequest/r"}],
        }
        create = replace(
            intent(IntentKind.CREATE, resource=made),
            client=decided_with(made, NO_RECORDS, "JANKOWSKI, Piotr"),
        )
        return creates_for_its_client(create, records(*known))

    def test_is_not_about_what_is_another_clients(self) -> None:
        request = {"resourceType": "ServiceRequest", "id": "r", "subject": AXEL}
        assert self.contact()
        assert self.contact(task(**{"for": PIOTR}))
        assert self.contact(task())
        assert not self.contact(task(**{"for": AXEL}))
        assert not self.contact(task(**{"for": PIOTR}), request)

    def test_of_a_task_for_a_need_looks_at_the_need(self) -> None:
        need = {"url": codes.ABOUT, "valueReference": {"reference": "Encounter/e"}}
        made = task(**{"for": PIOTR}, extension=[need])
        create = replace(
            intent(IntentKind.CREATE, resource=made), client=decided_with(made, NO_RECORDS)
        )
        stay = {"resourceType": "Encounter", "id": "e", "subject": AXEL}
        assert not creates_for_its_client(create, records(stay))
        assert creates_for_its_client(create, records({**stay, "subject": PIOTR}))

    #: How a request may name its client without a Patient of this server.
    UNRESOLVED = (
        "the tall man",
        {"display": "Piotr J."},
        {"identifier": {"system": MRN, "value": "1"}},
        {"reference": "Group/family"},
        {"reference": "#patient"},
        {"reference": "https://elsewhere.example/fhir/Patient/9"},
        ["Piotr"],
        7,
    )

    def create(self, made: dict[str, Any], known: ClientRecords) -> Any:
        return replace(intent(IntentKind.CREATE, resource=made), client=created_for(made, known))

    @pytest.mark.parametrize("subject", UNRESOLVED, ids=str)
    def test_stands_while_a_client_without_a_record_stays_as_it_was(self, subject: Any) -> None:
        request = {"resourceType": "ServiceRequest", "id": "r", "subject": subject}
        known = records(request, task(focus={"reference": "ServiceRequest/r"}))
        companion = task(focus={"reference": "ServiceRequest/r"}, id="new")
        contact = {"resourceType": "Communication", "about": [{"reference": "Task/t1"}]}
        for made in (companion, contact):
            create = self.create(made, known)
            assert creates_for_its_client(create, known)
            corrected = records({**request, "subject": AXEL}, task(focus=companion["focus"]))
            assert not creates_for_its_client(create, corrected)
            reworded = records({**request, "subject": "another"}, task(focus=companion["focus"]))
            assert not creates_for_its_client(create, reworded)

    @pytest.mark.parametrize("subject", UNRESOLVED[:4], ids=str)
    def test_stands_where_the_request_names_the_same_client_in_other_words(
        self, subject: Any
    ) -> None:
        request = {"resourceType": "ServiceRequest", "id": "r", "subject": subject}
        known = records(request, task(**{"for": PIOTR}), patient("p", "1"))
        made = {
            "resourceType": "Communication",
            "subject": PIOTR,
            "about": [{"reference": "Task/t1"}, {"reference": "ServiceRequest/r"}],
        }
        assert creates_for_its_client(self.create(made, known), known)

    def test_ends_where_the_request_has_another_number_of_the_same_kind(self) -> None:
        other = {"identifier": {"system": MRN, "value": "2"}}
        request = {"resourceType": "ServiceRequest", "id": "r", "subject": other}
        known = records(patient("p", "1"), request)
        about = [{"reference": "ServiceRequest/r"}]
        made = {"resourceType": "Communication", "subject": PIOTR, "about": about}
        assert not creates_for_its_client(self.create(made, known), known)

    def test_that_named_its_client_is_not_about_whom_its_request_names(self) -> None:
        contact = {"resourceType": "Communication", "id": "c", "about": [{"reference": "Task/t1"}]}
        known = records(task(**{"for": PIOTR}))
        client = decided_with({**contact, "subject": PIOTR}, known)
        assert not is_about_its_client(decided(client), contact, known)
