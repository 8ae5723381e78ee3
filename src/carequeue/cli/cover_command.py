"""`cover`: whose moves are mine, too, and until when.

In:  the name of a colleague and a time. Out: one sentence, or the covers at present.
Not here: whom a name means and what a cover changes (the desk).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import say
from carequeue.cli.list_and_show import as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from carequeue.worklist.results import Covered


@click.command()
@click.argument("name", default="")
@click.option("--until", metavar="TEXT", help="When it ends by itself: fri, tomorrow 9, 12-24.")
@click.option("--stop", is_flag=True, help="End it now.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@as_json
@click.pass_obj
def cover(
    profile: str, name: str, until: str | None, *, stop: bool, dry_run: bool, as_json: bool
) -> None:
    """Cover the colleague NAME: their moves are in your list, too, until a time.

    \b
    carequeue cover                        whom you cover
    carequeue cover Dana --until fri       you cover Dana until Friday
    carequeue cover Dana --stop            it ends now

    Only this computer knows it. What you do for them is recorded as done by you.
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    if bool(name) != (stop or until is not None) or (stop and until is not None):
        raise click.UsageError(
            "Say NAME with --until or with --stop; without NAME it lists covers."
        )
    now = use_cases.now()
    with use_cases.open_session(profile) as session:
        desk = session.desk.colleagues
        if not name:
            _write_covers(desk.covers(now), as_json)
            return
        session.desk.refresh(now)
        if stop:
            covered = desk.end_cover(name, now, dry_run=dry_run)
        else:
            covered = desk.begin_cover(name, until or "", now, dry_run=dry_run)
    if as_json:
        printing.write_value(covered)
        return
    printing.write_message(covered.message)
    if dry_run:
        printing.write_message("This was a dry run: nothing was changed.")


def _write_covers(covers: Sequence[Covered], as_json: bool) -> None:
    if as_json:
        printing.write_value(list(covers))
        return
    for covered in covers:
        printing.write_message(covered.message)
    if not covers:
        say("You cover nobody. Begin with: carequeue cover NAME --until fri")
