"""Named points at which a program under test kills itself, and safeguards that are taken from it.

In:  the name of a point and which time it counts. Out: nothing; at the point a line on the pipe
names it, and SIGKILL follows.
Why at the edges (the commits of SQLAlchemy, the sends of httpx, the text of a statement) and not at
functions of ours: these edges stay where they are however the code between them is cut, and the
program under test has no hook of its own. A point that is never reached is told by `rounds.py`.
Not here: kills at random moments (`lives.py`).
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultDialect

Say = Callable[[Mapping[str, Any]], None]

#: What a transaction is for, by the first statement in it that tells.
_KINDS: Final = (
    ("act", "INSERT INTO audit"),
    ("mark", "INSERT INTO attempt"),
    ("save", "UPDATE intent SET state"),
    ("page", "INSERT INTO sync_state"),
)
POINTS: Final[Mapping[str, str]] = {
    "mid-act": "the decision is written, its audit row and its row of the queue are not",
    "before-act": "all of an act is written and not committed",
    "after-act": "an act is committed and nobody was told",
    "before-mark": "what is about to leave is written down and not committed",
    "after-mark": "it is committed as in doubt, and no byte has left",
    "sent": "a write has left, and the server may be at work on it",
    "answered": "the server has committed, and nothing of its answer is saved",
    "before-save": "the answer is written and not committed",
    "after-save": "the answer is committed, and the next step is not begun",
    "before-page": "a page and its cursor are written and not committed",
    "after-page": "a page and its cursor are committed",
}
ACT_POINTS: Final = frozenset({"mid-act", "before-act", "after-act"})
WEAKER: Final[Mapping[str, str]] = {
    "order": "a message is shown before the act is kept",
    "transaction": "what belongs together is committed statement by statement",
    "create": "what is made is posted under no id of ours, and not looked for first",
}
#: Where the axe is aimed at a program without a safeguard, so that a short run finds it out.
AIMED: Final[Mapping[str, str]] = {"transaction": "mid-act", "create": "answered"}
_LONGEST_ANSWER: Final = 0.008  # seconds from a write's leaving within which "sent" falls


def install(point: str, times: int, say: Say) -> None:
    """Make this process end at the point, when it is reached for this time."""
    left = times

    def reached(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == 0:
                say({"point": name})
                os.kill(os.getpid(), signal.SIGKILL)

    _watch_commits(reached)
    _watch_writes(reached)


def _watch_commits(reached: Callable[[str], None]) -> None:
    at_work = threading.local()  # a transaction is one thread's

    @event.listens_for(Engine, "before_cursor_execute")
    def look(_: Any, __: Any, statement: str, values: Any, *more: Any) -> None:
        if statement.startswith("BEGIN"):
            at_work.kind = ""
            return
        kind = next((kind for kind, words in _KINDS if statement.startswith(words)), "")
        if kind == "save" and "acknowledged" not in str(values):
            return
        if kind == "act":
            reached("mid-act")
        at_work.kind = getattr(at_work, "kind", "") or kind

    commit: Any = DefaultDialect.do_commit

    def do_commit(self: DefaultDialect, connection: Any) -> None:
        kind, at_work.kind = getattr(at_work, "kind", ""), ""
        reached(f"before-{kind}")
        commit(self, connection)
        reached(f"after-{kind}")

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def _watch_writes(reached: Callable[[str], None]) -> None:
    send = httpx.Client.send

    def watched(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        if request.method == "GET":
            return send(self, request, **options)
        seconds = random.uniform(0, _LONGEST_ANSWER)
        threading.Thread(target=_later, args=(reached, seconds), daemon=True).start()
        answer = send(self, request, **options)
        reached("answered")
        return answer

    httpx.Client.send = watched  # type: ignore[method-assign]


def _later(reached: Callable[[str], None], seconds: float) -> None:
    time.sleep(seconds)  # the moment of a kill, not a wait for anything
    reached("sent")


# --- safeguards taken away ------------------------------------------------------------------------


def weaken(name: str) -> None:
    """Take a safeguard from this process ("order" is the program's own: `lives.at_the_queue`)."""
    if name == "transaction":
        event.listen(Engine, "before_cursor_execute", _no_transaction, retval=True)
    elif name == "create":
        _bare_creates()


def _no_transaction(_: Any, __: Any, statement: str, values: Any, *more: Any) -> tuple[str, Any]:
    return ("SELECT 1" if statement == "BEGIN IMMEDIATE" else statement), values


def _bare_creates() -> None:
    send = httpx.Client.send

    def bare(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        return send(self, request if request.method == "GET" else _bared(request), **options)

    httpx.Client.send = bare  # type: ignore[method-assign]


def _bared(request: httpx.Request) -> httpx.Request:
    """The same request, with each create in it a plain POST."""
    body = json.loads(request.content)
    method, url = request.method, str(request.url)
    if body.get("resourceType") != "Bundle":
        method, url = _posted(method, url, body)
    for entry in body.get("entry", ()):
        asked = entry["request"]
        asked["method"], asked["url"] = _posted(asked["method"], asked["url"], entry["resource"])
        asked.pop("ifNoneExist", None)
    gone = ("if-none-exist", "content-length")
    headers = [(name, text) for name, text in request.headers.multi_items() if name not in gone]
    content = json.dumps(body)
    return httpx.Request(
        method, url, headers=headers, content=content, extensions=request.extensions
    )


def _posted(method: str, url: str, resource: dict[str, Any]) -> tuple[str, str]:
    """Method and address of a write; what never was on the server has no version."""
    if method != "PUT" or "meta" in resource:
        return method, url
    del resource["id"]
    return "POST", url.rpartition("/")[0]
