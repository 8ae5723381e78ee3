"""`connect` and `config`: from an address to a profile, and no token ever on disk or screen."""

from __future__ import annotations

import pytest

from carequeue.cli.connect import matching
from carequeue.domain.errors import ServerError, SignInError
from carequeue.store import profiles
from tests.cli.conftest import US, Shell
from tests.cli.fakes import URL, FakeProbe

TOKEN = "sesame-4711"


def nothing_is_stored(shell: Shell) -> bool:
    return profiles.names(shell.home) == ()


def test_connect_checks_the_server_and_stores_who_we_are(shell: Shell) -> None:
    asked = shell.server_is(FakeProbe(warnings=("It ignores If-Match.",)))
    result = shell.run("connect", f"{URL}/", *US)
    assert result.exit_code == 0, result.output
    assert asked == [(URL, None)]
    profile = shell.stored()
    assert (profile.me, profile.my_name) == ("Practitioner/ana", "Ana Soto")
    assert (profile.organization, profile.teams) == ("Organization/rb", ("CareTeam/access",))
    assert profile.sources[0].base_url == URL
    assert "Example FHIR, FHIR 4.0.1" in result.stdout
    assert "Next: carequeue sync" in result.stdout
    assert result.stderr == "Note: It ignores If-Match.\n"


def test_a_person_is_offered_what_the_server_lists(shell: Shell) -> None:
    shell.at_a_terminal()
    shell.server_is(FakeProbe())
    answers = "osei\nnobody\nbea\n1\n\nAmerica/Denver\n"
    result = shell.run("connect", URL, given=answers)
    assert result.exit_code == 0, result.output
    assert "2  Ben Osei  Practitioner/ben" in result.stdout
    assert "osei matches 2 for you: Ben Osei (Practitioner/ben); Bea Osei" in result.stderr
    assert "The server lists nobody for you with the name nobody." in result.stderr
    profile = shell.stored()
    assert (profile.me, profile.organization) == ("Practitioner/bea", "Organization/rb")
    assert (profile.teams, profile.time_zone) == ((), "America/Denver")


def test_without_a_terminal_nothing_is_asked_and_what_is_missing_is_told(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    result = shell.run("connect", URL)
    assert result.exit_code == 0
    assert "Nobody is set as you" in result.stderr
    assert "carequeue config set me" in result.stderr
    assert shell.stored().me == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fhir.example.org"], "The address is expected to be"),
        (["http://fhir.example.org"], "The address is expected to be"),
        ([URL, "--name", "Our Server"], "The name of a server is 1 to 40"),
        ([URL, "--token-env", "A", "--token-command", "b"], "--token-env and --token-command"),
        ([URL, "--token-command", "pass 'x"], "--token-command has a quotation mark"),
        ([URL, "--me", "osei"], "osei matches 2 for you"),
        ([URL, "--me", "nobody"], "The server lists nobody for you with the name nobody."),
        ([URL, "--me", "Ana/../x"], "`me` is expected to be a reference"),
        ([URL, "--time-zone", "Mars/Base"], "`time_zone` is expected to be the name"),
    ],
)
def test_bad_input_stores_nothing(shell: Shell, words: list[str], sentence: str) -> None:
    shell.server_is(FakeProbe())
    result = shell.run("connect", *words)
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1].startswith(sentence)
    assert "Nothing was changed" in result.stderr
    assert nothing_is_stored(shell)


@pytest.mark.parametrize(
    ("error", "code"),
    [(ServerError("This is a web page, not FHIR."), 6), (SignInError("It does not know you."), 7)],
)
def test_a_server_that_cannot_be_used_stores_nothing(
    shell: Shell, error: Exception, code: int
) -> None:
    shell.server_is(error)
    result = shell.run("connect", URL, *US)
    assert (result.exit_code, result.stderr) == (code, f"{error}\n")
    assert nothing_is_stored(shell)


@pytest.mark.parametrize(
    "how", [["--token-env", "OUR_TOKEN"], ["--token-command", f"printf {TOKEN}"], []]
)
def test_a_token_is_used_and_never_stored_or_shown(shell: Shell, how: list[str]) -> None:
    asked = shell.server_is(FakeProbe())
    shell.monkeypatch.setenv("CAREQUEUE_TOKEN" if not how else "OUR_TOKEN", TOKEN)
    connected = shell.run("connect", URL, *US, *how)
    assert asked == [(URL, TOKEN)]
    shown = shell.run("config")
    assert shown.exit_code == 0
    assert TOKEN not in connected.output + shown.output
    if how[:1] != ["--token-command"]:
        assert TOKEN not in profiles.profile_paths("default", shell.home).config.read_text()


