"""The keys that begin with any client: new (a follow-up or a referral), and heard of an event.

In:  the verbs to choose from. Out: the client whom the person chose, and the verb.
Not here: which clients match (`store/client_search.py`), the questions of the verb
(`verb_actions.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from carequeue.screens.overlay import Overlay, Pairs
from carequeue.screens.screen_context import ScreenContext
from carequeue.store.client_search import ClientMatch
from carequeue.verbs.table import find_verb
from carequeue.verbs.verb import Verb
from carequeue.widgets.client_prompt import ClientForm
from carequeue.widgets.question_prompt import Step
from carequeue.widgets.themes import Parts

Begin = Callable[[Verb, ClientMatch], None]
#: Key, words and verb of each choice, by the name of the motion that opens it.
_CHOICES: Final = {
    "new_for_client": ("New", (("f", "follow-up", "new"), ("r", "referral", "refer"))),
    "heard_of": (
        "Heard of",
        (("c", "a crisis", "heard_crisis"), ("d", "a discharge", "heard_discharge")),
    ),
}


class ClientOverlay(Overlay):
    """The search for a client; `done` gets the client and the verb."""

    asks = owns_keys = True

    def __init__(self, context: ScreenContext, form: ClientForm, done: Begin) -> None:
        self._context, self._form, self._done = context, form, done

    def press(self, key: str, character: str | None) -> bool:
        """Pass the key to the form."""
        step = self._form.press(key, character)
        if step is not Step.OPEN:
            self._context.pop(self)
        if step is Step.DONE and self._form.client is not None and self._form.verb is not None:
            self._done(self._form.verb, self._form.client)
        return True

    def paste(self, text: str) -> None:
        """Pass the text to the form."""
        self._form.paste(text)

    def line(self, width: int) -> Parts:
        """The question, the typed text, and who matches."""
        return self._form.parts(width)

    def pairs(self, width: int) -> Pairs:
        """The keys that answer it."""
        return self._form.pairs(width)


def open_for(context: ScreenContext, motion: str, begin: Begin) -> None:
    """Ask for a client, and which verb of a motion is meant."""
    title, choices = _CHOICES[motion]
    verbs = [
        (key, words, verb) for key, words, name in choices if (verb := find_verb(name)) is not None
    ]
    _open(context, title, verbs, begin)


def open_for_verb(context: ScreenContext, verb: Verb, begin: Begin) -> None:
    """Ask for the client of a verb that was chosen by its name."""
    _open(context, verb.label.capitalize(), [("", verb.label, verb)], begin)


def _open(
    context: ScreenContext, title: str, verbs: Sequence[tuple[str, str, Verb]], begin: Begin
) -> None:
    row = context.target()
    here = context.desk.client(row.source, row.chart) if row is not None else None
    form = ClientForm(title, verbs, context.desk.clients, here)
    context.push(ClientOverlay(context, form, begin))
