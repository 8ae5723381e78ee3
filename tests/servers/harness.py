"""The servers that CareQueue is tested on, started, asked and ended in one way.

In:  nothing but Python, and node with npm for the server that nobody here wrote.
Out: `MedplumServer` and `PracticeServer`, which a test asks by plain HTTP.
Why urllib and plain `json`: what a test asserts on a server must not pass through our mapping or
our transport, or a mistake in them would hide on both sides.
Not here: faults on the way (`proxy.py`), people (`small_clinic.py`), fixtures (`fixtures.py`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from filelock import FileLock

Resource = dict[str, Any]

MEDPLUM: Final = Path(__file__).parent / "medplum"
#: Entries of one batch while loading; no server that we know of refuses fewer.
BATCH: Final = 50


class Reply(NamedTuple):
    """What a server answered; header names in lower case, `json` None where there is no JSON."""

    status: int
    headers: dict[str, str]
    json: Any


class Server(Protocol):
    """One FHIR R4 server on loopback. Paths are relative to `base`: `Task/1`, `Task?_count=2`."""

    name: str
    base: str
    token: str

    def get(self, path: str) -> Reply: ...
    def put(self, path: str, resource: Resource, **headers: str) -> Reply: ...
    def post(self, path: str, resource: Resource, **headers: str) -> Reply: ...
    def delete(self, path: str) -> Reply: ...
    def found(self, search: str) -> list[Resource]: ...
    def load(self, resources: Iterable[Resource]) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> int: ...


class NotInstalled(Exception):
    """What a server needs is not on this machine; the text says what is missing."""


def send(
    method: str, url: str, token: str = "", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own; `If_Match="..."` sets the header If-Match."""
    request = urllib.request.Request(url, data=body, method=method)
    request.add_header("Accept", "application/fhir+json")
    if body is not None:
        request.add_header("Content-Type", "application/fhir+json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, _lower(reply.headers), reply.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, _lower(refusal.headers), refusal.read()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class FhirServer:
    """A server as a child process: asked over HTTP, ended by the end of its standard input."""

    name = "server"

    def __init__(self, command: Sequence[str], cwd: Path | None = None) -> None:
        """Start it and wait for the JSON line with its address; raises `RuntimeError` without."""
        self._command, self._cwd = list(command), cwd
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=self._cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.strip():
            self.close()
            raise RuntimeError(f"{self.name}: {' '.join(self._command)} ended without an address")
        self.said: Mapping[str, Any] = json.loads(line)
        self.base = str(self.said["base"]).rstrip("/")
        self.token = str(self.said["token"])

    def raw(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        """The exact bytes of an answer, for questions that a JSON parser would blur."""
        return send(method, self._url(path), self.token, body, **headers)[2]

    def get(self, path: str) -> Reply:
        return self._ask("GET", path)

    def put(self, path: str, resource: Resource, **headers: str) -> Reply:
        return self._ask("PUT", path, resource, **headers)

    def post(self, path: str, resource: Resource, **headers: str) -> Reply:
        return self._ask("POST", path, resource, **headers)

    def delete(self, path: str) -> Reply:
        return self._ask("DELETE", path)

    def found(self, search: str) -> list[Resource]:
        """All that a search finds, page by page: by `next` links, else by `_offset` and `total`."""
        bundle = self.get(search).json
        rows = [entry["resource"] for entry in bundle.get("entry", [])]
        while bundle.get("entry"):
            links = {link["relation"]: link["url"] for link in bundle.get("link", [])}
            if "next" in links:
                following = links["next"].removeprefix(self.base + "/")
            elif not links and len(rows) < bundle["total"]:
                following = f"{search}{'&' if '?' in search else '?'}_offset={len(rows)}"
            else:
                break
            bundle = self.get(following).json
            rows += [entry["resource"] for entry in bundle.get("entry", [])]
        return rows

    def load(self, resources: Iterable[Resource]) -> None:
        """PUT resources under their own ids, in batches; raises `AssertionError` on a refusal."""
        entries = [_put(resource) for resource in resources]
        for first in range(0, len(entries), BATCH):
            part = entries[first : first + BATCH]
            reply = self.post("", {"resourceType": "Bundle", "type": "batch", "entry": part})
            assert reply.status == 200, reply
            for asked, entry in zip(part, reply.json["entry"], strict=True):
                assert entry["response"]["status"][:1] == "2", (asked["request"], entry)

    def reset(self) -> None:
        """Empty the store; a new process where the server offers nothing quicker."""
        self.close()
        self._start()

    def close(self) -> int:
        """End the process by the end of its input, as the death of its parent would.

        Returns its exit code, which is 0 where it did not have to be killed.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        return process.returncode

    def _ask(
        self, method: str, path: str, resource: Resource | None = None, **headers: str
    ) -> Reply:
        body = None if resource is None else json.dumps(resource).encode()
        status, found, data = send(method, self._url(path), self.token, body, **headers)
        return Reply(
            status, found, json.loads(data) if "json" in found.get("content-type", "") else None
        )

    def _url(self, path: str) -> str:
        return f"{self.base}/{path}" if path and not path.startswith("?") else self.base + path


def _put(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"request": {"method": "PUT", "url": url}, "resource": resource}


class MedplumServer(FhirServer):
    """Medplum's router over its memory store: a server that nobody here wrote."""

    name = "medplum"

    def __init__(self) -> None:
        super().__init__([install_medplum(), "server.mjs"], MEDPLUM)

    def reset(self) -> None:
        status, _, _ = send("POST", self.base.removesuffix("/fhir") + "/reset")
        assert status == 204, status


class PracticeServer(FhirServer):
    """The built-in practice clinic with its people, or without anybody (`clients=0`).

    `now`: the instant at which its time begins, the machine's if it is empty.
    """

    name = "practice"

    def __init__(self, clients: int = 0, seed: int = 7, now: str = "") -> None:
        options = ["--seed", str(seed), "--clients", str(clients or 1)]
        options += ["--now", now] if now else []
        self._empty = clients == 0
        super().__init__([sys.executable, "-m", "carequeue.practice", *options])

    def _start(self) -> None:
        super()._start()
        if self._empty:
            self._delete_all()
            self._control_it({"clear_log": True, "snapshot": True})

    def reset(self) -> None:
        """All records, quirks and the log as they were at the start; a new process is slower.

        A server that was closed, or has people, is started anew.
        """
        if self._empty and self._process.poll() is None:
            self._control_it({"quirks": [], "clear_log": True, "restore": True})
        else:
            super().reset()

    def _delete_all(self) -> None:
        """The clinic always has its staff: a server with nothing in it is made by deleting."""
        kinds = [entry["type"] for entry in self.get("metadata").json["rest"][0]["resource"]]
        urls = [f"{kind}/{one['id']}" for kind in kinds for one in self.found(f"{kind}?_count=500")]
        entries = [{"request": {"method": "DELETE", "url": url}} for url in urls]
        reply = self.post("", {"resourceType": "Bundle", "type": "batch", "entry": entries})
        assert all(entry["response"]["status"][:3] == "204" for entry in reply.json["entry"]), reply

    def behave(self, *quirks: str) -> None:
        """Make it behave like other servers, by the names of its quirks; none: as it should."""
        self._control_it({"quirks": list(quirks)})

    def log(self) -> list[Resource]:
        """What it was asked, by its own account: method, path, status, body, and guards."""
        found: list[Resource] = json.loads(send("GET", self._control("/log"), self.token)[2])["log"]
        return found

    def _control_it(self, wishes: Resource) -> None:
        body = json.dumps(wishes).encode()
        status, _, said = send("POST", self._control(""), self.token, body)
        assert status < 300, said

    def _control(self, path: str) -> str:
        return self.base.removesuffix("/fhir") + "/control" + path


def install_medplum() -> str:
    """The path of node, with the locked packages beside `server.mjs`; raises `NotInstalled`.

    The lock is held while installing, and a copy of the lock file is kept with the packages, so
    that runs side by side install once and a change of a version installs anew.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise NotInstalled("node and npm are not installed: nothing is tested on Medplum's server")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    if int(version.lstrip("v").partition(".")[0] or 0) < 20:
        raise NotInstalled(f"node {version.strip()} is older than 20, which Medplum's server needs")
    wanted = (MEDPLUM / "package-lock.json").read_bytes()
    stamp = MEDPLUM / "node_modules" / ".installed-from"
    with FileLock(Path(tempfile.gettempdir()) / "carequeue-medplum-install.lock"):
        if not stamp.exists() or stamp.read_bytes() != wanted:
            done = subprocess.run(
                [npm, "ci", "--silent", "--ignore-scripts"], cwd=MEDPLUM, capture_output=True
            )
            if done.returncode:
                raise NotInstalled(f"npm ci failed: {done.stderr.decode(errors='replace')[-400:]}")
            stamp.write_bytes(wanted)
    return node


def problems(resources: Iterable[Resource]) -> list[tuple[str, str]]:
    """What Medplum's validator has against them, as (Type/id, problem); raises `NotInstalled`."""
    lines = "\n".join(json.dumps(resource) for resource in resources)
    done = subprocess.run(
        [install_medplum(), "validate.mjs"],
        cwd=MEDPLUM, input=lines, capture_output=True, text=True, check=True, encoding="utf-8",
    )  # fmt: skip
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [(one["resource"], one["problem"]) for one in found]
