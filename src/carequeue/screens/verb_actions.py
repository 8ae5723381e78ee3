"""From a verb's key to an act: on one item, on all that are marked, or back again.

In:  a verb. Out: questions where the verb has any, an act on the thread of acts, a message.
One act: no confirmation, since `u` undoes it. Many: one line that says what will come of it.
Bound when the key came: the item, its name and the answers; nothing is looked up again later.
What was typed into a question that was left with Esc is kept for the next time.
Not here: whether a verb applies (`desk.why_not`), what it changes (`desk.act`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from carequeue.screens.overlay import Stage
from carequeue.screens.prompt_overlays import AskLayer, ConfirmLayer, Option
from carequeue.screens.selection import (
    Marks,
    items,
    preview_lines,
    preview_words,
    result_lines,
    result_words,
    shown_of,
)
from carequeue.screens.undo_prompt import Undoing
from carequeue.verbs.sync import VERB as SYNC
from carequeue.verbs.undo import VERB as UNDO
from carequeue.verbs.verb import Verb
from carequeue.widgets.message_line import BETWEEN, Message, Tone
from carequeue.widgets.question_prompt import Form
from carequeue.widgets.themes import Parts
from carequeue.worklist.results import Acted, Person, Preview, Shown, Undoable

if TYPE_CHECKING:
    from carequeue.store.queue_window import QueueRow

Keys = tuple[str, ...]
Lines = Callable[[int], list[Parts]]
BACK = f"{UNDO.key} undoes it"


class Acting:
    """What the verbs do on this screen."""

    def __init__(self, stage: Stage, marks: Marks, undoing: Undoing) -> None:
        self._stage, self._marks, self._undoing = stage, marks, undoing
        self._drafts: dict[tuple[str, Keys, tuple[Shown, ...]], Form] = {}
        self.results: Lines | None = None  # of the last act on many

    def begin(self, verb: Verb) -> None:
        """A verb's key was pressed."""
        if verb is SYNC:
            self._stage.nudge()
        elif verb is UNDO:
            self._undoing.press()
        elif self._marks.labels:
            self._many(verb)
        else:
            self._one(verb)

    # --- one item

    def _one(self, verb: Verb) -> None:
        row = self._stage.target()
        if row is None:
            self._stage.say(Message("There is no item here to act on.", Tone.REFUSED))
            return
        if verb.name in row.verbs.split():
            do = partial(self._do_one, verb, row)
            self._ask(verb, row.client, (row.key,), do, (shown_of(row),))
            return
        desk = self._stage.desk
        self._stage.look(lambda: desk.why_not(verb.name, row.key), partial(self._refuse, row))

    def _refuse(self, row: QueueRow, why: str | None) -> None:
        """Say why not. Where it has come to apply since, nothing is asked under other keys."""
        words = sentence(why) if why else f"{row.client} has just changed. Press the key again."
        self._stage.say(Message(words, Tone.REFUSED))
        if not why:
            self._stage.reload(row.key)

    def _do_one(self, verb: Verb, row: QueueRow, answers: Mapping[str, str]) -> None:
        stage = self._stage
        now = stage.now()
        stage.advance(row.key)
        shown = {row.key: shown_of(row)}
        did, short = verb.label_for(row.kind), verb.label_for(row.kind, narrow=True)
        self._undoing.run(
            Undoable("", did, short, row.client, 1, now),
            lambda: stage.desk.act(verb.name, (row.key,), answers, now, shown),
            partial(self._done_one, row),
        )

    def _done_one(self, row: QueueRow, acted: Acted) -> None:
        self._stage.settled([row.key], kept=bool(acted.changed))
        if acted.changed:
            message = Message(acted.message, Tone.DONE, self._hint(acted, row.source))
        else:
            refused = acted.refused[0].why if acted.refused else ""
            words = (acted.message or refused).replace(row.key, row.client)  # gone: no name there
            message = Message(sentence(words), Tone.REFUSED)
        self._stage.say(message)

    # --- questions

    def _ask(
        self,
        verb: Verb,
        subject: str,
        keys: Keys,
        then: Callable[[Mapping[str, str]], None],
        shown: tuple[Shown, ...],
    ) -> None:
        if not verb.asks:
            then({})
            return
        stage = self._stage
        draft = (verb.name, keys, shown)  # words about one client are not offered for another

        def check(question: str, text: str) -> tuple[bool, str]:
            return stage.desk.check_answer(verb.name, question, text, stage.now(), keys)

        def done(form: Form) -> None:
            self._drafts.pop(draft, None)
            then(dict(form.answers))

        def left(form: Form) -> None:
            if form.begun:
                self._drafts[draft] = form
                words = f"{verb.label.capitalize()} {subject}: not done. What you typed is kept."
                stage.say(Message(words))

        form = self._drafts.get(draft) or Form(verb, subject, check)
        stage.push(AskLayer(stage, form, done, left))
        if form.wants_people and not form.people:
            stage.look(partial(stage.desk.people, keys), partial(self._people, form))

    def _people(self, form: Form, people: tuple[Person, ...]) -> None:
        form.people = people
        self._stage.draw()

    # --- many items

    def _many(self, verb: Verb) -> None:
        labels = dict(self._marks.labels)
        keys, shown = tuple(labels), dict(self._marks.shown)
        ask = partial(self._preview, verb, shown, labels)
        self._ask(verb, items(len(keys)), keys, ask, tuple(shown.values()))

    def _preview(
        self,
        verb: Verb,
        shown: Mapping[str, Shown],
        labels: dict[str, str],
        answers: Mapping[str, str],
    ) -> None:
        stage = self._stage
        now = stage.now()
        stage.look(
            lambda: stage.desk.preview(verb.name, tuple(labels), answers, now, shown),
            partial(self._confirm, verb, labels, answers),
        )

    def _confirm(
        self, verb: Verb, labels: dict[str, str], answers: Mapping[str, str], preview: Preview
    ) -> None:
        lines: Lines = partial(preview_lines, verb, preview, labels)
        words = preview_words(verb, preview)
        show = Option("p", "show", lambda: self._stage.read(lines), stays=True)
        back = Option("esc", "back", lambda: None)
        if not preview.changes:
            self._stage.push(ConfirmLayer(self._stage, words, (show, back)))
            return
        do = partial(self._do_many, verb, labels, answers, preview)
        yes = Option("y", f"do {len(preview.changes)}", do)
        self._stage.push(ConfirmLayer(self._stage, words, (yes, show, back)))

    def _do_many(
        self, verb: Verb, labels: dict[str, str], answers: Mapping[str, str], preview: Preview
    ) -> None:
        stage = self._stage
        now = stage.now()
        self._marks.clear()
        stage.settled(preview.changes, kept=True)
        stage.say(Message(f"{verb.label.capitalize()}: {items(len(preview.changes))} …"))
        changes = preview.changes
        client = labels.get(changes[0], "") if len(changes) == 1 else ""
        self._undoing.run(
            Undoable("", verb.label, verb.short, client, len(changes), now),
            lambda: stage.desk.act(verb.name, changes, answers, now, preview.shown),
            partial(self._done_many, verb, labels, preview),
        )

    def _done_many(
        self, verb: Verb, labels: dict[str, str], preview: Preview, acted: Acted
    ) -> None:
        words = result_words(verb, acted, preview)
        self.results = partial(result_lines, words, acted, preview, labels)
        self._stage.settled([refused.key for refused in acted.refused], kept=False)
        tone = Tone.DONE if acted.changed else Tone.REFUSED
        hint = BETWEEN.join(["= item by item", *filter(None, [self._hint(acted)])])
        self._stage.say(Message(words, tone, hint))

    def _hint(self, acted: Acted, source: str = "") -> str:
        hints = [BACK] if acted.group and BACK not in acted.message else []
        if (first := self._stage.sent_once(source)) and acted.kept_here < len(acted.changed):
            hints.append(f"sent once {first}")
        return BETWEEN.join(hints)


def sentence(text: str) -> str:
    """The text with the stop that ends a sentence."""
    return text if not text or text[-1] in ".?!" else f"{text}."
