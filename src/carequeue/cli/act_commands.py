"""`act` and `undo`: the same verbs as on the screen, for one item or several, also from a pipe.

In:  keys as arguments, or on standard input: one per line, or the JSON of `list --json`.
     Inputs by name; each question of the table of verbs is also an option.
Out: one result per row; exit code 8 if some were refused or are gone, and the others are done.
`undo` without a group undoes the last act of the command line at once. If a window of the queue
made the last act, it asks, or needs --yes or the group: somebody may be working there.
Not here: whether a verb applies and how an input is read (the desk).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import SOME_REFUSED, say
from carequeue.cli.item_keys import item_keys
from carequeue.cli.list_and_show import as_json
from carequeue.domain.errors import BadQuestion
from carequeue.printing import Outcome, Shape
from carequeue.verbs.table import item_verbs
from carequeue.verbs.verb import Asks, Question, Verb
from carequeue.worklist.results import Where

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from carequeue.worklist.desk import Desk
    from carequeue.worklist.results import Acted, Preview

#: Characters of standard input that are read; a hundred thousand keys are a tenth of it.
MOST_INPUT: Final = 64_000_000
_UNCHANGED: Final = "Nothing was changed."


def act_command() -> click.Command:
    """The command `act`, with an argument and options for the verbs and questions of the table."""
    names = [verb.name for verb in item_verbs()]
    asked_by: dict[str, list[str]] = {}
    for verb in item_verbs():
        for question in verb.questions:
            asked_by.setdefault(question.name, []).append(verb.name)
    questions = [
        click.option(
            f"--{name}", f"q_{name}", metavar="TEXT",
            help=f"Answer to `{name}` ({', '.join(verbs)}).",
        )
        for name, verbs in asked_by.items()
    ]  # fmt: skip
    parameters: list[Callable[..., Any]] = [
        click.argument("verb", type=click.Choice(names)),
        click.argument("keys", nargs=-1),
        *questions,
        click.option(
            "--answer", multiple=True, metavar="NAME=VALUE", help="Any answer, by its name."
        ),
        click.option("--dry-run", is_flag=True, help="Only say what would change."),
        click.option("--yes", is_flag=True, help="Do not ask before several items are changed."),
        as_json,
    ]
    command: Callable[..., Any] = _act
    for add_parameter in reversed(parameters):
        command = add_parameter(command)
    return click.command("act")(command)


@click.pass_context
def _act(
    ctx: click.Context, /, verb: str, keys: tuple[str, ...], answer: tuple[str, ...], **given: Any
) -> None:
    """Do VERB to the items KEYS; without keys they are read from standard input.

    \b
    carequeue act accept Task/12
    carequeue act decline Task/12 --reason "no capacity"
    carequeue list --filter smith --json | carequeue act assign --to "Access team"

    Your decision is saved at once, and the next `carequeue sync` sends it.
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    now = use_cases.now()
    shape = Shape.JSON if given.pop("as_json") else Shape.TEXT
    dry_run, yes = given.pop("dry_run"), given.pop("yes")
    wanted = tuple(dict.fromkeys(keys)) or _keys_from_input()
    shorthand = {name.removeprefix("q_"): text for name, text in given.items()}
    chosen = next(known for known in item_verbs() if known.name == verb)
    inputs = gather_inputs(chosen, answer, shorthand)
    with use_cases.open_session(ctx.obj) as session:
        desk = session.desk
        desk.refresh(now)
        known, missing = item_keys(desk, wanted)
        for name, text in inputs.items():
            understood, reading = desk.check_input(verb, name, text, now, known)
            if not understood:
                raise BadQuestion(f"--{name}: {reading}")
        for warning in desk.trial.warnings(verb, known, inputs, now):
            say(warning)
        shown = None
        if dry_run or len(known) > 1:
            preview = desk.preview(verb, known, inputs, now)
            if dry_run:
                outcomes = [*outcomes_of("would change", preview.changes, preview), *missing]
                end_with(ctx, outcomes, printing.preview_line(preview), "", shape)
            _ask_before_many(preview, yes)
            shown = preview.shown
        acted = desk.act(verb, known, inputs, now, shown)
    outcomes = [*outcomes_of("changed", acted.changed, acted), *missing]
    end_with(ctx, outcomes, acted.message, acted.group, shape)


def end_with(
    ctx: click.Context, outcomes: Sequence[Outcome], message: str, group: str, shape: Shape
) -> NoReturn:
    """Write the outcomes, and end the command with their exit code."""
    printing.write_outcomes(outcomes, message, group, shape)
    failed = any(outcome.result in ("refused", "missing") for outcome in outcomes)
    ctx.exit(SOME_REFUSED if failed else 0)


