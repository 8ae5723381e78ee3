"""`connect`: from an address to a source of a profile.

Decided here: nothing is stored before the server has answered as a FHIR R4 server, and never a
token; a source keeps its address, because the cache and unsent work belong to it; and each source
has a token and people of its own: no variable is shared by default, and who "we" are on a further
server is asked anew, for an id of one is somebody else's on another.
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
    from carequeue.store.profiles import Places, Profile, SourceProfile
    from carequeue.sync.net.probe import Listed, Probe

#: The variable that is looked for where the first source names none; a further one has its own.
TOKEN_ENV: Final = "CAREQUEUE_TOKEN"  # noqa: S105 - the name of a variable, no token
_SHOWN: Final = 20


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
    "--source",
    "--name",
    "name",
    default="main",
    show_default=True,
    metavar="NAME",
    help="What this server is called in the profile; another name adds a server.",
)
@click.option("--label", default="", help="What people call it, such as County.")
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
    label: str,
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
    url = profiles.address(url)
    command = _command(name, token_env, token_command)
    before = _profile_before(profile, where)
    source = _source(before, name, url)
    if token_env or command:
        source = replace(source, token_env=token_env, token_command=command)
    source = replace(
        source, ca_bundle=ca_bundle or source.ca_bundle, label=label.strip() or source.label
    )
    token = use_cases.token_of(source)
    if token_env and not token:
        raise SignInError(
            f"The variable {token_env} holds no token. Nothing was changed. "
            f"Set it, then connect again: export {token_env}=..."
        )
    probe = use_cases.probe(source.base_url, token, source.ca_bundle)
    _write_probe(probe)
    after = _who_we_are(profiles.with_source(before, source), source, probe, Given(**given))
    profiles.save(after, where)
    if os.path.lexists(where.cache):
        with suppress(CareQueueError), use_cases.open_session(profile) as session:
            session.ask_anew(name)  # a cache that does not open says so by itself
    printing.write_message(f"Stored the source {name} in the profile {profile}: {where.config}")
    stored = next(one for one in after.sources if one.name == name)
    if not after.on(stored).me:
        key = "me" if after.sources[0].name == name else f"sources.{name}.me"
        say(
            "Nobody is set as you on this server, so no move there is yours yet. "
            f"Set it with: carequeue config set {key} Practitioner/ID"
        )
    printing.write("Next: carequeue sync, then carequeue")


def _command(name: str, token_env: str, token_command: str) -> tuple[str, ...]:
    """The token command in its parts. Raises BadQuestion where what was said cannot be."""
    if not PROFILE_NAME.fullmatch(name):
        raise BadQuestion("The name of a server is 1 to 40 of a-z, 0-9 and -. Nothing was changed.")
    if token_env and token_command:
        raise BadQuestion(
            "--token-env and --token-command are two ways to one token; give one. "
            "Nothing was changed."
        )
    try:
        return tuple(shlex.split(token_command))
    except ValueError:
        raise BadQuestion(
            "--token-command has a quotation mark that is not closed. Nothing was changed."
        ) from None


def _source(profile: Profile, name: str, url: str) -> SourceProfile:
    """The source of this name as it is, or a new one. Raises ProfileError for another address."""
    for known in profile.sources:
        if known.name == name:
            if known.base_url == url:
                return known
            raise ProfileError(
                f"The profile {profile.name} already has a source {name} at another "
                "address, and its cache may hold unsent work. Nothing was changed. "
                "Choose another --source for this server, or another --profile."
            )
    # Never the variable of another server: its token would be sent to this one.
    own = f"{TOKEN_ENV}_{name.upper().replace('-', '_')}" if profile.sources else TOKEN_ENV
    return profiles.SourceProfile(name=name, base_url=url, token_env=own)


def _profile_before(name: str, where: Places) -> Profile:
    if os.path.lexists(where.config):
        return profiles.load(name)
    return profiles.Profile(name=name, time_zone="")


def _write_probe(probe: Probe) -> None:
    printing.write_message(
        f"{probe.base_url} is {probe.software or 'a server'}, FHIR {probe.fhir_version}."
    )
    for sentence in probe.can:
        printing.write_message(f"  {sentence}")
    for warning in probe.warnings:
        say(f"Note: {warning}")


def _who_we_are(profile: Profile, source: SourceProfile, probe: Probe, given: Given) -> Profile:
    """The profile with who we are on this server: of the first in the profile, else beside it."""
    known = profile.on(source)
    me = _one_of("you", given.me, known.me, probe.practitioners)
    organization = _one_of(
        "your organization", given.organization, known.organization, probe.organizations
    )
    teams = [_one_of("a team of yours", team, "", probe.teams) for team in given.teams]
    if not teams and not known.teams:
        teams = [_one_of("a team of yours", "", "", probe.teams)]
    found = tuple(dict.fromkeys(team.reference for team in teams if team and team.reference))
    zone = given.time_zone or profile.time_zone or _ask_zone()
    said: dict[str, Any] = {
        "me": me.reference if me else known.me,
        "organization": organization.reference if organization else known.organization,
        "teams": found or known.teams,
    }
    if profile.sources[0].name == source.name:
        names = {
            "my_name": clean(me.name) if me else "",
            "organization_name": clean(organization.name) if organization else "",
        }
        said |= {key: name for key, name in names.items() if name}
        profile = replace(profile, **said)
    else:
        profile = profiles.with_source(profile, replace(source, **said))
    return profiles.with_setting(profile, "time_zone", zone)


def _one_of(who: str, given: str, known: str, people: Sequence[Listed]) -> Listed | None:
    """Who is meant: what was given, else what the profile knows, else what the person answers."""
    if given:
        found = matching(given, people)
        if len(found) != 1:
            raise BadQuestion(f"{_not_one(given, who, found)} Nothing was changed.")
        return found[0]
    if known or not people or not use_cases.can_ask():
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
    from carequeue.sync.net.probe import Listed

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
    if not use_cases.can_ask():
        say(f"The site's time zone is taken from this machine: {here}. Check it: carequeue config")
        return here
    return str(click.prompt("The site's time zone", default=here, err=True)).strip()
