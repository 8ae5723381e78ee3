"""`list`, `show`, `keys`: one queue, in forms for people and for programs."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from rich.cells import cell_len

from carequeue import printing
from carequeue.cli.list_and_show import PAGE
from carequeue.store.queue_window import QueueRow, Tab
from carequeue.worklist.health import SourceHealth
from carequeue.worklist.results import Detail
from tests.cli.conftest import Shell
from tests.cli.fakes import NOW, FakeDesk, health, row

CLINIC = SourceHealth("clinic", True)
COUNTY = SourceHealth("county", False, why="no answer", last_full=NOW, label="County ED")
HOSTILE = "[/red]\x1b]52;c;aGk=\x07\x9b2J\u202egnp"


def test_json_has_every_documented_field_of_every_row_in_order(shell: Shell) -> None:
    found = json.loads(shell.run("list", "--json").stdout)
    assert [one["key"] for one in found] == ["Task/1", "Task/2", "Task/3"]
    assert all(tuple(one) == printing.ROW_FIELDS for one in found)
    assert found[0] | {"verbs": []} == {
        "key": "Task/1", "kind": "referral", "band": 2, "band_title": "Due", "points": 120,
        "due_at": "2026-12-01T19:00:00Z", "client": "OKAFOR, Amara", "born": "1971-03-02",
        "title": "Answer urgent referral", "move": "me", "move_name": "Ana Soto", "mine": True,
        "sync": "", "changed_at": None, "source": "main", "verbs": [], "covered_for": "",
    }  # fmt: skip
    assert found[0]["verbs"] == ["accept", "decline"]
    assert found[2]["due_at"] is None
    assert found[2]["client"] == "王 小明"


def test_an_empty_queue_is_an_empty_json_array(shell: Shell) -> None:
    shell.desk.rows = []
    assert json.loads(shell.run("list", "--json").stdout) == []


def test_plain_is_a_header_line_and_one_line_of_tabs_a_row(shell: Shell) -> None:
    header, *lines = shell.run("list", "--plain").stdout.splitlines()
    assert header.split("\t") == [name for name in printing.ROW_FIELDS if name != "verbs"]
    assert [line.split("\t")[0] for line in lines] == ["Task/1", "Task/2", "Task/3"]
    assert all(len(line.split("\t")) == len(printing.ROW_FIELDS) - 1 for line in lines)


def test_a_pipe_gets_the_plain_form_unasked(shell: Shell) -> None:
    assert shell.run("list").stdout == shell.run("list", "--plain").stdout


def test_a_terminal_gets_a_table_with_bands_clocks_and_keys(shell: Shell) -> None:
    shell.at_a_terminal()
    text = shell.run("list").stdout
    for words in ("Due", "Soon", "Waiting", "4 h left", "2 bd left", "OKAFOR, Amara", "Task/2"):
        assert words in text
    assert "\x1b" not in text
    assert not set(text) & set("│─┌┐└┘├┤━")


@pytest.mark.parametrize("form", ["--json", "--plain", "table"])
def test_hostile_text_reaches_no_terminal(shell: Shell, form: str) -> None:
    shell.desk.rows = [row("Task/1", HOSTILE, title=f"a\tb\nc {HOSTILE}", move_name=HOSTILE)]
    shell.at_a_terminal()
    text = shell.run("list", *([form] if form != "table" else [])).stdout
    assert "[/red]" in text
    assert not [c for c in text if (ord(c) < 0x20 and c not in "\n\t") or 0x7F <= ord(c) <= 0x9F]
    assert "\u202e" not in text
    if form == "--plain":
        assert len(text.splitlines()) == 2


def test_two_that_are_alike_show_the_year_of_birth_and_one_alone_does_not(shell: Shell) -> None:
    shell.desk.rows = [
        row("Task/1", "BRANDT, Sofie", born="2004-01-01", alike="brandt s"),
        row("Task/2", "BRANDT, Sofia", born="1971", alike="brandt s"),
        row("Task/3", "REYES, Tomás", born="1980", alike="reyes t"),
    ]
    shell.at_a_terminal()
    text = shell.run("list").stdout
    assert "BRANDT, Sofie b.2004" in text
    assert "BRANDT, Sofia b.1971" in text
    assert "b.1980" not in text


@pytest.mark.parametrize("columns", [80, 140, 250])
def test_a_key_can_be_copied_whole_from_the_table(shell: Shell, columns: int) -> None:
    shell.monkeypatch.setenv("COLUMNS", str(columns))
    key = "main:discharge-contact:Encounter/e1"
    shell.desk.rows = [row(key, move="partner", move_name="Harbor", sync="kept_here")]
    shell.at_a_terminal()
    text = shell.run("list").stdout
    for words in (key, "Harbor", "(kept here)"):
        assert words in text


@pytest.mark.parametrize("columns", [20, 40, 80, 140])
def test_a_table_is_never_wider_than_the_terminal(shell: Shell, columns: int) -> None:
    shell.monkeypatch.setenv("COLUMNS", str(columns))
    shell.at_a_terminal()
    assert max(map(cell_len, shell.run("list").stdout.splitlines())) <= columns


def test_a_queue_longer_than_a_page_is_listed_whole_and_once(shell: Shell) -> None:
    shell.desk.rows = [row(f"Task/{n}") for n in range(2 * PAGE + 7)]
    keys = [one["key"] for one in json.loads(shell.run("list", "--json").stdout)]
    assert keys == [f"Task/{n}" for n in range(2 * PAGE + 7)]


def test_a_limit_is_kept_and_the_table_says_what_it_left_out(shell: Shell) -> None:
    assert len(json.loads(shell.run("list", "--json", "--limit", "2").stdout)) == 2
    shell.at_a_terminal()
    shell.desk.rows = [row(f"Task/{n}") for n in range(60)]
    assert "50 of 60 rows" in shell.run("list").stderr
    assert shell.run("list", "--limit", "0").stderr == ""


def test_filter_and_time_come_before_the_list(shell: Shell) -> None:
    found = json.loads(shell.run("list", "--json", "--filter", "reyes").stdout)
    assert [one["key"] for one in found] == ["Task/2"]
    assert shell.desk.refreshed == 1


@pytest.mark.parametrize("option", ["--tab", "--view"])
def test_the_tab_has_its_earlier_name_too_which_help_does_not_show(
    shell: Shell, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Tab] = []

    def window(tab: Tab, filter_text: str, offset: int, limit: int) -> list[QueueRow]:
        asked.append(tab)
        return []

    monkeypatch.setattr(shell.desk, "window", window)
    assert shell.run("list", option, "team").exit_code == 0
    assert asked == [Tab.TEAM]
    assert "--view" not in shell.run("list", "--help").stdout


def test_a_list_that_is_no_proof_says_so_beside_the_answer(shell: Shell) -> None:
    shell.desk.state = health(ever_synced=False, waiting=2, needs_you=1)
    result = shell.run("list", "--json")
    assert "Nothing has been fetched from the server yet" in result.stderr
    assert "2 changes are waiting to be sent" in result.stderr
    assert "1 needs you" in result.stderr
    json.loads(result.stdout)


def test_a_list_with_a_hole_in_it_says_so_beside_the_answer(shell: Shell) -> None:
    shell.desk.state = health(signed_out=True, trouble="expired")
    result = shell.run("list", "--json")
    assert "Signed out: the list may be old. Check the token" in result.stderr
    json.loads(result.stdout)
    shell.desk.state = health(trouble="not shown by the server: ServiceRequest (403)")
    assert shell.run("list").stderr == (
        "Some records could not be read: not shown by the server: ServiceRequest (403). "
        "See: carequeue doctor\n"
    )


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"online": False, "why_offline": "no answer"},
            "Offline: no answer. The list was read Tue 2026-12-01 09:00.\n",
        ),
        ({"online": False, "last_full": None}, "Offline: no server answered.\n"),
        (
            {"online": False, "why_offline": "no reply in time", "silent_since": NOW},
            "Not answering: no reply in time. The list was read Tue 2026-12-01 09:00.\n",
        ),
        (
            {"forced_offline": True},
            "You are working offline. The list was read Tue 2026-12-01 09:00. "
            "To go online: carequeue online\n",
        ),
        (
            {"trouble": "no answer", "sources": (CLINIC, COUNTY)},
            "Some records could not be read: County ED: no answer "
            "(last complete sync Tue 2026-12-01 09:00). See: carequeue doctor\n",
        ),
    ],
)
def test_a_list_of_what_cannot_be_read_now_says_so_and_how_old_it_is(
    shell: Shell, facts: dict[str, object], words: str
) -> None:
    shell.desk.state = health(**facts)
    assert shell.run("list").stderr == words


def test_two_forms_at_once_are_refused(shell: Shell) -> None:
    result = shell.run("list", "--json", "--plain")
    assert (result.exit_code, result.stdout) == (2, "")


def test_show_tells_one_item_in_the_sites_time(shell: Shell) -> None:
    text = shell.run("show", "Task/1").stdout
    for words in (
        "OKAFOR, Amara  born 1971-03-02",
        "Needs housing.\nPrefers mornings.",
        "Why here: Due, 120 points",
        "Tue 2026-12-01 13:00  first service: running (CCBHC 2.b, read)",
        "undated",
        "a note waits",
    ):
        assert words in text


def test_show_as_json_has_every_field_of_a_detail(shell: Shell) -> None:
    found = json.loads(shell.run("show", "Task/1", "--json").stdout)
    assert {field.name for field in fields(Detail)} | {"band_title"} == set(found)
    assert found["due"] == "2026-12-01T19:00:00Z"
    assert found["reasons"] == [
        {"points": 120, "text": "due today", "source": "clock of 1 business day"}
    ]


def test_an_unknown_key_is_told_with_its_own_code(shell: Shell) -> None:
    result = shell.run("show", "Task/99")
    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.startswith("Task/99 is not in the queue.")
    assert len(result.stderr.splitlines()) == 1


def test_the_keys_are_those_of_the_table_of_verbs(shell: Shell) -> None:
    lines = shell.run("keys").stdout.splitlines()
    assert any(line.split(None, 1)[0] == "d" and "Send it back" in line for line in lines)
    assert any(line.startswith("?") for line in lines)
    assert not [line for line in lines if "_" in line[:16]]  # each as it stands on the keyboard


def test_the_session_is_closed_also_after_a_fault(shell: Shell) -> None:
    shell.session.desk = FakeDesk([], breaks=RuntimeError("OKAFOR, Amara"))
    assert shell.run("list").exit_code == 1
    assert shell.session.closed


def test_an_empty_answer_says_whether_it_was_filtered(shell: Shell) -> None:
    assert shell.run("list", "--filter", "nobody").stderr.strip() == "No row matches."
    shell.desk.rows = []
    assert shell.run("list").stderr.strip() == "Nothing is waiting in this tab."
