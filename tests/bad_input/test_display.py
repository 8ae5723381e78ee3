"""The border of what is shown: whatever a server wrote, no command for a terminal comes out.

For arbitrary texts in every element of a text in Patient, Task, ServiceRequest, Communication, Flag
and OperationOutcome, neither a form of the command line nor a line of a widget holds a control
character, an escape, a mark of direction or a lone surrogate (domain/sanitize.py says what is
shown in their place). Nothing is parsed as markup: a name in square brackets is a name in square
brackets.
"""

from __future__ import annotations

import contextlib
import io
import json
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.widget import Widget

from carequeue import printing
from carequeue.app import CareQueueApp
from carequeue.fhir import jsontext
from carequeue.fhir.bundles import outcome_words
from carequeue.printing import Shape
from carequeue.screens.app_hooks import TimeSource
from carequeue.store.engine import writing
from carequeue.store.queue_window import Tab
from carequeue.store.source_repository import SqliteSourceRepository
from carequeue.sync.sync_cycle import CycleResult
from carequeue.widgets import detail_pane, queue_line
from carequeue.widgets.clock_words import clock_words
from carequeue.widgets.message_line import Message, Tone, message_parts
from carequeue.widgets.source_labels import NOWHERE
from carequeue.widgets.sync_header import header_parts
from carequeue.wiring import Session
from carequeue.worklist.sync_summary import sync_report
from tests.bad_input.home import Home, task
from tests.bad_input.hostile import Asked, Said, honest, outcome, serving
from tests.screens.quiet import at_rest, press
from tests.screens.stage import FakeSync

NOW: Final = datetime(2026, 3, 9, 14, 0, tzinfo=UTC)
BASE: Final = "http://127.0.0.1:9/fhir"
_NEVER: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Texts that were written to do something.
EVIL: Final = (
    "\x1b]52;c;cGF3bmVk\x07", "\x1b[2J\x1b[H", "\x9b31m", "\x1b]0;title\x1b\\", "\x1bP+q\x1b\\",
    "a\u202egnp.exe", "\u2066x\u2069", "\ud800", "\udfff\ud83d", "\u2028two\u2029", "\x00\x7f\x85",
    "[/red]", "[@click=app.quit]x[/]", "[link=file:///]y", "\r\nkey   forged", "\t=cmd()", "\ufeff",
    "\U000e0041", "e\u0301" * 50, "\u200b\u200d", "\u3164", "x" * 100_000,
)  # fmt: skip
texts = st.one_of(
    st.sampled_from(EVIL),
    st.text(max_size=40),
    st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Lu"]), max_size=20),
)
#: Names for a machine: with another one it would be another resource.
_NAMES: Final = frozenset({"resourceType", "id", "reference", "system", "url", "versionId"})


def ref(reference: str, display: str = "?") -> dict[str, str]:
    return {"reference": reference, "display": display}


def coded(code: str, system: str = "s") -> dict[str, Any]:
    return {"text": "?", "coding": [{"system": system, "code": code, "display": "?"}]}


CHART: Final[list[dict[str, Any]]] = [
    {
        "resourceType": "Patient", "id": "c1", "gender": "other", "birthDate": "1990-02-03",
        "name": [{"use": "official", "family": "?", "given": ["?", "?"], "text": "?"}],
        "telecom": [{"system": "phone", "value": "?"}],
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "?"}],
    },
    task(
        **{"for": ref("Patient/c1")}, priority="urgent", statusReason=coded("r"),
        businessStatus=coded("b"), code=coded("c"), requester=ref("Practitioner/n"),
        note=[{"text": "?", "authorString": "?", "time": "2026-03-01T10:00:00Z"}],
    ),
    task("t3", **{"for": {"display": "?"}}),
    task(
        "r1", code=coded("fulfill", "http://hl7.org/fhir/CodeSystem/task-code"),
        focus=ref("ServiceRequest/s1"), owner=ref("Practitioner/dana"),
        requester=ref("Organization/h"), **{"for": ref("Patient/c1")},
    ),
    {
        "resourceType": "ServiceRequest", "id": "s1", "status": "active", "intent": "order",
        "subject": ref("Patient/c1"), "code": coded("x"), "reasonCode": [coded("y")],
        "requester": ref("Organization/h"), "note": [{"text": "?"}], "authoredOn": "2026-03-01",
        "performer": [ref("Practitioner/dana")],
    },
    {
        "resourceType": "Communication", "id": "m1", "status": "completed", "sent": "2026-03-05",
        "subject": ref("Patient/c1"), "payload": [{"contentString": "?"}], "topic": coded("t"),
        "medium": [coded("phone")], "sender": ref("Practitioner/n"), "about": [ref("Task/t1")],
    },
    {
        "resourceType": "Flag", "id": "f1", "status": "active", "subject": ref("Patient/c1"),
        "code": coded("careful"),
    },
    {"resourceType": "Organization", "id": "h", "name": "?"},
    {"resourceType": "Practitioner", "id": "n", "name": [{"family": "?", "given": ["?"]}]},
]  # fmt: skip


