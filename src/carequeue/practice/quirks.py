"""How real servers differ from the book, as switches of the practice clinic.

Each switch is one field of `Quirks`; its name on the command line and at `/control` is the field's
name with dashes, `name=N` where it counts. To add one: a field here, and one line where the server
asks for it. Counted switches use themselves up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

#: Without end: for `drop-request`, until it is switched off.
ALWAYS: Final = -1


def _switch(says: str) -> Any:
    return field(default=False, metadata={"says": says})


def _count(named: int, says: str) -> Any:
    """A number; `named` is what the bare name means."""
    return field(default=0, metadata={"says": says, "named": named})


@dataclass(frozen=True, slots=True)
class Quirks:
    """Which ways of other servers are switched on; all off is a server by the book."""

    conflict_409: bool = _switch("a stale If-Match is answered with 409, not 412")
    ignores_if_match: bool = _switch("If-Match is read by nobody")
    requires_if_match: bool = _switch("an update without If-Match is answered with 428")
    no_task_write: bool = _switch("Task can only be read")
    no_task: bool = _switch("there is no Task at all")
    task_no_create: bool = _switch("Task can be read and updated, not created")
    no_batch: bool = _switch("no batch and no transaction")
    no_meta: bool = _switch("answers carry no meta; versions stand in the headers only")
    no_update_create: bool = _switch("an update of what does not exist is answered with 405")
    no_last_updated: bool = _switch("_lastUpdated neither filters nor sorts")
    r5: bool = _switch("it says that it is FHIR 5.0.0")
    foreign_next: bool = _switch("next links lead to another host")
    unavailable: bool = _switch("503 with Retry-After, until switched off")
    html: bool = _switch("every answer is a web page, with 200")
    truncated: bool = _switch("the connection ends after half a body")
    cut_json: bool = _switch("half a body, with the length of the half")
    slow: int = _count(1000, "milliseconds to wait before each answer")
    drop_next_reply: int = _count(1, "the next N writes are done and not answered")
    drop_request: int = _count(
        ALWAYS, "requests are neither done nor answered; with =N only the next N writes"
    )
    throttle_next: int = _count(1, "the next N requests are answered with 429")

    def names(self) -> list[str]:
        """What is switched on, in the spelling that `parse` reads."""
        said = []
        for one in fields(self):
            value, name = getattr(self, one.name), one.name.replace("_", "-")
            if value is True or (value and value == one.metadata.get("named")):
                said.append(name)
            elif value:
                said.append(f"{name}={value}")
        return said


def parse(names: Iterable[str]) -> Quirks:
    """The switches of these names. Raises ValueError that lists what there is on an unknown one."""
    known = {one.name.replace("_", "-"): one for one in fields(Quirks)}
    chosen: dict[str, Any] = {}
    for name in names:
        bare, _, number = str(name).partition("=")
        one = known.get(bare)
        if one is None or (number and "named" not in one.metadata):
            raise ValueError(f"No quirk {name!r}; there are: {', '.join(sorted(known))}.")
        chosen[one.name] = int(number) if number else one.metadata.get("named", True)
    return Quirks(**chosen)


class Temper:
    """The quirks of the moment; may be changed by one thread while others ask."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._lock = threading.Lock()

    @property
    def now(self) -> Quirks:
        """The switches as they stand."""
        return self._quirks

    def set(self, quirks: Quirks) -> None:
        """Replace all switches."""
        with self._lock:
            self._quirks = quirks

    def use(self, name: str) -> bool:
        """Whether a counted switch applies now; takes one off its count."""
        with self._lock:
            left: int = getattr(self._quirks, name)
            if left > 0:
                one_less: dict[str, Any] = {name: left - 1}
                self._quirks = replace(self._quirks, **one_less)
            return left != 0
