"""`new` and `heard`: one client is found, or nobody is chosen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from carequeue.store.client_search import ClientMatch
from carequeue.worklist.results import Acted
from tests.cli.conftest import Shell
from tests.cli.fakes import FakeDesk

AMARA = ClientMatch("main", "Patient/1", "OKAFOR, Amara", "1984-03-12", "R-1", "")
NAMESAKE = ClientMatch("main", "Patient/2", "OKAFOR, Amara", "1991-11-02", "", "")
DEAD = ClientMatch("main", "Patient/3", "LIND, Ola", "1930-01-01", "", "deceased")
MERGED = ClientMatch("main", "Patient/4", "OLD, Name", "", "", "merged")
REFERRAL = ("--text", "Detox bed", "--to", "Harbor")


@pytest.fixture(autouse=True)
def clients(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(self: FakeDesk, text: str) -> Sequence[ClientMatch]:
        words = text.casefold().split()
        return [
            match
            for match in (AMARA, NAMESAKE, DEAD, MERGED)
            if all(word in f"{match.name} {match.born}".casefold() for word in words)
        ]

    def act(self: FakeDesk, verb: str, keys: tuple[str, ...], answers: Any, *_: Any) -> Acted:
        self.acts.append((verb, keys, dict(answers)))
        return Acted("Done for the client.", "g1", keys)

    monkeypatch.setattr(FakeDesk, "clients", found)
    monkeypatch.setattr(FakeDesk, "check_input", lambda *_: (True, ""))
    monkeypatch.setattr(FakeDesk, "act", act)


#: Words of the command, then the verb and its answers.
DONE = [
    (("new", "follow-up", "okafor 1984", "--text", "Call", "--until", "3bd"),
     "new", {"text": "Call", "until": "3bd"}),
    (("new", "referral", "okafor 1984", *REFERRAL), "refer", {"text": "Detox bed", "to": "Harbor"}),
    (("heard", "crisis", "okafor 1984"), "heard_crisis", {}),
    (("heard", "crisis", "okafor 1984", "--when", "now", "--where", "988"),
     "heard_crisis", {"when": "now", "where": "988"}),
    (("heard", "discharge", "okafor 1984", "--kind", "Emergency", "--reason", "unknown"),
     "heard_discharge", {"kind": "emergency", "reason": "unknown"}),
]  # fmt: skip


@pytest.mark.parametrize(("words", "verb", "answers"), DONE, ids=[" ".join(d[0][:2]) for d in DONE])
def test_the_one_client_who_matches_is_acted_for(
    shell: Shell, words: tuple[str, ...], verb: str, answers: dict[str, str]
) -> None:
    shell.run(*words)
    assert shell.desk.acts == [(verb, ("main:Patient/1",), answers)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("new", "follow-up", "okafor", "--text", "x", "--until", "3bd"),
         "2 clients match: OKAFOR, Amara 1984-03-12 MRN R-1; OKAFOR, Amara 1991-11-02."),
        (("heard", "crisis", "nobody"), "No client here matches “nobody”."),
        (("heard", "crisis", "lind"), "LIND, Ola is recorded as deceased: no outreach."),
        (("heard", "crisis", "old name"), "OLD, Name was merged into a record that is not here"),
        (("new", "follow-up", "okafor 1984", "--until", "3bd"), "new needs --text."),
        (("new", "referral", "okafor 1984", *REFERRAL, "--priority", "soon"),
         "--priority is one of (routine, urgent, asap, stat)."),
        (("heard", "discharge", "okafor 1984", "--kind", "e", "--reason", "unknown"),
         "--kind is one of (emergency, inpatient)."),
    ],
)  # fmt: skip
def test_nothing_is_done_where_nobody_or_several_match(
    shell: Shell, words: tuple[str, ...], sentence: str
) -> None:
    result = shell.run(*words)
    assert (result.exit_code, shell.desk.acts) == (2, [])
    assert result.stderr.startswith(sentence)
    assert "Nothing was changed." in result.stderr


def test_a_dry_run_says_for_whom_and_does_nothing(shell: Shell) -> None:
    result = shell.run("heard", "crisis", "okafor 1984", "--dry-run", "--json")
    assert (result.exit_code, shell.desk.acts) == (0, [])
    assert json.loads(result.stdout)["message"] == (
        "Heard of a crisis: OKAFOR, Amara 1984-03-12 MRN R-1."
    )
