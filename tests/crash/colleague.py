"""A colleague who changes the same Tasks on the server by plain requests, past all of ours.

Each note that the server has taken from the colleague must be there at the end, once: what we send
overwrites nobody. A change of priority may meet a decision of ours, which is then a conflict.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any

from tests.servers.controlled_clinic import ControlledClinic


class Colleague:
    """Edits with `If-Match`, as somebody with another client does."""

    def __init__(self, clinic: ControlledClinic, chance: random.Random) -> None:
        self._clinic, self._chance = clinic, chance
        self.notes: list[str] = []
        self.priorities: set[str] = set()  # references of Tasks
        self._tasks = [
            entry["resource"]["id"]
            for entry in clinic.get("Task?_count=1000")["entry"]
            if isinstance(entry["resource"].get("id"), str)
        ]

    def edit(self, at_work: Sequence[str]) -> None:
        """One change to one Task, most often one of these; where somebody was quicker it is left.

        `at_work`: ids of Tasks that somebody has just done something to.
        """
        known = [key for key in at_work if key in self._tasks]
        key = self._chance.choice(known if known and self._chance.random() < 0.8 else self._tasks)
        found = self._clinic.get(f"Task/{key}")
        text = f"colleague {len(self.notes)}"
        note = self._chance.random() < 0.8
        if note:
            changed = {**found, "note": [*found.get("note", []), {"text": text}]}
        else:
            changed = {**found, "priority": self._chance.choice(("routine", "asap"))}
        if not self._put(changed):
            return
        if note:
            self.notes.append(text)
        else:
            self.priorities.add(f"Task/{key}")

    def _put(self, task: dict[str, Any]) -> bool:
        """Whether the server took it, also where its answer was lost."""
        guard = f'W/"{task["meta"]["versionId"]}"'
        headers = {"Content-Type": "application/fhir+json", "If-Match": guard}
        try:
            answer = self._clinic.request("PUT", f"Task/{task['id']}", json.dumps(task), headers)
        except (OSError, HTTPException):
            there = self._clinic.get(f"Task/{task['id']}")
            texts = [note.get("text") for note in there.get("note", [])]
            said = [note.get("text") for note in task.get("note", [])][-1:]
            return set(said) <= set(texts) and there.get("priority") == task.get("priority")
        return answer.status == 200
