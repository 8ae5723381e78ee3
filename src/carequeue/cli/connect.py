"""`connect`: add a server to a profile.

Decided here: nothing is stored before the server has answered as a FHIR R4 server, and a token is
never stored. A source keeps its address, because the cache and unsent changes belong to it. Each
source has its own token and people: no variable is shared by default, and the command asks again
who "we" are, because an id of one server is somebody else on another.
Not here: what a profile may say (`store/profile_values.py`), what a server says
(`sync/net/probe.py`).
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import click

from carequeue import printing
from carequeue.cli import use_cases
from carequeue.cli.help_format import say
from carequeue.domain.errors import BadQuestion, CareQueueError, ProfileError, SignInError
from carequeue.domain.sanitize import clean, fold
from carequeue.store import profiles
from carequeue.store.profile_values import PROFILE_NAME

if TYPE_CHECKING:
    from carequeue.store.profiles import Profile, ProfilePaths, SourceProfile
    from carequeue.sync.net.probe import Listed, Probe

#: The default variable of the first source; each further source has its own.
TOKEN_ENV: Final = "CAREQUEUE_TOKEN"  # noqa: S105 - the name of a variable, no token
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """The options of the command line; "" for an option that was not given."""

    name: str
    label: str
    me: str
    organization: str
    teams: tuple[str, ...]
    time_zone: str
    token_env: str
    token_command: str
    ca_bundle: str


@click.command()
@click.argument("url")
@click.option(
    "--source",
    "--name",
    "name",
    default="main",
    show_default=True,
    metavar="NAME",
    help="The name of this server in the profile; another name adds a server.",
)
@click.option("--label", default="", help="The name on the screen, such as County.")
@click.option("--me", default="", help="You: a reference or part of a name.")
@click.option("--organization", default="", help="Your organization: a reference or part of it.")
@click.option("--team", "teams", multiple=True, help="A team of yours. Repeatable.")
@click.option("--time-zone", default="", help="The site's time zone, such as America/Chicago.")
@click.option("--token-env", default="", help=f"Variable with the token. [default: {TOKEN_ENV}]")
@click.option("--token-command", default="", help="A command that prints the token.")
@click.option("--ca-bundle", default="", help="A file with certificates to trust.")
@click.pass_obj
def connect(profile: str, /, url: str, **given: Any) -> None:
    """Check the server at URL, say who "we" are, and store the profile.

    The command asks for missing options, with the server's lists to choose from. It never stores
    the token itself, only where to find the token.
    """
    options = ConnectOptions(**given)
    where = profiles.profile_paths(profile)
    url = profiles.address(url)
    command = _command(options)
    if os.path.lexists(where.config):
        before = profiles.load(profile)
    else:
        before = profiles.Profile(name=profile, time_zone="")
    source = _with_options(_source(before, options.name, url), options, command)
    token = use_cases.token_of(source)
    if options.token_env and not token:
        raise SignInError(
            f"The variable {options.token_env} holds no token. Nothing was changed. "
            f"Set it, then connect again: export {options.token_env}=..."
        )
    probe = use_cases.probe(source.base_url, token, source.ca_bundle)
    _write_probe(probe)
    after = _who_we_are(profiles.with_source(before, source), source, probe, options)
    profiles.save(after, where)
    if os.path.lexists(where.cache):
        with suppress(CareQueueError), use_cases.open_session(profile) as session:
            session.ask_again(options.name)  # a cache that does not open reports that by itself
    _write_stored(after, options.name, where)


def _write_stored(profile: Profile, name: str, where: ProfilePaths) -> None:
    printing.write_message(
        f"Stored the source {name} in the profile {profile.name}: {where.config}"
    )
    stored = next(source for source in profile.sources if source.name == name)
    if not profile.on(stored).me:
        key = "me" if profile.sources[0].name == name else f"sources.{name}.me"
        say(
            "Nobody is set as you on this server, so no move there is yours yet. "
            f"Set it with: carequeue config set {key} Practitioner/ID"
        )
    printing.write("Next: carequeue sync, then carequeue")


def _command(options: ConnectOptions) -> tuple[str, ...]:
    """The token command in its parts. Raises BadQuestion for a bad name or a bad command."""
    if not PROFILE_NAME.fullmatch(options.name):
        raise BadQuestion("The name of a server is 1 to 40 of a-z, 0-9 and -. Nothing was changed.")
    if options.token_env and options.token_command:
        raise BadQuestion(
            "--token-env and --token-command are two ways to one token; give one. "
            "Nothing was changed."
        )
    try:
        return tuple(shlex.split(options.token_command))
    except ValueError:
        raise BadQuestion(
            "--token-command has a quotation mark that is not closed. Nothing was changed."
        ) from None


def _with_options(
    source: SourceProfile, options: ConnectOptions, command: tuple[str, ...]
) -> SourceProfile:
    """The source with the options that were given."""
    if options.token_env or command:
        source = replace(source, token_env=options.token_env, token_command=command)
    label = options.label.strip() or source.label
    return replace(source, ca_bundle=options.ca_bundle or source.ca_bundle, label=label)


def _source(profile: Profile, name: str, url: str) -> SourceProfile:
    """The source of this name, or a new source. Raises ProfileError for another address."""
    known = next((source for source in profile.sources if source.name == name), None)
    if known is not None and known.base_url == url:
        return known
    if known is not None:
        raise ProfileError(
            f"The profile {profile.name} already has a source {name} at another address, and its "
            "cache may hold unsent changes. Nothing was changed. "
            "Choose another --source for this server, or another --profile."
        )
    # Never the variable of another server: its token would be sent to this server.
    own = f"{TOKEN_ENV}_{name.upper().replace('-', '_')}" if profile.sources else TOKEN_ENV
    return profiles.SourceProfile(name=name, base_url=url, token_env=own)


def _write_probe(probe: Probe) -> None:
    printing.write_message(
        f"{probe.base_url} is {probe.software or 'a server'}, FHIR {probe.fhir_version}."
    )
    for sentence in probe.can:
        printing.write_message(f"  {sentence}")
    for warning in probe.warnings:
        say(f"Note: {warning}")


def _who_we_are(
    profile: Profile, source: SourceProfile, probe: Probe, options: ConnectOptions
) -> Profile:
    """The profile with who we are on this server; a further server has its own entries."""
    known = profile.on(source)
    me = _choose("you", options.me, known.me, probe.practitioners)
    organization = _choose(
        "your organization", options.organization, known.organization, probe.organizations
    )
    teams = [_choose("a team of yours", team, "", probe.teams) for team in options.teams]
    if not teams and not known.teams:
        teams = [_choose("a team of yours", "", "", probe.teams)]
    references = tuple(dict.fromkeys(team.reference for team in teams if team and team.reference))
    zone = options.time_zone or profile.time_zone or _ask_zone()
    fields: dict[str, Any] = {
        "me": me.reference if me else known.me,
        "organization": organization.reference if organization else known.organization,
        "teams": references or known.teams,
    }
    if profile.sources[0].name != source.name:
        profile = profiles.with_source(profile, replace(source, **fields))
        return profiles.with_setting(profile, "time_zone", zone)
    if me and me.name:
        fields["my_name"] = clean(me.name)
    if organization and organization.name:
        fields["organization_name"] = clean(organization.name)
    return profiles.with_setting(replace(profile, **fields), "time_zone", zone)


def _choose(who: str, given: str, known: str, people: Sequence[Listed]) -> Listed | None:
    """The person from the option; None to keep the profile's; otherwise the person is asked."""
    if given:
        matches = matching(given, people)
        if len(matches) != 1:
            raise BadQuestion(f"{_not_unique(given, who, matches)} Nothing was changed.")
        return matches[0]
    if known or not people or not use_cases.can_ask():
        return None
    for number, person in enumerate(people[:_SHOWN], 1):
        printing.write_message(f"  {number:>2}  {person.name}  {person.reference}")
    if len(people) > _SHOWN:
        printing.write(f"      and {len(people) - _SHOWN} more: type part of a name")
    while answer := click.prompt(
        f"Who is {who}? Number, part of a name, or Enter for none",
        default="", show_default=False, err=True,
    ).strip():  # fmt: skip
        matches = matching(answer, people)
        if len(matches) == 1:
            return matches[0]
        say(_not_unique(answer, who, matches))
    return None


def matching(text: str, people: Sequence[Listed]) -> list[Listed]:
    """The people that match a number of the list, a reference or part of a name."""
    from carequeue.sync.net.probe import Listed

    if text.isascii() and text.isdigit() and 0 < int(text) <= min(len(people), _SHOWN):
        return [people[int(text) - 1]]
    exact = [person for person in people if person.reference == text]
    if exact or "/" in text:
        return exact[:1] or [Listed(text, "")]
    return [person for person in people if fold(text) in fold(person.name)]


def _not_unique(text: str, who: str, matches: Sequence[Listed]) -> str:
    if not matches:
        return f"The server lists nobody for {who} with the name {text}."
    names = "; ".join(f"{person.name} ({person.reference})" for person in matches[:5])
    return f"{text} matches {len(matches)} for {who}: {names}. Give the reference."


def _ask_zone() -> str:
    import tzlocal

    try:
        here = tzlocal.get_localzone_name() or "UTC"
    except Exception:  # noqa: BLE001 - the machine's zone is only a suggestion
        here = "UTC"
    if not use_cases.can_ask():
        say(f"The site's time zone is taken from this machine: {here}. Check it: carequeue config")
        return here
    return str(click.prompt("The site's time zone", default=here, err=True)).strip()
