"""The results of acts and checks: one result per line, or JSON.

In:  outcomes, previews, findings.  Out: text on standard output.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from carequeue.printing.text import Shape, field, json_text, write, write_message

if TYPE_CHECKING:
    from carequeue.worklist.results import Finding, Preview


class Outcome(NamedTuple):
    """The result of an act for one key: changed | already | refused | missing."""

    key: str
    result: str
    client: str = ""
    why: str = ""


def preview_line(preview: Preview) -> str:
    """The effect of a verb on several items, in one line; refused items are listed by row."""
    return field(f"{preview.verb}, {preview.total} in all: {preview.facts}")


def who_and_why(client: str, why: str) -> str:
    """A client and why a verb does not apply; a reason may already begin with the name."""
    name, reason = field(client), field(why)
    return reason if reason.startswith(name) else f"{name}: {reason}" if reason else name


def write_outcomes(outcomes: Iterable[Outcome], message: str, group: str, shape: Shape) -> None:
    """Write one result per line; in JSON one object with the group that `undo` takes."""
    if shape is Shape.JSON:
        results = [
            {key: field(value) for key, value in outcome._asdict().items() if value}
            for outcome in outcomes
        ]
        fields = {"message": field(message), "group": field(group), "results": results}
        write(json_text(fields, indent=2))
        return
    for outcome in outcomes:
        reason = who_and_why(outcome.client, outcome.why)
        write(f"{outcome.result}\t{field(outcome.key)}\t{reason}".rstrip())
    if message:
        write_message(message)
    if group:
        write(f"Undo it with: carequeue undo {field(group)}")


def write_findings(findings: Iterable[Finding]) -> None:
    """Write one finding per line, its hint below it."""
    for finding in findings:
        write(f"{field(finding.level):<8} {field(finding.what)}")
        if finding.hint:
            write(f"{'':<8} {field(finding.hint)}")
