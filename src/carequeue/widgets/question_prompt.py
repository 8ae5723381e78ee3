"""The questions of a verb, asked one after the other in one line.

In:  a verb, whom it is about, the keys that are pressed. Out: the answers, or the wish to go back.
Every question names the client. What was typed is kept when one goes back a step or leaves, so a
slip on Esc costs nothing. The key that asked is never an answer (see `screens/prompt_overlays.py`).
Whether a time can be understood is the desk's to say (`check`), and shown while it is typed.
No widget: `parts` is drawn by the message line, `pairs` by the footer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from functools import cache
from typing import Final

from rich.cells import cell_len

from carequeue.verbs.verb import Asks, Choice, Question, Verb
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.line import cut, length
from carequeue.widgets.themes import Part
from carequeue.worklist.results import Person

Check = Callable[[str, str], tuple[bool, str]]
Pairs = Sequence[tuple[str, str]]
_WORDS: Final = {
    "text": "a text is needed",
    "choice": "press one of the keys",
    "whom": "nobody of that name",
    "when": "a time is needed: tomorrow 9, fri, 3bd",
}
_TIMES: Final = "  tomorrow 9 · fri · 3bd · 4h · 12-24"


class Step(Enum):
    """What a key came to."""

    OPEN = auto()
    DONE = auto()
    BACK = auto()


class Form:
    """The questions of one verb about one client, or about many."""

    def __init__(self, verb: Verb, subject: str, check: Check) -> None:
        self.verb = verb
        self.subject = subject
        self.step = 0
        self.answers: dict[str, str] = {}
        self.people: Sequence[Person] = ()
        self._check = cache(check)  # the line is drawn more often than it changes
        self._typed = [EditLine() for _ in verb.asks]
        self._chosen = 0  # which of the people that match
        self._hint = ""

    @property
    def question(self) -> Question:
        """The question that is open."""
        return self.verb.asks[self.step]

    @property
    def wants_people(self) -> bool:
        """Whether any question asks for a person."""
        return any(question.asks is Asks.WHOM for question in self.verb.asks)

    @property
    def _otherwise(self) -> str | None:
        """What Enter alone answers: what was answered before, or the default."""
        return self.answers.get(self.question.name, self.question.default)

    @property
    def begun(self) -> bool:
        """Whether anything was typed or answered that would be a pity to lose."""
        return bool(self.answers) or any(line.text.strip() for line in self._typed)

    @property
    def _line(self) -> EditLine:
        return self._typed[self.step]

    def press(self, key: str, character: str | None) -> Step:
        """Take one key."""
        self._hint = ""
        if key == "escape":
            if not self.step:
                return Step.BACK
            self.step -= 1
            return Step.OPEN
        if key == "enter":
            return self._enter()
        if choice := self._picked(character):
            return self._answer(choice.value)
        if self.question.asks is Asks.CHOICE and not self.question.free:
            self._hint = _WORDS["choice"]
        elif self.question.asks is Asks.WHOM and key in ("tab", "down", "up", "shift+tab"):
            self._chosen += 1 if key in ("tab", "down") else -1
        elif self._line.press(key, character):
            self._chosen = 0
        return Step.OPEN

    def paste(self, text: str) -> None:
        """Take the first line of a paste, where a text is asked for."""
        if self.question.asks is not Asks.CHOICE or self.question.free:
            self._line.insert(text)

    def _picked(self, character: str | None) -> Choice | None:
        """The choice whose key this is; not once another text has been begun."""
        if self.question.asks is not Asks.CHOICE or self._line.text:
            return None
        return next((c for c in self.question.choices if c.key == character), None)

    def _enter(self) -> Step:
        question, typed = self.question, self._line.text.strip()
        if question.asks is Asks.WHOM:
            person = self._match()
            if person is not None:
                return self._answer(person.reference)
        elif question.asks is Asks.WHEN and typed:
            understood, words = self._check(question.name, typed)
            if understood:
                return self._answer(typed)
            self._hint = words
            return Step.OPEN
        elif typed:
            return self._answer(typed)
        if self._otherwise is not None and not typed:
            return self._answer(self._otherwise)
        self._hint = _WORDS[question.asks]
        return Step.OPEN

    def _answer(self, value: str) -> Step:
        self.answers[self.question.name] = value
        if self.step + 1 == len(self.verb.asks):
            return Step.DONE
        self.step += 1
        self._chosen = 0
        return Step.OPEN

    # --- people

    def _matches(self) -> list[Person]:
        """Those whose name has every typed word at the start of one of its words."""
        wanted = self._line.text.casefold().split()
        return [
            person
            for person in self.people
            if all(
                any(word.startswith(part) for word in person.name.casefold().split())
                for part in wanted
            )
        ]

    def _match(self) -> Person | None:
        found = self._matches()
        return found[self._chosen % len(found)] if found else None

    # --- what is shown

    def parts(self, width: int) -> list[Part]:
        """The line: verb and client, the step, the question, what is typed, how it was read."""
        several = len(self.verb.asks) > 1
        count = f" {self.step + 1}/{len(self.verb.asks)}" if several else ""
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
        """What stands behind the text: how a time was read, who matches, or what is missing."""
        question, typed = self.question, self._line.text.strip()
        if self._hint:
            return [("  ", "text"), (cut(self._hint, room - 2), "soon")]
        if question.asks is Asks.WHEN:
            if not typed:
                return [(cut(_TIMES, room), "muted")]
            understood, words = self._check(question.name, typed)
            return [("  → ", "muted"), (cut(words, room - 4), "done" if understood else "soon")]
        if question.asks is Asks.WHOM:
            return self._people_parts(room)
        if self._otherwise is not None and not typed:
            return [(f"  enter: {self._otherwise or 'leave it out'}", "muted")]
        return []

    def _people_parts(self, room: int) -> list[Part]:
        """Who Enter takes, and as many of the others as have room, whole; then how many more."""
        found = self._matches()
        if not found:
            return [("  nobody of that name", "soon")] if self.people else [("  …", "muted")]
        first = self._chosen % len(found)
        parts: list[Part] = [("  → ", "muted"), (cut(found[first].name, room - 4), "done")]
        others = found[first + 1 :] + found[:first]
        for number, person in enumerate(others):
            more = len(f" +{len(others) - number}")
            if length(parts) + 3 + cell_len(person.name) + more > room:
                return [*parts, (f" +{len(others) - number}", "muted")]
            parts += [(" · ", "muted"), (person.name, "muted")]
        return parts

    # --- choices: all behind the question, or all in the footer, or shared out between them

    def _words(self, choice: Choice) -> str:
        return f"{choice.words}{' (enter)' if choice.value == self._otherwise else ''}"

    def _fitting(self, room: int) -> int:
        """How many choices, whole, have room behind the question."""
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
        """The footer while a question is open: choices that had no room above come first."""
        question = self.question
        back = ("esc", "back" if not self.step else "one question back")
        if question.asks is Asks.CHOICE:
            own = [("type", "your own"), ("enter", "take it")] if question.free else []
            return [*self._left_out(width), *own, back]
        if question.asks is Asks.WHOM:
            person = self._match()
            take = [("enter", f"take {cut(person.name, 24)}")] if person else []
            return [*take, ("tab", "next"), ("type", "part of a name"), back]
        return [("enter", "go on" if self.step + 1 < len(self.verb.asks) else "do it"), back]

    def _left_out(self, width: int) -> list[tuple[str, str]]:
        """The choices that had no room behind the question."""
        if self._line.text:
            return []
        keys = {text for text, role in self.parts(width) if role == "key"}
        left = [choice for choice in self.question.choices if choice.key not in keys]
        return [(choice.key, self._words(choice)) for choice in left]
