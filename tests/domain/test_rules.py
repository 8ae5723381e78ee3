from __future__ import annotations

from typing import Any

import pytest

from carequeue.domain.errors import RuleError
from carequeue.domain.rules import (
    ClockClass,
    Length,
    LengthUnit,
    Provenance,
    rules_from,
    site_rules,
)

NOSHOW: dict[str, Any] = {
    "label": "Call after a missed visit",
    "kinds": ["follow_up"],
    "starts": "authored_at",
    "met_by": ["contacted_at"],
    "length": "1bd",
    "class": "T",
    "citation": "NIATx: call after the first miss",
    "provenance": "site practice",
}


def test_a_rule_is_read_from_plain_data() -> None:
    (rule,) = rules_from({"noshow": NOSHOW | {"warn": "whole", "year": 2026}})
    assert (rule.id, rule.length, rule.warn) == ("noshow", Length(1, LengthUnit.BUSINESS_DAY), None)
    assert (rule.cls, rule.provenance) == (ClockClass.STANDARD, Provenance.SITE_PRACTICE)
    assert rule.year == 2026


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kinds": ["claim"]}, ["kinds", "claim", "follow_up", "handoff"]),
        ({"kinds": []}, ["kinds", "referral"]),
        ({"starts": "born_at"}, ["starts", "born_at", "requested_at"]),
        ({"starts": ["sent_at", "due_at"]}, ["starts", "one fact"]),
        ({"met_by": ["phoned_at"]}, ["met_by", "phoned_at", "contacted_at"]),
        ({"met_by": 3}, ["met_by", "contacted_at"]),
        ({"when": ["brave"]}, ["when", "brave", "no-contact"]),
        ({"unless": [1]}, ["unless", "no-contact"]),
        ({"length": "3 hours"}, ["length", "3 hours", "2bd"]),
        ({"length": True}, ["length", "True"]),
        ({"length": "99999d"}, ["length", "99999d"]),
        ({"warn": "4oh"}, ["warn", "4oh", "whole"]),
        ({"length": "-2bd", "warn": "whole"}, ["warn", "whole"]),
        ({"class": "X"}, ["class", "X", "C, S, T"]),
        ({"class": "S", "nudge": True}, ["class", "nudge"]),
        ({"provenance": "law"}, ["provenance", "law", "read, cited, site practice"]),
        ({"owner": "them"}, ["owner", "them", "us, partner"]),
        ({"nudge": "yes"}, ["nudge", "yes", "true, false"]),
        ({"enabled": "no"}, ["enabled", "no"]),
        ({"label": " "}, ["label"]),
        ({"citation": 7}, ["citation"]),
        ({"year": "2026"}, ["year"]),
        ({"lenght": "1bd"}, ["lenght", "length"]),
    ],
)
def test_a_rule_that_cannot_be_used_says_what_could_stand_there(
    change: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RuleError) as refused:
        rules_from({"noshow": NOSHOW | change})
    for word in ["noshow", *words]:
        assert word in str(refused.value)


@pytest.mark.parametrize("key", ["label", "kinds", "starts", "length", "class", "citation"])
def test_a_rule_with_a_key_missing_names_it(key: str) -> None:
    with pytest.raises(RuleError, match=f"noshow.*{key}.*missing"):
        rules_from({"noshow": {name: value for name, value in NOSHOW.items() if name != key}})


def test_a_rule_that_is_no_table_is_refused() -> None:
    with pytest.raises(RuleError, match="noshow"):
        rules_from({"noshow": "1bd"})


def test_every_shipped_rule_says_where_it_is_from() -> None:
    assert len({rule.id for rule in site_rules({})}) == len(site_rules({})) > 15
    assert all(rule.citation and rule.provenance for rule in site_rules({}))


def test_triage_at_first_contact_ships_off_and_a_site_switches_it_on() -> None:
    assert "access-triage" not in {rule.id for rule in site_rules({})}
    on = {rule.id: rule for rule in site_rules({"access-triage": {"enabled": True}})}
    assert on["access-triage"].cls is ClockClass.SAFETY


def test_a_site_changes_one_key_and_adds_rules_of_its_own() -> None:
    rules = {
        rule.id: rule for rule in site_rules({"crisis-response": {"length": "1h"}, "x": NOSHOW})
    }
    assert str(rules["crisis-response"].length) == "1h"
    assert rules["crisis-response"].label == "Crisis response"
    assert rules["x"].met_by == ("contacted_at",)


def test_a_sites_mistake_is_named() -> None:
    with pytest.raises(RuleError, match="crisis-response"):
        site_rules({"crisis-response": "off"})
