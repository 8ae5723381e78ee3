"""The questions of a verb, asked one after the other in one line.

In:  a verb, its client, the keys that are pressed. Out: the inputs, or that the person went back.
Every question names the client. The typed text is kept when the person goes back or leaves, so an
Esc by mistake loses nothing. The key that opened the question never answers it (see
`screens/prompt_overlays.py`). The desk decides whether a time can be read (`check`), and the line
shows its reading while the person types.
No widget: the message line draws `parts`, the footer draws `pairs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from functools import cache
from typing import Final

from rich.cells import cell_len

from carequeue.verbs.verb import Asks, Choice, Question, Verb
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.text_width import cut, length
from carequeue.widgets.themes import Part
from carequeue.worklist.results import Person

Check = Callable[[str, str], tuple[bool, str]]
Pairs = Sequence[tuple[str, str]]
_MISSING: Final = {
    "text": "type a text",
    "choice": "press one of the keys",
    "whom": "nobody has that name",
    "when": "type a time: tomorrow 9, fri, 3bd",
}
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
        self.people: Sequence[Person] = ()
        self._check = cache(check)  # the line is drawn more often than its text changes
        self._typed = [EditLine() for _ in self.asks]
        self._chosen = 0  # the chosen one of the people that match
        self._hint = ""

    @property
    def question(self) -> Question:
        """The question that is open."""
        return self.asks[self.step]

    @property
    def wants_people(self) -> bool:
        """Whether any question asks for a person."""
        return any(question.asks is Asks.WHOM for question in self.asks)

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
            return self._accept(choice.words)
        if self.question.asks is Asks.CHOICE and not self.question.free:
            self._hint = _MISSING["choice"]
        elif self.question.asks is Asks.WHOM and key in ("tab", "down", "up", "shift+tab"):
            self._chosen += 1 if key in ("tab", "down") else -1
        elif self._line.press(key, character):
            self._chosen = 0
        return Step.OPEN

    def paste(self, text: str) -> None:
        """Take the first line of a paste, if the question takes text."""
        if self.question.asks is not Asks.CHOICE or self.question.free:
            self._line.insert(text)

    def _picked(self, character: str | None) -> Choice | None:
        """The choice of this key; None once the person types a text."""
        if self.question.asks is not Asks.CHOICE or self._line.text:
            return None
        return next((c for c in self.question.choices if c.key == character), None)

    def _enter(self) -> Step:
        question, typed = self.question, self._line.text.strip()
        if question.asks is Asks.WHOM:
            person = self._match()
            if person is not None:
                if not self.verb.on_item:  # the next question is about this person
                    self.subject = person.name
                return self._accept(person.reference)
        elif question.asks is Asks.WHEN and typed:
            understood, reading = self._check(question.name, typed)
            if understood:
                return self._accept(typed)
            self._hint = reading
            return Step.OPEN
        elif typed:
            return self._accept(typed)
        if self._otherwise is not None and not typed:
            return self._accept(self._otherwise)
        self._hint = _MISSING[question.asks]
        return Step.OPEN

    def _accept(self, value: str) -> Step:
        self.inputs[self.question.name] = value
        if self.step + 1 == len(self.asks):
            return Step.DONE
        self.step += 1
        self._chosen = 0
        return Step.OPEN

    # --- people

    def _matches(self) -> list[Person]:
        """People for whom every typed word begins a word of their name."""
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
        matches = self._matches()
        return matches[self._chosen % len(matches)] if matches else None

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
        if question.asks is Asks.WHEN:
            if not typed:
                return [(cut(_TIMES, room), "muted")]
            understood, reading = self._check(question.name, typed)
            return [("  → ", "muted"), (cut(reading, room - 4), "done" if understood else "soon")]
        if question.asks is Asks.WHOM:
            return self._people_parts(room)
        if self._otherwise is not None and not typed:
            return [(cut(f"  enter: {self._otherwise or 'skip'}", room), "muted")]
        return []

    def _people_parts(self, room: int) -> list[Part]:
        """The person that Enter chooses, as many others as fit, and how many more match."""
        matches = self._matches()
        if not matches:
            return [("  nobody has that name", "soon")] if self.people else [("  …", "muted")]
        first = self._chosen % len(matches)
        chosen = matches[first]
        away = f" ({chosen.away})" if chosen.away else ""
        rest = len(f" +{len(matches) - 1}") if len(matches) > 1 else 0
        name = cut(chosen.name, room - 4 - rest - cell_len(away))
        parts: list[Part] = [("  → ", "muted"), (name, "done"), (away, "soon")]
        others = matches[first + 1 :] + matches[:first]
        for number, person in enumerate(others):
            more = len(f" +{len(others) - number}")
            text = f"{person.name} ({person.away})" if person.away else person.name
            if length(parts) + 3 + cell_len(text) + more > room:
                return [*parts, (f" +{len(others) - number}", "muted")]
            parts += [(" · ", "muted"), (text, "muted")]
        return parts

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
        if question.asks is Asks.WHOM:
            person = self._match()
            take = [("enter", f"choose {cut(person.name, 24)}")] if person else []
            return [*take, ("tab", "next"), ("type", "part of a name"), back]
        return [("enter", "next" if self.step + 1 < len(self.asks) else "do it"), back]

    def _left_out(self, width: int) -> list[tuple[str, str]]:
        """The choices that have no room after the question."""
        if self._line.text:
            return []
        keys = {text for text, role in self.parts(width) if role == "key"}
        left = [choice for choice in self.question.choices if choice.key not in keys]
        return [(choice.key, self._words(choice)) for choice in left]
