"""What is said of unsent work when the person leaves: how much, of what kind, and its fate.

In:  `Health`, whether the cache is there the next time. Out: sentences, and the question that is
asked only where there is no way to send what waits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from carequeue.screens.overlay import Stage
from carequeue.screens.prompt_overlays import ConfirmLayer, Option
from carequeue.widgets.message_line import Message

if TYPE_CHECKING:
    from carequeue.screens.controller import Front
    from carequeue.worklist.results import Health


#: Within this many seconds a second ctrl+c leaves.
TWICE: Final = 2.0


class Leaving:
    """The ways out of one front."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._interrupted = float("-inf")

    def interrupt(self, key: str, at: float) -> None:
        """ctrl+q leaves at once, ctrl+c when it comes twice."""
        front = self._front
        if key == "ctrl+q" or at - self._interrupted < TWICE:
            self.leave(asked=key == "ctrl+c")
        else:
            self._interrupted = at
            kept = "what you did is kept" if front.desk.keeps else "nothing here is kept"
            front.say(Message(f"ctrl+c again leaves; {kept}."))

    def leave(self, *, asked: bool = False) -> None:
        """Leave, and say what is not sent; asked only where there is no way to send it."""
        front = self._front
        health = front.data.health
        leave = partial(front.shell.leave, parting_words(health, keeps=front.desk.keeps))
        unsent = health.waiting + health.checking
        stuck = front.sent_once() or not all(one.reached for one in health.sources)
        if asked or not stuck or not unsent:
            leave()
        else:
            front.push(leave_question(front, health, leave))


def unsent_words(health: Health) -> str:
    """`3 wait, 1 is being checked, 2 need you, 4 are kept here only`; "" where nothing is open."""
    kinds = (
        (health.waiting, "waits", "wait"),
        (health.checking, "is being checked", "are being checked"),
        (health.needs_you, "needs you", "need you"),
        (health.kept_here, "is kept here only", "are kept here only"),
    )
    return ", ".join(f"{n} {one if n == 1 else many}" for n, one, many in kinds if n)


def parting_words(health: Health, *, keeps: bool) -> str:
    """What the shell shows after leaving; "" where all is on the server or kept by choice."""
    if not (health.waiting or health.checking or health.needs_you):
        return ""
    fate = "All of it is kept." if keeps else "It is gone: this was for practice only."
    return f"Not on the server yet: {unsent_words(health)}. {fate}"


def leave_question(stage: Stage, health: Health, leave: Callable[[], None]) -> ConfirmLayer:
    """Whether to leave although something could not be sent."""
    fate = "Kept for the next time" if stage.desk.keeps else "Not kept, this is for practice only"
    words = f"{fate}: {unsent_words(health)}."
    options = (Option("y", "leave", leave), Option("n", "stay", lambda: None))
    return ConfirmLayer(stage, words, options)