@click.command()
@click.argument("group", default="")
@click.option("--yes", is_flag=True, help="Do not ask if a window of the queue did it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be undone.")
@as_json
@click.pass_context
def undo(ctx: click.Context, group: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Undo GROUP, or the last thing that you did; also after it was sent.

    Without GROUP it names the act first. It asks if a window of the queue made that act.
    """
    now = use_cases.now()
    with use_cases.open_session(ctx.obj) as session:
        group = group or _last_act(session.desk, session.zone, yes or dry_run)
        desk = session.desk
        acted = desk.trial.undo(now, group) if dry_run else desk.undo(now, group)
    # No group is printed: to undo an undo is another `carequeue undo`.
    outcomes = outcomes_of("would change" if dry_run else "changed", acted.changed, acted)
    shape = Shape.JSON if as_json else Shape.TEXT
    trial = f"Nothing was changed. If you undo it: {acted.told}" if acted.told else _UNCHANGED
    end_with(ctx, outcomes, trial if dry_run else acted.message, "", shape)


def _last_act(desk: Desk, zone: ZoneInfo, yes: bool) -> str:
    """The group of the last act, which is named on standard error.

    Raises BadQuestion if there is none, or if a window of the queue made it and nobody said yes.
    """
    last = desk.undoable()
    if last is None:
        raise BadQuestion("There is nothing of yours to undo. Nothing was changed.")
    by_command = last.where is Where.COMMAND_LINE
    who = "The command line" if by_command else "A window of the queue"
    sentence = f"{who} did this last: {last.words}, {printing.when(last.at, zone)}."
    if not (by_command or yes or use_cases.can_ask()):
        raise BadQuestion(
            f"{sentence} Nothing was changed. To undo it: carequeue undo {last.group}, or --yes."
        )
    say(sentence)
    if not (by_command or yes) and not click.confirm("Undo it?", default=False, err=True):
        raise BadQuestion("Nothing was changed.")
    return last.group


# Keys


def keys_in(text: str) -> tuple[str, ...]:
    """The keys in a text: one per line, or JSON as `list --json` and `show --json` write it.

    Raises BadQuestion if it is JSON without keys.
    """
    if text.lstrip()[:1] not in ("[", "{"):
        return tuple(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise BadQuestion(
            "Standard input begins like JSON but is not JSON. Nothing was changed. "
            "Give one key per line, or what `carequeue list --json` writes."
        ) from None
    entries = value if isinstance(value, list) else [value]
    keys = [entry.get("key") if isinstance(entry, dict) else entry for entry in entries]
    for number, key in enumerate(keys, 1):
        if not isinstance(key, str) or not key.strip():
            raise BadQuestion(
                f"Entry {number} of the JSON on standard input has no `key`. Nothing was changed."
            )
    return tuple(dict.fromkeys(str(key) for key in keys))


def _keys_from_input() -> tuple[str, ...]:
    keys: tuple[str, ...] = ()
    if not use_cases.can_ask():
        try:
            text = use_cases.read_input(MOST_INPUT + 1)
        except UnicodeDecodeError:
            raise BadQuestion("Standard input is not text. Nothing was changed.") from None
        if len(text) > MOST_INPUT:
            raise BadQuestion(
                f"Standard input is longer than {MOST_INPUT} characters. Nothing was changed."
            )
        keys = keys_in(text)
    if not keys:
        raise BadQuestion(
            "No key was given. Nothing was changed. "
            "Name the items, or pipe them in: carequeue list --json | carequeue act VERB"
        )
    return keys


# Answers


def gather_inputs(
    verb: Verb, named: Sequence[str], shorthand: Mapping[str, str | None]
) -> dict[str, str]:
    """The inputs by question. Raises BadQuestion for an unknown, missing or unreadable input."""
    given = {name: text for name, text in shorthand.items() if text is not None}
    for pair in named:
        name, equals, text = pair.partition("=")
        if not equals or name in given:
            fault = "is given twice" if equals else "is not NAME=VALUE"
            raise BadQuestion(f"--answer {pair} {fault}. Nothing was changed.")
        given[name] = text
    asked = {question.name: question for question in verb.questions}
    for name in given:
        if name not in asked:
            takes = " and ".join(f"--{known}" for known in asked) or "no input"
            raise BadQuestion(
                f"{verb.name} does not ask for `{name}`; it takes {takes}. Nothing was changed."
            )
    for question in verb.questions:
        required = question.default is None and question.asked is None
        if required and not given.get(question.name, "").strip():
            raise BadQuestion(
                f"{verb.name} needs --{question.name}{_choices(question)}. Nothing was changed."
            )
    return {name: _as_choice(asked[name], text) for name, text in given.items()}


def _choices(question: Question) -> str:
    if not question.choices:
        return ' (such as "tomorrow 9" or 3bd)' if question.asks is Asks.WHEN else ""
    known = ", ".join(choice.words for choice in question.choices)
    return f" ({known}{', or your own words' if question.free else ''})"


def _as_choice(question: Question, text: str) -> str:
    """The words of the choice. Raises BadQuestion for another text, if the question takes none."""
    if not question.choices:
        return text
    head, colon, note = text.partition(": ") if question.noted else (text, "", "")
    for choice in question.choices:
        if head.strip().casefold() == choice.words.casefold():
            return choice.words + colon + note
    if question.free:
        return text
    raise BadQuestion(f"--{question.name} is one of{_choices(question)}. Nothing was changed.")


# Results


def _ask_before_many(preview: Preview, yes: bool) -> None:
    say(printing.preview_line(preview))
    if yes or not use_cases.can_ask() or not preview.changes:
        return
    for refused in preview.refused:
        say(f"not allowed: {printing.who_and_why(refused.client, refused.why)}")
    if not click.confirm("Go on?", default=False, err=True):
        raise BadQuestion("Nothing was changed.")


def outcomes_of(word: str, changed: Sequence[str], of: Acted | Preview) -> list[Outcome]:
    """A result for each key; `word` is the result of the changed ones."""
    return [
        *(Outcome(key, word) for key in changed),
        *(Outcome(key, "already") for key in of.already),
        *(Outcome(item.key, "refused", item.client, item.why) for item in of.refused),
    ]
