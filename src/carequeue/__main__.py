"""`python -m carequeue`, and the `carequeue` command: the environment first, then the program.

Textual reads its variables when it is imported, so they are set here, before anything else is
loaded. Nothing happens on import: the tests import this module freely.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import MutableMapping
from typing import Final

#: Objects between two collections of the cyclic collector. The modules of a start stay in memory,
#: and to look through them every 700 objects (the default) takes a tenth of the start.
START_THRESHOLD: Final = 100_000


def prepare(environ: MutableMapping[str, str]) -> None:
    """Set the variables that Textual reads; the values that the person has set stay.

    - iTerm2 loses text of input methods under the kitty keyboard protocol (flags 8 and 16).
    - An empty NO_COLOR means nothing (no-color.org: "present and not an empty string").
    - TEXTUAL_LOG writes to a file what is on the screen: names of clients. It is dropped.
    """
    if environ.get("TERM_PROGRAM") == "iTerm.app" and not environ.get("TMUX"):
        environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    if not environ.get("NO_COLOR"):
        environ.pop("NO_COLOR", None)
    environ.pop("TEXTUAL_LOG", None)


def main() -> None:
    """Run the command line; ends the process with an exit code."""
    prepare(os.environ)
    os.umask(0o077)  # every file belongs to this person alone, also a log or a draft
    gc.set_threshold(START_THRESHOLD)
    if len(sys.argv) == 1:
        sys.exit(open_queue())
    from carequeue.cli.main import carequeue

    carequeue(prog_name="carequeue")


def open_queue() -> int:
    """`carequeue` alone: the queue, on the screen before click is needed."""
    from carequeue.cli import error_boundary, use_cases

    try:
        return use_cases.run_queue(os.environ.get("CAREQUEUE_PROFILE") or "default")
    except (KeyboardInterrupt, Exception) as fault:  # noqa: BLE001 - no value may get out
        return error_boundary.caught(fault)


if __name__ == "__main__":
    main()
