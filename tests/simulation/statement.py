"""The CapabilityStatement of the model server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.shapes import TYPES, Json

if TYPE_CHECKING:
    from tests.simulation.server import Server


def statement(server: Server) -> Json:
    """What it says of itself, as it is set up now."""
    quirks = server.quirks
    search = ["_id", "identifier", *(["_lastUpdated"] if quirks.last_updated else [])]
    resources = [
        {
            "type": kind,
            "interaction": [{"code": code} for code in sorted(server.interactions(kind))],
            "versioning": "no-version" if quirks.meta == "none" else "versioned",
            "updateCreate": quirks.update_create and server.can("create", kind),
            "conditionalCreate": quirks.conditional,
            "searchParam": [{"name": name} for name in search],
        }
        for kind in TYPES
        if server.interactions(kind)
    ]
    rest: Json = {"mode": "server", "resource": resources}
    if quirks.batch:
        rest["interaction"] = [{"code": "batch"}]
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": {"name": "model"},
        "rest": [rest],
    }
