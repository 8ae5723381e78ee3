"""`outbox`: what is not on the server, and what can be done about it, for people and for scripts.

In:  ids of decisions, which may be shortened while they name one only.
Out: a table for people, tabs for a pipe, JSON; exit code 9 where something needs a person.
Not here: what another try and a discard do (the desk), conflicts (`conflict_commands.py`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from zoneinfo import ZoneInfo

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import SOMETHING_WAITS, say
from carequeue.cli.list_and_show import as_json
from carequeue.domain.errors import BadQuestion, CareQueueError, NoSuchItem
from carequeue.domain.sanitize import clean
from carequeue.printing import Outcome, Shape

if TYPE_CHECKING:
    from carequeue.worklist.desk import Desk
    from carequeue.worklist.results import Acted, OutboxLine

_Named = TypeVar("_Named")
#: The beginning of an id that a table shows; longer where two would be alike.
_SHORT: Final = 8
_STATES: Final = {
    "queued": "waits",
    "in_doubt": "checking",
    "conflict": "conflict",
    "needs_attention": "needs you",
    "kept_here": "kept here",
}
_NEEDS: Final = ("conflict", "needs_attention")


@click.group(invoke_without_command=True)
@click.pass_context
def outbox(ctx: click.Context) -> None:
    """Show what is not on the server, and what can be done about it."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_outbox)


@outbox.command("list")
@as_json
@click.pass_context
def list_outbox(ctx: click.Context, as_json: bool = False) -> None:
    """Print all that is not on the server: what needs you first. Exit code 9 where something does.

    On a terminal this is a table; into a pipe or a file it is tab separated.
    """
    with use_cases.open_session(ctx.obj) as session:
        lines = session.desk.outbox(use_cases.now())
        if as_json:
            printing.write_value(list(lines))
        elif lines:
            _write_lines(lines, session.zone)
    needing = sum(line.state in _NEEDS for line in lines)
    if not lines:
        say("Everything is on the server.")
    if needing:
        need = "needs" if needing == 1 else "need"
        say(f"{needing} of {len(lines)} {need} you. Look at one with: carequeue outbox show ID")
    ctx.exit(SOMETHING_WAITS if needing else 0)


@outbox.command("show")
@click.argument("id_", metavar="ID")
@as_json
@click.pass_obj
def show_outbox(profile: str, id_: str, as_json: bool) -> None:
    """Print one decision in full, with the server's words."""
    with use_cases.open_session(profile) as session:
        line = _line(session.desk, id_)
        if as_json:
            printing.write_value(line)
            return
        printing.write_pairs(_pairs(line, session.zone))


@outbox.command()
@click.argument("ids", nargs=-1, metavar="[ID ...]")
@click.option("--all", "all_", is_flag=True, help="All that needs attention.")
@as_json
@click.pass_context
def retry(ctx: click.Context, ids: tuple[str, ...], all_: bool, as_json: bool) -> None:
    """Try again what the server refused. The next `carequeue sync` sends it."""
    if bool(ids) == all_:
        raise click.UsageError("Name the decisions, or say --all.")
    with use_cases.open_session(ctx.obj) as session:
        chosen = [_line(session.desk, one).id for one in ids]
        acted = session.desk.retry(chosen, use_cases.now())
    write_acted(acted, as_json)


@outbox.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID ...")
@click.option("--typed", metavar="TEXT", help='The word that confirms it, such as "discard 2".')
@as_json
@click.pass_context
def discard(ctx: click.Context, ids: tuple[str, ...], typed: str | None, as_json: bool) -> None:
    """Drop for good what the server refused.

    What rests on it goes too. All of it stays in the history.
    """
    with use_cases.open_session(ctx.obj) as session:
        chosen = [_line(session.desk, one) for one in ids]
        word = session.desk.discard_word([line.id for line in chosen])
        if typed is None:
            typed = _ask_for_word(chosen, word)
        acted = session.desk.discard([line.id for line in chosen], typed, use_cases.now())
    write_acted(acted, as_json)


