"""A server that is not set up yet: what is read of it, and what is said if it does not reply."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from carequeue.domain.errors import CareQueueError, ServerError, SignInError
from carequeue.fhir import jsontext
from carequeue.sync.net.probe import Listed, probe
from tests.sync.wire import closed_port, listener

STATEMENT = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "A server\x1b[31m"},
    "rest": [{"mode": "server", "resource": [{"type": "Task", "interaction": [{"code": "read"}]}]}],
}
PEOPLE = {
    "resourceType": "Bundle",
    "entry": [
        {"resource": {"resourceType": "Practitioner", "id": "b", "name": [{"text": "Bo"}]}},
        {"resource": {"resourceType": "Practitioner", "id": "a", "name": [{"text": "ana"}]}},
        {"resource": {"resourceType": "OperationOutcome"}},
        "nonsense",
    ],
}


def serves(reply: Callable[[str], tuple[int, object]]) -> Callable[[socket.socket], None]:
    """Answers the request line of each connection."""

    def talk(connection: socket.socket) -> None:
        path = connection.recv(65_536).decode().split(" ", 2)[1]
        status, json = reply(path)
        body = jsontext.dumps(json)
        head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)

    return talk


def test_lists_people_in_order_with_clean_text_and_names_what_cannot_be_listed() -> None:
    def reply(path: str) -> tuple[int, object]:
        if path.endswith("/metadata"):
            return 200, STATEMENT
        return (200, PEOPLE) if "Practitioner" in path else (403, {})

    with listener(serves(reply)) as base:
        read = probe(base, None)
    assert (read.base_url, read.fhir_version) == (base, "4.0.1")
    assert read.software.startswith("A server")
    assert "\x1b" not in read.software
    assert read.practitioners == (
        Listed("Practitioner/a", "ana"),
        Listed("Practitioner/b", "Bo"),
    )
    assert (read.organizations, read.teams) == ((), ())
    assert read.warnings == (
        "Organization cannot be listed (403).",
        "CareTeam cannot be listed (403).",
    )


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, SignInError, "--token-env"),
        (403, SignInError, "--token-env"),
        (404, ServerError, "often ends in /fhir"),
        (500, ServerError, "answered 500"),
    ],
)
def test_a_statement_that_is_refused_says_what_to_do(
    status: int, error: type[CareQueueError], words: str
) -> None:
    with listener(serves(lambda _: (status, {}))) as base, pytest.raises(error, match=words):
        probe(base, None)


def test_nobody_there_is_a_sentence_with_the_address() -> None:
    base = f"http://127.0.0.1:{closed_port()}/fhir"
    with pytest.raises(ServerError, match="cannot be reached") as raised:
        probe(base, None)
    assert base in str(raised.value)
