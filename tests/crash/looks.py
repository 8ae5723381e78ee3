"""A program that syncs one cache: `python -m tests.crash.looks FOLDER BASE TOKEN ME TIMES`.

It says "ready" when it is about to look, and then what each look came to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from carequeue.wiring import practice_session


def main(folder: str, base: str, token: str, me: str, times: str) -> None:
    """Look so many times at the server, as `carequeue sync` does."""
    with practice_session(base, token, json.loads(me), Path(folder)) as session:
        session.engine().connect().close()
        print("ready", flush=True)
        for _ in range(int(times)):
            report = session.sync_once()
            print("other" if report.other_syncs else f"sent {report.sent}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
