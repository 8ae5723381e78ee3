"""Deviations of real servers from the standard, as switches of the practice clinic.

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
    """The deviations that are switched on; with all off the server follows the standard."""

    conflict_409: bool = _switch("a stale If-Match is answered with 409, not 412")
    locked_423: bool = _switch("a stale If-Match is answered with 423, not 412")
    ignores_if_match: bool = _switch("If-Match is read by nobody")
    requires_if_match: bool = _switch("an update without If-Match is answered with 428")
    no_task_write: bool = _switch("Task can only be read")
    no_task: bool = _switch("there is no Task at all")
    task_no_create: bool = _switch("Task can be read and updated, not created")
    three_statuses: bool = _switch("Task.status is requested, completed or cancelled; else 422")
    no_batch: bool = _switch("no batch and no transaction")
    batch_limit: int = _count(10, "a Bundle of more than N entries is answered with 413")
    no_meta: bool = _switch("answers carry no meta; versions stand in the headers only")
    no_update_create: bool = _switch("an update of what does not exist is answered with 405")
    ignores_if_none_exist: bool = _switch("If-None-Exist is read by nobody")
    ignores_prefer: bool = _switch("no write is answered with the resource, whatever Prefer asks")
    bare_batches: bool = _switch(
        "a batch is answered without resources, unless Prefer asks for them"
    )
    drops_element_ids: bool = _switch("Element.id is not kept")
    merges_tags: bool = _switch("an update keeps the tags that it leaves out")
    no_last_updated: bool = _switch("_lastUpdated neither filters nor sorts")
    second_precision: bool = _switch("lastUpdated is told, and searched, in whole seconds")
    late_visibility: int = _count(5, "searches see a write only N seconds later")
    ignores_elements: bool = _switch("_elements is ignored")
    no_search_etag: bool = _switch("the answer to a search has no ETag")
    no_history: bool = _switch("earlier versions are shown to nobody: no _history at all")
    no_subscriptions: bool = _switch("there is no Subscription")
    r4_subscriptions_only: bool = _switch("Subscriptions by criteria only, not by topic")
    backport_subscriptions_only: bool = _switch("Subscriptions by topic only, not by criteria")
    r5: bool = _switch("it says that it is FHIR 5.0.0")
    foreign_next: bool = _switch("next links lead to another host")
    looping_next: bool = _switch("next links lead to the same page again")
    slashless_next: bool = _switch(
        "next links are the base address and a query, without a slash between"
    )
    relative_next: bool = _switch("next links are a query alone, relative to the page")
    cut_pages: int = _count(1, "the next N pages end halfway, without next; total tells the truth")
    doubled_entries: bool = _switch("every match of a page stands there twice")
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
    token_expires: int = _count(20, "a token is good for N requests, then 401 until it is renewed")

    def names(self) -> list[str]:
        """The names of the active quirks, in the spelling that `parse` reads."""
        names = []
        for switch in fields(self):
            value, name = getattr(self, switch.name), switch.name.replace("_", "-")
            if value is True or (value and value == switch.metadata.get("named")):
                names.append(name)
            elif value:
                names.append(f"{name}={value}")
        return names


def parse(names: Iterable[str]) -> Quirks:
    """The switches of these names. Raises ValueError that lists what there is on an unknown one."""
    known = {switch.name.replace("_", "-"): switch for switch in fields(Quirks)}
    chosen: dict[str, Any] = {}
    for name in names:
        bare, _, number = str(name).partition("=")
        switch = known.get(bare)
        if switch is None or (number and "named" not in switch.metadata):
            raise ValueError(f"No quirk {name!r}; there are: {', '.join(sorted(known))}.")
        chosen[switch.name] = int(number) if number else switch.metadata.get("named", True)
    return Quirks(**chosen)


class ActiveQuirks:
    """The quirks of the moment; may be changed by one thread while others ask."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._lock = threading.Lock()

    @property
    def now(self) -> Quirks:
        """The switches at this moment."""
        return self._quirks

    def set(self, quirks: Quirks) -> None:
        """Replace all switches."""
        with self._lock:
            self._quirks = quirks

    def use(self, name: str) -> bool:
        """True if a counted switch applies now; takes one off its count."""
        with self._lock:
            left: int = getattr(self._quirks, name)
            if left > 0:
                one_less: dict[str, Any] = {name: left - 1}
                self._quirks = replace(self._quirks, **one_less)
            return left != 0
