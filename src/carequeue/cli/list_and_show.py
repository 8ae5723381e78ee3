"""`list`, `show` and `keys`: the queue, one item and the keys, for people and for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import tzinfo
from itertools import chain, islice, takewhile
from typing import TYPE_CHECKING, Final

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import AliasedOption, say
from carequeue.cli.item_keys import item_key
from carequeue.domain.errors import NoSuchItem
from carequeue.printing import Shape
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.verbs.motions import MOTIONS, SIGNS
from carequeue.verbs.table import all_verbs
from carequeue.widgets.clock_words import clock_words
from carequeue.widgets.read_warnings import troubled

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.health import SourceHealth
    from carequeue.worklist.results import Health

#: Rows in one read of the cache, and in a table for people without a limit.
PAGE: Final = 500
SHOWN: Final = 50
_DOCTOR: Final = "See: carequeue doctor"

as_json = click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")


@click.command("list")
@click.option(
    "--tab",
    "--view",
    "tab",
    cls=AliasedOption,
    type=click.Choice([tab.value for tab in Tab]),
    default=Tab.MINE.value,
    show_default=True,
    help="Whose moves: mine, my team's, waiting on others, all, or whole (all and snoozed).",
)
@click.option(
    "--filter",
    "--narrow",
    "filter_text",
    cls=AliasedOption,
    default="",
    metavar="TEXT",
    help="Only rows with this text.",
)
@click.option(
    "--as",
    "as_whom",
    default="",
    metavar="NAME",
    help="The queue of a colleague or a team: their Mine. What you do stays yours.",
)
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
    profile: str,
    /,
    tab: str,
    filter_text: str,
    as_whom: str,
    limit: int | None,
    **form: bool,
) -> None:
    """Print the queue, in its order.

    On a terminal this is a table; into a pipe or a file it is the same as --plain.
    """
    as_json, plain = form["as_json"], form["plain"]
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
        if as_whom:
            colleague = session.desk.colleagues.find(as_whom, now)
            session.desk.colleagues.show_as(colleague)
            say(f"The queue as {colleague.person.name} has it.")

        def distance(row: QueueRow) -> tuple[str, bool]:
            seconds = int(now.timestamp())
            return clock_words(row.due_at, row.unit, row.days_left, seconds, session.zone)

        rows = _rows(session.desk, Tab(tab), filter_text, limit or 0)
        count = printing.write_rows(rows, shape, distance)
        _say_state(session.desk.health(now), count, filter_text, session.zone)
        if shape is Shape.TEXT and count == limit:
            total = sum(session.desk.tally(Tab(tab), filter_text).bands.values())
            if total > count:
                say(f"{count} of {total} rows; --limit 0 lists all.")


def _rows(desk: Desk, tab: Tab, filter_text: str, limit: int) -> Iterator[QueueRow]:
    """The rows of a tab, read a page at a time; 0 means no limit."""
    size = min(PAGE, limit or PAGE)
    offsets = range(0, limit or sys.maxsize, size)
    pages = (desk.window(tab, filter_text, offset, size) for offset in offsets)
    rows = chain.from_iterable(takewhile(bool, pages))
    return islice(rows, limit or None)


def _say_state(health: Health, count: int, filter_text: str, zone: tzinfo) -> None:
    """Say on stderr how old and how complete the list is."""
    if not health.ever_synced:
        say("Nothing has been fetched from the server yet. Fetch with: carequeue sync")
    elif not count:
        say("No row matches." if filter_text else "Nothing is waiting in this tab.")
    if age := _age(health, zone):
        say(age)
    if health.needs_you:
        verb = "needs" if health.needs_you == 1 else "need"
        say(f"{health.needs_you} {verb} you: open `carequeue` and press x.")
    if health.waiting:
        noun = "change is" if health.waiting == 1 else "changes are"
        say(f"{health.waiting} {noun} waiting to be sent. Send with: carequeue sync")


def _age(health: Health, zone: tzinfo) -> str:
    """Why the list may be old or incomplete; of several sources, which."""
    last = printing.when(health.last_full, zone)
    read = f" The list was read {last}." if last else ""
    if health.forced_offline:
        return f"You are working offline.{read} To go online: carequeue online"
    if health.online is False:
        word = "Not answering" if health.silent_since else "Offline"
        return f"{word}: {health.why_offline or 'no server answered'}.{read}"
    if unread := troubled(health):
        sources = "; ".join(_source_state(source, zone) for source in unread)
        return f"Some records could not be read: {sources}. {_DOCTOR}"
    if health.signed_out:
        return "Signed out: the list may be old. Check the token, then: carequeue sync"
    if health.trouble:
        return f"Some records could not be read: {health.trouble}. {_DOCTOR}"
    return ""


def _source_state(source: SourceHealth, zone: tzinfo) -> str:
    reason = source.why or ("signed out" if source.signed_out else "not reached")
    last = printing.when(source.last_full, zone)
    return f"{source.shown}: {reason}" + (f" (last complete sync {last})" if last else "")


@click.command()
@click.argument("key")
@as_json
@click.pass_obj
def show(profile: str, key: str, as_json: bool) -> None:
    """Print one item in full: why this item is ranked here, its clocks, its story."""
    now = use_cases.now()
    with use_cases.open_session(profile) as session:
        session.desk.refresh(now)
        detail = session.desk.detail(item_key(session.desk, key), now)
        if detail is None:
            raise NoSuchItem(f"{key} left the queue just now. Nothing was changed.")
        printing.write_detail(detail, Shape.JSON if as_json else Shape.TEXT, session.zone)


@click.command()
def keys() -> None:
    """Print the keys of the queue's screen."""
    signs = SIGNS | {"pagedown": "PgDn", "pageup": "PgUp", "escape": "Esc"}
    printing.write_pairs(
        [(signs.get(verb.key, verb.key), verb.help) for verb in all_verbs() if verb.key]
    )
    printing.write()
    printing.write_pairs(
        [
            (", ".join(signs.get(key, key) for key in motion.keys), motion.words)
            for motion in MOTIONS
        ]
    )
