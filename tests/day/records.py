"""The thirty items of a clinician's morning, in literal FHIR R4.

In:  a seed. Out: resources for any server, and which case of `outcomes.py` each Task is.
The seed decides names, ids (and with them the ties of the order), partners and the hours within
which each case stays what it is. The case decides everything else.
All people are invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from tests.day.outcomes import OUTCOMES, Case
from tests.fhir.clinic import DANA, DIRECTORY, NOEL, i_pass, ref, referral, request, task

Resource = dict[str, Any]

ZONE: Final = ZoneInfo("America/Chicago")
#: A Tuesday; the Monday before and the two days after are open.
MORNING: Final = datetime(2026, 6, 9, 8, 30, tzinfo=ZONE)
_PARTNERS: Final = {"harbor": "Harbor Primary Care", "northside": "Northside Recovery",
                    "detox": "County Detox"}  # fmt: skip
_FAMILIES: Final = (
    "Abara", "Brandt", "Castellanos", "Doyle", "Eriksen", "Fofanah", "Goldfarb", "Hoang",
    "Ishikawa", "Jankowski", "Kealoha", "Lindqvist", "Mbeki", "Nguyễn", "O’Brien", "Park",
    "Quispe", "Reyes", "Sørensen", "Takahashi", "Underhill", "Volkov", "Whitehorse", "Xiong",
    "Yilmaz", "Zapata", "Achterberg", "Bianchi", "Chavez", "Dlamini",
)  # fmt: skip
_GIVENS: Final = ("Amara", "Chidi", "Finn", "Lotte", "Minh", "Noelani", "Piotr", "Ruth", "Solveig")
_OURS: Final = "https://carequeue.dev/fhir"
_TASK_CODE: Final = f"{_OURS}/CodeSystem/task-code"
_AWAITING: Final = {
    "coding": [
        {
            "system": "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS",
            "code": "awaiting-information",
        }
    ]
}


class Day(NamedTuple):
    """The records of a day, and the case of each of its Tasks: `Task/12` -> case."""

    resources: tuple[Resource, ...]
    cases: Mapping[str, Case]


class _Item(NamedTuple):
    """What one item is made of: its number as an id, its client, a partner, and chance."""

    key: str
    client: str
    partner: str
    chance: Random

    def at(self, text: str, spread: int = 40) -> str:
        """An instant ("-1 15:00": yesterday at 15:00), up to `spread` minutes later."""
        days, _, clock = text.partition(" ")
        hour, _, minute = clock.partition(":")
        day = MORNING + timedelta(days=int(days))
        instant = day.replace(hour=int(hour), minute=int(minute))
        later = timedelta(minutes=self.chance.randrange(spread + 1))
        return (instant + later).isoformat(timespec="seconds")


def day_of(seed: int) -> Day:
    """The day of a seed."""
    chance = Random(seed)
    cases = [outcome.case for outcome in OUTCOMES for _ in range(outcome.items)]
    families = chance.sample(_FAMILIES, len(cases))
    numbers = chance.sample(range(100, 1000), len(cases))
    resources: list[Resource] = [*DIRECTORY, *_partners()]
    tasks = {}
    for case, family, number in zip(cases, families, numbers, strict=True):
        key = f"t{number}"
        client = _client(f"c{number}", family, chance)
        partner = f"Organization/{chance.choice(list(_PARTNERS))}"
        item = _Item(key, f"Patient/{client['id']}", partner, chance)
        resources += [client, *_BUILDERS[case](item)]
        tasks[f"Task/{key}"] = case
    return Day(tuple(resources), tasks)


def _partners() -> Iterator[Resource]:
    known = {resource["id"] for resource in DIRECTORY}
    for key, name in _PARTNERS.items():
        if key not in known:
            yield {"resourceType": "Organization", "id": key, "active": True, "name": name}


def _client(key: str, family: str, chance: Random) -> Resource:
    born = (
        f"{chance.randrange(1950, 2004)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 28):02}"
    )
    return {
        "resourceType": "Patient",
        "id": key,
        "identifier": [{"system": "https://riverbend.example/mrn", "value": key.upper()}],
        "name": [{"use": "official", "family": family, "given": [chance.choice(_GIVENS)]}],
        "birthDate": born,
    }


# --- one builder a case


def _referred(item: _Item, asked: str, priority: str, **more: Any) -> list[Resource]:
    """A referral from a partner to me."""
    order = request(
        f"s{item.key}", subject=ref(item.client), requester=ref(item.partner), authoredOn=asked,
        priority=priority,
    )  # fmt: skip
    return [order, _referral(item, item.partner, DANA, asked, priority=priority, **more)]


def _sent(item: _Item, asked: str, **more: Any) -> list[Resource]:
    """A referral from me to a partner."""
    order = request(
        f"s{item.key}", subject=ref(item.client), requester=ref(DANA), authoredOn=asked
    )  # fmt: skip
    return [order, _referral(item, DANA, item.partner, asked, **more)]


def _referral(item: _Item, by: str, to: str, asked: str, **more: Any) -> Resource:
    focus = ref(f"ServiceRequest/s{item.key}")
    times = {"authoredOn": asked, "lastModified": more.pop("lastModified", asked)}
    return referral(by, to, **{"id": item.key, "for": ref(item.client), "focus": focus},
                    **times, **more)  # fmt: skip


def _follow_up(item: _Item, text: str, kind: str = "follow-up", **more: Any) -> list[Resource]:
    """A Task of mine."""
    code = {"coding": [{"system": _TASK_CODE, "code": kind}]}
    basic = {"owner": ref(DANA), "requester": ref(NOEL), "code": code, "description": text}
    asked = {"authoredOn": item.at("-6 10:00")}
    return [task(item.key, **{"for": ref(item.client)}, **basic, **asked, **more)]


def _handoff(item: _Item, severity: str, sent: str) -> list[Resource]:
    """A client whom a colleague hands to me."""
    code = {"coding": [{"system": _TASK_CODE, "code": "handoff"}]}
    said = [i_pass("illness-severity", severity), i_pass("patient-summary", "Slept, ate, talked")]
    people = {"requester": ref(NOEL), "owner": ref(DANA), "authoredOn": sent, "lastModified": sent}
    return [task(item.key, **{"for": ref(item.client)}, code=code, input=said, **people)]


def _discharge(item: _Item) -> list[Resource]:
    """A stay for an emergency that ended yesterday, and the Task of mine for the first contact."""
    stay = {
        "resourceType": "Encounter",
        "id": f"e{item.key}",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "EMER"},
        "subject": ref(item.client),
        "period": {"start": item.at("-1 09:00"), "end": item.at("-1 14:00")},
        "reasonCode": [{"text": "Suicidal ideation"}],
    }
    known = {
        "system": f"{_OURS}/identifier/item",
        "value": f"discharge-contact:Encounter/e{item.key}",
    }
    return [stay, *_follow_up(item, "First contact after the stay", identifier=[known])]


def _authorization(item: _Item) -> list[Resource]:
    """An authorization that ends this week, and the Task of mine to renew it."""
    end = (MORNING + timedelta(days=3)).date().isoformat()
    granted = {
        "resourceType": "ClaimResponse",
        "id": f"a{item.key}",
        "status": "active",
        "type": {"coding": [{"code": "professional"}]},
        "use": "preauthorization",
        "patient": ref(item.client),
        "created": "2026-03-12",
        "insurer": {"display": "Lakeshore Health Plan"},
        "outcome": "complete",
        "preAuthPeriod": {"start": "2026-03-12", "end": end},
    }
    value = f"authorization-end:ClaimResponse/a{item.key}:{end}"
    known = {"system": f"{_OURS}/identifier/item", "value": value}
    return [granted, *_follow_up(item, "Renew", identifier=[known])]


def _due(item: _Item, text: str, by: str, **more: Any) -> list[Resource]:
    return _follow_up(item, text, restriction={"period": {"end": item.at(by)}}, **more)


def _back_from_snooze(item: _Item) -> list[Resource]:
    until = {"url": f"{_OURS}/StructureDefinition/snoozed-until",
             "valueDateTime": item.at("0 07:30", 30)}  # fmt: skip
    return _due(item, "Ask about the group", "0 16:00", extension=[until])


_BUILDERS: Final = {
    Case.HANDOFF_UNSTABLE: lambda item: _handoff(item, "unstable", item.at("0 08:05", 10)),
    Case.HANDOFF_WATCHER: lambda item: _handoff(item, "watcher", item.at("-1 16:00")),
    Case.HANDOFF_STABLE: lambda item: _handoff(item, "stable", item.at("-1 09:00")),
    Case.DISCHARGE: _discharge,
    Case.URGENT_REFERRAL: lambda item: _referred(item, item.at("-1 13:00"), "urgent"),
    Case.ROUTINE_REFERRAL: lambda item: _referred(item, item.at("-4 10:00"), "routine"),
    Case.REFERRAL_NOT_OURS: lambda item: _referred(item, item.at("-4 11:00"), "routine"),
    Case.UNANSWERED: lambda item: _sent(item, item.at("-6 10:00")),
    Case.DECLINED: lambda item: _sent(
        item._replace(partner="Organization/harbor"), item.at("-12 10:00"), status="rejected",
        statusReason={"text": "No bed free"}, lastModified=item.at("-8 10:00"),
    ),
    Case.QUESTION: lambda item: _sent(
        item, item.at("-5 10:00"), status="received", businessStatus=_AWAITING,
        lastModified=item.at("-1 10:00"),
    ),
    Case.FOLLOW_UP_DONE: lambda item: _due(item, "Send the consent form", "-1 15:00"),
    Case.CALL_REACHED: lambda item: _due(
        item, "Call about the missed group", "0 12:00", kind="make-contact"
    ),
    Case.CALL_NO_ANSWER: lambda item: _due(item, "Call about the new dose", "1 13:00"),
    Case.FOR_A_COLLEAGUE: lambda item: _due(item, "Ask the school for the plan", "0 14:00"),
    Case.NOT_TODAY: lambda item: _due(item, "Prepare the plan review", "0 15:00"),
    Case.BACK_FROM_SNOOZE: _back_from_snooze,
    Case.AUTHORIZATION: _authorization,
}  # fmt: skip
