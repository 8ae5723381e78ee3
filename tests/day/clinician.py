"""The clinician of the day: she reads the row under the cursor and presses the keys of its case.

In:  a session over a server that holds the day. Out: a `Worked` for each item, in the order of her
work, and what the screen said at the end.
She works the tab Mine from its top. After an act the cursor goes on by itself; where it does not
come to the next item, she moves it, and those keys count.
Why the real program in its test harness: keys are all that goes in, and the screen is all that she
knows. What became of the items is asked of the cache and of the server (`account.py`), never of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from carequeue.app import CareQueueApp
from carequeue.domain.ranking import Band
from carequeue.screens.app_hooks import TimeSource
from carequeue.screens.queue import QueueScreen
from carequeue.store.queue_window import QueueRow
from carequeue.verbs.offers import names_of, questions_for
from carequeue.verbs.table import find_verb
from carequeue.verbs.undo import VERB as UNDO
from carequeue.verbs.verb import Asks, Question
from carequeue.widgets.message_line import Tone
from carequeue.wiring import Session
from tests.day.outcomes import OUTCOME_OF, Case, Outcome
from tests.screens.quiet import at_rest, send
from tests.screens.stage import FakeSync

#: What she takes to read a row, and between two keys.
READING, TYPING = timedelta(seconds=20), timedelta(seconds=0.3)
_NAMES = {" ": "space"}


class Worked(NamedTuple):
    """One item as it was worked: what stood there, which keys it took, and what was said.

    `passed`: an item of Safety or Now that was still open then, although this one was lower; "".
    """

    reference: str
    case: Case
    row: QueueRow
    keys: tuple[str, ...]
    message: str
    refused: int
    undone: int
    typed: bool
    passed: str

    @property
    def is_routine(self) -> bool:
        """Whether nobody is at risk and no text was typed."""
        return self.row.band > Band.SAFETY and not self.typed


class DayTime:
    """The time of the day, moved by what she does."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._began = now

    def pass_(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span

    @property
    def seconds(self) -> float:
        """The same as monotonic seconds."""
        return 1_000 + (self.now - self._began).total_seconds()


class Clinician:
    """One person at the terminal of one session; `cases`: `Task/12` -> what it is."""

    def __init__(self, session: Session, time: DayTime, cases: Mapping[str, Case]) -> None:
        self._time, self._cases = time, cases
        self._open = dict(cases)
        self.app = CareQueueApp(
            session.desk,
            TimeSource(lambda: time.now, session.zone, lambda: time.seconds),
            FakeSync(),
        )
        self.worked: list[Worked] = []
        self.last_lines: list[str] = []  # of the list, at the end
        self._pressed: list[str] = []

    async def work(self) -> None:
        """Work until no item of the day is left on the list."""
        async with self.app.run_test(size=(100, 40)):
            await at_rest(self.app)
            while (index := self._next_index()) is not None:
                self._pressed = []
                await self._go_to(index)
                await self._work_row()
            self.last_lines = self._lines_below_the_rows()

    @property
    def left_over(self) -> list[str]:
        """The items that she did not find on her list."""
        return list(self._open)

    # --- the list

    @property
    def _screen(self) -> QueueScreen:
        assert isinstance(self.app.screen, QueueScreen)
        return self.app.screen

    def _rows(self) -> list[QueueRow]:
        pages = self._screen.controller.widgets.rows.pages
        rows = (pages.row(index) for index in range(pages.rows))
        return [row for row in rows if row is not None]

    def _next_index(self) -> int | None:
        """The first item of the day that she has not worked."""
        rows = enumerate(self._rows())
        return next((index for index, row in rows if reference_of(row) in self._open), None)

    async def _go_to(self, index: int) -> None:
        here = self._screen.controller.widgets.rows.index
        if index == 0 and here > 1:
            await self._press("g")
        else:
            await self._press(*["j" if index > here else "k"] * abs(index - here))

    # --- one item

    async def _work_row(self) -> None:
        controller = self._screen.controller
        row = controller.widgets.rows.row
        assert row is not None
        reference = reference_of(row)
        outcome = OUTCOME_OF[self._cases[reference]]
        passed = self._passed(row)
        refused = undone = 0
        if outcome.slip:
            await self._press(outcome.slip, UNDO.key)
            await self._settle()
            undone += 1
            await self._go_to(self._next_index() or 0)
            row = controller.widgets.rows.row or row
        await self._press(*keys_of(outcome, row))
        message = controller.message
        refused += message.tone is not Tone.DONE
        await self._settle()
        typed = any(key != "enter" for key in _typed_keys(outcome, row))
        del self._open[reference]
        self.worked.append(
            Worked(
                reference, outcome.case, row, tuple(self._pressed), message.text, refused, undone,
                typed, passed,
            )
        )  # fmt: skip

    def _passed(self, row: QueueRow) -> str:
        """An open item that the table puts into Now or Safety, while a lower one is worked."""
        if OUTCOME_OF[self._cases[reference_of(row)]].band <= Band.SAFETY:
            return ""
        urgent = (ref for ref, case in self._open.items() if OUTCOME_OF[case].band <= Band.SAFETY)
        return next(urgent, "")

    async def _press(self, *keys: str) -> None:
        for key in keys:
            self._pressed.append(key)
            self._time.pass_(TYPING)
            send(self.app, key)
            await at_rest(self.app)

    async def _settle(self) -> None:
        """She reads what it says; the list shows where the row is now."""
        self._time.pass_(READING)
        self._screen.controller.tick()
        await at_rest(self.app)

    def _lines_below_the_rows(self) -> list[str]:
        rows = self._screen.controller.widgets.rows
        texts = ("".join(text for text, _ in line) for line in rows.tail(rows.size.width))
        return [text.strip() for text in texts if text.strip()]


def reference_of(row: QueueRow) -> str:
    """The Task of the day that a row is about: records beside a Task have its id in theirs."""
    match = re.search(r"t\d+\b", row.key)
    return f"Task/{match[0]}" if match else row.key


def keys_of(outcome: Outcome, row: QueueRow) -> list[str]:
    """The keys of the right act: that of the verb, and those that answer its questions."""
    verb = find_verb(outcome.verb)
    assert verb is not None
    assert verb.name in names_of(row.verbs), f"{row.key} offers {row.verbs}, not {verb.name}"
    return [
        verb.key,
        *(key for question in _asked(outcome, row) for key in _answer(question, outcome)),
    ]


def _typed_keys(outcome: Outcome, row: QueueRow) -> list[str]:
    """The keys of answers that are typed."""
    typed = (question for question in _asked(outcome, row) if question.asks is not Asks.CHOICE)
    return [key for question in typed for key in _answer(question, outcome)]


def _asked(outcome: Outcome, row: QueueRow) -> tuple[Question, ...]:
    verb = find_verb(outcome.verb)
    assert verb is not None
    return questions_for(verb, [row.verbs])


def _answer(question: Question, outcome: Outcome) -> Iterator[str]:
    answer = outcome.answers.get(question.name, "")
    if question.asks is Asks.CHOICE and answer:
        yield next(choice.key for choice in question.choices if choice.words == answer)
        return
    yield from (_NAMES.get(letter, letter) for letter in answer)
    yield "enter"
