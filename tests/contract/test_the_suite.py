"""The suite itself: the same cases on every server, enough of them, and none let off."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

COLLECT = """
import json, sys, pytest

class Collected:
    def pytest_collection_modifyitems(self, items):
        self.cases = [
            (item.name, [mark.name for mark in item.iter_markers()])
            for item in items
            if "server" in item.fixturenames
        ]

found = Collected()
pytest.main(["-qq", "--collect-only", "-p", "no:cacheprovider", sys.argv[1]], plugins=[found])
print("\\n" + json.dumps(found.cases))
"""


def test_the_same_cases_run_on_both_servers_and_none_is_skipped() -> None:
    folder = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, str(folder)],
        cwd=folder.parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    cases = json.loads(done.stdout.splitlines()[-1])
    by_server = {
        server: sorted(name.replace(server, "") for name, _ in cases if server in name)
        for server in ("practice", "medplum")
    }
    assert by_server["practice"] == by_server["medplum"]
    assert len({name.partition("[")[0] for name in by_server["practice"]}) >= 25
    assert sum(len(names) for names in by_server.values()) == len(cases)
    marks = {mark for _, names in cases for mark in names}
    assert not marks & {"skip", "skipif", "xfail"}
