"""From a profile to who we are, when we are open and by which rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest

from carequeue.domain.items import Us
from carequeue.store.profile_to_site import fingerprint_of, site_of
from tests.store.cache import PROFILE, SOURCE
from tests.store.two_sources import COUNTY, ME_AT_COUNTY, TWO


def test_each_source_names_us_in_its_own_way() -> None:
    site = site_of(TWO)
    assert site.us[SOURCE] == Us(
        PROFILE.me, PROFILE.my_name, frozenset(PROFILE.teams), PROFILE.organization
    )
    assert site.us[COUNTY].me == ME_AT_COUNTY
    assert site.us[COUNTY].organization == "Organization/county"
    assert site.labels == {SOURCE: SOURCE, COUNTY: "County"}
    assert site.base_urls[COUNTY] == "http://127.0.0.1:9/county"


def test_the_hours_are_the_profiles_and_its_closed_days_replace_the_proposed_ones() -> None:
    noon = datetime(2026, 12, 25, 18, tzinfo=UTC)  # a Friday, Christmas, in Chicago
    assert site_of(replace(PROFILE, closed_days=())).calendar.is_open(noon.date())
    assert not site_of(replace(PROFILE, closed_days=("2026-12-25",))).calendar.is_open(noon.date())
    assert not site_of(replace(PROFILE, closed_days=None)).calendar.is_open(noon.date())


@pytest.mark.parametrize(
    "change",
    [{"me": "Practitioner/other"}, {"opens": time(9)}, {"closed_days": ("2026-12-24",)}],
    ids=lambda change: next(iter(change)),
)
def test_the_mark_changes_with_what_a_rank_depends_on(change: dict[str, Any]) -> None:
    assert fingerprint_of(replace(PROFILE, **change)) != fingerprint_of(PROFILE)


def test_the_mark_does_not_change_with_a_theme_or_a_token() -> None:
    (source,) = PROFILE.sources
    asked = replace(source, token_env="TOKEN")
    assert fingerprint_of(replace(PROFILE, theme="dark", sources=(asked,))) == fingerprint_of(
        PROFILE
    )
