"""Runs the command in a process of its own that has its modules already.

In:  words, an environment, what waits at standard input. Out: exit code and what was written.
A warm process imports the program once and forks for each command, as a command's own start spends
nearly all of its time on imports. The child is a whole process: its environment, its standard
streams and its end are its own.
Not here: the start itself, imports and the environment that Textual reads (`tests/terminal`).
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

_LONGEST: Final = 1 << 20  # bytes of one request
_PATIENCE: Final = 120.0  # seconds until a command is given up


class WarmProgram:
    """A process that forks for each command."""

    def __init__(self) -> None:
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.settimeout(_PATIENCE)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.bad_input.warm", str(theirs.fileno())],
                cwd=Path(__file__).resolve().parents[2],
                pass_fds=[theirs.fileno()],
            )

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], typed: bytes
    ) -> tuple[int, bytes, bytes]:
        """The command from its start to its end: exit code, standard output, standard error."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(typed)
            given.seek(0)
            asked = json.dumps({"words": list(words), "environment": dict(environment)})
            streams = [given.fileno(), out.fileno(), err.fileno()]
            socket.send_fds(self._link, [asked.encode()], streams)
            code = int(self._link.recv(_LONGEST))
            out.seek(0)
            err.seek(0)
            return code, out.read(), err.read()

    def close(self) -> None:
        """End the process."""
        self._link.close()
        self._process.wait(_PATIENCE)


@cache
def warm_program() -> WarmProgram:
    """The one warm process of this process."""
    program = WarmProgram()
    atexit.register(program.close)
    return program


def serve(link: socket.socket) -> Sequence[str] | None:
    """Fork for each request. In a child: the words of its command; in the end: None."""
    while True:
        asked, streams, _, _ = socket.recv_fds(link, _LONGEST, 3)
        if not asked:
            return None
        request = json.loads(asked)
        child = os.fork()
        if child == 0:
            link.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
                os.close(stream)
            os.environ.clear()
            os.environ.update(request["environment"])
            return [str(word) for word in request["words"]]
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        link.send(str(os.waitstatus_to_exitcode(status)).encode())


def load() -> None:
    """Import every module of the program but the ones that run when they are imported."""
    import pkgutil

    import carequeue

    for module in pkgutil.walk_packages(carequeue.__path__, "carequeue."):
        if not module.name.endswith("__main__"):
            __import__(module.name)


def main() -> None:
    """Serve until the other end closes; a child goes on as `carequeue`."""
    from carequeue.__main__ import main as program

    load()
    words = serve(socket.socket(fileno=int(sys.argv[1])))
    if words is not None:
        sys.argv = ["carequeue", *words]
        program()


if __name__ == "__main__":
    main()
