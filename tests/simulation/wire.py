"""The way to the model server, and what can happen on it: the transport of a simulated process.

In:  what `Syncer` sends. Out: answers, or the two exceptions of `sync/net/transport.py`. A request
can be lost, its answer can be lost, it can arrive minutes later, twice, or be turned away; an
answer can be cut or garbled; the server can fall silent for a while, and take requests without an
answer. What is not answered breaks off at once or costs a time-out; time-outs are counted by look,
and more than two are a violation. Before and after each request is a place where the process can
die or be suspended while others act (`World.point`).
Not here: what the server does with it (`http_server.py`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final

from carequeue.domain.errors import ServerError
from carequeue.sync.protocol.sending import Unreachable
from tests.simulation.server import Server
from tests.simulation.shapes import BASE_URL, Answer, Json, Key, Write
from tests.simulation.truth import Violation

if TYPE_CHECKING:
    from tests.simulation.world import Process

#: How often something happens to a request, by the weather of a look. In two, only one thing
#: happens: "late", writes are late; "deaf", they are, and nothing can be read back either.
WEATHER: Final = {"calm": 0.0, "rough": 0.18, "storm": 0.45, "late": 0.6, "deaf": 0.8}
_TIMEOUT: Final = 60_000
_BROKE: Final = 2_000  # milliseconds until a connection breaks off
_HUNG: Final = 0.4  # of what is not answered: how much of it costs a whole time-out
MOST_TIMEOUTS: Final = 2
_LATEST: Final = 600_000  # milliseconds by which a request can be late
_WRITE_FAULTS: Final = (
    "offline", "lost", "late", "late", "no_answer", "no_answer", "no_answer", "twice", "busy",
    "failed", "garbled", "bare", "short", "swapped", "expired",
)  # fmt: skip
READS: Final = ("GET", "HEAD")
_READ_FAULTS: Final = (
    "offline", "lost", "no_answer", "busy", "failed", "garbled", "bare", "cut", "circle",
    "expired", "forbidden",
)  # fmt: skip


@dataclass(slots=True)
class Sent:
    """What is known of one request that left: when, and what its sender had read by then."""

    method: str
    path: str
    body: Any
    headers: Mapping[str, str]
    carried: dict[tuple[str, str, str], tuple[str, ...]]
    read: dict[Key, int]  # row -> the latest write that the sender has read of it, in this look
    gone_unseen: bool = False  # the server does not tell a deletion from what never was
    late: bool = False
    doubled: bool = False
    due: datetime | None = None
    restores: int = 0  # of the server, when it left

    def excuse(self, server: Server, write: Write, about: Key) -> str:
        """Why the server does not let a trouble be prevented from here; "" where it does.

        `about`: the row that the trouble is about.
        """
        quirks = server.quirks
        lost = server.set_back.get(about, set())
        version = self.headers.get("If-Match", "").removeprefix("W/").strip('"')
        guards = bool(version) and quirks.guard != "ignored" and about == write.row.key
        if lost and (version in lost or not guards or self.late):
            return "the server was set back to a backup, and its versions come twice"
        guarded = bool(self.headers.get("If-Match")) or self.method == "POST"
        if (quirks.unprotected and not guarded) or quirks.guard == "ignored":
            read = self.read.get(write.row.key)
            came = write.before.came if write.before else 0
            if read is not None and read < came:
                return "the server takes writes unguarded, and it came between reading and writing"
            if read is None and quirks.guard == "ignored":
                return "the server ignores If-Match, and that is not found out yet"
        twice = self.late or self.doubled
        if twice and self.method == "POST" and not quirks.conditional:
            return "the server ignores If-None-Exist, and the request came late or twice"
        return ""


@dataclass(slots=True)
class Faults:
    """What happens to the requests of one look. `chance` is the look's own."""

    chance: random.Random
    weather: str = "calm"

    @property
    def rate(self) -> float:
        return WEATHER[self.weather]

    def next(self, method: str, path: str) -> str:
        """The fault of this request, "" for none."""
        if not self.rate or self.chance.random() >= self.rate:
            return ""
        if self.weather in ("late", "deaf") and method not in READS:
            return "late"
        if self.weather == "deaf":
            return "no_answer" if not path or ("/" in path and "?" not in path) else ""
        if self.weather == "late":
            return ""
        if path.partition("?")[0] == "metadata":
            return self.chance.choice(("offline", "busy", "expired", "lost"))
        return self.chance.choice(_READ_FAULTS if method in READS else _WRITE_FAULTS)


