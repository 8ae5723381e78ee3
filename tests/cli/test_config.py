"""`config`: shows a profile, and sets one value."""

from __future__ import annotations

from carequeue.store import profiles
from tests.cli.conftest import US, Shell
from tests.cli.fakes import URL, FakeProbe


def test_config_shows_the_place_and_the_content(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    shell.run("--profile", "south", "connect", URL, *US)
    shell.run("connect", URL, *US)
    lines = shell.run("config").stdout.splitlines()
    assert lines[0] == f"# {profiles.profile_paths('default', shell.home).config}"
    assert "# other profiles: south" in lines
    assert "me = Practitioner/ana" in lines
    assert f"sources.main.base_url = {URL}" in lines


def test_config_set_changes_one_value(shell: Shell) -> None:
    shell.server_is(FakeProbe())
    shell.run("connect", URL, *US)
    assert shell.run("config", "set", "opens", "09:30").exit_code == 0
    assert f"{shell.stored().opens:%H:%M}" == "09:30"
    bad = shell.run("config", "set", "opens", "noon")
    assert bad.exit_code == 2
    assert bad.stderr == (
        '`opens` is expected to be a time of day such as "08:00". Nothing was changed.\n'
    )
    assert shell.run("config", "set", "colour", "red").exit_code == 2
    assert f"{shell.stored().opens:%H:%M}" == "09:30"


def test_without_a_profile_config_names_the_way_to_one(shell: Shell) -> None:
    for words in (["config"], ["config", "set", "opens", "09:00"]):
        result = shell.run(*words)
        assert result.exit_code == 3
        assert "carequeue connect URL" in result.stderr
    assert shell.run("--profile", "Not A Name", "config").exit_code == 3
