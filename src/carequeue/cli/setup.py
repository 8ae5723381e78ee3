"""`demo`, `connect` and `config`: from nothing to a profile.

Decided here: `connect` stores nothing before the server has answered as a FHIR R4 server, and
never a token; a source keeps its address, because the cache and unsent work belong to it.
Not here: what a profile may say (`store/profile_values.py`), what a server says (`sync/probe.py`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import click

from carequeue import printing
from carequeue.cli import runtime
from carequeue.cli.frame import say
from carequeue.domain.errors import BadQuestion, ProfileError, SignInError
from carequeue.domain.text import clean, fold
from carequeue.store import profiles
from carequeue.store.profile_values import PROFILE_NAME, as_mapping

if TYPE_CHECKING:
    from carequeue.store.profiles import Places, Profile, SourceProfile
    from carequeue.sync.probe import Listed, Probe

#: The variable that is looked for where a source names none.
TOKEN_ENV: Final = "CAREQUEUE_TOKEN"  # noqa: S105 - the name of a variable, no token
_SHOWN: Final = 20
#: So many clients of the practice clinic are invented before anybody wonders what goes on.
MANY: Final = 2_000
#: Those of the practice clinic (a test holds them equal; nothing of it is imported here).
PACES: Final = ("off", "quiet", "busy")


@click.command()
@click.option("--seed", default=7, show_default=True, metavar="N", help="Another N, other people.")
@click.option(
    "--clients",
    type=click.IntRange(1, 100_000),
    default=400,
    show_default=True,
    metavar="N",
    help="How many clients the clinic has.",
)
@click.option(
    "--quirk",
    "quirks",
    multiple=True,
    metavar="NAME",
    help="A way in which other servers differ, such as conflict-409; may be given again.",
)
@click.option(
    "--pace",
    type=click.Choice(PACES),
    default="quiet",
    show_default=True,
    help="How often colleagues change something: never, every minute or so, every few seconds.",
)
@click.pass_context
def demo(ctx: click.Context, seed: int, clients: int, quirks: tuple[str, ...], pace: str) -> None:
    """Open the practice clinic: a server of its own with invented people. Nothing to set up."""
    runtime.refuse_without_terminal("The practice clinic")
    if clients > MANY:
        say(f"Inventing {clients:,} clients; this takes some seconds …")
    ctx.exit(runtime.demo(seed, clients, quirks, pace))


# connect


@dataclass(frozen=True, slots=True)
class Given:
    """What the person said on the command line about who "we" are; "" where nothing."""

    me: str
    organization: str
    teams: tuple[str, ...]
    time_zone: str


@click.command()
@click.argument("url")
@click.option(
    "--name", default="main", show_default=True, help="What this server is called in the profile."
)
@click.option("--me", default="", help="You: a reference or part of a name.")
@click.option("--organization", default="", help="Your organization: a reference or part of it.")
@click.option("--team", "teams", multiple=True, help="A team of yours; may be given again.")
@click.option("--time-zone", default="", help="The site's time zone, such as America/Chicago.")
@click.option("--token-env", default="", help=f"Variable with the token. [default: {TOKEN_ENV}]")
@click.option("--token-command", default="", help="A command that prints the token.")
@click.option("--ca-bundle", default="", help="A file of certificates to trust.")
@click.pass_obj
def connect(
    profile: str,
    /,
    url: str,
    name: str,
    token_env: str,
    token_command: str,
    ca_bundle: str,
    **given: Any,
) -> None:
    """Check the server at URL, say who "we" are, and store the profile.

    What is not given is asked for, with what the server lists to choose from. The token itself is
    never stored: only where it is to be found.
    """
    where = profiles.places(profile)
    source = _source(profiles.address(url), name, token_env, token_command, ca_bundle)
    before = _profile_before(profile, where)
    _keep_address(before, source)
    token = runtime.token_of(source)
    if token_env and not token:
        raise SignInError(
            f"The variable {token_env} holds no token. Nothing was changed. "
            f"Set it, then connect again: export {token_env}=..."
        )
    probe = runtime.probe(source.base_url, token, source.ca_bundle)
    _write_probe(probe)
    after = _who_we_are(profiles.with_source(before, source), probe, Given(**given))
    profiles.save(after, where)
    printing.write_message(f"Stored the source {name} in the profile {profile}: {where.config}")
    if not after.me:
        say(
            "Nobody is set as you, so no move is yours yet. "
            "Set it with: carequeue config set me Practitioner/ID"
        )
    printing.write("Next: carequeue sync, then carequeue")


def _source(
    url: str, name: str, token_env: str, token_command: str, ca_bundle: str
) -> SourceProfile:
    if not PROFILE_NAME.fullmatch(name):
        raise BadQuestion("The name of a server is 1 to 40 of a-z, 0-9 and -. Nothing was changed.")
    if token_env and token_command:
        raise BadQuestion(
            "--token-env and --token-command are two ways to one token; give one. "
            "Nothing was changed."
        )
    try:
        command = tuple(shlex.split(token_command))
    except ValueError:
        raise BadQuestion(
            "--token-command has a quotation mark that is not closed. Nothing was changed."
        ) from None
    return profiles.SourceProfile(
        name=name,
        base_url=url,
        token_env=token_env or ("" if command else TOKEN_ENV),
        token_command=command,
        ca_bundle=ca_bundle,
    )


def _profile_before(name: str, where: Places) -> Profile:
    if os.path.lexists(where.config):
        return profiles.load(name)
    return profiles.Profile(name=name, time_zone="")


def _keep_address(profile: Profile, source: SourceProfile) -> None:
    for known in profile.sources:
        if known.name == source.name and known.base_url != source.base_url:
            raise ProfileError(
                f"The profile {profile.name} already has a source {known.name} at another "
                "address, and its cache may hold unsent work. Nothing was changed. "
                "Choose another --name for this server, or another --profile."
            )


def _write_probe(probe: Probe) -> None:
    printing.write_message(
        f"{probe.base_url} is {probe.software or 'a server'}, FHIR {probe.fhir_version}."
    )
    for sentence in probe.can:
        printing.write_message(f"  {sentence}")
    for warning in probe.warnings:
        say(f"Note: {warning}")


def _who_we_are(profile: Profile, probe: Probe, given: Given) -> Profile:
    me = _one_of("you", given.me, profile.me, probe.practitioners)
    organization = _one_of(
        "your organization", given.organization, profile.organization, probe.organizations
    )
    teams = [_one_of("a team of yours", team, "", probe.teams) for team in given.teams]
    if not teams and not profile.teams:
        teams = [_one_of("a team of yours", "", "", probe.teams)]
    found = tuple(dict.fromkeys(team.reference for team in teams if team and team.reference))
    zone = given.time_zone or profile.time_zone or _ask_zone()
    profile = replace(
        profile,
        me=me.reference if me else profile.me,
        my_name=clean(me.name) if me and me.name else profile.my_name,
        organization=organization.reference if organization else profile.organization,
        organization_name=(
            clean(organization.name)
            if organization and organization.name
            else profile.organization_name
        ),
        teams=found or profile.teams,
    )
    return profiles.with_setting(profile, "time_zone", zone)


def _one_of(who: str, given: str, known: str, people: Sequence[Listed]) -> Listed | None:
    """Who is meant: what was given, else what the profile knows, else what the person answers."""
    if given:
        found = matching(given, people)
        if len(found) != 1:
            raise BadQuestion(f"{_not_one(given, who, found)} Nothing was changed.")
        return found[0]
    if known or not people or not runtime.can_ask():
        return None
    for place, person in enumerate(people[:_SHOWN], 1):
        printing.write_message(f"  {place:>2}  {person.name}  {person.reference}")
    if len(people) > _SHOWN:
        printing.write(f"      and {len(people) - _SHOWN} more: type part of a name")
    while answer := click.prompt(
        f"Who is {who}? Number, part of a name, or Enter for none",
        default="", show_default=False, err=True,
    ).strip():  # fmt: skip
        found = matching(answer, people)
        if len(found) == 1:
            return found[0]
        say(_not_one(answer, who, found))
    return None


def matching(text: str, people: Sequence[Listed]) -> list[Listed]:
    """The people that a number of the list, a reference or part of a name may mean."""
    from carequeue.sync.probe import Listed

    if text.isascii() and text.isdigit() and 0 < int(text) <= min(len(people), _SHOWN):
        return [people[int(text) - 1]]
    exact = [person for person in people if person.reference == text]
    if exact or "/" in text:
        return exact[:1] or [Listed(text, "")]
    return [person for person in people if fold(text) in fold(person.name)]


def _not_one(text: str, who: str, found: Sequence[Listed]) -> str:
    if not found:
        return f"Nobody that the server lists for {who} is called {text}."
    names = "; ".join(f"{person.name} ({person.reference})" for person in found[:5])
    return f"{text} may mean {len(found)} for {who}: {names}. Give the reference."


def _ask_zone() -> str:
    import tzlocal

    try:
        here = tzlocal.get_localzone_name() or "UTC"
    except Exception:  # noqa: BLE001 - whatever is wrong with the machine's zone, it is a proposal
        here = "UTC"
    if not runtime.can_ask():
        say(f"The site's time zone is taken from this machine: {here}. Check it: carequeue config")
        return here
    return str(click.prompt("The site's time zone", default=here, err=True)).strip()


# config


@click.group(invoke_without_command=True)
@click.pass_context
def config(ctx: click.Context) -> None:
    """Print where the profile is and what it says; `config set` changes one value."""
    if ctx.invoked_subcommand:
        return
    where = profiles.places(ctx.obj)
    profile = profiles.load(ctx.obj)
    printing.write_message(f"# {where.config}")
    printing.write_message(f"# cache, key and log: {where.folder}")
    others = [name for name in profiles.names() if name != ctx.obj]
    if others:
        printing.write_message(f"# other profiles: {', '.join(others)}")
    for key, value in _flat("", as_mapping(profile)):
        printing.write_message(f"{key} = {value}")


@config.command("set")
@click.argument("key")
@click.argument("value")
@click.pass_obj
def config_set(profile: str, key: str, value: str) -> None:
    """Set KEY to VALUE; lists with commas, "" puts the default back.

    Keys below a source are dotted, such as sources.main.base_url.
    """
    before = profiles.load(profile)
    profiles.save(profiles.with_setting(before, key, value), profiles.places(profile))
    printing.write_message(f"{key} is set in the profile {profile}.")


def _flat(above: str, table: dict[str, Any]) -> list[tuple[str, str]]:
    """The profile's lines, dotted; of a command only the program: an argument may be a token."""
    lines: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _flat(f"{above}{key}.", value)
        elif key == "token_command":
            lines.append((f"{above}{key}", f"{value[0]} (arguments are not shown)"))
        else:
            lines.append((f"{above}{key}", ", ".join(value) if isinstance(value, list) else value))
    return lines
