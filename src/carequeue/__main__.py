"""`python -m carequeue`, and the `carequeue` command: the environment first, then the program.

Textual reads its variables when it is imported, so what must be set is set here, before anything
else is loaded. Nothing happens on import: the tests import this module freely.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping


def prepare(environ: MutableMapping[str, str]) -> None:
    """Settle what Textual reads from the environment; what the person has set stays.

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
    os.umask(0o077)  # whatever is written belongs to this person alone, also a log or a draft
    from carequeue.cli.main import carequeue

    carequeue(prog_name="carequeue")


if __name__ == "__main__":
    main()
