"""`list`, `show` and `keys`: what is to be seen, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import say
from carequeue.domain.errors import NoSuchItem
from carequeue.printing import Shape
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.widgets.clock_words import clock_words
from carequeue.widgets.read_warnings import troubled
from carequeue.worklist.verbs import MOTIONS, SIGNS, VERBS

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.health import SourceHealth
    from carequeue.worklist.results import Health

#: Rows in one read of the cache, and in a table for people where no limit is given.
PAGE: Final = 500
SHOWN: Final = 50
_DOCTOR: Final = "See: carequeue doctor"

as_json = click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")


@click.command("list")
@click.option(
    "--view",
    type=click.Choice([view.value for view in Tab]),
    default=Tab.MINE.value,
    show_default=True,
    help="Whose moves: mine, my team's, what waits on others, all, or the whole with the snoozed.",
)
@click.option("--narrow", default="", metavar="TEXT", help="Only rows that hold this text.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"At most N rows; 0 is all. [default: {SHOWN} in a table, else all]",
)
@as_json
@click.option("--plain", is_flag=True, help="Tab separated, a header line, no colour.")
@click.pass_obj
def list_rows(
    profile: str, view: str, narrow: str, limit: int | None, as_json: bool, plain: bool
) -> None:
    """Print the queue, in its order.

    On a terminal this is a table; into a pipe or a file it is the same as --plain.
    """
    if as_json and plain:
        raise click.UsageError("--json and --plain are two forms; choose one.")
    shape = Shape.JSON if as_json else Shape.PLAIN
    if not as_json and not plain and use_cases.shows_people():
        shape = Shape.TEXT
    if limit is None and shape is Shape.TEXT:
        limit = SHOWN
    now = use_cases.now()
    with use_cases.open_session(profile) as session:
        session.desk.refresh(now)

        def distance(row: QueueRow) -> tuple[str, bool]:
            return clock_words(
                row.due_at, row.unit, row.days_left, int(now.timestamp()), session.zone
            )

        rows = _rows(session.desk, Tab(view), narrow, limit or 0)
        count = printing.write_rows(rows, shape, distance)
        _say_truth(session.desk.health(now), count, narrow, session.zone)
        if shape is Shape.TEXT and count == limit:
            total = sum(session.desk.tally(Tab(view), narrow).bands.values())
            if total > count:
                say(f"{count} of {total} rows; --limit 0 lists all.")


def _rows(desk: Desk, view: Tab, narrow: str, limit: int) -> Iterator[QueueRow]:
    """The rows of a view, read a page at a time; a limit of 0 is none."""

    def pages() -> Iterator[list[QueueRow]]:
        offset = 0
        while page := list(desk.window(view, narrow, offset, min(PAGE, limit or PAGE))):
            yield page
            offset += len(page)

    return islice(chain.from_iterable(pages()), limit or None)


def _say_truth(health: Health, count: int, narrow: str, zone: tzinfo) -> None:
    """What a reader of the list must know of its age, on stderr."""
    if not health.ever_synced:
        say("Nothing was fetched from the server yet. Fetch it with: carequeue sync")
    elif not count:
        say("No row matches." if narrow else "Nothing waits in this view.")
    if age := _age(health, zone):
        say(age)
    if health.needs_you:
        verb = "needs" if health.needs_you == 1 else "need"
        say(f"{health.needs_you} {verb} you: open `carequeue` and press x.")
    if health.waiting:
        verb = "waits" if health.waiting == 1 else "wait"
        say(f"{health.waiting} {verb} for the server. Send what waits with: carequeue sync")


def _age(health: Health, zone: tzinfo) -> str:
    """Why what is listed may be old or not whole; of several sources the one is named."""
    read = f" What is listed was read {printing.when(health.last_full, zone)}."
    read = read if health.last_full else ""
    if health.forced_offline:
        return f"Offline by choice.{read} To end it: carequeue online"
    if health.online is False:
        word = "Not answering" if health.silent_since else "Offline"
        return f"{word}: {health.why_offline or 'no server answered'}.{read}"
    if found := troubled(health):
        return f"Not all could be read: {'; '.join(_of(one, zone) for one in found)}. {_DOCTOR}"
    if health.signed_out:
        return "Signed out: what is listed may be old. Check the token, then: carequeue sync"
    if health.trouble:
        return f"Not all could be read: {health.trouble}. {_DOCTOR}"
    return ""


def _of(source: SourceHealth, zone: tzinfo) -> str:
    why = source.why or ("signed out" if source.signed_out else "not reached")
    read = f" (last read whole {printing.when(source.last_full, zone)})" if source.last_full else ""
    return f"{source.shown}: {why}{read}"


@click.command()
@click.argument("key")
@as_json
@click.pass_obj
def show(profile: str, key: str, as_json: bool) -> None:
    """Print one item in full: why it stands where it stands, its clocks, its story."""
    now: datetime = use_cases.now()
    with use_cases.open_session(profile) as session:
        session.desk.refresh(now)
        detail = session.desk.detail(key, now)
        if detail is None:
            raise NoSuchItem(
                f"{key} is not in the queue. Nothing was changed. "
                "See the keys with: carequeue list --view whole --plain"
            )
        printing.write_detail(detail, Shape.JSON if as_json else Shape.TEXT, session.zone)


@click.command()
def keys() -> None:
    """Print the keys of the queue's screen."""
    printing.write_pairs([(_spelled(verb.key), verb.help) for verb in VERBS])
    printing.write()
    printing.write_pairs(
        [(", ".join(_spelled(key) for key in move.keys), move.words) for move in MOTIONS]
    )


_SPELLED: Final = SIGNS | {"pagedown": "PgDn", "pageup": "PgUp", "escape": "Esc"}


def _spelled(key: str) -> str:
    """A key as it stands on the keyboard."""
    return _SPELLED.get(key, key)
