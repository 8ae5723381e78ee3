"""`carequeue`: the group of all commands; without one it opens the queue."""

from __future__ import annotations

import click

from carequeue import __version__
from carequeue.cli import use_cases
from carequeue.cli.act_commands import act_command, undo
from carequeue.cli.client_commands import heard, new
from carequeue.cli.config import config
from carequeue.cli.conflict_commands import conflicts
from carequeue.cli.connect import connect
from carequeue.cli.cover_command import cover
from carequeue.cli.demo import demo
from carequeue.cli.doctor import doctor
from carequeue.cli.help_format import CommandGroup
from carequeue.cli.history_command import history
from carequeue.cli.list_and_show import keys, list_rows, show
from carequeue.cli.outbox_commands import outbox
from carequeue.cli.sync_commands import offline, online, sync

HELP = """\
One prioritized queue of what must happen next, whose move it is, and by when: referrals,
follow-ups, handoffs and authorizations from a FHIR server, in the terminal, online or not.

\b
carequeue demo           try it: a practice clinic with invented people
carequeue connect URL    your organization's FHIR R4 server
carequeue                open the queue; ? there shows the keys

\b
For scripts:
carequeue sync; carequeue list --tab team --json | jq .
"""


class CareQueue(CommandGroup):
    """The commands under their headings."""

    sections = (
        ("Begin", ("demo", "connect", "config")),
        ("The queue", ("list", "show", "act", "new", "heard", "undo", "history", "cover", "keys")),
        ("The server", ("sync", "offline", "online", "outbox", "conflicts", "doctor")),
    )


@click.group(
    cls=CareQueue,
    name="carequeue",
    invoke_without_command=True,
    help=HELP,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100},
)
@click.option(
    "--profile",
    default="default",
    envvar="CAREQUEUE_PROFILE",
    show_envvar=True,
    show_default=True,
    metavar="NAME",
    help="The profile: who you are and which servers you use.",
)
@click.version_option(__version__, prog_name="carequeue", message="%(prog)s %(version)s")
@click.pass_context
def carequeue(ctx: click.Context, profile: str) -> None:
    """Open the queue if no command is named."""
    ctx.obj = profile
    if ctx.invoked_subcommand is None:
        ctx.exit(use_cases.run_queue(profile))


for command in (
    demo, connect, config, list_rows, show, act_command(), new, heard, undo, history, cover, keys,
    sync,
    offline, online, outbox, conflicts, doctor,
):  # fmt: skip
    carequeue.add_command(command)
