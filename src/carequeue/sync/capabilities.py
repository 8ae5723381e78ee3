"""What a source can take: what its CapabilityStatement declares, and what was observed of it.

Absence in a statement is not always absence, and presence is no proof: the two are kept apart, and
observation wins. Asked before a person types (`worklist/act.py`) and before anything is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from carequeue.domain.errors import ServerError

_WRITES: Final = frozenset({"create", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class TypeAbility:
    """One resource type, as declared."""

    interactions: frozenset[str] = frozenset()
    update_create: bool = False
    conditional_create: bool = False
    versioned: bool = False
    search: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Abilities:
    """One source. `observed` holds what experience says, such as `{"update:Task": "no"}`."""

    software: str = ""
    fhir_version: str = ""
    types: Mapping[str, TypeAbility] = field(default_factory=dict)
    batch: bool = False
    known: bool = False  # False: the statement was never read
    observed: Mapping[str, str] = field(default_factory=dict)

    def can(self, interaction: str, kind: str) -> bool:
        """Whether a type may be created, updated, searched; before anything is known, yes."""
        seen = self.observed.get(f"{interaction}:{kind}")
        if seen:
            return seen == "yes"
        if not self.known:
            return True
        return interaction in self.types.get(kind, TypeAbility()).interactions

    def of(self, kind: str) -> TypeAbility:
        """What is declared of a type; nothing, where it is not named."""
        return self.types.get(kind, TypeAbility())


def read_statement(statement: Any, observed: Mapping[str, str]) -> Abilities:
    """The abilities that a CapabilityStatement declares.

    Raises ServerError where it is none, or is of another version than R4.
    """
    if not isinstance(statement, dict) or statement.get("resourceType") != "CapabilityStatement":
        raise ServerError(
            "This address answers, but not as a FHIR server: it has no CapabilityStatement at "
            "/metadata. Nothing was changed. Check the address with whoever runs the server."
        )
    version = str(statement.get("fhirVersion", ""))[:20]
    if not version.startswith("4.0"):
        raise ServerError(
            f"This server speaks FHIR {version or 'of an unnamed version'}; CareQueue needs R4 "
            "(4.0.1). Nothing was changed. Many servers have an R4 address beside: ask for it."
        )
    software = statement.get("software")
    types: dict[str, TypeAbility] = {}
    batch = False
    for rest in _list(statement.get("rest")):
        if rest.get("mode", "server") != "server":
            continue
        batch = batch or any(
            item.get("code") in ("batch", "transaction") for item in _list(rest.get("interaction"))
        )
        for item in _list(rest.get("resource")):
            types[str(item.get("type", ""))] = _ability(item)
    return Abilities(
        str(software.get("name", "")) if isinstance(software, dict) else "",
        version,
        types,
        batch,
        known=bool(types),
        observed=observed,
    )


def _ability(item: Mapping[str, Any]) -> TypeAbility:
    return TypeAbility(
        frozenset(str(one.get("code", "")) for one in _list(item.get("interaction"))),
        item.get("updateCreate") is True,
        item.get("conditionalCreate") is True,
        str(item.get("versioning", "")).startswith("versioned"),
        frozenset(str(one.get("name", "")) for one in _list(item.get("searchParam"))),
    )


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def to_json(can: Abilities) -> str:
    """The part of a statement that is kept; a whole one can be a megabyte."""
    types = {
        kind: [
            sorted(one.interactions),
            one.update_create,
            one.conditional_create,
            one.versioned,
            sorted(one.search),
        ]
        for kind, one in can.types.items()
    }
    return json.dumps([can.software, can.fhir_version, can.batch, can.known, types])


def from_json(text: str, observed: Mapping[str, str]) -> Abilities:
    """What `to_json` kept, with what has been observed since."""
    software, version, batch, known, types = json.loads(text)
    return Abilities(
        software,
        version,
        {
            kind: TypeAbility(frozenset(does), create, conditional, versioned, frozenset(search))
            for kind, (does, create, conditional, versioned, search) in types.items()
        },
        batch and observed.get("batch") != "no",
        known,
        observed,
    )


def sentences(can: Abilities) -> tuple[str, ...]:
    """What this server can and cannot take, in words for `connect` and `doctor`."""
    lines = []
    for kind, what in (
        ("Task", "referrals, follow-ups and handoffs"),
        ("ServiceRequest", "requests"),
        ("Communication", "contacts"),
    ):
        able = can.of(kind).interactions
        if not able:
            lines.append(f"{kind}: not offered; {what} that you decide are kept here only")
        elif not able & _WRITES:
            lines.append(f"{kind}: can be read, not changed; what you decide is kept here only")
        else:
            words = [name for name in ("read", "search-type", "create", "update") if name in able]
            lines.append(f"{kind}: {', '.join(words).replace('search-type', 'search')}")
    lines.append("many changes in one request" if can.batch else "one change a request")
    return tuple(lines)
