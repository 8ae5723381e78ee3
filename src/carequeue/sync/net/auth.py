"""Bearer tokens: where a source's token comes from, and its one renewal.

In:  an environment variable, or a command of the person's (a password manager, a vendor's login).
Out: the token. It is never written to disk and never printed.
Not here: to whom it is sent (`transport.py`).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Final

from carequeue.domain.errors import SignInError

_LONGEST: Final = 16_384
_PATIENCE: Final = 60  # seconds a token command may take; it may ask for a fingerprint


class Tokens:
    """The bearer token of one source; "" if it needs none."""

    def __init__(self, env: str = "", command: Sequence[str] = (), fixed: str = "") -> None:
        self._env = env
        self._command = tuple(command)
        self._token = fixed
        self._asked = bool(fixed)

    def current(self) -> str:
        """The token to send. Raises SignInError if the command fails."""
        if not self._asked:
            self._token = self._ask()
            self._asked = True
        return self._token

    def renew(self) -> bool:
        """Get a token once more; whether it differs."""
        if not self._env and not self._command:
            return False
        old, self._token = self._token, self._ask()
        return self._token != old

    def _ask(self) -> str:
        if self._command:
            return self._run()
        token = os.environ.get(self._env, "").strip() if self._env else ""
        if token and not _sendable(token):
            raise SignInError(
                f"The variable {self._env} holds no token: a token is one line of plain letters. "
                "Your work is saved here and will be sent. Set the variable again, then sync."
            )
        return token

    def _run(self) -> str:
        try:
            done = subprocess.run(  # noqa: S603 - the person's own command, from their profile
                self._command,
                stdin=subprocess.DEVNULL,  # the keys that come in there are the queue's
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            done = None
        token = (
            done.stdout.decode("ascii", "replace").strip() if done and not done.returncode else ""
        )
        if not _sendable(token):
            raise SignInError(
                f"The token command “{self._command[0]}” gave no token. Your work is saved "
                "here and will be sent. Run the command by hand to see why, then sync again."
            )
        return token


def _sendable(token: str) -> bool:
    """Whether a header can carry it and a server will read it: most allow 8 or 16 kB."""
    return bool(token) and token.isascii() and token.isprintable() and len(token) <= _LONGEST
