"""`new` and `heard`: an act for any client, found by a part of name, birth date or record number.

In:  what to look for, and the answers to the questions of the verb, each an option.
Out: one result, as `act` writes it. If several clients match, they are listed and nothing is done:
a script must not choose a person.
Not here: what is made (`verbs/`), which clients match (`store/client_search.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from carequeue.cli import use_cases
from carequeue.cli.act_commands import end_with, gather_inputs, outcomes_of
from carequeue.cli.list_and_show import as_json
from carequeue.domain.errors import BadQuestion
from carequeue.domain.sanitize import clean
from carequeue.printing import Outcome, Shape
from carequeue.verbs.heard_crisis import VERB as CRISIS
from carequeue.verbs.heard_discharge import VERB as DISCHARGE
from carequeue.verbs.new import VERB as FOLLOW_UP
from carequeue.verbs.refer import VERB as REFERRAL
from carequeue.verbs.verb import Verb

if TYPE_CHECKING:
    from carequeue.store.client_search import ClientMatch
    from carequeue.worklist.desk import Desk

#: Matches that are listed where more than one client matches.
_LISTED: Final = 8
_UNREACHABLE: Final = {
    "deceased": "is recorded as deceased: no outreach",
    "merged": "was merged into a record that is not here: carequeue sync",
}


@click.group()
def new() -> None:
    """Make a follow-up or a referral for any client.

    \b
    carequeue new follow-up "okafor 1984" --text "Call the school" --until fri
    carequeue new referral "okafor 1984" --text "Detox bed" --to "County Detox"
    """  # noqa: D301 - click reads the backspace as "do not wrap this"


@click.group()
def heard() -> None:
    """Record a crisis or a discharge that you heard of; its clock starts.

    \b
    carequeue heard crisis "okafor 1984" --when "20:00" --where "988 call"
    carequeue heard discharge "okafor 1984" --kind emergency --reason unknown
    """  # noqa: D301


def _command(verb: Verb, name: str, words: str) -> click.Command:
    """A command for a verb; each of its questions is an option."""
    options = [
        click.option(
            f"--{question.name}", f"q_{question.name}", metavar="TEXT", help=question.words
        )
        for question in verb.questions
    ]

    @click.pass_context
    def run(ctx: click.Context, /, client: str, **given: Any) -> None:
        _do(ctx, verb, client, **given)

    command: Callable[..., Any] = run
    for add in reversed([
        click.argument("client"), *options,
        click.option("--dry-run", is_flag=True, help="Only say for whom it would be."), as_json,
    ]):  # fmt: skip
        command = add(command)
    return click.command(name, help=words)(command)


def _do(
    ctx: click.Context, verb: Verb, client: str, *, dry_run: bool, as_json: bool, **given: Any
) -> None:
    shape = Shape.JSON if as_json else Shape.TEXT
    inputs = gather_inputs(
        verb, (), {name.removeprefix("q_"): text for name, text in given.items()}
    )
    now = use_cases.now()
    with use_cases.open_session(ctx.obj) as session:
        desk = session.desk
        match = client_named(desk, client)
        for name, text in inputs.items():
            understood, reading = desk.check_input(verb.name, name, text, now, (match.key,))
            if not understood:
                raise BadQuestion(f"--{name}: {reading}")
        if dry_run:
            outcome = Outcome(match.key, "would change", match.name)
            end_with(ctx, [outcome], f"{verb.done}: {_words(match)}.", "", shape)
        acted = desk.act(verb.name, (match.key,), inputs, now)
    end_with(ctx, outcomes_of("changed", acted.changed, acted), acted.message, acted.group, shape)


def client_named(desk: Desk, text: str) -> ClientMatch:
    """The one client whom a text finds. Raises BadQuestion, naming the clients, for any other."""
    matches = desk.clients(text)
    if not matches:
        raise BadQuestion(f"No client here matches “{clean(text, 40)}”. Nothing was changed.")
    if len(matches) > 1:
        listed = "; ".join(_words(match) for match in matches[:_LISTED])
        more = f"; and {len(matches) - _LISTED} more" if len(matches) > _LISTED else ""
        raise BadQuestion(
            f"{len(matches)} clients match: {listed}{more}. Nothing was changed. Type more: the "
            "birth date or the record number tells them apart."
        )
    if why := _UNREACHABLE.get(matches[0].state):
        raise BadQuestion(f"{matches[0].name} {why}. Nothing was changed.")
    return matches[0]


def _words(match: ClientMatch) -> str:
    number = f"MRN {match.mrn}" if match.mrn else ""
    return " ".join(part for part in (match.name, match.born, number) if part)


new.add_command(_command(FOLLOW_UP, "follow-up", "Make a follow-up of your own for CLIENT."))
new.add_command(_command(REFERRAL, "referral", "Refer CLIENT to a partner or a team of ours."))
heard.add_command(_command(CRISIS, "crisis", "You heard of a crisis of CLIENT."))
heard.add_command(_command(DISCHARGE, "discharge", "You heard that CLIENT left a hospital."))
