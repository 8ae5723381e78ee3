"""The triage of a request: how urgent a person of ours found it, and whether there is risk.

In:  a chart, the references of the request and of its Task, when it began. Out: a `Triage`, None
if there is none. A triage record is an Observation of our own code system (`codes.TRIAGE`).
Not here: the clocks that it starts (`rules/*.toml`), the record that our verb writes
(`new_resources.py`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from carequeue.fhir import codes, values
from carequeue.fhir.chart import Resource
from carequeue.fhir.chart_reader import ChartReader

#: A triage record may be a little older than the request that it led to.
_BEFORE: Final = timedelta(days=1)


class Triage(NamedTuple):
    """A level of `codes.TRIAGE_LEVELS`, when it was recorded, whether a risk of harm is stated."""

    level: str
    at: datetime
    at_risk: bool


def triage_of(
    reader: ChartReader, about: Collection[str], start: datetime | None, *, inbound: bool
) -> Triage | None:
    """The latest record that names the request or its Task (`about`); for an inbound request also
    the client's.

    An older record of the client says nothing about a new request, and none about what we ask of
    others.
    """
    latest: Triage | None = None
    for observation in reader.of("Observation"):
        level, at = _level(observation), _recorded(reader, observation) or start
        based = reader.refs(observation, "basedOn") | reader.refs(observation, "focus")
        fresh = not based and inbound and at and start and at >= start - _BEFORE
        fits = fresh or bool(based.intersection(about))
        if level and at and fits and (latest is None or at >= latest.at):
            latest = Triage(level, at, _at_risk(observation))
    return latest


def _recorded(reader: ChartReader, observation: Resource) -> datetime | None:
    written = (values.text(observation, name) for name in ("effectiveDateTime", "issued"))
    instants = (reader.when(text) for text in written)
    return next((at for at in instants if at), None) or reader.updated(observation)


def _level(observation: Any) -> str:
    system = any(c.system == codes.TRIAGE for c in values.codings(observation.get("code")))
    if not system or values.text(observation, "status") in ("entered-in-error", "cancelled"):
        return ""
    codings = values.codings(observation.get("valueCodeableConcept"))
    return next((c.code for c in codings if c.code in codes.TRIAGE_LEVELS), "")


def _at_risk(triage: Resource) -> bool:
    return any(
        values.has_code(part.get("code"), codes.TRIAGE_RISK, codes.TRIAGE)
        and part.get("valueBoolean") is True
        for part in values.objects(triage, "component")
    )