class Wire:
    """The transport of one process."""

    def __init__(self, process: Process) -> None:
        self.base_url = BASE_URL
        self.date = ""
        self._process = process
        self._world = process.world
        self.faults = Faults(random.Random(0))
        self.read: dict[Key, int] = {}
        self.timeouts = 0  # of this look

    def close(self) -> None:
        """Nothing is open."""

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request, one answer; as `Transport.send`."""
        world, process = self._world, self._process
        path = path.removeprefix(BASE_URL).lstrip("/")
        process.watch.leaves(method, path, body)
        world.point(process, "send")
        world.advance(self.faults.chance.randrange(20, 900) if self.faults.rate else 40)
        reads = "GET" if _only_reads(method, path, body) else method
        fault = "hangs" if world.hangs else self.faults.next(reads, path)
        world.figures["faults"] += bool(fault)
        carried = dict(process.watch.inflight)
        gone_unseen = world.server.quirks.gone == 404 or method == "POST"
        sent = Sent(method, path, body, headers or {}, carried, dict(self.read), gone_unseen)
        sent.restores = world.server.restores
        world.log("send", process.name, method, path, _guard(sent), fault)
        answer = self._through(sent, fault)
        world.point(process, "answer")
        world.log("answer", process.name, answer.status)
        self._note_read(path, answer)
        return answer

    def _through(self, sent: Sent, fault: str) -> Answer:
        world = self._world
        if fault == "offline":
            raise Unreachable("no network", left=False)
        if fault in ("lost", "late", "hangs"):
            return self._unanswered(sent, fault)
        if fault == "busy":
            return self._busy()
        if fault == "expired":
            world.server.token = False
        if fault == "forbidden" and "?" not in sent.path:
            return Answer(403, {}, None)
        answer = world.deliver(sent)
        if fault == "twice":
            sent.doubled = True
            second = world.deliver(sent)
            answer = self.faults.chance.choice((answer, second))
        if fault == "no_answer":
            return self._nothing()
        if fault == "garbled":
            raise ServerError("The answer could not be read.")
        return self._spoiled(answer, fault, sent)

    def _unanswered(self, sent: Sent, fault: str) -> Answer:
        """What does not reach the server in time, or reaches one that is silent."""
        world, chance = self._world, self.faults.chance
        if fault == "late":
            sent.late = True
            sent.due = world.now + timedelta(milliseconds=chance.randrange(500, _LATEST))
            world.underway.append(sent)
        if fault == "hangs" and chance.random() < 0.5:
            world.deliver(sent)
        return self._nothing(hung=1.0 if fault == "hangs" else _HUNG)

    def _nothing(self, hung: float = _HUNG) -> Answer:
        """No answer: the connection breaks off, or there is none until the time-out."""
        if self.faults.chance.random() >= hung:
            self._world.advance(_BROKE)
            self._world.point(self._process, "nothing")
            raise Unreachable("the connection broke", left=True, silent=True)
        self.timeouts += 1
        if self.timeouts > MOST_TIMEOUTS:
            raise Violation("I11", f"a look waits for {self.timeouts} answers that never come")
        self._world.figures["timeouts"] += 1
        self._world.advance(_TIMEOUT)
        self._world.point(self._process, "nothing")
        raise Unreachable("no answer in time", left=True, silent=True, ends=True)

    def _busy(self) -> Answer:
        chance = self.faults.chance
        wait = chance.choice(("", "1", "30", "date", "soon"))
        if wait == "date":
            at = self._world.server.server_time(self._world.now) + timedelta(seconds=20)
            wait = format_datetime(at, usegmt=True)
        headers = {"retry-after": wait} if wait else {}
        return Answer(chance.choice((429, 503)), headers, None)

    def _spoiled(self, answer: Answer, fault: str, sent: Sent) -> Answer:
        """An answer that is not as the server gave it."""
        chance, bundle = self.faults.chance, answer.json
        if fault == "failed":
            return Answer(chance.choice((500, 502, 504)), {}, None)
        if fault == "bare":
            return Answer(answer.status, {}, None)
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
            return answer
        entries = bundle["entry"]
        if fault == "short" and entries:
            return answer._replace(json={**bundle, "entry": entries[:-1]})
        if fault == "swapped" and len(entries) > 1:
            return answer._replace(json={**bundle, "entry": entries[::-1]})
        if fault == "cut" and "total" in bundle and len(entries) > 1:
            return answer._replace(json=_cut(bundle))
        if fault == "circle" and any(one["relation"] == "next" for one in bundle.get("link", ())):
            return answer._replace(json=_circle(bundle, sent.path))
        return answer

    def _note_read(self, path: str, answer: Answer) -> None:
        """What this process has read, by the truth; a GET by id and an answered write count."""
        body = answer.json
        if not isinstance(body, dict) or answer.status >= 300:
            return
        bodies = [body]
        if body.get("resourceType") == "Bundle" and (path == "" or "identifier=" in path):
            bodies = [one["resource"] for one in body["entry"] if "resource" in one]
            inside = [one for one in bodies if one.get("resourceType") == "Bundle"]
            bodies += [each["resource"] for one in inside for each in one["entry"]]
        for one in bodies:
            row = self._world.server.rows.get((str(one.get("resourceType")), str(one.get("id"))))
            for version in row.versions if row else ():
                if version.body is one:
                    self.read[row.key] = version.came  # type: ignore[union-attr]


def _only_reads(method: str, path: str, body: Any) -> bool:
    """Whether a request changes nothing, be it one reading or a batch of them."""
    if method == "POST" and not path:
        return all(entry["request"]["method"] == "GET" for entry in body["entry"])
    return method == "GET"


def _guard(sent: Sent) -> str:
    return " ".join(f"{name}: {value}" for name, value in sent.headers.items() if name != "Prefer")


def _cut(bundle: Json) -> Json:
    """A page that ends early and has no link; the total still says how many there are."""
    links = [one for one in bundle["link"] if one["relation"] != "next"]
    return {**bundle, "link": links, "entry": bundle["entry"][: len(bundle["entry"]) // 2]}


def _circle(bundle: Json, path: str) -> Json:
    """A page whose next is itself."""
    links = [one for one in bundle["link"] if one["relation"] != "next"]
    return {**bundle, "link": [*links, {"relation": "next", "url": f"{BASE_URL}/{path}"}]}
