"""Probe a server that is not set up yet: what it declares, and whom it lists.

In:  a URL, a token. Out: a `Probe`, all of its text clean; nothing is saved.
Not here: what becomes of it (`cli/connect.py`), what a source supports (`capabilities.py`).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from carequeue.domain.errors import ServerError, SignInError
from carequeue.domain.sanitize import clean
from carequeue.fhir.bundles import read_page
from carequeue.fhir.our_directory import name_of, own_reference
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.transport import Transport
from carequeue.sync.protocol.capabilities import read_statement, sentences
from carequeue.sync.protocol.sending import Unreachable

_MOST: Final = 200  # people, teams or organizations at most


class Listed(NamedTuple):
    """A person, a team or an organization as the server lists it."""

    reference: str
    name: str
    team: bool = False


class Probe(NamedTuple):
    """The declarations of a server, and the people and teams that it lists."""

    base_url: str
    software: str
    fhir_version: str
    can: tuple[str, ...]
    practitioners: tuple[Listed, ...]
    organizations: tuple[Listed, ...]
    teams: tuple[Listed, ...]
    warnings: tuple[str, ...]


def probe(url: str, token: str | None, ca_bundle: str = "") -> Probe:
    """Read from a server without saving anything. Raises ServerError or SignInError."""
    with Transport(url, Tokens(fixed=token or ""), ca_bundle) as transport:
        try:
            return _probe(transport)
        except Unreachable as error:
            raise ServerError(
                f"The server {transport.base_url}: {error.why}. Nothing was changed. "
                "Check the address and the network, then try again."
            ) from None


def _probe(transport: Transport) -> Probe:
    answer = transport.send("GET", "metadata")
    _refuse(answer.status)
    can = read_statement(answer.json, {})
    warnings: list[str] = []
    listed = {
        kind: _listed(transport, kind, warnings)
        for kind in ("Practitioner", "Organization", "CareTeam")
    }
    return Probe(
        transport.base_url,
        str(clean(can.software, 80)),
        str(clean(can.fhir_version, 20)),
        sentences(can),
        listed["Practitioner"],
        listed["Organization"],
        listed["CareTeam"],
        tuple(warnings),
    )


def _refuse(status: int) -> None:
    """Raises an error that says what to do, for a status that is no reply to /metadata."""
    if status in (401, 403):
        raise SignInError(
            "The server asks you to sign in. Nothing was changed. Give a token with "
            "--token-env NAME or --token-command, then connect again."
        )
    if 300 <= status < 400:
        raise ServerError(
            "The server redirects this address to another one. CareQueue did not follow, "
            "because your sign-in would have gone there too. Nothing was changed. "
            "Ask your server administrator for the address of its FHIR endpoint."
        )
    if status >= 400:
        raise ServerError(
            f"The server answered {status} at /metadata. Nothing was changed. "
            "Check the address; it often ends in /fhir or /R4."
        )


def _listed(transport: Transport, kind: str, warnings: list[str]) -> tuple[Listed, ...]:
    answer = transport.send("GET", f"{kind}?_count={_MOST}")
    if answer.status >= 400:
        warnings.append(f"{kind} cannot be listed ({answer.status}).")
        return ()
    listed = [
        Listed(own_reference(resource), str(clean(name_of(resource), 80)), kind == "CareTeam")
        for resource in read_page(answer.json).entries
        if isinstance(resource, dict) and resource.get("resourceType") == kind
    ]
    return tuple(sorted(listed, key=lambda resource: resource.name.casefold()))
