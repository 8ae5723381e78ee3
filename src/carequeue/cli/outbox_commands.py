"""`outbox`: everything that is not on the server, and what to do about it.

In:  ids of decisions, which may be shortened as long as they name one decision.
Out: a table for people, tabs for a pipe, JSON; exit code 9 if something needs a person.
Not here: what a retry and a discard do (the desk), conflicts (`conflict_commands.py`).
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
#: The characters of an id that a table shows; more if two would be alike.
_SHORT: Final = 8
_STATES: Final = {
    "queued": "waiting",
    "in_doubt": "checking",
    "conflict": "conflict",
    "needs_attention": "needs you",
    "kept_here": "local only",
}
_NEEDS: Final = ("conflict", "needs_attention")


@click.group(invoke_without_command=True)
@click.pass_context
def outbox(ctx: click.Context) -> None:
    """Show everything that is not on the server, and what to do about it."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_outbox)


@outbox.command("list")
@as_json
@click.pass_context
def list_outbox(ctx: click.Context, as_json: bool = False) -> None:
    """Print everything that is not on the server, what needs you first (then exit code 9).

    On a terminal this is a table; in a pipe or a file it is tab separated.
    """
    with use_cases.open_session(ctx.obj) as session:
        lines = session.desk.outbox.lines(use_cases.now())
        if as_json:
            printing.write_value(list(lines))
        elif lines:
            _write_lines(lines, session.zone)
    needing = sum(line.state in _NEEDS for line in lines)
    if not lines:
        say("Everything is on the server.")
    if needing:
        need = "needs" if needing == 1 else "need"
        say(f"{needing} of {len(lines)} {need} you. See one with: carequeue outbox show ID")
    ctx.exit(SOMETHING_WAITS if needing else 0)


@outbox.command("show")
@click.argument("id_", metavar="ID")
@as_json
@click.pass_obj
def show_outbox(profile: str, id_: str, as_json: bool) -> None:
    """Print one decision in full, with the server's answer."""
    with use_cases.open_session(profile) as session:
        line = _line(session.desk, id_)
        if as_json:
            printing.write_value(line)
            return
        printing.write_pairs(_pairs(line, session.zone))


@outbox.command()
@click.argument("ids", nargs=-1, metavar="[ID ...]")
@click.option("--all", "all_", is_flag=True, help="Everything that needs attention.")
@as_json
@click.pass_context
def retry(ctx: click.Context, ids: tuple[str, ...], all_: bool, as_json: bool) -> None:
    """Retry decisions that the server refused. The next `carequeue sync` sends them."""
    if bool(ids) == all_:
        raise click.UsageError("Name the decisions, or give --all.")
    with use_cases.open_session(ctx.obj) as session:
        chosen = [_line(session.desk, id_).id for id_ in ids]
        acted = session.desk.outbox.retry(chosen, use_cases.now())
    write_acted(acted, as_json)


@outbox.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID ...")
@click.option("--typed", metavar="TEXT", help='The word that confirms it, such as "discard 2".')
@as_json
@click.pass_context
def discard(ctx: click.Context, ids: tuple[str, ...], typed: str | None, as_json: bool) -> None:
    """Discard for good decisions that the server refused.

    Decisions that depend on them go too. All of them stay in the history.
    """
    with use_cases.open_session(ctx.obj) as session:
        chosen = [_line(session.desk, id_) for id_ in ids]
        word = session.desk.outbox.discard_word([line.id for line in chosen])
        if typed is None:
            typed = _ask_for_word(chosen, word)
        acted = session.desk.outbox.discard([line.id for line in chosen], typed, use_cases.now())
    write_acted(acted, as_json)


@outbox.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--only", multiple=True, metavar="ID", help="Only this decision. Repeatable.")
@click.pass_context
def export(ctx: click.Context, file: Path | None, only: tuple[str, ...]) -> None:
    """Write the outbox as JSON lines, to FILE or to standard output (also as -).

    FILE must not exist yet; only you can read it. It holds health records.
    """
    with use_cases.open_session(ctx.obj) as session:
        chosen = [_line(session.desk, id_).id for id_ in only]
        text = session.desk.outbox.export(chosen)
    if file is None or str(file) == "-":
        if text:
            printing.write(text.rstrip("\n"))
        return
    _write_file(file, text.encode("ascii"))
    count = text.count("\n")
    printing.write_message(f"{file}: {count} decision{'' if count == 1 else 's'} written.")


def _line(desk: Desk, id_: str) -> OutboxLine:
    """The decision of an id, or of the beginning of an id."""
    lines = {line.id: line for line in desk.outbox.lines(use_cases.now())}
    return resolve_prefix(lines, id_, "decision", "carequeue outbox list")


def resolve_prefix(known: Mapping[str, _Named], given: str, noun: str, how: str) -> _Named:
    """The entry of a name, or of the beginning of a name.

    Raises NoSuchItem if no name matches, BadQuestion if several match; `how` lists the names.
    """
    if given in known:
        return known[given]
    names = [name for name in known if given and name.startswith(given)]
    if len(names) > 1:
        raise BadQuestion(
            f"{clean(given, 80)} matches {len(names)} {noun}s. Nothing was changed. "
            "Type more characters."
        )
    if not names:
        raise NoSuchItem(
            f"{clean(given, 80)}: no such {noun}. Nothing was changed. List them with: {how}"
        )
    return known[names[0]]


def _state(line: OutboxLine) -> str:
    state = _STATES.get(line.state, line.state)
    return f"{state}, behind a change that needs you" if line.behind else state


def _write_lines(lines: Sequence[OutboxLine], zone: ZoneInfo) -> None:
    heads = ("state", "client", "decided", "when", "words", "id")
    at_a_terminal = use_cases.shows_people()
    shown = _short([line.id for line in lines]) if at_a_terminal else [line.id for line in lines]
    rows = [
        (_state(line), line.client, line.did, printing.when(line.decided_at, zone), line.words, id_)
        for line, id_ in zip(lines, shown, strict=True)
    ]
    write = printing.write_columns if at_a_terminal else printing.write_tabbed
    write([heads, *rows])


def _short(ids: Sequence[str]) -> list[str]:
    """The ids, cut as short as they still differ."""
    length = _SHORT
    while len({id_[:length] for id_ in ids}) < len(set(ids)):
        length += 1
    return [id_[:length] for id_ in ids]


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
    return [(name, text) for name, text in pairs if text]


def _ask_for_word(chosen: Sequence[OutboxLine], word: str) -> str:
    if not use_cases.can_ask():
        raise BadQuestion(f'Nothing was discarded. Confirm it with: --typed "{word}"')
    for line in chosen:
        say(f"{line.client}: {line.did} ({_state(line)})")
    if word != f"discard {len(chosen)}":
        say("Decisions that depend on it go too.")
    return str(click.prompt(f"To discard for good, type “{word}”", default="", err=True))


def write_acted(acted: Acted, as_json: bool) -> None:
    """Write what a choice did, one item per line."""
    outcomes = [Outcome(key, "changed") for key in acted.changed]
    shape = Shape.JSON if as_json else Shape.TEXT
    printing.write_outcomes(outcomes, acted.message, acted.group, shape)


def _write_file(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read, completely or not at all."""
    created = False
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        created = True
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise BadQuestion(
            f"{path} exists already and was not changed. Name another file."
        ) from None
    except OSError as error:
        if created:
            with suppress(OSError):
                path.unlink()
        raise CareQueueError(
            f"{path} could not be written ({error.strerror or 'unknown error'}). Unsent changes "
            "are saved in the cache. Name a file that can be written."
        ) from None