def scribbled(draw: st.DrawFn, value: Any, name: str = "") -> Any:
    """The same with other texts in it; now and then also where a code or a date should be."""
    if isinstance(value, dict):
        return {key: scribbled(draw, part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [scribbled(draw, part, name) for part in value]
    if not isinstance(value, str) or name in _NAMES:
        return value
    if value == "?" or name in ("display", "description") or draw(st.integers(0, 9)) == 0:
        return draw(texts)
    return value


@st.composite
def charts(draw: st.DrawFn) -> list[Any]:
    """A client's chart with hostile texts, as it comes through the border of JSON."""
    return [jsontext.loads(json.dumps(scribbled(draw, one))) for one in CHART]


def forbidden(text: str, allowed: str = "\n") -> list[str]:
    """What no terminal may be given."""
    return [c for c in text if c not in allowed and unicodedata.category(c) in _NEVER]


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, the names of its keys too."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)
    elif isinstance(value, str):
        yield value


def written(write: Any) -> str:
    """What is written to standard output meanwhile."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        write()
    return out.getvalue()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    home = Home(tmp_path_factory.mktemp("display") / "home")
    home.write_profile(BASE)
    with home.session() as opened:
        yield opened


def keep(session: Session, resources: list[Any]) -> None:
    with writing(session.engine()) as connection:
        source = SqliteSourceRepository(connection, "main", BASE)
        source.mirror.save(resources, NOW)
        session.projector().project(connection, source.charts, NOW)
        session.projector().rebuild(connection, NOW)


LAW: Final = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture,
    HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@given(resources=charts())
@LAW
def test_no_form_of_the_command_line_holds_a_command(
    session: Session, resources: list[Any]
) -> None:
    keep(session, resources)
    rows = session.desk.window(Tab.WHOLE, "", 0, 99)
    assert rows

    def distance(row: Any) -> tuple[str, bool]:
        return clock_words(row.due_at, row.unit, row.days_left, int(NOW.timestamp()), session.zone)

    for shape, allowed in ((Shape.TEXT, "\n"), (Shape.PLAIN, "\n\t"), (Shape.JSON, "\n")):
        out = written(lambda shape=shape: printing.write_rows(rows, shape, distance))
        assert not forbidden(out, allowed), shape
        if shape is Shape.PLAIN:
            assert len(out.splitlines()) == len(rows) + 1  # no text makes a line more
            assert {line.count("\t") for line in out.splitlines()} == {len(printing.ROW_FIELDS) - 2}
        if shape is Shape.JSON:
            assert not [text for text in strings(json.loads(out)) if forbidden(text)]
    for row in rows:
        detail = session.desk.detail(row.key, NOW)
        assert detail is not None
        for shape in (Shape.TEXT, Shape.JSON):
            out = written(
                lambda shape=shape, detail=detail: printing.write_detail(
                    detail, shape, session.zone
                )
            )
            assert not forbidden(out), shape
            if shape is Shape.JSON:
                assert not [text for text in strings(json.loads(out)) if forbidden(text)]
    findings = session.doctor()
    assert not forbidden(written(lambda: printing.write_findings(findings)))


@given(resources=charts(), width=st.integers(40, 160))
@LAW
def test_no_line_of_a_widget_holds_a_command(
    session: Session, resources: list[Any], width: int
) -> None:
    keep(session, resources)
    clock = ("due 3d", "text")
    for row in session.desk.window(Tab.WHOLE, "", 0, 99):
        standing = queue_line.RowState(cursor=True, alike=True)
        cells, at = queue_line.columns(width, moves=True), int(NOW.timestamp())
        lines: list[Sequence[tuple[str, str]]]
        lines = [queue_line.queue_line(row, cells, at, session.zone, standing)]
        lines += [
            queue_line.tall_line(row, part, width, at, session.zone, standing) for part in (0, 1)
        ]
        lines += detail_pane.brief_lines(row, clock, NOWHERE, width)
        detail = session.desk.detail(row.key, NOW)
        assert detail is not None
        for full in (False, True):
            text = detail_pane.DetailText(detail, NOW, session.zone, clock, full=full)
            lines += text.lines(width)
        lines.append(message_parts(Message(f"Done: {row.client}", Tone.DONE), width))
        for line in lines:
            assert not forbidden("".join(text for text, _ in line), "")


@given(diagnostics=texts, details=texts)
@LAW
def test_what_a_server_says_of_a_refusal_is_text(
    session: Session, diagnostics: str, details: str
) -> None:
    refusal = outcome(diagnostics)
    refusal["issue"].append({"code": "invalid", "details": {"text": details}})
    words = outcome_words(refusal)
    for looked in (
        CycleResult(why=words),
        CycleResult(why=words, offline=True),
        CycleResult(why=words, sign_in=True),
    ):
        report = sync_report({"main": looked, "county": looked}, {})
        said = [report.words, *(one.words for one in report.sources)]
        assert not forbidden(written(lambda said=said: printing.write_message(" ".join(said))))
    session._failed(session.profile.sources[0], words)
    health = session.desk.health(NOW)
    header = header_parts("Riverbend", health, NOW, session.zone, 100)
    assert not forbidden(health.why_offline + "".join(text for text, _ in header), "")


def test_a_refusal_of_a_write_is_shown_as_text(home: Home) -> None:
    tasks = [task(f"e{number}") for number in range(len(EVIL))]

    def answer(asked: Asked) -> Said:
        if asked.method != "PUT":
            return honest(*tasks)(asked)
        return Said(outcome(EVIL[int(asked.key.removeprefix("Task/e"))]), 422)

    with serving(answer) as server:
        home.write_profile(server.base)
        assert home.run("sync").code == 0
        with home.session() as session:
            keys = [f"main:Task/{one['id']}" for one in tasks]
            assert session.desk.act("priority", keys, {"to": "urgent"}, datetime.now(UTC)).changed
        ran = home.run("sync")
        assert ran.code == 9
        assert not forbidden(ran.out + ran.err)
    assert home.rows("SELECT DISTINCT state FROM intent") == [("needs_attention",)]
    with home.session() as session:
        for key in keys:
            detail = session.desk.detail(key, NOW)
            assert detail is not None
            for shape in (Shape.TEXT, Shape.JSON):
                out = written(
                    lambda shape=shape, detail=detail: printing.write_detail(
                        detail, shape, session.zone
                    )
                )
                assert not forbidden(out), key


@pytest.mark.parametrize("size", [(80, 24), (140, 40), (50, 20)])
async def test_no_line_of_the_whole_screen_holds_a_command(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    home = Home(tmp_path / "home")
    home.write_profile(BASE)
    people = [
        one
        for number, evil in enumerate(EVIL)
        for one in (
            {
                "resourceType": "Patient",
                "id": f"p{number}",
                "name": [{"family": evil, "text": evil}],
            },
            task(f"e{number}", f"p{number}", description=evil, note=[{"text": evil}]),
        )
    ]
    with home.session() as session:
        keep(session, [jsontext.loads(json.dumps(one)) for one in people])
        later = TimeSource(lambda: NOW + timedelta(hours=1), session.zone)
        app = CareQueueApp(session.desk, later, FakeSync())
        async with app.run_test(size=size):
            await at_rest(app)
            for key in ("enter", "w", "j", "j", "p", "escape", "question_mark", "escape", "colon"):
                await press(app, key)
                await at_rest(app)
                for widget in app.screen.walk_children(Widget):
                    for y in range(widget.size.height):
                        shown = "".join(segment.text for segment in widget.render_line(y))
                        assert not forbidden(shown, ""), (key, widget)
