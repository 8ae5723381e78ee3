"""The overlays that ask: the questions of a verb, a choice between a few keys, a typed word.

The key that opened a question never answers it: the key is dropped while it repeats
(`RepeatGuard`), and no confirmation uses the key of a verb that needs one. Enter never means yes.
Any other key is ignored: it does not mean no, and it does not go to the list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from carequeue.screens.overlay import Overlay, Pairs
from carequeue.screens.overlay_stack import OverlayStack
from carequeue.screens.screen_context import ScreenContext
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.message_line import Message
from carequeue.widgets.question_prompt import QuestionForm, Step
from carequeue.widgets.queue_list import seconds
from carequeue.widgets.text_width import cut, length
from carequeue.widgets.themes import Part, Parts


class QuestionsOverlay(Overlay):
    """The questions of a verb; `done` gets the filled form, `left` is called on Esc."""

    asks = owns_keys = True

    def __init__(
        self,
        host: OverlayStack,
        form: QuestionForm,
        done: Callable[[QuestionForm], None],
        left: Callable[[QuestionForm], None],
    ) -> None:
        self._host, self._form, self._done, self._left = host, form, done, left

    def press(self, key: str, character: str | None) -> bool:
        """Pass the key to the form."""
        step = self._form.press(key, character)
        if step is not Step.OPEN:
            self._host.pop(self)
            (self._done if step is Step.DONE else self._left)(self._form)
        return True

    def paste(self, text: str) -> None:
        """Pass the text to the form."""
        self._form.paste(text)

    def line(self, width: int) -> Parts:
        """The open question, the typed text, and how it was read."""
        return self._form.parts(width)

    def pairs(self, width: int) -> Pairs:
        """The keys that answer it."""
        return self._form.pairs(width)


class Option(NamedTuple):
    """One choice: its key, its words, what it does; `stays` leaves the question open."""

    key: str
    words: str
    chosen: Callable[[], None]
    stays: bool = False


class ConfirmOverlay(Overlay):
    """A sentence and two or three keys. Esc chooses the last option.

    `text` may be a function from the free cells to the sentence. A key that was pressed before the
    question was open chooses nothing.
    """

    asks = owns_keys = True

    def __init__(
        self,
        context: ScreenContext,
        text: str | Callable[[int], str],
        options: tuple[Option, ...],
    ) -> None:
        self._context, self._text, self._options = context, text, options
        self._open_since = seconds()

    def press(self, key: str, character: str | None) -> bool:
        """Choose, or do nothing."""
        if self._context.key_time < self._open_since:
            return True
        wanted = self._options[-1].key if key == "escape" else character
        for option in self._options:
            if option.key == wanted:
                if not option.stays:
                    self._context.pop(self)
                option.chosen()
                break
        return True

    def line(self, width: int) -> Parts:
        """The sentence, and the keys after it."""
        keys: list[Part] = []
        for option in self._options:
            keys += [("  ", "text"), (option.key, "key"), (f" {option.words}", "text")]
        room = max(10, width - 2 - sum(len(text) for text, _ in keys))
        text = self._text if isinstance(self._text, str) else self._text(room)
        return [(" " + cut(text, room), "strong"), *keys]

    def pairs(self, width: int) -> Pairs:
        """The same keys."""
        return [(option.key, option.words) for option in self._options]


class TypedConfirmOverlay(Overlay):
    """The question before an act that cannot be undone: the person has to type a word to do it."""

    asks = owns_keys = True

    def __init__(
        self, context: ScreenContext, text: str, word: str, done: Callable[[str], None]
    ) -> None:
        self._context, self._text, self._word, self._done = context, text, word, done
        self._typed = EditLine()
        self._too_short = False  # enter was pressed before the word was complete

    @property
    def _complete(self) -> bool:
        return self._typed.text.strip() == self._word

    def press(self, key: str, character: str | None) -> bool:
        """Type; Enter does it only if the word is complete, Esc goes back."""
        self._too_short = key == "enter" and not self._complete
        if key == "escape":
            self._context.pop(self)
            self._context.say(Message("Nothing was discarded."))
        elif key != "enter":
            self._typed.press(key, character)
        elif self._complete:
            self._context.pop(self)
            self._done(self._word)
        return True

    def line(self, width: int) -> Parts:
        """The question, the word to type, and the typed text."""
        asked: list[Part] = [(" Type “", "text"), (self._word, "key"), ("”: ", "text")]
        typed = self._typed.parts(max(8, len(self._word) + 3))
        room = width - 1 - length(asked) - length(typed)
        text = "Not done: type the whole text." if self._too_short else self._text
        role = "soon" if self._too_short else "strong"
        return [(" " + cut(text, max(8, room)), role), *asked, *typed]

    def pairs(self, width: int) -> Pairs:
        """The keys that end it."""
        return [
            *([("enter", "discard for good")] if self._complete else []),
            ("esc", "keep it"),
        ]
