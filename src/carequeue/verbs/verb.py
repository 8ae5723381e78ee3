"""A verb: everything that CareQueue knows of one thing that a person can do.

Each verb is one file of this package and fills in one `Verb`; `table.py` lists them. Footer, help,
palette, message line, outbox, preview, command line and docs read the table and name no verb.
Why so few classes and no import from below at run time: the screens load all verbs before the first
frame, and a class costs more than the rest of a file. What an act needs is in `decision.py`.
Not here: how an answer is read (`worklist/answer_parsing.py`), what an intent does to JSON
(`fhir/intent_effects.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, Required, TypedDict

if TYPE_CHECKING:
    from carequeue.domain.intents import Intent
    from carequeue.domain.verb_rules import Permission, VerbCase
    from carequeue.fhir.differences import Say
    from carequeue.verbs.decision import Decision, PlannedIntent, RowAfter


class Asks(StrEnum):
    """The kind of a question; the screen and the command line each draw it their way."""

    TEXT = "text"  # one line
    CHOICE = "choice"  # a numbered or lettered list; `free` allows another text
    WHEN = "when"  # "tomorrow 9", "3bd", "fri"; read back while it is typed
    WHOM = "whom"  # a person or a team of ours
    PARTNER = "partner"  # a partner, or a team of ours
    PAST = "past"  # "now", "yesterday 20:00", "fri 14"; read back while it is typed


class Choice(NamedTuple):
    """One possible answer: the key that picks it, and its words, which are the answer."""

    key: str
    words: str


def numbered(*words: str) -> tuple[Choice, ...]:
    """Choices that are picked with 1, 2, 3 ..."""
    return tuple(Choice(str(number), text) for number, text in enumerate(words, start=1))


class Question(NamedTuple):
    """A question of a verb. `default` is used if the person gives no answer.

    `repeated`: what stands before the answer where the message repeats it (" to "); "" where it
    does not. `meaning`: what a text is to say, for the docs. `asked`: which items are asked it, all
    where it is None; a later question of the same name stands in for an earlier.
    """

    name: str
    words: str
    asks: Asks
    choices: tuple[Choice, ...] = ()
    free: bool = False
    default: str | None = None
    repeated: str = ""
    meaning: str = "one line"
    asked: Callable[[VerbCase], bool] | None = None
    noted: bool = False  # an answer may carry a note: "left message: Asked to call back"


#: A list of verbs that has an order of its own.
Listing = Literal["help", "marked", "team", "asked", "ours", "renewal", "waiting", "ended"]


class Order(TypedDict, total=False):
    """The places of a verb in the lists of verbs; a lower place comes first."""

    help: Required[int]  # help, palette and docs
    marked: int  # the footer while items are marked
    # The footer of one item. A verb without a place in one of them comes last, in help's order.
    team: int  # before all others, where it is the team's move
    asked: int  # a referral or a handoff that waits for an answer
    ours: int  # our own work
    renewal: int  # an authorization
    waiting: int  # a partner, the client or a receiver acts next
    ended: int  # declined, called off or not achieved by whom we had asked


class Verb(NamedTuple):
    """Everything about one verb.

    `name`: command line, palette, audit log and docs. `label`: footer, at most 12 columns; `short`:
    80 columns. `help`: one sentence that ends with how to undo it. `done`: the message after it.
    """

    name: str
    key: str
    label: str
    help: str
    done: str
    order: Order
    short: str = ""  # the label where it is empty
    asks: tuple[Question, ...] = ()
    on_item: bool = True  # False: it is about the whole program, or only about a client
    on_client: bool = False  # it can be done for any client who was found by search
    labels: Mapping[str, str] = MappingProxyType({})  # another label for a kind of item
    dones: Mapping[str, str] = MappingProxyType({})  # another message for a kind or a status

    #: Whether it applies to an item, and why not.
    allowed: Callable[[VerbCase], Permission] = lambda case: case.yes()
    when_over: bool = False  # also on an item on which nobody has to act any more
    #: A participle ("closed"), where a person at risk is decided about one at a time; else "".
    one_by_one: str = ""
    #: What it changes. Raises BadQuestion where an answer is missing or cannot be read.
    intents: Callable[[Decision], tuple[PlannedIntent, ...]] = lambda decision: ()

    #: What stands behind `done` in outbox and conflicts: " to Ortiz".
    describe: Callable[[Intent, Say], str] = lambda intent, say: ""
    already: str = ""  # "closed": what somebody else had done before; else `done`
    #: A sentence after the message; "" where `worklist/consequence.py` says where the row is.
    afterwards: Callable[[RowAfter], str] = lambda row: ""
    tells_clocks: bool = False  # whether that sentence names the clocks that the act met
    #: The verb that the message offers next, "" for none; shown with its key if it applies.
    offers: Callable[[RowAfter], str] = lambda row: ""

    @property
    def questions(self) -> tuple[Question, ...]:
        """Its questions, each name once: variants of a question for different items are joined."""
        joined: dict[str, Question] = {}
        for question in self.asks:
            known = joined.get(question.name)
            if known is None:
                joined[question.name] = question
            else:
                choices = tuple(dict.fromkeys((*known.choices, *question.choices)))
                joined[question.name] = known._replace(choices=choices, default=None)
        return tuple(joined.values())

    def label_for(self, kind: str, short: bool = False) -> str:
        """The footer's word for this verb on an item of this kind."""
        return self.labels.get(kind) or (short and self.short) or self.label

    def done_for(self, kind: str, status: str = "") -> str:
        """The message's word after this verb on an item of this kind, which had this status."""
        return self.dones.get(kind) or self.dones.get(status) or self.done
