"""The abilities of a source: declared in its CapabilityStatement, and observed.

In:  a CapabilityStatement, observations. Out: `Abilities`. Asked before a person types
(`worklist/act.py`) and before anything is sent.
Why both: something missing in a statement is not always missing, and something present is no proof.
The two are kept apart, and observation wins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from carequeue.domain.errors import ServerError
from carequeue.domain.intents import Intent, IntentKind
from carequeue.fhir import values

#: The most entries of a batch; servers differ (docs/servers.md), most accept this many.
BATCH_SIZE: Final = 50
#: Why a change is saved on this computer only, shown to the person.
UNSUPPORTED: Final = "the server does not support this change"
UNSUPPORTED_STATUS: Final = "the server does not support this status"

_WRITES: Final = frozenset({"create", "update", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class TypeAbility:
    """One resource type, as declared."""

    interactions: frozenset[str] = frozenset()
    update_create: bool = False
    conditional_create: bool = False
    versioning: str = ""  # as declared: no-version | versioned | versioned-update
    search: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Abilities:
    """One source. `observed` holds observations, such as `{"update:Task": "no"}`.

    Names: `INTERACTION:TYPE` and `status:TYPE:CODE` (no), `update-create:TYPE` (no), `batch` (no),
    `batch_size` (a number), `if_match` (see `guard`), `if_match_batch` (the same for a batch: yes,
    no). All are forgotten when the statement is read again, so that a repaired server is noticed.
    """

    software: str = ""
    fhir_version: str = ""
    types: Mapping[str, TypeAbility] = field(default_factory=dict)
    batch: bool = False
    known: bool = False  # False: the statement was never read
    observed: Mapping[str, str] = field(default_factory=dict)

    def can(self, interaction: str, kind: str) -> bool:
        """Whether a type may be created, updated, searched; yes until something is known."""
        seen = self.observed.get(f"{interaction}:{kind}")
        if seen:
            return seen == "yes"
        if not self.known:
            return True
        return interaction in self.types.get(kind, TypeAbility()).interactions

    def of(self, kind: str) -> TypeAbility:
        """The declaration of a type; empty if the statement does not name it."""
        return self.types.get(kind, TypeAbility())

    def update_create(self, kind: str) -> bool:
        """Whether an update under our id creates what does not exist."""
        seen = self.observed.get(f"update-create:{kind}")
        return self.of(kind).update_create and seen != "no"

    def makes(self, kind: str) -> bool:
        """Whether a resource can be created, one way or the other."""
        return self.can("create", kind) or self.update_create(kind)

    def knows_status(self, kind: str, status: str) -> bool:
        """Whether a type may have this status; yes, until the server was seen to reject it."""
        return self.observed.get(f"status:{kind}:{status}") != "no"

    @property
    def guard(self) -> str:
        """The observation of If-Match: yes | no (the server ignores it) | none (there are no
        versions) | "" (not observed yet).
        """
        return self.observed.get("if_match", "")

    def unprotected(self, kind: str) -> bool:
        """Whether a write can overwrite a colleague's simultaneous change unseen."""
        if self.guard in ("yes", "no", "none"):
            return self.guard != "yes"
        return self.of(kind).versioning == "no-version"

    @property
    def batch_size(self) -> int:
        """How many changes one request may hold, as far as is known."""
        learned = self.observed.get("batch_size", "")
        return min(max(int(learned), 1), BATCH_SIZE) if learned.isdecimal() else BATCH_SIZE

    def seeing(self, observed: Mapping[str, str]) -> Abilities:
        """With these observations added."""
        seen = {**self.observed, **observed}
        return replace(self, observed=seen, batch=self.batch and seen.get("batch") != "no")

    def refusal(self, intent: Intent) -> str:
        """Why the source does not support an intent, for a person; "" if it does, as far as is
        known.

        By type and status alone: an intent it depends on may be local-only for its own reason.
        """
        kind = intent.target_type
        if intent.kind is IntentKind.CREATE:
            resource = intent.args.get("resource")
            status = resource.get("status") if isinstance(resource, dict) else ""
            if not self.makes(kind):
                return UNSUPPORTED
        elif not self.can("update", kind):
            return UNSUPPORTED
        else:
            status = status_of(intent)
        known = not isinstance(status, str) or self.knows_status(kind, status)
        return "" if known else UNSUPPORTED_STATUS


