"""The account of a set of resources: each one has one place and a reason, and the sums add up."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from carequeue.domain.items import Kind
from tests.samples import words
from tests.samples.__main__ import main
from tests.samples.accounting import CACHED, Account, Place, Row, Seen, account
from tests.samples.looking import look
from tests.samples.reasons import Kept
from tests.samples.sets import ORIGINS, Origin, SampleSet, read_sets
from tests.servers.harness import MedplumServer

NOW = datetime.now(UTC)
PAGE = Path(__file__).parents[2] / "docs" / "samples.md"
Tree = dict[str, Any]


def made(kind: str, key: str, **more: Any) -> Tree:
    return {"resourceType": kind, "id": key, **more}


def a_task(key: str, status: str, **more: Any) -> Tree:
    return made("Task", key, status=status, intent="order", **{"for": CARL, **more})


def a_request(key: str, status: str = "active", **more: Any) -> Tree:
    return made(
        "ServiceRequest", key, **{"intent": "order", "subject": CARL, **more}, status=status
    )


def a_stay(key: str, status: str, **more: Any) -> Tree:
    return made("Encounter", key, status=status, subject=CARL, **{"class": {"code": "IMP"}, **more})


def ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat(timespec="seconds")


def to(reference: str) -> Tree:
    return {"reference": reference}


CARL = to("Patient/carl")
LABORATORY = [{"coding": [{"system": "http://snomed.info/sct", "code": "108252007"}]}]
ENDS = {"end": (NOW + timedelta(days=9)).date().isoformat()}

#: What is made up -> where it is to be found.
MADE_UP: Sequence[tuple[Tree, Place, str]] = [
    (made("Patient", "carl"), Place.BESIDE, "names of clients, people and places"),
    (made("Patient", "unknown-to-all"), Place.LEFT, "nothing that was fetched names it"),
    (made("Practitioner", "ana"), Place.BESIDE, "names of clients, people and places"),
    (a_request("carried"), Place.ROW, "referral"),
    (
        a_task("referral", "requested", focus=to("ServiceRequest/carried"), owner=to("Group/we")),
        Place.ROW,
        "referral",
    ),
    (a_task("call", "accepted"), Place.ROW, "follow_up"),
    (a_task("done", "completed"), Place.KEPT, "closed: completed"),
    (a_task("called-off", "cancelled"), Place.KEPT, "closed: cancelled"),
    (a_task("sketch", "draft"), Place.KEPT, "a draft: nobody was asked yet"),
    (a_request("over", "revoked"), Place.KEPT, "a request that is revoked"),
    (a_request("idea", intent="proposal"), Place.KEPT, "nobody is asked: intent proposal"),
    (
        a_request("blood", category=LABORATORY),
        Place.KEPT,
        "laboratory or imaging by its category",
    ),
    (a_request("closed"), Place.KEPT, "its Task has no row"),
    (
        a_task("shut", "completed", focus=to("ServiceRequest/closed")),
        Place.KEPT,
        "closed: completed",
    ),
    (a_stay("now", "in-progress"), Place.KEPT, "a stay that is not over"),
    (a_stay("endless", "finished"), Place.KEPT, "a stay without an end"),
    (
        a_stay("old", "finished", period={"start": ago(99), "end": ago(90)}),
        Place.KEPT,
        "a stay that ended more than 60 days ago",
    ),
    (
        a_stay("recent", "finished", period={"start": ago(9), "end": ago(3)}),
        Place.ROW,
        "follow_up",
    ),
    (
        a_stay("before", "finished", period={"start": ago(19), "end": ago(12)}),
        Place.KEPT,
        "a stay before a later one",
    ),
    (
        made("Coverage", "open", status="active", beneficiary=CARL),
        Place.KEPT,
        "Coverage without an end",
    ),
    (
        made("Coverage", "void", status="cancelled", beneficiary=CARL, period=ENDS),
        Place.KEPT,
        "Coverage that is not in force",
    ),
    (
        made("ClaimResponse", "granted", status="active", use="preauthorization", patient=CARL)
        | {"preAuthPeriod": ENDS},
        Place.ROW,
        "authorization",
    ),
    (
        made("Communication", "to-nobody", status="completed"),
        Place.KEPT,
        "an event that names no client",
    ),
    (
        made("Communication", "letter", status="completed", subject=CARL),
        Place.BESIDE,
        "what happened to a client",
    ),
    (made("Observation", "pulse"), Place.LEFT, "Observations that are no triage record"),
    (made("Condition", "cold"), Place.LEFT, "types that the queue does not read"),
    (a_task("odd", "requested", **{"for": "Patient/carl"}), Place.ROW, "follow_up"),
    (made("Location", "first", name="Old"), Place.AGAIN, "unlike: the last one stands"),
    (made("Location", "first", name="New"), Place.LEFT, "nothing that was fetched names it"),
    ({"resourceType": "Task"}, Place.REFUSED, "it has no type or no id to be stored under"),
]
SET = SampleSet("made-up", Origin("Made up", "none"), tuple(tree for tree, _, _ in MADE_UP))


@pytest.fixture
def found(medplum: MedplumServer) -> Account:
    """The made-up set, through a server and a whole session."""
    return look(SET, medplum)


class TestASetThatWasSynced:
    def test_has_every_resource_in_its_place_with_the_reason(self, found: Account) -> None:
        for (tree, place, why), fate in zip(MADE_UP, found.fates, strict=True):
            assert (fate.place, fate.type) == (place, tree["resourceType"]), tree
            assert fate.why.startswith(why), tree

    def test_adds_up(self, found: Account) -> None:
        assert sum(many for _, _, many, _ in found.lines) == len(SET.resources)
        assert found.count(*CACHED) == len(found.seen.kept)
        assert found.faults == []

    def test_counts_the_rows_of_each_kind_and_the_zeros(self, found: Account) -> None:
        assert found.kinds == {
            Kind.REFERRAL: 1, Kind.FOLLOW_UP: 3, Kind.HANDOFF: 0, Kind.AUTHORIZATION: 1,
        }  # fmt: skip

    def test_has_what_is_malformed_named_by_the_doctor(self, found: Account) -> None:
        [named] = found.seen.doctor
        assert "Task/odd" in named

    def test_is_told_in_words_that_add_up(self, found: Account) -> None:
        assert sums_of(words.detail(SET, found)) == [(len(SET.resources), len(SET.resources))]
        assert "| Made up | 30 | 28 | 1 | 24 | 6 | 15 | 1 | 3 | 0 | 1 | none |" in words.summary(
            [(SET, found)]
        )
        assert "Task/odd" in words.plain(SET, found)


class TestWhatDoesNotAddUp:
    def test_a_task_that_is_open_and_has_no_row(self) -> None:
        assert faults([a_task("call", "requested")]) == ["Task: Task/call has no row"]

    def test_a_request_that_is_active_and_has_no_row(self) -> None:
        assert faults([a_request("ask")]) == ["ServiceRequest: ServiceRequest/ask has no row"]

    def test_a_recent_stay_that_nobody_followed_and_has_no_row(self) -> None:
        stay = a_stay("recent", "finished", period={"start": ago(9), "end": ago(3)})
        assert faults([stay]) == ["Encounter: Encounter/recent has no row"]

    def test_a_task_that_was_asked_for_and_never_came(self) -> None:
        task = a_task("call", "requested")
        assert faults([task], kept=[]) == ["Task: Task/call was never received"]

    def test_a_client_whom_a_task_names_and_who_never_came(self) -> None:
        task, carl = a_task("done", "completed"), made("Patient", "carl")
        assert faults([task, carl], kept=[task]) == ["Patient: Patient/carl was never received"]

    def test_something_in_the_cache_that_is_not_in_the_set(self) -> None:
        stranger = a_task("of-another-set", "completed")
        assert faults([], kept=[stranger]) == ["in the cache, not in the set: Task/of-another-set"]

    def test_a_sync_that_did_not_finish(self) -> None:
        assert account([], {}, Seen({}, [], [], False, "Offline."), NOW).faults == ["Offline."]


class TestReasonsThatEndAStay:
    STAY = a_stay("recent", "finished", period={"start": ago(9), "end": ago(3)})

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            (
                made("Communication", "call", status="completed", subject=CARL, sent=ago(1)),
                "a stay after which there was a contact",
            ),
            (made("Patient", "carl", deceasedBoolean=True), "a stay of a client who has died"),
        ],
    )
    def test_are_read_from_the_chart(self, more: Tree, why: str) -> None:
        assert (Place.KEPT, why) in {(fate.place, fate.why) for fate in fates([self.STAY, more])}


class TestTheFolder:
    def test_holds_resources_and_the_entries_of_transactions(self, tmp_path: Path) -> None:
        task, patient = a_task("call", "requested"), made("Patient", "carl")
        search = {"resourceType": "Bundle", "id": "s", "type": "searchset", "entry": []}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": patient}]}
        write(tmp_path / "one" / "resources.ndjson.gz", [task, search])
        write(tmp_path / "two" / "bundles.ndjson.gz", [bundle])
        one, two = read_sets(tmp_path)
        assert (one.name, one.resources) == ("one", (task, search))
        assert (two.name, two.resources) == ("two", (patient,))
        assert [found.resources for found in read_sets(tmp_path / "two")] == [(patient,)]

    def test_with_nothing_in_it_is_said_to_be_so(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([str(tmp_path)]) == 2
        assert "No *.ndjson.gz in this folder" in capsys.readouterr().err

    def test_must_be_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CAREQUEUE_SAMPLES", raising=False)
        with pytest.raises(SystemExit) as ended:
            main([])
        assert ended.value.code == 2


class TestThePage:
    def test_names_each_set_with_its_licence(self) -> None:
        rows = re.findall(r"^\| (.+?) \|.*\| (\S+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
        assert {(one.title, one.licence) for one in ORIGINS.values()} <= set(rows)

    def test_adds_up_in_every_table(self) -> None:
        sums = sums_of(PAGE.read_text("utf-8"))
        assert len(sums) == len(ORIGINS)
        assert [total for _, total in sums] == [added for added, _ in sums]


def faults(resources: Sequence[Tree], kept: Sequence[Tree] | None = None) -> Sequence[str]:
    return _account(resources, resources if kept is None else kept).faults


def fates(resources: Sequence[Tree]) -> Sequence[Any]:
    return _account(resources, resources).fates


def _account(resources: Sequence[Tree], kept: Sequence[Tree]) -> Account:
    held: Mapping[str, Kept] = {
        f"{one['resourceType']}/{one['id']}": Kept(one, "", "Patient/carl") for one in kept
    }
    rows: Sequence[Row] = []
    return account(resources, {}, Seen(held, rows, [], True, "Up to date."), NOW)


def write(path: Path, lines: Sequence[Tree]) -> None:
    path.parent.mkdir(parents=True)
    with gzip.open(path, "wt", encoding="utf-8") as opened:
        opened.writelines(json.dumps(line) + "\n" for line in lines)


def sums_of(page: str) -> list[tuple[int, int]]:
    """(what the lines of a table come to, its own sum) for each table with a sum."""
    found, added = [], 0
    for total, many in re.findall(r"^\| (\S.*?) \|.*?\| ([\d,]+) \| [^|]*\|$", page, re.MULTILINE):
        number = int(many.replace(",", ""))
        if total == "**sum**":
            found.append((added, number))
            added = 0
        elif total in set(Place):
            added += number
    return found
