"""Profiles: read with care, written whole, and each fault told with its key and a way on."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carequeue.domain.errors import BadQuestion, ProfileError, RuleError
from carequeue.store import profiles
from carequeue.store.profile_values import (
    DAYS,
    PROFILE_KEYS,
    SOURCE_KEYS,
    OnSource,
    WrongValue,
    as_mapping,
    from_mapping,
)
from carequeue.store.profiles import Profile, ProfilePaths, SourceProfile

RIVERBEND = Profile(
    name="north",
    me="Practitioner/ana",
    my_name="Ana Soto",
    teams=("CareTeam/access", "CareTeam/crisis"),
    organization="Organization/rb",
    organization_name="Riverbend",
    time_zone="America/Chicago",
    open_days=(0, 1, 2, 3, 4, 5),
    opens=time(7, 30),
    closes=time(19),
    closed_days=("2026-12-25",),
    theme="light",
    contact_notes={"1": "left message: Asked to call back."},
    sources=(
        SourceProfile(
            "main",
            "https://fhir.example.org/r4",
            scope={"Task": "owner=Practitioner/ana"},
            token_command=("pass", "show", "the ehr"),
        ),
        SourceProfile("partner", "http://127.0.0.1:8103", token_env="PARTNER_TOKEN"),
    ),
)
GOOD = """
time_zone = "America/Chicago"
[sources.main]
base_url = "https://fhir.example.org/r4"
"""


@pytest.fixture
def where(tmp_path: Path) -> ProfilePaths:
    return profiles.profile_paths("north", tmp_path)


def written(where: ProfilePaths, text: str | bytes, mode: int = 0o600) -> None:
    where.config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    where.config.write_bytes(text if isinstance(text, bytes) else text.encode())
    where.config.chmod(mode)


def refusal(tmp_path: Path) -> str:
    with pytest.raises(ProfileError) as caught:
        profiles.load("north", tmp_path)
    return str(caught.value)


class TestPlaces:
    def test_everything_lies_below_one_home_where_it_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CAREQUEUE_HOME", str(tmp_path / "home"))
        found = profiles.profile_paths("north")
        assert found == profiles.profile_paths("north", tmp_path / "home")
        locks = (found.lock("main"), found.lock("county"))
        files = (found.config, found.folder, found.cache, found.key, found.log, *locks)
        assert all(tmp_path / "home" in file.parents for file in files)
        assert len(set(files)) == len(files)

    def test_else_they_lie_in_the_platforms_folders(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CAREQUEUE_HOME", "")
        found = profiles.profile_paths("north")
        assert found.config.name == "north.toml"
        assert "carequeue" in str(found.config).lower()

    def test_two_profiles_share_no_file(self, tmp_path: Path) -> None:
        one, two = (
            profiles.profile_paths("north", tmp_path),
            profiles.profile_paths("south", tmp_path),
        )
        assert one.folder != two.folder
        assert one.config != two.config

    @pytest.mark.parametrize("name", ["", "North", "../x", "a b", "a" * 41, "é", "a\n"])
    def test_a_name_that_is_none_is_refused(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ProfileError, match="1 to 40 of a-z"):
            profiles.profile_paths(name, tmp_path)

    def test_names_are_those_that_have_a_file(self, tmp_path: Path) -> None:
        assert profiles.names(tmp_path) == ()
        for name in ("south", "north"):
            found = profiles.profile_paths(name, tmp_path)
            profiles.save(RIVERBEND, found)
        (found.config.parent / "Not A Profile.toml").touch()
        assert profiles.names(tmp_path) == ("north", "south")


class TestSaving:
    def test_what_is_saved_is_what_is_loaded(self, where: ProfilePaths, tmp_path: Path) -> None:
        profiles.save(RIVERBEND, where)
        assert profiles.load("north", tmp_path) == RIVERBEND

    def test_the_file_and_its_folder_are_for_their_owner_alone(self, where: ProfilePaths) -> None:
        profiles.save(RIVERBEND, where)
        assert stat.S_IMODE(where.config.stat().st_mode) == 0o600
        assert stat.S_IMODE(where.config.parent.stat().st_mode) == 0o700

    def test_comments_stay_on_a_change_and_defaults_stay_unsaid(
        self, where: ProfilePaths, tmp_path: Path
    ) -> None:
        written(where, "# ours\n" + GOOD + "# asked Kim\n")
        before = profiles.load("north", tmp_path)
        profiles.save(profiles.with_setting(before, "opens", "09:00"), where)
        text = where.config.read_text()
        assert text.startswith("# ours\n")
        assert "# asked Kim" in text
        assert profiles.load("north", tmp_path).opens == time(9)

    def test_a_source_that_is_added_is_there_after_the_old_one(
        self, where: ProfilePaths, tmp_path: Path
    ) -> None:
        written(where, GOOD)
        added = SourceProfile("partner", "https://partner.example.org", scope={"Task": "a=b"})
        profiles.save(profiles.with_source(profiles.load("north", tmp_path), added), where)
        assert [s.name for s in profiles.load("north", tmp_path).sources] == ["main", "partner"]
        assert profiles.load("north", tmp_path).sources[1] == added

    def test_a_write_that_fails_leaves_the_old_profile(
        self, where: ProfilePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        profiles.save(RIVERBEND, where)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ProfileError, match=r"No space left on device\. Nothing was changed"):
            profiles.save(profiles.with_setting(RIVERBEND, "my_name", "Someone"), where)
        monkeypatch.undo()
        assert profiles.load("north", tmp_path) == RIVERBEND
        assert [file.name for file in where.config.parent.iterdir()] == ["north.toml"]

    def test_a_profile_that_could_not_be_read_again_is_not_written(
        self, where: ProfilePaths
    ) -> None:
        bad = Profile("north", time_zone="Middle/Earth", sources=RIVERBEND.sources)
        with pytest.raises(ProfileError, match="`time_zone` is expected"):
            profiles.save(bad, where)
        assert not where.config.exists()

    def test_the_way_to_the_first_frame_loads_nothing_heavy(
        self, where: ProfilePaths, tmp_path: Path
    ) -> None:
        profiles.save(RIVERBEND, where)
        code = (
            "import sys; from pathlib import Path; "
            "from carequeue.store import encryption_keys, profiles; "
            f"profiles.load('north', Path({str(tmp_path)!r})); "
            "print([m for m in ('tomlkit', 'sqlmodel', 'httpx', 'textual', 'click', 'rich') "
            "if m in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"


class TestSeveralSources:
    """A further server beside the first: who we are there, and what people call it."""

    def both(self, **more: Any) -> Profile:
        ours = SourceProfile("main", "https://fhir.example.org/r4")
        county = SourceProfile("county", "https://county.example.org/r4", **more)
        return Profile(
            "north",
            me="Practitioner/ana",
            teams=("CareTeam/access",),
            organization="Organization/rb",
            sources=(ours, county),
        )

    def test_the_profile_s_own_words_hold_at_its_first_source(self) -> None:
        profile = self.both()
        assert profile.on(profile.sources[0]) == OnSource(
            "Practitioner/ana", ("CareTeam/access",), "Organization/rb"
        )

    def test_an_id_of_one_server_is_never_ours_on_another(self) -> None:
        profile = self.both()
        assert profile.on(profile.sources[1]) == OnSource("", (), "")

    def test_a_further_source_says_its_own(self) -> None:
        profile = self.both(me="Practitioner/7", teams=("CareTeam/9",))
        assert profile.on(profile.sources[1]) == OnSource("Practitioner/7", ("CareTeam/9",), "")

    def test_two_scopes_of_one_server_know_us_alike(self) -> None:
        profile = self.both()
        again = SourceProfile("more", "https://fhir.example.org/r4")
        assert profile.on(again).me == "Practitioner/ana"

    def test_all_of_it_is_kept_in_the_file(self, tmp_path: Path) -> None:
        profile = self.both(
            label="County",
            me="Practitioner/7",
            teams=("CareTeam/9",),
            organization="Organization/c",
        )
        profiles.save(profile, profiles.profile_paths("north", tmp_path))
        assert profiles.load("north", tmp_path) == profile

    def test_a_source_that_is_stored_again_keeps_its_place(self, tmp_path: Path) -> None:
        where = profiles.profile_paths("north", tmp_path)
        profiles.save(self.both(), where)
        changed = replace(self.both().sources[0], ca_bundle="/ca.pem")
        after = profiles.with_source(profiles.load("north", tmp_path), changed)
        profiles.save(after, where)
        assert [source.name for source in profiles.load("north", tmp_path).sources] == [
            "main",
            "county",
        ]

    @pytest.mark.parametrize("label", ["main", "x" * 41, "two\nlines"])
    def test_people_must_not_take_one_for_another(self, label: str, tmp_path: Path) -> None:
        with pytest.raises(ProfileError, match=r"sources\.county\.label"):
            profiles.save(self.both(label=label), profiles.profile_paths("north", tmp_path))


class TestTrust:
    def test_a_profile_that_others_can_read_is_refused_with_the_remedy(
        self, where: ProfilePaths, tmp_path: Path
    ) -> None:
        written(where, GOOD, mode=0o644)
        assert f"chmod 600 '{where.config}'" in refusal(tmp_path)
        with pytest.raises(ProfileError, match="mode 644"):
            profiles.save(RIVERBEND, where)
        assert where.config.read_text() == GOOD

    def test_a_link_is_refused_and_what_it_points_to_stays(
        self, where: ProfilePaths, tmp_path: Path
    ) -> None:
        target = tmp_path / "elsewhere.toml"
        target.write_text(GOOD)
        target.chmod(0o600)
        where.config.parent.mkdir(parents=True, mode=0o700)
        where.config.symlink_to(target)
        assert "is a symbolic link" in refusal(tmp_path)
        with pytest.raises(ProfileError, match="is a symbolic link"):
            profiles.save(RIVERBEND, where)
        assert target.read_text() == GOOD

    def test_a_foreign_owner_is_refused(
        self, where: ProfilePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written(where, GOOD)
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert "belongs to another user" in refusal(tmp_path)

    def test_a_pipe_in_the_place_of_the_file_does_not_hang(
        self, where: ProfilePaths, tmp_path: Path
    ) -> None:
        where.config.parent.mkdir(parents=True, mode=0o700)
        os.mkfifo(where.config, 0o600)
        assert "is not a plain file" in refusal(tmp_path)

    def test_a_folder_that_others_can_enter_gets_no_file(self, where: ProfilePaths) -> None:
        where.config.parent.mkdir(parents=True)
        where.config.parent.chmod(0o755)
        with pytest.raises(ProfileError, match="chmod 700"):
            profiles.save(RIVERBEND, where)
        assert not where.config.exists()

    def test_a_folder_in_the_place_of_the_file_is_told(
        self, where: ProfilePaths, tmp_path: Path
    ) -> None:
        where.config.mkdir(parents=True)
        assert "is not a plain file" in refusal(tmp_path)

    def test_a_huge_file_is_not_read(self, where: ProfilePaths, tmp_path: Path) -> None:
        written(where, b"#" * 2_000_000)
        assert "is larger than" in refusal(tmp_path)


BAD = [
    ("", "`sources` is missing; it is expected to be at least one table"),
    ("time_zone = 'UTC'", "`sources` is missing"),
    (GOOD.replace("time_zone", "timezone"), "`timezone` is not a key"),
    (GOOD.replace("time_zone", "timezone"), "did you mean `time_zone`?"),
    (GOOD.replace("America/Chicago", "America"), "`time_zone` is expected to be the name"),
    (GOOD.replace("America/Chicago", "Middle/Earth"), "`time_zone` is expected to be the name"),
    (GOOD.replace("America/Chicago", "../../etc/passwd"), "`time_zone` is expected"),
    ("me = 3\n" + GOOD, "`me` is expected to be a reference"),
    ("me = 'Ana Soto'\n" + GOOD, "`me` is expected to be a reference"),
    ("my_name = 'a\\u001b[2J'\n".replace("'", '"') + GOOD, "`my_name` is expected to be a text"),
    ("teams = 'CareTeam/access'\n" + GOOD, "`teams` is expected to be a list"),
    ("open_days = ['monday']\n" + GOOD, "`open_days` is expected to be a list of days"),
    ("open_days = []\n" + GOOD, "`open_days` is expected to be a list of days"),
    (
        GOOD + "[contact_notes]\na = 'reached: x'",
        "`contact_notes` is expected to be a table of keys",
    ),
    (GOOD + "[contact_notes]\n1 = 'away: x'", "`contact_notes` is expected to be a table of keys"),
    (GOOD + "[contact_notes]\n1 = 'reached: '", "`contact_notes` is expected to be a table"),
    ("opens = 8\n" + GOOD, "`opens` is expected to be a time of day"),
    ("opens = '25:00'\n" + GOOD, "`opens` is expected to be a time of day"),
    ("opens = '18:00'\ncloses = '09:00'\n" + GOOD, "`closes` is expected to be a time of day"),
    ("closed_days = ['25.12.2026']\n" + GOOD, "`closed_days` is expected to be a list of dates"),
    ("theme = 'Dark Theme'\n" + GOOD, "`theme` is expected to be a word"),
    (GOOD + "token = 'sesame'\n", "`sources.main.token` is not a key"),
    (GOOD + "token_env = '$TOKEN'\n", "`sources.main.token_env` is expected to be the name"),
    (GOOD + "token_command = 'pass ehr'\n", "`sources.main.token_command` is expected to be"),
    (GOOD + "token_command = ['']\n", "`sources.main.token_command` is expected to be"),
    (GOOD + "token_env = 'A'\ntoken_command = ['b']\n", "token_command` is expected to be absent"),
    (GOOD + "scope = 'Task'\n", "`sources.main.scope` is expected to be a table of FHIR types"),
    (GOOD + "scope = {task = 'a=b'}\n", "`sources.main.scope` is expected"),
    (GOOD + "scope = {Task = 'a=b#c'}\n", "`sources.main.scope` is expected"),
    (GOOD.replace("sources.main", "sources.Main"), "`sources` is expected to be at least one"),
    (
        GOOD.replace("sources.main", "sources"),
        "`sources` is expected to be at least one table [sources.NAME]",
    ),
    ("time_zone = 'UTC'\nsources = 3", "`sources` is expected to be at least one table"),
    (GOOD + "=", "it is not TOML (Invalid"),
    (b"time_zone = '\xff'", "it is not text in UTF-8"),
    ("x = " + "[" * 5000, "it is not TOML"),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_a_profile_that_is_wrong_is_told_with_file_key_and_what_was_expected(
    text: str | bytes, why: str, where: ProfilePaths, tmp_path: Path
) -> None:
    written(where, text)
    sentence = refusal(tmp_path)
    assert sentence.startswith(f"The profile {where.config} cannot be used: ")
    assert why in sentence
    assert "Nothing was changed. Correct it in an editor" in sentence
    assert "sesame" not in sentence


def test_a_profile_that_is_not_there_names_two_ways_to_begin(tmp_path: Path) -> None:
    sentence = refusal(tmp_path)
    assert sentence.startswith("There is no profile north yet")
    assert "carequeue demo" in sentence
    assert "carequeue connect URL" in sentence


def test_what_a_profile_leaves_out_has_a_default(where: ProfilePaths, tmp_path: Path) -> None:
    written(where, GOOD)
    found = profiles.load("north", tmp_path)
    assert (found.open_days, found.opens, found.closes) == ((0, 1, 2, 3, 4), time(8), time(17))
    assert found.closed_days is None
    assert found.zone.key == "America/Chicago"


def test_toml_has_times_and_dates_of_its_own(where: ProfilePaths, tmp_path: Path) -> None:
    written(where, "opens = 07:30:00\nclosed_days = [2026-12-25]\n" + GOOD)
    found = profiles.load("north", tmp_path)
    assert (found.opens, found.closed_days) == (time(7, 30), ("2026-12-25",))


class TestAddress:
    @pytest.mark.parametrize(
        ("given_text", "kept"),
        [
            (" https://fhir.example.org/r4/ ", "https://fhir.example.org/r4"),
            ("https://fhir.example.org:8443", "https://fhir.example.org:8443"),
            ("http://localhost:8103/", "http://localhost:8103"),
            ("http://[::1]:8103/fhir", "http://[::1]:8103/fhir"),
        ],
    )
    def test_it_is_kept_in_one_form(self, given_text: str, kept: str) -> None:
        assert profiles.address(given_text) == kept

    @pytest.mark.parametrize(
        "text",
        [
            "", "fhir.example.org", "http://fhir.example.org", "ftp://fhir.example.org",
            "https://ana:sesame@fhir.example.org", "https://", "https://h:99999", "https://h?a=b",
            "https://h#x", "https://h/a b", "https://[::1", "http://127.0.0.1.evil.example",
            "https://h\\@evil.example", "javascript:alert(1)",
        ],
    )  # fmt: skip
    def test_where_no_token_may_go_it_is_refused(self, text: str) -> None:
        with pytest.raises(BadQuestion, match="starts with https://") as caught:
            profiles.address(text)
        assert "sesame" not in str(caught.value)

    def test_a_forgotten_scheme_is_proposed(self) -> None:
        with pytest.raises(BadQuestion, match=r"Did you mean https://fhir\.example\.org/r4 \?"):
            profiles.address("fhir.example.org/r4")


class TestSettings:
    @pytest.mark.parametrize(
        ("key", "text"),
        [
            ("me", "Practitioner/ben"), ("my_name", "Ben Osei"), ("time_zone", "America/Denver"),
            ("teams", "CareTeam/a, CareTeam/b"), ("open_days", "mon tue"), ("closes", "20:00"),
            ("closed_days", "2026-12-24,2026-12-25"), ("theme", "dark"),
            ("sources.partner.base_url", "https://p.example.org"),
            ("sources.main.scope.ServiceRequest", "status=active"),
            ("sources.main.token_command", "vault read 'my token'"),
            ("sources.main.ca_bundle", "/etc/ssl/ours.pem"), ("organization", "Organization/x"),
            ("organization_name", "Cedar"), ("opens", "06:00"),
        ],
    )  # fmt: skip
    def test_one_value_changes_and_nothing_else(self, key: str, text: str) -> None:
        changed = profiles.with_setting(RIVERBEND, key, text)
        before, after = as_mapping(RIVERBEND), as_mapping(changed)
        assert before != after
        *above, last = key.split(".")
        for step in above:
            before, after = before[step], after[step]
        assert {k: v for k, v in before.items() if k != last} == {
            k: v for k, v in after.items() if k != last
        }

    def test_an_empty_text_puts_the_default_back(self) -> None:
        assert profiles.with_setting(RIVERBEND, "closed_days", "").closed_days is None
        assert profiles.with_setting(RIVERBEND, "opens", "").opens == time(8)

    @pytest.mark.parametrize(
        ("key", "text"),
        [
            ("", "x"), ("sources", "x"), ("sources.main", "x"), ("colour", "red"), ("me.x", "1"),
            ("me", "Ana"), ("time_zone", ""), ("sources.main.token", "sesame"), ("a.b.c.d", "x"),
            ("sources.main.token_env", "ALSO"), ("sources.main.token_command", "pass 'x"),
            ("sources.new.token_env", "A"), ("sources.main.base_url", ""),
        ],
    )  # fmt: skip
    def test_a_bad_one_is_refused_and_changes_nothing(self, key: str, text: str) -> None:
        before = as_mapping(RIVERBEND)
        with pytest.raises(BadQuestion, match=r"Nothing was changed\."):
            profiles.with_setting(RIVERBEND, key, text)
        assert as_mapping(RIVERBEND) == before


def test_every_key_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
    for key in (*PROFILE_KEYS, *SOURCE_KEYS):
        assert f"| `{key}` |" in text


def test_the_example_in_the_docs_is_a_profile(where: ProfilePaths, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
    written(where, text.split("```toml\n")[1].split("```")[0])
    assert {source.name for source in profiles.load("north", tmp_path).sources} == {
        "main",
        "partner",
    }


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
toml_values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(), words, st.dates(), st.times()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
plausible = st.dictionaries(
    st.sampled_from([*PROFILE_KEYS, *SOURCE_KEYS]) | words, toml_values, max_size=5
)


@given(plausible)
def test_no_table_breaks_the_reader(table: dict[str, object]) -> None:
    """Whatever TOML can say is a profile or a named fault, never another error."""
    base = {"time_zone": "UTC", "sources": {"main": {"base_url": "https://h.example"}}}
    for values in (table, base | table, base | {"sources": {"main": table}}):
        with suppress(WrongValue, RuleError):
            assert from_mapping("north", values).name == "north"


names = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)
references = st.from_regex(r"[A-Z][a-z]{1,8}/[A-Za-z0-9.-]{1,8}", fullmatch=True)
lines = st.text(max_size=20).filter(str.isprintable)
sources = st.builds(
    SourceProfile,
    name=names,
    base_url=st.sampled_from(["https://a.example/r4", "http://127.0.0.1:9"]),
    scope=st.dictionaries(st.sampled_from(["Task", "Coverage"]), st.just("status=active")),
    ca_bundle=lines,
)
any_profile = st.builds(
    Profile,
    name=st.just("north"),
    me=references,
    my_name=lines,
    teams=st.lists(references, max_size=3).map(tuple),
    organization_name=lines,
    time_zone=st.sampled_from(["UTC", "Asia/Kathmandu"]),
    open_days=st.sets(st.integers(0, len(DAYS) - 1), min_size=1).map(lambda d: tuple(sorted(d))),
    closed_days=st.none() | st.lists(st.dates().map(str), max_size=2).map(tuple),
    sources=st.lists(sources, min_size=1, max_size=3, unique_by=lambda s: s.name).map(tuple),
)


@given(any_profile)
def test_a_profile_and_its_table_say_the_same(profile: Profile) -> None:
    assert from_mapping("north", as_mapping(profile)) == profile
