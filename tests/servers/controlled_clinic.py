"""The practice clinic under the hand of a test: plain requests, and what a colleague does.

In:  the wishes of `/control` (docs/servers.md). Out: plain JSON, past every mapping of ours, so
that a mistake in it cannot hide on both sides.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from carequeue.domain.errors import ServerError
from carequeue.practice.clinic import PracticeClinic


class Answer(NamedTuple):
    """What the clinic answered to a plain request."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    text: str

    @property
    def json(self) -> Any:
        """The body as plain JSON."""
        return json.loads(self.text)


class ControlledClinic(PracticeClinic):
    """A clinic that a test asks and changes."""

    @cached_property
    def _control_token(self) -> str:
        """The first token, which `/control` takes for ever."""
        return self.token

    def request(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One plain HTTP request; a path such as `Task/1` is below the base, `/control` is not.

        Raises OSError or http.client.HTTPException where the clinic hangs up.
        """
        control_token = self._control_token
        token = control_token if path.startswith("/control") else self.token
        root, _, folder = self.base.removeprefix("http://").partition("/")
        connection = HTTPConnection(root, timeout=30)
        try:
            connection.request(
                method,
                path if path.startswith("/") else f"/{folder}/{path}",
                body.encode() if isinstance(body, str) else body,
                {"Authorization": f"Bearer {token}", **(headers or {})},
            )
            reply = connection.getresponse()
            text = reply.read().decode()
            lower = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, lower, text)
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON at an address. Raises ServerError where it is not answered with 200."""
        answer = self.request("GET", path)
        if answer.status != 200:
            raise ServerError(f"The clinic answered {answer.status} for {path}: {answer.text}")
        return answer.json

    def control(self, **asked: Any) -> Any:
        """POST /control: any of the wishes that have a method of their own below.

        `quirks=[...]`, `clear_log=True`, `put=resource`, `delete="Task/1"`, `snapshot=True`,
        `restore=True`, `renew_token=True`, `hang_up=True`, `advance=seconds`, `step=number`; done
        in this order. Raises ServerError with the clinic's words where one is refused.
        """
        answer = self.request("POST", "/control", json.dumps(asked))
        if answer.status != 200:
            raise ServerError(f"The clinic refused: {answer.json['error']}")
        return answer.json

    def set_quirks(self, *names: str) -> None:
        """Replace all quirks; none means a server by the book."""
        self.control(quirks=list(names))

    def put(self, resource: Mapping[str, Any]) -> str:
        """Store a resource as a colleague would, unchecked; the address of the new version."""
        return str(self.control(put=resource)["put"])

    def delete(self, reference: str) -> None:
        """Delete a resource as a colleague would."""
        self.control(delete=reference)

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Move the clinic's time on; the changes that came with it (none where the pace is off)."""
        return list(self.control(advance=seconds)["advance"])

    def step(self, many: int = 1) -> list[dict[str, Any]]:
        """Let colleagues make their next changes now, whatever the pace.

        Of each: at (instant), what, who (Practitioner/...), wrote (versions, below the base).
        """
        return list(self.control(step=many)["step"])

    def changes(self) -> list[dict[str, Any]]:
        """What colleagues have done so far by the pace or by `step`, as `step` says it."""
        return list(self.request("GET", "/control/log").json["changes"])

    def snapshot(self) -> None:
        """Make the backup that `restore` goes back to."""
        self.control(snapshot=True)

    def restore(self) -> None:
        """Put all data back to the backup, versions included; the time goes on."""
        self.control(restore=True)

    def renew_token(self) -> str:
        """A new bearer token; the one before is no longer taken. `token` is the new one."""
        self.token = str(self.control(renew_token=True)["renew_token"])
        return self.token

    @property
    def token_command(self) -> str:
        """A command line that renews the token and prints it, for a profile's `token_command`."""
        command = Path(__file__).with_name("token_command.py")
        return shlex.join([sys.executable, str(command), self.base, self._control_token])

    def hang_up(self) -> None:
        """End the websockets of all subscribers that are bound."""
        self.control(hang_up=True)

    def log(self) -> list[dict[str, Any]]:
        """The requests below the base so far: method, path, if_match, status (0: hung up), body."""
        answer = self.request("GET", "/control/log")
        return list(answer.json["log"])
