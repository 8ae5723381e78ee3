"""`history`: what you did on this computer, newest first, and where it stands.

In:  how many acts. Out: a table for people, tabs for a pipe, JSON.
Not here: what an act is and its state (`worklist/history.py`).
"""

from __future__ import annotations

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import say
from carequeue.cli.list_and_show import as_json

_HEADS = ("when", "client", "did", "state", "group")


@click.command()
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, metavar="N",
    help="At most so many acts.",
)  # fmt: skip
@as_json
@click.pass_obj
def history(profile: str, limit: int, as_json: bool) -> None:
    """Print what you did on this computer, newest first, and where it stands.

    Undo one of them with: carequeue undo GROUP
    """
    with use_cases.open_session(profile) as session:
        acts = session.desk.undos.history(use_cases.now(), limit=limit).acts
        if as_json:
            printing.write_value(list(acts))
        elif acts:
            rows = [
                (printing.when(act.at, session.zone), act.client, act.did, act.state, act.group)
                for act in acts
            ]
            people = use_cases.shows_people()
            write = printing.write_columns if people else printing.write_tabbed
            write([_HEADS, *rows])
    if not acts and not as_json:
        say("You have done nothing on this computer yet.")
