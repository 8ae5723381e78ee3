"""Resources as no server should hold them and real ones do; they are laid down unchecked."""

from __future__ import annotations

from collections.abc import Sequence

from carequeue.practice.people.organizations import Ref, Tree, org, team
from carequeue.practice.people.record_builder import RecordBuilder, iso


def broken(book: RecordBuilder, clients: Sequence[Ref]) -> None:
    """Seven Tasks and a request: no status, an unknown one, odd codes, wrong types, bad dates."""
    for place, (name, change) in enumerate(_changes(book, clients).items()):
        tree: Tree = {
            "resourceType": "Task",
            "id": f"broken-{name}",
            "status": "requested",
            "intent": "order",
            "description": f"Imported from the old system ({place + 1})",
            "for": clients[(40 + place) % len(clients)],
            "authoredOn": iso(book.back(6)),
            "requester": org("riverbend"),
            "owner": team("access"),
        }
        book.add(book.back(6), {**tree, **change})


def _changes(book: RecordBuilder, clients: Sequence[Ref]) -> dict[str, Tree]:
    due = iso(book.ahead(3))
    return {
        "no-status": {"status": None},
        "unknown-status": {"status": "almost-done"},
        "unknown-code": {
            "code": {"coding": [{"system": "http://old.example/codes", "code": "ZZ-17"}]}
        },
        "string-client": {"for": clients[0]["reference"]},
        "impossible-date": {"restriction": {"period": {"end": "2026-13-45"}}},
        "wrong-types": {"note": "call her", "restriction": [due], "owner": ["Access"]},
        "no-such-client": {"for": {"reference": "Patient/who-is-this"}},
        "client-as-request": {
            "resourceType": "ServiceRequest",
            "status": "active",
            "subject": "the tall man",
            "code": "therapy",
            "for": None,
            "owner": None,
        },
    }
