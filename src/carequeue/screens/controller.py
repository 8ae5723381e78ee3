"""What the keys do: one key in, and it goes to the layer on top, to a verb or to a motion.

In:  keys as the terminal sends them. Out: acts through the desk, what the widgets show.
This is the `Stage` that layers and acts see; it holds no rule of its own. The Textual screen
around it (`queue.py`) only lays out the widgets and hands on keys and ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from carequeue.domain.errors import BadQuestion, CareQueueError
from carequeue.screens.detail import DetailView
from carequeue.screens.key_map import Keys, RepeatGuard
from carequeue.screens.overlay_stack import Overlaid, Widgets
from carequeue.screens.reader_overlays import DetailLayer, SheetLayer
from carequeue.screens.refresh import Hold, QueueData
from carequeue.screens.selection import Marks
from carequeue.screens.status_bar import Bottom
from carequeue.screens.sync_notices import SyncNews, Told
from carequeue.screens.threads import Hands
from carequeue.screens.undo_prompt import Undoing
from carequeue.screens.urgent_notice import Naming
from carequeue.store.queue_window import QueueRow, View
from carequeue.verbs.motions import Motion
from carequeue.verbs.verb import Verb
from carequeue.widgets.key_footer import key_name
from carequeue.widgets.message_line import Message, Notice, Tone
from carequeue.widgets.themes import Parts

if TYPE_CHECKING:
    from carequeue.screens.attention import Needs
    from carequeue.screens.motions import Motions
    from carequeue.screens.quit import Leaving
    from carequeue.screens.verb_actions import Acting
    from carequeue.worklist.desk import Desk

T = TypeVar("T")
#: What is said about a key is said until the next one; what was done, until something else is.
_PASSING: Final = (Tone.QUIET, Tone.REFUSED)


class Shell(NamedTuple):
    """What the front asks of the program around it."""

    monotonic: Callable[[], float]
    nudge: Callable[[], None]  # sync now
    leave: Callable[[str], None]  # with what is said to the shell, "" for nothing
    veil: Callable[[str], None]  # hide all behind a sentence, until the next key
    keep: Callable[[str, str], str]  # write a private file of a name; where it is


class Front(Overlaid):
    """The person's side of one queue."""

    def __init__(
        self,
        desk: Desk,
        now: Callable[[], datetime],
        zone: tzinfo,
        widgets: Widgets,
        hands: Hands,
        keys: Keys,
        shell: Shell,
    ) -> None:
        super().__init__(widgets)
        self.desk, self.now, self.keys = desk, now, keys
        self.hands, self.shell = hands, shell
        self.marks = Marks()
        widgets.rows.marks = self.marks.labels.keys()
        self.data = QueueData(desk, now, zone, widgets.rows, widgets.header, widgets.tabs)
        self._zone = zone
        self.detail = DetailView(self, zone, self._detail_sheets, self.origin)
        self.undoing = Undoing(self, zone)
        widgets.footer.painted = self.undoing.painted
        self._bottom = Bottom(widgets, self.layers, keys, self.undoing)
        self._guard = RepeatGuard()
        self._message = Message()
        self._naming = Naming(self.data.urgent, keys, self.layers, self.origin)
        self._noticed: Notice | None = None  # as it was drawn last
        self.data.over_views = lambda width: self._bottom.over_views(width)
        self._news = SyncNews()
        self._told = Told(self)
        self._came = float("inf")
        self._asked_by = ""
        self._changed = False  # since the layers last read
        self._layers_hold = Hold()

    @cached_property
    def acting(self) -> Acting:
        """What the verbs do; loaded with the first key, or just after the first frame."""
        from carequeue.screens.verb_actions import Acting

        return Acting(self, self.marks, self.undoing)

    @cached_property
    def motions(self) -> Motions:
        """What the keys do that change nothing; loaded likewise."""
        from carequeue.screens.motions import Motions

        return Motions(self)

    @cached_property
    def needs(self) -> Needs:
        """The ways to what needs the person; loaded likewise."""
        from carequeue.screens.attention import Needs

        return Needs(self, self._zone)

    @cached_property
    def leaving(self) -> Leaving:
        """How one leaves; loaded likewise."""
        from carequeue.screens.quit import Leaving

        return Leaving(self)

    # --- keys and ticks

    def press(self, key: str, character: str | None, came: float) -> None:
        """One key, which came at a time of the terminal's own count of seconds."""
        at = self.shell.monotonic()
        held = self._guard.held(key, at)
        self.data.hold.key(at)
        self._layers_hold.key(at)
        self._came = came
        stood = self.widgets.rows.key
        if self._passes() and not held:
            self._message = Message()
        try:
            if key in ("ctrl+c", "ctrl+q"):
                self.leaving.interrupt(key, at)
            elif held and key == self._asked_by:
                return
            elif self._naming.takes(key):
                self.motions.urgent()
            elif not any(layer.press(key, character) for layer in reversed(self.layers)):
                self._asked_by = ""
                self._list_takes(key, held)
            elif key != self._asked_by:
                self._asked_by = ""
        except CareQueueError as error:
            self.failed(error)
        finally:
            self._came = float("inf")
        self._naming.moved(stood, self.widgets.rows.key)
        self.draw()

    def _passes(self) -> bool:
        return self._message.tone in _PASSING or self._news.passes(self._message)

    def _list_takes(self, key: str, held: bool) -> None:
        action = self.keys.meaning(key)
        if held and not isinstance(action, Motion):
            return
        if action is None:
            self.say(Message(f"{key_name(key)} does nothing here.", hint="? shows the keys"))
            return
        self.run(action)
        if self.layers and self.layers[-1].asks:
            self._asked_by = key

    def run(self, action: Verb | Motion) -> None:
        """Do what a key of this action would do."""
        if isinstance(action, Verb):
            self.acting.begin(action)
        else:
            self.motions.do(action)

    def paste(self, text: str) -> None:
        """A paste goes to the question that is open; into the list it does nothing."""
        if self.layers:
            self.layers[-1].paste(text)
            self.draw()

    def tick(self) -> None:
        """Once a second: take over what has changed, if no finger is on a key."""
        try:
            self._take_over()
        except CareQueueError as error:  # a full disk, say: the list stays as it was
            self.failed(error)

    def _take_over(self) -> None:
        at = self.shell.monotonic()
        changes = self.data.poll(at)
        if changes.minute:
            now = self.now()
            self.act(lambda: self.desk.refresh(now), lambda moved: None)
        if news := self._news.after(self.data.health, self._message, back=changes.back_online):
            self.say(news)
        elif told := self._told.next(self._message):
            self.say(told)
        if changes.above:
            self.say(Message(f"New at the top: {changes.above}.", Tone.WARNING, "g goes there"))
        self._changed = self._changed or changes.data
        if self._changed and self._layers_hold.over(at):
            self._changed = False
            for layer in self.layers:
                layer.changed()
        if not self._changed:
            self._layers_hold.in_step(at)
        if changes.data:
            self._told.ask()
            self.undoing.ask()
        if changes.data or changes.minute:
            self.detail.want(self.widgets.rows.row, again=True)
            self.draw()

    # --- the stage

    @property
    def came(self) -> float:
        """When the key in hand came."""
        return self._came

    def sent_once(self, source: str = "") -> str:
        """What has to come before an act can leave."""
        health = self.data.health
        if health.forced_offline:
            return "online"
        one = next((one for one in health.sources if one.name == source), health)
        return "online" if one.online is False else "signed in" if one.signed_out else ""

    def say(self, message: Message) -> None:
        """Show a message until the next one."""
        self._message = message
        self.draw()

    def failed(self, error: CareQueueError) -> None:
        """Say what could not be done; nothing was changed."""
        self.widgets.rows.acted.clear()
        self.widgets.rows.redraw()
        tone = Tone.REFUSED if isinstance(error, BadQuestion) else Tone.WARNING
        self.say(Message(str(error), tone))

    def act(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that changes the cache, on the thread of acts."""
        self.hands.act(work, then)

    def look(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Do work that reads, on the thread of reading."""
        self.hands.look(work, then)

    def target(self) -> QueueRow | None:
        """The row that was painted under the cursor when the key in hand came."""
        return self.widgets.rows.aim(self._came)

    def settled(self, keys: Sequence[str], *, kept: bool) -> None:
        """Acts have come to their end: whether the items stay shown as acted on."""
        for key in keys:
            self.data.urgent.visit(key)
        rows = self.widgets.rows
        if kept:
            rows.acted.update(keys)
        else:
            rows.acted.difference_update(keys)
        self.data.marked(len(self.marks.labels))

    def nudge(self) -> None:
        """Ask for a sync now; how it ends is said as soon as it is known."""
        if self.data.health.forced_offline:
            self.say(Message("Offline by choice: nothing is fetched or sent.", hint="O ends it"))
            return
        self.shell.nudge()
        self.say(self._news.asked(self.now()))

    def reload(self, key: str = "") -> None:
        """Read the list again now."""
        self.data.load(key)

    def read(self, source: Callable[[int], list[Parts]]) -> None:
        """Show lines in the place of the list, with the keys that scroll and close them."""
        if self.layers and type(self.layers[-1]) is SheetLayer:
            self.pop(self.layers[-1])
        layer = SheetLayer(self, lambda: self.display(source))
        self.push(layer)
        layer.reshow()

    def open_detail(self) -> None:
        """Show the detail of the row under the cursor in the place of the list."""
        if self.widgets.rows.row is None or any(isinstance(x, DetailLayer) for x in self.layers):
            return
        layer = DetailLayer(self, self._show_detail)
        self.push(layer)
        layer.reshow()

    def go_to(self, key: str) -> bool:
        """Put the cursor on an item, here or in the whole queue."""
        view, narrow = self.data.looking[:2]
        if self.desk.place(view, narrow, key) is not None:
            self.reload(key)
        elif self.desk.place(View.WHOLE, "", key) is not None:
            self.data.find(key)
        else:
            return False
        return True

    def begin(self) -> None:
        """The first frame is out: what it showed may be of the last time; now it is of today."""
        self.moved()
        self.act(partial(self._refresh, self.now()), self._refreshed)

    def _refresh(self, now: datetime) -> bool:
        load_the_rest()  # before the heavy libraries, which the first key must not wait for
        return self.desk.refresh(now)

    def _refreshed(self, moved: bool) -> None:
        self._told.ask()
        self.undoing.ask()
        if moved:
            self.tick()

    def moved(self) -> None:
        """The cursor stands on another item."""
        self.data.moved()
        rows = self.widgets.rows
        self.detail.want(rows.row)
        if self.detail_covers:  # then the detail is what the next key is meant for, once painted
            rows.call_after_refresh(rows.take_aim)
        self.draw()

    def draw(self) -> None:
        """Redraw the message line and the footer; for a key once, when it has been dealt with."""
        if self._came == float("inf"):
            notice = self._naming.notice()
            self._bottom.draw(self._message, notice)
            if notice or self._noticed:
                self.data.show_lines()
            self._noticed = notice


def load_the_rest() -> None:
    """Import what the first key may need, so that it does not wait for it."""
    import carequeue.screens.attention
    import carequeue.screens.motions
    import carequeue.screens.palette
    import carequeue.screens.quit
    import carequeue.screens.verb_actions
    import carequeue.widgets.detail_pane  # noqa: F401
