"""The questions of a verb, asked one after the other in one line.

In:  a verb, its client, the keys that are pressed. Out: the inputs, or that the person went back.
Every question names the client. The typed text is kept when the person goes back or leaves, so an
Esc by mistake loses nothing; it is selected when its question comes again, so that typing replaces
it. The key that opened the question never answers it (see `screens/prompt_overlays.py`). The desk
decides whether a time can be read (`check`), and the line shows its reading while the person types.
No widget: the message line draws `parts`, the footer draws `pairs`.
Not here: whom Enter takes (`name_choice.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from functools import cache
from typing import Final

from rich.cells import cell_len

from carequeue.verbs.verb import Asks, Choice, Question, Verb
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.name_choice import NameChoice
from carequeue.widgets.text_width import cut, length
from carequeue.widgets.themes import Part
from carequeue.worklist.results import Person

Check = Callable[[str, str], tuple[bool, str]]
Pairs = Sequence[tuple[str, str]]
_MISSING: Final = {
    "text": "type a text",
    "choice": "press one of the keys",
    "past": "type a time: now, 20:00, yesterday 20:00",
    "when": "type a time: tomorrow 9, fri, 3bd",
}
_NAMED: Final = (Asks.WHOM, Asks.PARTNER)
_WHEN: Final = (Asks.WHEN, Asks.PAST)
_PAST_TIMES: Final = " · 20:00 · yesterday 20:00 · mon 9 · 2h"
_LONGEST_CHOICE: Final = 28
_TIMES: Final = "  tomorrow 9 · fri · 3bd · 4h · 12-24"


class Step(Enum):
    """The effect of a key on the form."""

    OPEN = auto()
    DONE = auto()
    BACK = auto()


class QuestionForm:
    """The questions of one verb about one client, or about several."""

    def __init__(
        self, verb: Verb, subject: str, check: Check, asks: Sequence[Question] | None = None
    ) -> None:
        """`asks`: the questions that this item is asked, all of the verb's where it is None."""
        self.verb = verb
        self.asks = verb.asks if asks is None else tuple(asks)
        self.subject = subject
        self.step = 0
        self.inputs: dict[str, str] = {}
        self._names = NameChoice()
        self._check = cache(check)  # the line is drawn more often than its text changes
        self._typed = [EditLine(lines=question.asks is Asks.TEXT) for question in self.asks]
        self._hint = ""

    @property
    def question(self) -> Question:
        """The question that is open."""
        return self.asks[self.step]

    @property
    def people_asked(self) -> str:
        """The kind of the question that asks for a person or a partner; "" if none does."""
        return next((question.asks for question in self.asks if question.asks in _NAMED), "")

    @property
    def people(self) -> Sequence[Person]:
        """Everybody whom the question for a name can mean."""
        return self._names.people

    @people.setter
    def people(self, people: Sequence[Person]) -> None:
        """Offer these people, once they have been read."""
        self._names.people = people

    def guard(self, *, at_risk: bool) -> None:
        """Say whether a person may be at risk: then Enter alone takes no name."""
        self._names.at_risk = at_risk

    @property
    def _otherwise(self) -> str | None:
        """The input of Enter alone: the earlier input, or the default."""
        return self.inputs.get(self.question.name, self.question.default)

    @property
    def begun(self) -> bool:
        """Whether the person has typed or answered anything."""
        return bool(self.inputs) or any(line.text.strip() for line in self._typed)

    @property
    def _line(self) -> EditLine:
        return self._typed[self.step]

    def fill(self, texts: Mapping[str, str]) -> None:
        """Put texts where the person would type them: question -> text."""
        for line, question in zip(self._typed, self.asks, strict=True):
            line.insert(texts.get(question.name, ""))

    def come_back(self) -> None:
        """Select what was typed before as the answer to the open question."""
        self._names.reset()
        self._line.select()

    def press(self, key: str, character: str | None) -> Step:
        """Take one key."""
        self._hint = ""
        if key == "escape":
            if not self.step:
                return Step.BACK
            self.step -= 1
            self.come_back()
            return Step.OPEN
        if key == "enter":
            return self._enter()
        if choice := self._picked(character):
            return self._accept(choice.words)
        if self.question.asks is Asks.CHOICE and not self.question.free:
            self._hint = _MISSING["choice"]
        elif self.question.asks in _NAMED and key in ("tab", "down", "up", "shift+tab"):
            self._names.move(self._line.text, 1 if key in ("tab", "down") else -1)
        elif self._line.press(key, character):
            self._names.reset()
            self._hint = "no room for more" if self._line.is_full else ""
        return Step.OPEN

    def paste(self, text: str) -> None:
        """Take a paste, if the question takes text; of several lines the first, unless it is a
        text.
        """
        if self.question.asks is not Asks.CHOICE or self.question.free:
            self._names.reset()
            left_out = self._line.insert(text)
            self._hint = f"{left_out:,} characters left out" if left_out else ""

    def _picked(self, character: str | None) -> Choice | None:
        """The choice of this key; None once the person types a text."""
        if self.question.asks is not Asks.CHOICE or self._is_typing:
            return None
        return next((c for c in self.question.choices if c.key == character), None)

    @property
    def _is_typing(self) -> bool:
        """Whether a text stands there that the next letter would not replace."""
        return bool(self._line.text) and not self._line.selected

    def _enter(self) -> Step:
        question, typed = self.question, self._line.text.strip()
        if question.asks in _NAMED:
            if person := self._names.taken(typed):
                if not self.verb.on_item:  # the next question is about this person
                    self.subject = person.name
                self._names.keep(person)
                return self._accept(person.reference)
            self._hint = self._names.hint(typed)
            return Step.OPEN
        if question.asks in _WHEN and typed:
            understood, reading = self._check(question.name, typed)
            if understood:
                return self._accept(typed)
            self._hint = reading
            return Step.OPEN
        if typed:
            return self._accept(typed)
        if self._otherwise is not None:
            return self._accept(self._otherwise)
        self._hint = _MISSING[question.asks]
        return Step.OPEN

    def _accept(self, value: str) -> Step:
        self.inputs[self.question.name] = value
        if self.step + 1 == len(self.asks):
            return Step.DONE
        self.step += 1
        self.come_back()
        return Step.OPEN

    # --- what is shown

    def parts(self, width: int) -> list[Part]:
        """The line: verb and client, the step, the question, the typed text and how it was read."""
        several = len(self.asks) > 1
        count = f" {self.step + 1}/{len(self.asks)}" if several else ""
        label = f" {self.verb.label.capitalize()} "
        room = width - len(label) - len(count) - len(self.question.words) - 18
        head: list[Part] = [(label, "key"), (cut(self.subject, max(12, room)), "strong")]
        head += [(count, "muted"), (": ", "text"), (self.question.words, "text")]
        if self.question.asks is not Asks.CHOICE or self._line.text:
            head.append((" ", "text"))
            return head + self._typed_parts(width - length(head))
        if self._hint:
            head.append((f"  {self._hint}", "soon"))
        return head + self._above(width - length(head), width)

    def _typed_parts(self, room: int) -> list[Part]:
        behind = self._tail(room - min(cell_len(self._line.text), room // 2) - 2)
        typed = self._line.parts(max(10, room - length(behind) - 1))
        return typed + behind

    def _tail(self, room: int) -> list[Part]:
        """The text after the input: how a time was read, who matches, or what is missing."""
        question, typed = self.question, self._line.text.strip()
        if self._hint:
            return [("  ", "text"), (cut(self._hint, room - 2), "soon")]
        if question.asks in _WHEN and (typed or self._otherwise is None):
            if not typed:
                return [(cut(_TIMES, room), "muted")]
            understood, reading = self._check(question.name, typed)
            return [("  → ", "muted"), (cut(reading, room - 4), "done" if understood else "soon")]
        if question.asks in _NAMED:
            return self._names.parts(typed, room)
        if self._otherwise is not None and not typed:
            skip = f"  enter: {self._otherwise or 'skip'}"
            times = _PAST_TIMES if question.asks is Asks.PAST else ""
            return [(cut(f"{skip}{times}", room), "muted")]
        return []

    # --- choices: all after the question, all in the footer, or divided between them

    def _words(self, choice: Choice) -> str:
        words = cut(choice.words, _LONGEST_CHOICE)  # a note of a contact may be long
        return f"{words}{' (enter)' if choice.words == self._otherwise else ''}"

    def _fitting(self, room: int) -> int:
        """How many choices fit after the question."""
        for count, choice in enumerate(self.question.choices):
            room -= 3 + len(choice.key) + cell_len(self._words(choice))
            if room < 0:
                return count
        return len(self.question.choices)

    def _shown_above(self, room: int, width: int) -> int:
        choices = self.question.choices
        fitting = self._fitting(room)
        below = sum(4 + len(choice.key) + cell_len(self._words(choice)) for choice in choices)
        return 0 if fitting < len(choices) and below + len("esc back") < width else fitting

    def _above(self, room: int, width: int) -> list[Part]:
        parts: list[Part] = []
        shown = self._shown_above(room, width)
        for choice in self.question.choices[:shown]:
            parts += [("  ", "text"), (choice.key, "key"), (f" {self._words(choice)}", "text")]
        return parts

    def pairs(self, width: int) -> Pairs:
        """The footer while a question is open: choices that do not fit above come first."""
        question = self.question
        back = ("esc", "back" if not self.step else "previous question")
        if question.asks is Asks.CHOICE:
            own = [("type", "your own"), ("enter", "use it")] if question.free else []
            return [*self._left_out(width), *own, back]
        if question.asks in _NAMED:
            person = self._names.taken(self._line.text)
            take = [("enter", f"choose {cut(person.name, 24)}")] if person else []
            return [*take, ("tab", "next"), ("type", "part of a name"), back]
        return [("enter", "next" if self.step + 1 < len(self.asks) else "do it"), back]

    def _left_out(self, width: int) -> list[tuple[str, str]]:
        """The choices that have no room after the question."""
        if self._is_typing:
            return []
        keys = {text for text, role in self.parts(width) if role == "key"}
        left = [choice for choice in self.question.choices if choice.key not in keys]
        return [(choice.key, self._words(choice)) for choice in left]
