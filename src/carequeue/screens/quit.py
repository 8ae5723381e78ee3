"""How a person quits, and what CareQueue says about unsent work: how much, of what kind.

In:  `Health`, and whether the cache is still there the next time. Out: sentences, and a question
that is asked only if there is no way to send what waits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from carequeue.screens.prompt_overlays import ConfirmOverlay, Option
from carequeue.screens.screen_context import ScreenContext
from carequeue.widgets.message_line import Message

if TYPE_CHECKING:
    from carequeue.worklist.results import Health

#: A second ctrl+c within this many seconds quits.
TWICE: Final = 2.0


class QuitActions:
    """The ways to quit one queue."""

    def __init__(self, context: ScreenContext) -> None:
        self._context = context
        self._interrupted = float("-inf")

    def interrupt(self, key: str, at: float) -> None:
        """Quit at ctrl+q, and at the second ctrl+c in a row."""
        context = self._context
        if key == "ctrl+q" or at - self._interrupted < TWICE:
            self.quit(confirmed=key == "ctrl+c")
        else:
            self._interrupted = at
            saved = "your work is saved" if context.desk.is_persistent else "nothing here is saved"
            context.say(Message(f"Press ctrl+c again to quit; {saved}."))

    def quit(self, *, confirmed: bool = False) -> None:
        """Quit, and say what is not sent; ask first only if there is no way to send it."""
        context = self._context
        health = context.data.health
        text = parting_words(health, is_persistent=context.desk.is_persistent)
        exit_app = partial(context.hooks.exit_app, text)
        unsent = health.waiting + health.checking
        unreached = not all(source.reached for source in health.sources)
        if confirmed or not unsent or not (context.needed_to_send() or unreached):
            exit_app()
        else:
            context.push(quit_question(context, health, exit_app))


def unsent_words(health: Health) -> str:
    """`3 are waiting, 1 is being checked, 2 need you, 4 are saved on this computer only`.

    "" if nothing is unsent.
    """
    kinds = (
        (health.waiting, "is waiting", "are waiting"),
        (health.checking, "is being checked", "are being checked"),
        (health.needs_you, "needs you", "need you"),
        (health.kept_here, "is saved on this computer only", "are saved on this computer only"),
    )
    return ", ".join(
        f"{count} {singular if count == 1 else plural}"
        for count, singular, plural in kinds
        if count
    )


def parting_words(health: Health, *, is_persistent: bool) -> str:
    """The text in the shell after quitting; "" if all is on the server or local by choice."""
    if not (health.waiting or health.checking or health.needs_you):
        return ""
    fate = "All of it is saved." if is_persistent else "It is gone: this was for practice only."
    return f"Not on the server yet: {unsent_words(health)}. {fate}"


def quit_question(
    context: ScreenContext, health: Health, exit_app: Callable[[], None]
) -> ConfirmOverlay:
    """Ask whether to quit although some changes could not be sent."""
    if context.desk.is_persistent:
        text = f"Saved for the next time: {unsent_words(health)}."
    else:
        text = f"Practice only, not saved: {unsent_words(health)}."
    options = (Option("y", "quit", exit_app), Option("n", "stay", lambda: None))
    return ConfirmOverlay(context, text, options)
