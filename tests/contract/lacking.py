"""Servers that lack something, before either kind of server.

In:  what is lacking, by the name of the practice clinic's quirk. Out: the practice clinic behaves
so; before the other server the proxy does, in what it declares and in what it answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.servers.harness import FhirServer, PracticeServer, Resource, send
from tests.servers.proxy import Answered, Asked, FaultProxy, answer, rewrite

THREE = ("requested", "completed", "cancelled")
_FHIR = [("Content-Type", "application/fhir+json")]


def lacks(clinic: FhirServer, proxy: FaultProxy, *names: str) -> None:
    """From here on the server lacks these; nothing: it has all of it again."""
    proxy.heal()
    if isinstance(clinic, PracticeServer):
        clinic.behave(*names)
        return
    for name in names:
        {"no-task": _no_task, "task-no-create": _no_create, "three-statuses": _three}[name](
            clinic, proxy
        )


def _no_task(clinic: FhirServer, proxy: FaultProxy) -> None:
    proxy.always(rewrite(_declaring(None)), "GET", "/metadata")
    proxy.always(answer(404), path="/Task")


def _no_create(clinic: FhirServer, proxy: FaultProxy) -> None:
    able = [{"code": code} for code in ("read", "search-type", "update")]
    proxy.always(rewrite(_declaring(able)), "GET", "/metadata")
    proxy.always(answer(405), "POST", "/Task")


def _declaring(able: list[Resource] | None) -> Callable[[Any], Any]:
    """The statement with these interactions of Task, or without Task."""

    def declare(statement: Any) -> Any:
        rest = statement["rest"][0]
        (found,) = [resource for resource in rest["resource"] if resource["type"] == "Task"]
        if able is None:
            rest["resource"].remove(found)
            return statement
        found |= {"interaction": able, "updateCreate": False, "conditionalCreate": False}
        return statement

    return declare


def _three(clinic: FhirServer, proxy: FaultProxy) -> None:
    def unknown(resource: Any) -> bool:
        return resource["resourceType"] == "Task" and resource["status"] not in THREE

    words = f"Task.status is one of {', '.join(THREE)} here; {{}} is not taken."

    def refusal(resource: Any) -> Resource:
        said = words.format(resource["status"])
        issue = {"severity": "error", "code": "business-rule", "diagnostics": said}
        return {"resourceType": "OperationOutcome", "issue": [issue]}

    def fault(asked: Asked, forward: Callable[[], Answered]) -> Answered:
        sent = json.loads(asked.body) if asked.body else {}
        if asked.method == "PUT" and unknown(sent):
            return Answered(422, _FHIR, json.dumps(refusal(sent)).encode())
        entries = sent.get("entry", []) if asked.method == "POST" else []
        refused = [at for at, entry in enumerate(entries) if unknown(entry["resource"])]
        if not refused:
            return forward()
        sent["entry"] = [entry for at, entry in enumerate(entries) if at not in refused]
        status, _, body = send("POST", clinic.base, clinic.token, json.dumps(sent).encode())
        said = json.loads(body)
        for at in refused:
            outcome = refusal(entries[at]["resource"])
            said["entry"].insert(at, {"response": {"status": "422", "outcome": outcome}})
        return Answered(status, _FHIR, json.dumps(said).encode())

    proxy.always(fault, "PUT")
    proxy.always(fault, "POST")
