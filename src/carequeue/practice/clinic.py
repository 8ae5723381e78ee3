"""The parent's side of the practice clinic: start the child, know its address, end it.

Importing this module is cheap (no server, no people). The child leaves when the pipe that is held
here closes, so a parent that is killed needs no cleaning up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final, Self

from carequeue.domain.errors import ServerError

_CLOSE_SECONDS: Final = 5.0


class PracticeClinic:
    """A running clinic. `base` and `token` are for a client; `me` says who the demo's person is.

    `me` holds: practitioner, name, teams, organization, organization_name, time_zone.
    Raises ServerError where the child did not start.
    """

    def __init__(
        self,
        seed: int = 7,
        clients: int = 400,
        quirks: Sequence[str] = (),
        now: str | None = None,
        pace: str = "off",
        python: str = sys.executable,
    ) -> None:
        command = [python, "-m", "carequeue.practice", f"--seed={seed}", f"--clients={clients}"]
        command += [f"--pace={pace}", *(f"--quirk={name}" for name in quirks)]
        command += [f"--now={now}"] if now else []
        self._child = subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Ctrl-C in the terminal is for the program that the person sees.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise ServerError(self._why())
        opened = json.loads(line)
        self.base: str = opened["base"]
        self.token: str = opened["token"]
        self.me: dict[str, Any] = opened["me"]

    def _why(self) -> str:
        assert self._child.stderr is not None
        lines = self._child.stderr.read().decode("utf-8", "replace").strip().splitlines()
        self.close()
        last = lines[-1] if lines else "it said nothing"
        return (
            f"The practice clinic did not start ({last}). Nothing of yours was changed. "
            "Try again, or with --clients 40."
        )

    def close(self) -> None:
        """End the child and wait for it; may be called twice."""
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe:
                pipe.close()
        try:
            self._child.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
