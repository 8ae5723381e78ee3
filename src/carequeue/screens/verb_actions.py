"""From a verb's key to an act: on one item, on all marked items, again, or undo.

In:  a verb. Out: questions if the verb has any, an act on the thread of acts, a message.
An act on one item needs no confirmation, because `u` undoes it; an act on many items shows one
line that says what will change. The item, its name and the inputs are fixed when the key is
pressed; nothing is looked up again later. If the person leaves a question with Esc, their text is
there again the next time.
Not here: whether a verb applies (`desk.reasons`), what it changes (`desk.act`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from carequeue.screens.colleague_actions import ColleagueActions
from carequeue.screens.prompt_overlays import ConfirmOverlay, Option, QuestionsOverlay
from carequeue.screens.repeat import KeptAnswers, LastAct, keep_answers
from carequeue.screens.screen_context import ScreenContext
from carequeue.screens.selection import (
    items,
    preview_lines,
    preview_words,
    result_lines,
    result_words,
    shown_of,
)
from carequeue.screens.undo_prompt import BACK, UndoPrompt
from carequeue.verbs.cover import VERB as COVER
from carequeue.verbs.offers import names_of, questions_for
from carequeue.verbs.sync import VERB as SYNC
from carequeue.verbs.table import find_verb
from carequeue.verbs.undo import VERB as UNDO
from carequeue.verbs.verb import Choice, Question, Verb
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import BETWEEN, Message, Tone
from carequeue.widgets.question_prompt import QuestionForm
from carequeue.widgets.themes import Parts
from carequeue.worklist.results import Acted, Person, Preview, Shown, Undoable

if TYPE_CHECKING:
    from carequeue.store.client_search import ClientMatch
    from carequeue.store.queue_window import QueueRow, Urgent

ItemKeys = tuple[str, ...]
Inputs = Mapping[str, str]
Lines = Callable[[int], list[Parts]]
_NO_ANSWERS: Inputs = MappingProxyType({})


class Subject(NamedTuple):
    """The items that a question is about, as the person sees them: in words, and by their keys."""

    name: str
    keys: ItemKeys
    shown: tuple[Shown, ...]


class VerbActions:
    """The acts of the verbs on this screen, from the key to the message."""

    def __init__(self, context: ScreenContext, undo_prompt: UndoPrompt) -> None:
        self._context, self.undo_prompt = context, undo_prompt
        self._drafts: dict[tuple[str, Subject], QuestionForm] = {}
        self.colleagues = ColleagueActions(context)
        self.results: Lines | None = None  # of the last act on several items
        self._last: LastAct | None = None  # the last act that changed something

    def begin(self, verb: Verb) -> None:
        """Begin the act of a verb whose key was pressed."""
        if verb is SYNC:
            self._context.sync_now()
        elif verb is COVER:
            self.colleagues.cover()
        elif verb is UNDO:
            self.undo_prompt.press()
        elif not verb.on_item:
            from carequeue.screens.client_prompt import open_for_verb

            open_for_verb(self._context, verb, self.begin_for_client)
        elif self._context.selection.labels:
            self._begin_many(verb)
        else:
            self._begin_one(verb)

    def again(self) -> None:
        """Begin the last act again with its answers, on the item here or the marked items."""
        if self.undo_prompt.running:
            text = "Your last act is being saved. Press the key again in a moment."
            self._context.say(Message(text))
        elif self._last is None:
            self._context.say(Message("There is nothing to repeat yet.", Tone.REFUSED))
        elif self._context.selection.labels:
            self._begin_many(self._last.verb, self._last.answers)
        else:
            self._begin_one(self._last.verb, self._last.answers)

    # --- one item

    def _begin_one(self, verb: Verb, given: Inputs = _NO_ANSWERS) -> None:
        row = self._context.target()
        if row is None:
            self._context.say(Message("There is no item here to act on.", Tone.REFUSED))
            return
        if verb.name in names_of(row.verbs):
            subject = Subject(row.client, (row.key,), (shown_of(row),))
            asks = questions_for(verb, [row.verbs])
            self._ask(verb, asks, subject, partial(self._do_one, verb, row), given)
            return
        desk = self._context.desk
        self._context.submit_read(
            lambda: desk.reasons(row.key).get(verb.name), partial(self._refuse, row)
        )

    def _refuse(self, row: QueueRow, reason: str | None) -> None:
        """Say why the verb does not apply; if it has just begun to apply, ask for the key again."""
        changed = f"{row.client} has just changed. Press the key again."
        self._context.say(Message(sentence(reason) if reason else changed, Tone.REFUSED))
        if not reason:
            self._context.data.load(row.key)

    def _do_one(self, verb: Verb, row: QueueRow, inputs: Inputs) -> None:
        context = self._context
        now = context.now()
        context.advance(row.key)
        shown = {row.key: shown_of(row)}
        did, short = verb.label_for(row.kind), verb.label_for(row.kind, short=True)
        self.undo_prompt.run(
            Undoable("", did, short, row.client, 1, now),
            lambda: context.desk.act(verb.name, (row.key,), inputs, now, shown),
            partial(self._done_one, row, LastAct(verb, inputs)),
        )

    def _done_one(self, row: QueueRow, act: LastAct, acted: Acted) -> None:
        self._context.acts_finished([row.key], changed=bool(acted.changed))
        if acted.changed:
            self._last = act
            text = self._context.signed(acted.message)
            message = Message(text, Tone.DONE, _hint(self._context, acted, row.source))
        else:
            refusal = acted.refused[0].why if acted.refused else ""
            text = (acted.message or refusal).replace(row.key, row.client)  # if it left the queue
            message = Message(sentence(text), Tone.REFUSED)
        self._context.say(message)

    # --- a client who was found by search

    def begin_for_client(self, verb: Verb, client: ClientMatch) -> None:
        """Begin the act of a verb for a client, with or without a row of theirs."""
        shown = Shown(client.chart, client.name, client.born)
        subject = Subject(client.name, (client.key,), (shown,))
        self._ask(verb, verb.asks, subject, partial(self._do_for_client, verb, client, shown))

    def _do_for_client(self, verb: Verb, client: ClientMatch, shown: Shown, inputs: Inputs) -> None:
        context, now = self._context, self._context.now()
        self.undo_prompt.run(
            Undoable("", verb.label, verb.label_for("", short=True), client.name, 1, now),
            lambda: context.desk.act(verb.name, (client.key,), inputs, now, {client.key: shown}),
            partial(self._done_for_client, client),
        )

    def _done_for_client(self, client: ClientMatch, acted: Acted) -> None:
        tone = Tone.DONE if acted.changed else Tone.REFUSED
        hint = _hint(self._context, acted, client.source) if acted.changed else ""
        self._context.say(Message(sentence(acted.message), tone, hint))

    # --- questions

    def _ask(
        self,
        verb: Verb,
        asks: tuple[Question, ...],
        subject: Subject,
        then: Callable[[Inputs], None],
        given: Inputs = _NO_ANSWERS,
    ) -> None:
        """Ask the questions; of the answers that are `given`, those that fit are not asked."""
        asks = _with_notes(asks, self._context.desk.contact_notes)
        if not given or not asks:
            self._open_form(verb, asks, subject, then)
            return
        desk, now = self._context.desk, self._context.now()

        at_risk = is_at_risk(desk.urgent(), subject)

        def is_known(question: str, person: str) -> bool:
            known, _ = desk.check_input(verb.name, question, person, now, subject.keys)
            return known and not at_risk

        def ask_the_rest(kept: KeptAnswers) -> None:
            rest = tuple(question for question in asks if question.name not in kept.taken)
            self._open_form(
                verb, rest, subject, lambda inputs: then({**kept.taken, **inputs}), kept.texts
            )

        act = LastAct(verb, given)
        self._context.submit_read(lambda: keep_answers(act, asks, is_known), ask_the_rest)

    def _open_form(
        self,
        verb: Verb,
        asks: tuple[Question, ...],
        subject: Subject,
        then: Callable[[Inputs], None],
        texts: Inputs = _NO_ANSWERS,
    ) -> None:
        """Ask each question; `texts` stand there as if they were typed."""
        if not asks:
            then({})
            return
        context, keys = self._context, subject.keys
        draft = (verb.name, subject)  # text about one client is never offered for another

        def check(question: str, text: str) -> tuple[bool, str]:
            return context.desk.check_input(verb.name, question, text, context.now(), keys)

        def done(form: QuestionForm) -> None:
            self._drafts.pop(draft, None)
            then(dict(form.inputs))

        def left(form: QuestionForm) -> None:
            if form.begun:
                self._drafts[draft] = form
                text = f"{verb.label.capitalize()} {subject.name}: not done. Your text is saved."
                context.say(Message(text))

        form = self._drafts.get(draft)
        if form is None or form.asks != asks:
            form = QuestionForm(verb, subject.name, check, asks)
            form.fill(texts)
        else:
            form.come_back()
        form.guard(at_risk=is_at_risk(context.desk.urgent(), subject))
        context.push(QuestionsOverlay(context, form, done, left))
        _read_people(context, form, keys)

    # --- several items

    def _begin_many(self, verb: Verb, given: Inputs = _NO_ANSWERS) -> None:
        labels = dict(self._context.selection.labels)
        keys, shown = tuple(labels), dict(self._context.selection.shown)
        subject = Subject(items(len(keys)), keys, tuple(shown.values()))
        then = partial(self._preview, verb, shown, labels)
        if any(question.asked for question in verb.asks):
            desk = self._context.desk
            self._context.submit_read(
                lambda: desk.questions(verb, keys),
                lambda asks: self._ask(verb, asks, subject, then, given),
            )
        else:
            self._ask(verb, verb.asks, subject, then, given)

    def _preview(
        self, verb: Verb, shown: Mapping[str, Shown], labels: dict[str, str], inputs: Inputs
    ) -> None:
        context = self._context
        now = context.now()
        context.submit_read(
            lambda: context.desk.preview(verb.name, tuple(labels), inputs, now, shown),
            partial(self._confirm, verb, labels, inputs),
        )

    def _confirm(
        self, verb: Verb, labels: dict[str, str], inputs: Inputs, preview: Preview
    ) -> None:
        lines: Lines = partial(preview_lines, verb, preview, labels)
        text = preview_words(verb, preview)
        show = Option("p", "show", lambda: self._context.show_text(lines), stays=True)
        back = Option("esc", "back", lambda: None)
        if not preview.changes:
            self._context.push(ConfirmOverlay(self._context, text, (show, back)))
            return
        do = partial(self._do_many, verb, labels, inputs, preview)
        yes = Option("y", f"do {len(preview.changes)}", do)
        self._context.push(ConfirmOverlay(self._context, text, (yes, show, back)))

    def _do_many(
        self, verb: Verb, labels: dict[str, str], inputs: Inputs, preview: Preview
    ) -> None:
        context = self._context
        now = context.now()
        self._context.selection.clear()
        context.acts_finished(preview.changes, changed=True)
        context.say(Message(f"{verb.label.capitalize()}: {items(len(preview.changes))} …"))
        changes = preview.changes
        client = labels.get(changes[0], "") if len(changes) == 1 else ""
        self.undo_prompt.run(
            Undoable("", verb.label, verb.label_for("", short=True), client, len(changes), now),
            lambda: context.desk.act(verb.name, changes, inputs, now, preview.shown),
            partial(self._done_many, LastAct(verb, inputs), labels, preview),
        )

    def _done_many(
        self, act: LastAct, labels: dict[str, str], preview: Preview, acted: Acted
    ) -> None:
        if acted.changed:
            self._last = act
        text = self._context.signed(result_words(act.verb, acted, preview))
        self.results = partial(result_lines, text, acted, preview, labels)
        self._context.acts_finished([refused.key for refused in acted.refused], changed=False)
        tone = Tone.DONE if acted.changed else Tone.REFUSED
        hint = BETWEEN.join(["= item by item", *filter(None, [_hint(self._context, acted)])])
        self._context.say(Message(text, tone, hint))


def is_at_risk(urgent: Sequence[Urgent], subject: Subject) -> bool:
    """Whether one of these items, or any other item of their clients, is in Now or Safety."""
    clients = {
        (key.partition(":")[0], shown.chart)
        for key, shown in zip(subject.keys, subject.shown, strict=True)
        if shown.chart
    }
    return any(item.key in subject.keys or (item.source, item.chart) in clients for item in urgent)


def _read_people(context: ScreenContext, form: QuestionForm, keys: ItemKeys) -> None:
    """Read whom the form can mean, if it asks for a name, and show them."""

    def show(people: Sequence[Person]) -> None:
        form.people = people
        context.draw()

    if form.people_asked and not form.people:
        context.submit_read(partial(context.desk.people, keys, form.people_asked), show)


def _hint(context: ScreenContext, acted: Acted, source: str = "") -> str:
    """The keys that come next after an act: the offered verb, undo, and what it waits for."""
    hints = []
    if offered := find_verb(acted.offers):
        hints.append(f"{key_name(context.keys.of[offered.name])} {offered.label}")
    hints += [BACK] if acted.group and BACK not in acted.message else []
    needed = context.needed_to_send(source)
    if needed and acted.kept_here < len(acted.changed):
        hints.append(f"sent once {needed}")
    return BETWEEN.join(hints)


def _with_notes(asks: tuple[Question, ...], notes: Mapping[str, str]) -> tuple[Question, ...]:
    """The questions, with a key for each note of the profile where a note may be taken."""
    choices = tuple(Choice(key, note) for key, note in notes.items())
    return tuple(
        question._replace(choices=question.choices + choices) if question.noted else question
        for question in asks
    )


def sentence(text: str) -> str:
    """The text with a period at its end, if it has no other end of a sentence."""
    return text if not text or text[-1] in ".?!" else f"{text}."
