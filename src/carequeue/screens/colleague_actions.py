"""The keys about colleagues: to cover somebody, and to look at the queue as somebody has it.

In:  keys. Out: questions, covers through the desk, another queue in the list.
To look changes nothing: the header says as whom, all the time, and acts are still one's own.
Not here: which rows a cover adds, which rows a colleague has (`store/`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from carequeue.domain.items import short_name
from carequeue.screens.prompt_overlays import ConfirmOverlay, Option, QuestionsOverlay
from carequeue.screens.screen_context import ScreenContext
from carequeue.verbs.cover import VERB as COVER
from carequeue.verbs.verb import Asks, Question, Verb
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Tone
from carequeue.widgets.question_prompt import QuestionForm
from carequeue.worklist.results import Covered, Person

if TYPE_CHECKING:
    from carequeue.worklist.colleagues import Colleague

#: Asked like a verb, and no verb: it changes nothing.
_SEE_AS: Final = Verb(
    name="look_as", key="", label="look as", help="", done="",
    asks=(Question("whom", "whom?", Asks.WHOM),), order={"help": 0}, on_item=False,
)  # fmt: skip

_MOST_ENDS: Final = 9  # a key of one digit each


class ColleagueActions:
    """Covers and looks of one screen."""

    def __init__(self, context: ScreenContext) -> None:
        self._context = context

    # --- cover

    def cover(self) -> None:
        """Ask whom and until when; where I cover somebody, first whether that ends."""
        desk, now = self._context.desk, self._context.now()
        self._context.submit_read(lambda: desk.colleagues.covers(now), self._offer_end)

    def _offer_end(self, covers: Sequence[Covered]) -> None:
        if not covers:
            self._ask_cover()
            return
        several = len(covers) > 1
        ends = [
            Option(
                str(number),
                f"end {short_name(cover.name)}" if several else "end it",
                partial(self._end, cover.name),
            )
            for number, cover in enumerate(covers[:_MOST_ENDS], start=1)
        ]
        more = Option("n", "another", self._ask_cover)
        back = Option("esc", "back", lambda: None)
        text = partial(_covers_in_words, covers)
        self._context.push(ConfirmOverlay(self._context, text, (*ends, more, back)))
        self._context.draw()

    def _ask_cover(self) -> None:
        def done(form: QuestionForm) -> None:
            desk, now = self._context.desk, self._context.now()
            whom, until = form.inputs["whom"], form.inputs["until"]
            self._change(lambda: desk.colleagues.begin_cover(whom, until, now))

        def check(question: str, text: str) -> tuple[bool, str]:
            return self._context.desk.colleagues.check_until(text, self._context.now())

        self._ask(QuestionForm(COVER, "a colleague", check), done, teams=False)

    def _end(self, name: str) -> None:
        desk, now = self._context.desk, self._context.now()
        self._change(lambda: desk.colleagues.end_cover(name, now))

    def _change(self, work: Callable[[], Covered]) -> None:
        self._context.submit_act(work, self._changed)

    def _changed(self, covered: Covered) -> None:
        self._context.data.load()
        self._context.say(Message(covered.message, Tone.DONE))

    # --- look as

    def choose_viewer(self) -> None:
        """Ask as whom to look at the queue, or go back to one's own."""
        if self._context.data.view_state.seen_as:
            self.leave()
        else:
            form = QuestionForm(_SEE_AS, "a colleague or a team", _understood)
            self._ask(form, self._find, teams=True)

    def _find(self, form: QuestionForm) -> None:
        desk, now, whom = self._context.desk, self._context.now(), form.inputs["whom"]
        self._context.submit_read(lambda: desk.colleagues.find(whom, now), self._show_queue_of)

    def _show_queue_of(self, colleague: Colleague) -> None:
        name = colleague.person.name
        self._context.desk.colleagues.show_as(colleague)
        self._context.data.show_as(name)
        text = f"This is the queue as {name} has it. What you do is still yours."
        self._context.say(Message(text, hint=f"esc or {self._key(_SEE_AS.name)} goes back"))

    def leave(self) -> None:
        """Show one's own queue again."""
        self._context.desk.colleagues.show_as(None)
        self._context.data.show_as("")
        self._context.say(Message("This is your own queue again."))

    # --- questions

    def _ask(
        self, form: QuestionForm, done: Callable[[QuestionForm], None], *, teams: bool
    ) -> None:
        context, now = self._context, self._context.now()
        context.push(QuestionsOverlay(context, form, done, lambda form: None))

        def show(people: Sequence[Person]) -> None:
            form.people = people
            context.draw()

        context.submit_read(lambda: context.desk.colleagues.people(now, teams=teams), show)
        context.draw()

    def _key(self, action: str) -> str:
        return key_name(self._context.keys.of[action])


def _covers_in_words(covers: Sequence[Covered], room: int) -> str:
    """Whom I cover, and until when; with short names if room is short."""
    full = " ".join(cover.message for cover in covers)
    if len(full) <= room:
        return full
    return " ".join(cover.message.replace(cover.name, short_name(cover.name)) for cover in covers)


def _understood(question: str, text: str) -> tuple[bool, str]:
    return True, ""  # it asks for a name only, and the list has the names
