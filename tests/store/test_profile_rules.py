"""A site's own clock rules stand in its profile, and the queue follows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from carequeue.domain.errors import BadQuestion, ProfileError
from carequeue.domain.ranking import Band
from carequeue.domain.rules import site_rules
from carequeue.store import profiles
from carequeue.store.engine import writing
from tests.fhir.clinic import referral, request
from tests.store.cache import PROFILE, Cache, clinic_of_dana

SITE = """
time_zone = "America/Chicago"

# The crisis line answers for us.
[rules.access-triage]
enabled = true

[rules.noshow-call]
label = "Call after a missed visit"
kinds = ["follow_up"]
starts = "authored_at"
met_by = ["contacted_at"]
length = "1bd"
class = "T"
citation = "our procedure 12"
provenance = "site practice"

[sources.main]
base_url = "https://fhir.example.org/r4"
"""
DOCS = Path(__file__).parents[2] / "docs" / "profiles.md"


def written(folder: Path, text: str) -> Path:
    file = profiles.profile_paths("north", folder).config
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return file


def test_a_profile_switches_a_rule_on_and_adds_one(tmp_path: Path) -> None:
    written(tmp_path, SITE)
    rules = {rule.id: rule for rule in site_rules(profiles.load("north", tmp_path).rules)}
    assert "access-triage" in rules
    assert rules["noshow-call"].citation == "our procedure 12"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('length = "soon"', ["noshow-call", "length", "soon", "2bd"]),
        ('starts = "birth"', ["noshow-call", "starts", "birth", "authored_at"]),
        ("severity = 3", ["noshow-call", "severity", "not a known key"]),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_its_file(
    tmp_path: Path, wrong: str, words: list[str]
) -> None:
    key = wrong.partition(" ")[0]
    lines = [line for line in SITE.splitlines() if not line.startswith(f"{key} =")]
    lines.insert(lines.index("[rules.noshow-call]") + 1, wrong)
    file = written(tmp_path, "\n".join(lines))
    with pytest.raises(ProfileError) as refused:
        profiles.load("north", tmp_path)
    for word in [str(file), *words, "nothing was changed"]:
        assert word in str(refused.value)


def test_a_long_or_hostile_value_is_cut_and_made_visible(tmp_path: Path) -> None:
    written(tmp_path, SITE.replace('length = "1bd"', f'length = "\\u202e{"9" * 500}"'))
    with pytest.raises(ProfileError) as refused:
        profiles.load("north", tmp_path)
    assert "9" * 50 not in str(refused.value)
    assert "\u202e" not in str(refused.value)


def test_what_is_not_a_table_of_rules_is_refused(tmp_path: Path) -> None:
    written(tmp_path, 'rules = "all"\n' + SITE.split("[rules.access")[0] + "[sources.main]\n"
            'base_url = "https://fhir.example.org/r4"\n')  # fmt: skip
    with pytest.raises(ProfileError, match=r"`rules` is expected to be a table \[rules.ID\]"):
        profiles.load("north", tmp_path)


def test_saving_keeps_the_rules_and_the_comments(tmp_path: Path) -> None:
    file = written(tmp_path, SITE)
    before = profiles.load("north", tmp_path)
    profiles.save(replace(before, my_name="Ana Soto"), profiles.profile_paths("north", tmp_path))
    assert profiles.load("north", tmp_path) == replace(before, my_name="Ana Soto")
    assert "# The crisis line answers for us." in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("rules.access-triage.enabled", "true", True),
        ("rules.access-urgent.year", "2026", 2026),
        ("rules.access-urgent.met_by", "served_at,contacted_at", ["served_at", "contacted_at"]),
        ("rules.access-urgent.length", "2bd", "2bd"),
    ],
)
def test_one_key_of_a_rule_is_set_from_the_command_line(
    tmp_path: Path, key: str, text: str, value: object
) -> None:
    made = profiles.with_setting(PROFILE, key, text)
    _, rule, name = key.split(".")
    assert made.rules == {rule: {name: value}}
    where = profiles.profile_paths(made.name, tmp_path)
    profiles.save(made, where)
    assert profiles.load(made.name, tmp_path) == made


def test_a_key_of_a_rule_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadQuestion, match=r"access-urgent.*length.*soon"):
        profiles.with_setting(PROFILE, "rules.access-urgent.length", "soon")


def test_the_example_in_the_docs_can_be_used(tmp_path: Path) -> None:
    example = DOCS.read_text(encoding="utf-8").split("```toml\n")[3].split("```")[0]
    assert "[rules." in example
    written(tmp_path, SITE.split("# The crisis")[0] + example + "[sources.main]\n"
            'base_url = "https://fhir.example.org/r4"\n')  # fmt: skip
    assert len(profiles.load("north", tmp_path).rules) == 3


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    cache = clinic_of_dana(tmp_path, request(), referral())
    yield cache
    cache.close()


def test_a_rule_that_is_switched_on_moves_the_rows_that_are_there(cache: Cache) -> None:
    (before,) = cache.rows()
    assert before.band != Band.SAFETY
    cache.close()
    cache.profile = profiles.with_setting(cache.profile, "rules.access-triage.enabled", "true")
    cache.open()
    cache.session.rebuild_if_profile_changed()
    (after,) = cache.rows()
    assert (after.key, after.band) == (before.key, Band.SAFETY)


def test_a_profile_that_says_the_same_makes_no_row_anew(cache: Cache) -> None:
    cache.session.rebuild_if_profile_changed()
    with writing(cache.session.engine()) as connection:
        connection.exec_driver_sql("DELETE FROM item")
    cache.close()
    cache.profile = replace(cache.profile, theme="light")
    cache.open()
    cache.session.rebuild_if_profile_changed()
    assert not cache.table("item")