def status_of(intent: Intent) -> str:
    """The status that an intent sets; "" if it sets none."""
    if intent.kind is IntentKind.SET_STATUS:
        return str(intent.args.get("to", ""))
    before = intent.args.get("values") if intent.kind is IntentKind.RESTORE else None
    status = before.get("status") if isinstance(before, Mapping) else None
    return status if isinstance(status, str) else ""


def read_statement(statement: Any, observed: Mapping[str, str]) -> Abilities:
    """The abilities that a CapabilityStatement declares.

    Raises ServerError if it is none, or of another version than R4.
    """
    if not isinstance(statement, dict) or statement.get("resourceType") != "CapabilityStatement":
        raise ServerError(
            "This address answers, but not as a FHIR server: it has no CapabilityStatement at "
            "/metadata. Nothing was changed. Check the address with your server administrator."
        )
    version = str(statement.get("fhirVersion", ""))[:20]
    if not version.startswith("4.0"):
        raise ServerError(
            f"This server speaks FHIR {version or 'of an unnamed version'}; CareQueue needs R4 "
            "(4.0.1). Nothing was changed. Many servers also have an R4 address: ask for it."
        )
    software = statement.get("software")
    types: dict[str, TypeAbility] = {}
    batch = False
    for rest in values.objects(statement, "rest"):
        if rest.get("mode", "server") != "server":
            continue
        codes = {values.text(item, "code") for item in values.objects(rest, "interaction")}
        batch = batch or not codes.isdisjoint(("batch", "transaction"))
        for item in values.objects(rest, "resource"):
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
        frozenset(str(part.get("code", "")) for part in values.objects(item, "interaction")),
        item.get("updateCreate") is True,
        item.get("conditionalCreate") is True,
        str(item.get("versioning", "")),
        frozenset(str(part.get("name", "")) for part in values.objects(item, "searchParam")),
    )


def to_json(can: Abilities) -> str:
    """The part of a statement that is stored; a whole one can be a megabyte."""
    types = {
        kind: [
            sorted(ability.interactions),
            ability.update_create,
            ability.conditional_create,
            ability.versioning,
            sorted(ability.search),
        ]
        for kind, ability in can.types.items()
    }
    return json.dumps([can.software, can.fhir_version, can.batch, can.known, types])


def from_json(text: str, observed: Mapping[str, str]) -> Abilities:
    """The abilities that `to_json` stored, with the observations since."""
    software, version, batch, known, types = json.loads(text)
    return Abilities(
        software,
        version,
        {
            kind: TypeAbility(frozenset(does), create, conditional, str(how), frozenset(search))
            for kind, (does, create, conditional, how, search) in types.items()
        },
        batch and observed.get("batch") != "no",
        known,
        observed,
    )


_GUARDS: Final = {
    "yes": "a colleague's change at the same moment: the server rejects ours, and you are asked",
    "no": "unprotected: the server does not check for a colleague's change at the same moment",
    "none": "unprotected: the server has no versions to check for a colleague's change",
}


def sentences(can: Abilities) -> tuple[str, ...]:
    """The abilities of this server, in sentences for `connect` and `doctor`."""
    lines = []
    for kind, what in (
        ("Task", "referrals, follow-ups and handoffs"),
        ("ServiceRequest", "requests"),
        ("Communication", "contacts"),
    ):
        able = can.of(kind).interactions
        if not able:
            lines.append(f"{kind}: not offered; {what} are saved on this computer only")
        elif not able & _WRITES:
            lines.append(f"{kind}: read-only; your changes are saved on this computer only")
        else:
            words = [name for name in ("read", "search-type", "create", "update") if name in able]
            lines.append(f"{kind}: {', '.join(words).replace('search-type', 'search')}")
    lines.append("many changes in one request" if can.batch else "one change in each request")
    if can.unprotected("Task") or can.guard == "yes":
        lines.append(_GUARDS[can.guard if can.guard in _GUARDS else "none"])
    lines += [
        f"{name.split(':')[1]}: the status {name.split(':', 2)[2]} is not supported; "
        "changes that need it are saved on this computer only"
        for name in sorted(can.observed)
        if name.startswith("status:") and not can.knows_status(*name.split(":", 2)[1:])
    ]
    return tuple(lines)