def test_a_named_variable_without_a_token_is_told(shell: Shell) -> None:
    asked = shell.server_is(FakeProbe())
    result = shell.run("connect", URL, *US, "--token-env", "NOT_SET_ANYWHERE")
    assert (result.exit_code, asked) == (7, [])
    assert "NOT_SET_ANYWHERE holds no token. Nothing was changed." in result.stderr


def test_a_token_command_that_fails_is_told(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    result = shell.run("connect", URL, *US, "--token-command", "false")
    assert result.exit_code == 7
    assert nothing_is_stored(shell)


def test_a_second_server_joins_the_profile(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    shell.run("connect", URL, *US)
    assert shell.run("connect", "https://partner.example.org", "--name", "partner").exit_code == 0
    profile = shell.stored()
    assert [source.name for source in profile.sources] == ["main", "partner"]
    assert profile.me == "Practitioner/ana"


def test_a_further_server_has_a_token_and_people_of_its_own(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    shell.monkeypatch.setenv("CAREQUEUE_TOKEN", TOKEN)
    shell.monkeypatch.setenv("CAREQUEUE_TOKEN_THE_COUNTY", "theirs")
    shell.run("connect", URL, *US)
    asked = shell.server_is(FakeProbe())
    county = "https://county.example.org/r4"
    result = shell.run(
        "connect", county, "--source", "the-county", "--label", "County", "--me", "ben"
    )
    assert result.exit_code == 0, result.stderr
    assert asked == [(county, "theirs")]
    ours, theirs = shell.stored().sources
    assert (ours.me, shell.stored().me) == ("", "Practitioner/ana")
    assert (theirs.me, theirs.label, theirs.shown) == ("Practitioner/ben", "County", "County")
    assert theirs.token_env == "CAREQUEUE_TOKEN_THE_COUNTY"
    assert shell.stored().on(theirs).teams == ()


def test_connecting_again_keeps_what_was_set_by_hand(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    shell.run("connect", URL, *US)
    shell.run("config", "set", "sources.main.scope.Task", "owner=Practitioner/ana")
    shell.run("config", "set", "sources.main.token_env", "OUR_TOKEN")
    shell.run("connect", "https://partner.example.org", "--source", "partner")
    assert shell.run("connect", URL, "--ca-bundle", "/ca.pem").exit_code == 0
    main = shell.stored().sources[0]
    assert (main.name, main.token_env, main.ca_bundle) == ("main", "OUR_TOKEN", "/ca.pem")
    assert main.scope == {"Task": "owner=Practitioner/ana"}


def test_a_source_keeps_its_address_for_its_cache_belongs_to_it(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    shell.run("connect", URL, *US)
    result = shell.run("connect", "https://other.example.org", *US)
    assert result.exit_code == 3
    assert "already has a source main at another address" in result.stderr
    assert shell.stored().sources[0].base_url == URL
    assert shell.run("connect", URL, "--me", "ben").exit_code == 0
    assert shell.stored().me == "Practitioner/ben"


def test_a_profile_that_cannot_be_read_is_not_overwritten(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    where = profiles.profile_paths("default", shell.home)
    where.config.parent.mkdir(parents=True, mode=0o700)
    where.config.write_text("not toml")
    where.config.chmod(0o600)
    assert shell.run("connect", URL, *US).exit_code == 3
    assert where.config.read_text() == "not toml"


def test_a_hostile_name_from_the_directory_is_shown_clean(shell: Shell) -> None:
    from carequeue.sync.net.probe import Listed

    shell.at_a_terminal()
    people = tuple(Listed(f"Practitioner/{n}", f"[/red]\x1b]52;c;x\x07 {n}") for n in range(25))
    shell.server_is(FakeProbe(practitioners=people, organizations=(), teams=()))
    result = shell.run("connect", URL, given="1\nUTC\n")
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output
    assert "and 5 more: type part of a name" in result.stdout
    assert shell.stored().my_name == "[/red]␛]52;c;x␇ 0"


def test_somebody_is_meant_by_number_reference_or_part_of_a_name() -> None:
    people = FakeProbe().practitioners
    assert [person.name for person in matching("2", people)] == ["Ben Osei"]
    assert [person.name for person in matching("Practitioner/bea", people)] == ["Bea Osei"]
    assert [person.name for person in matching("SOTO", people)] == ["Ana Soto"]
    assert [person.reference for person in matching("Practitioner/new", people)] == [
        "Practitioner/new"
    ]
    assert matching("4", people) == []
