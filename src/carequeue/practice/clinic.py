"""The parent's side of the practice clinic: start the child, know its address, end it.

Importing this module is cheap (no server, no people); the HTTP client is imported when it is
first used. The child leaves when the pipe that is held here closes, so a parent that is killed
needs no cleaning up.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from carequeue.domain.errors import ServerError

_CLOSE_SECONDS: Final = 5.0


class Answer(NamedTuple):
    """What the clinic said to a plain request."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    text: str

    @property
    def json(self) -> Any:
        """The body as plain JSON."""
        return json.loads(self.text)


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
        command += [f"--quirk={name}" for name in quirks]
        command += [f"--now={now}"] if now else []
        command += [f"--pace={pace}"]
        self._python = python
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
        said = json.loads(line)
        self.base: str = said["base"]
        self.token: str = said["token"]
        self._control_token = self.token
        self.me: dict[str, Any] = said["me"]

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def _why(self) -> str:
        assert self._child.stderr is not None
        words = self._child.stderr.read().decode("utf-8", "replace").strip().splitlines()
        self.close()
        last = words[-1] if words else "it said nothing"
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- plain requests: what a test or a colleague does, past every mapping -----------------

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
        from http.client import HTTPConnection

        token = self._control_token if path.startswith("/control") else self.token
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
            said = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, said, text)
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
        words = [
            self._python,
            "-m",
            "carequeue.practice.token_command",
            self.base,
            self._control_token,
        ]
        return shlex.join(words)

    def hang_up(self) -> None:
        """End the websockets of all subscribers that are bound."""
        self.control(hang_up=True)

    def log(self) -> list[dict[str, Any]]:
        """The requests below the base so far: method, path, if_match, status (0: hung up), body."""
        answer = self.request("GET", "/control/log")
        return list(answer.json["log"])