@outbox.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--only", multiple=True, metavar="ID", help="Only this decision; may be given again.")
@click.pass_context
def export(ctx: click.Context, file: Path | None, only: tuple[str, ...]) -> None:
    """Write the outbox as JSON lines, to FILE or to standard output (also as -).

    FILE must not exist yet; only you can read it. It holds health records.
    """
    with use_cases.open_session(ctx.obj) as session:
        chosen = [_line(session.desk, one).id for one in only]
        text = session.desk.export(chosen, use_cases.now())
    if file is None or str(file) == "-":
        if text:
            printing.write(text.rstrip("\n"))
        return
    _write_file(file, text.encode("ascii"))
    count = text.count("\n")
    printing.write_message(f"{file}: {count} decision{'' if count == 1 else 's'} written.")


def _line(desk: Desk, id_: str) -> OutboxLine:
    """The decision that an id, or the beginning of one, names."""
    lines = {line.id: line for line in desk.outbox(use_cases.now())}
    return the_one(lines, id_, "decision in the outbox", "carequeue outbox list")


def the_one(known: Mapping[str, _Named], given: str, what: str, how: str) -> _Named:
    """What a name means, or the beginning of one.

    Raises NoSuchItem where it means none, BadQuestion where it means several.
    """
    if given in known:
        return known[given]
    found = [name for name in known if given and name.startswith(given)]
    if len(found) > 1:
        raise BadQuestion(
            f"{clean(given, 80)} begins {len(found)} of them. Nothing was changed. Say more of it."
        )
    if not found:
        raise NoSuchItem(
            f"{clean(given, 80)}: no such {what}. Nothing was changed. See them with: {how}"
        )
    return known[found[0]]


def _state(line: OutboxLine) -> str:
    words = _STATES.get(line.state, line.state)
    return f"{words}, behind what needs you" if line.behind else words


def _write_lines(lines: Sequence[OutboxLine], zone: ZoneInfo) -> None:
    heads = ("state", "client", "decided", "when", "words", "id")
    at_a_terminal = use_cases.shows_people()
    shown = _short([line.id for line in lines]) if at_a_terminal else [line.id for line in lines]
    rows = [
        (_state(line), line.client, line.did, printing.when(line.decided_at, zone), line.words, id_)
        for line, id_ in zip(lines, shown, strict=True)
    ]
    if at_a_terminal:
        printing.write_columns([heads, *rows])
    else:
        printing.write_tabbed([heads, *rows])


def _short(ids: Sequence[str]) -> list[str]:
    """The ids, cut where they still differ."""
    length = _SHORT
    while len({one[:length] for one in ids}) < len(set(ids)):
        length += 1
    return [one[:length] for one in ids]


def _pairs(line: OutboxLine, zone: ZoneInfo) -> list[tuple[str, str]]:
    pairs = [
        ("decided", line.did),
        ("client", line.client),
        ("state", _state(line)),
        ("words", line.words),
        ("tried", f"{line.attempts} times" if line.attempts != 1 else "once"),
        ("again from", printing.when(line.not_before, zone)),
        ("by", line.by),
        ("when", printing.when(line.decided_at, zone)),
        ("item", line.item_key),
        ("resource", f"{line.target} ({line.source})"),
        ("group", line.group),
        ("id", line.id),
    ]
    return [(name, words) for name, words in pairs if words]


def _ask_for_word(chosen: Sequence[OutboxLine], word: str) -> str:
    if not use_cases.can_ask():
        raise BadQuestion(f'Nothing was discarded. Confirm it with: --typed "{word}"')
    for line in chosen:
        say(f"{line.client}: {line.did} ({_state(line)})")
    if word != f"discard {len(chosen)}":
        say("What rests on it goes too.")
    answer: str = click.prompt(f"To discard for good, type “{word}”", default="", err=True)
    return answer


def write_acted(acted: Acted, as_json: bool) -> None:
    """What an answer did, an item a line."""
    outcomes = [Outcome(key, "changed") for key in acted.changed]
    shape = Shape.JSON if as_json else Shape.TEXT
    printing.write_outcomes(outcomes, acted.message, acted.group, shape)


def _write_file(path: Path, data: bytes) -> None:
    """A new file that only its owner can read, whole or not at all."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BadQuestion(
            f"{path} is there already and was left as it is. Name another file."
        ) from None
    except OSError as fault:
        raise _unwritten(path, fault) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        with suppress(OSError):
            path.unlink()
        raise _unwritten(path, fault) from None


def _unwritten(path: Path, fault: OSError) -> CareQueueError:
    return CareQueueError(
        f"{path} could not be written ({fault.strerror or 'unknown fault'}). What waits is kept in "
        "the cache. Name a place that can be written to."
    )
