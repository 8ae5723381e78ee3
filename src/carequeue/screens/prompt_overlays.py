"""The layers that ask: the questions of a verb, and a choice between a few keys.

The key that asked is never an answer: it is dropped while it repeats (`RepeatGuard`), and no
confirmation uses the key of a verb that asks for one. Enter is never yes. Any other key is
ignored: not "no", and not handed on to the list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from carequeue.screens.overlay import Layer, Pairs, Stage
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.line import cut, length
from carequeue.widgets.message_line import Message
from carequeue.widgets.question_prompt import Form, Step
from carequeue.widgets.queue_list import seconds
from carequeue.widgets.themes import Part, Parts


class AskLayer(Layer):
    """The questions of a verb; `done` gets the answers, `left` is called on Esc."""

    asks = owns_keys = True

    def __init__(
        self,
        stage: Stage,
        form: Form,
        done: Callable[[Form], None],
        left: Callable[[Form], None],
    ) -> None:
        self._stage, self._form, self._done, self._left = stage, form, done, left

    def press(self, key: str, character: str | None) -> bool:
        """Hand the key to the form."""
        step = self._form.press(key, character)
        if step is not Step.OPEN:
            self._stage.pop(self)
            (self._done if step is Step.DONE else self._left)(self._form)
        return True

    def paste(self, text: str) -> None:
        """Hand the text to the form."""
        self._form.paste(text)

    def line(self, width: int) -> Parts:
        """The question."""
        return self._form.parts(width)

    def pairs(self, width: int) -> Pairs:
        """The keys that answer it."""
        return self._form.pairs(width)


class Option(NamedTuple):
    """One answer: its key, its words, what it does; `stays` leaves the question open."""

    key: str
    words: str
    chosen: Callable[[], None]
    stays: bool = False


class ConfirmLayer(Layer):
    """A sentence and two or three keys. Esc chooses the last option.

    `text` may be a function from the cells that there are to the sentence. A key that came before
    the question was open answers nothing.
    """

    asks = owns_keys = True

    def __init__(
        self, stage: Stage, text: str | Callable[[int], str], options: tuple[Option, ...]
    ) -> None:
        self._stage, self._text, self._options = stage, text, options
        self._since = seconds()

    def press(self, key: str, character: str | None) -> bool:
        """Choose, or do nothing."""
        if self._stage.came < self._since:
            return True
        wanted = self._options[-1].key if key == "escape" else character
        for option in self._options:
            if option.key == wanted:
                if not option.stays:
                    self._stage.pop(self)
                option.chosen()
                break
        return True

    def line(self, width: int) -> Parts:
        """The sentence, and the keys behind it."""
        keys: list[Part] = []
        for option in self._options:
            keys += [("  ", "text"), (option.key, "key"), (f" {option.words}", "text")]
        room = max(10, width - 2 - sum(len(text) for text, _ in keys))
        text = self._text if isinstance(self._text, str) else self._text(room)
        return [(" " + cut(text, room), "strong"), *keys]

    def pairs(self, width: int) -> Pairs:
        """The same keys."""
        return [(option.key, option.words) for option in self._options]


class TypedLayer(Layer):
    """What cannot be taken back: a sentence, and a word that has to be typed to do it."""

    asks = owns_keys = True

    def __init__(self, stage: Stage, text: str, word: str, done: Callable[[str], None]) -> None:
        self._stage, self._text, self._word, self._done = stage, text, word, done
        self._typed = EditLine()
        self._short = False  # enter came before the word was whole

    def press(self, key: str, character: str | None) -> bool:
        """Type; Enter does it only where the word is whole, Esc goes back."""
        whole = self._typed.text.strip() == self._word
        self._short = key == "enter" and not whole
        if key == "escape":
            self._stage.pop(self)
            self._stage.say(Message("Nothing was discarded."))
        elif key != "enter":
            self._typed.press(key, character)
        elif whole:
            self._stage.pop(self)
            self._done(self._word)
        return True

    def line(self, width: int) -> Parts:
        """The sentence, the word that is asked for, and what is typed."""
        asked: list[Part] = [(" Type “", "text"), (self._word, "key"), ("”: ", "text")]
        typed = self._typed.parts(max(8, len(self._word) + 3))
        room = width - 1 - length(asked) - length(typed)
        text = "Not done: all of it has to be typed." if self._short else self._text
        role = "soon" if self._short else "strong"
        return [(" " + cut(text, max(8, room)), role), *asked, *typed]

    def pairs(self, width: int) -> Pairs:
        """How it ends."""
        whole = self._typed.text.strip() == self._word
        return [*([("enter", "discard for good")] if whole else []), ("esc", "keep it")]
