"""The result of one sync of all sources: one honest sentence, and an answer for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from carequeue.domain.sanitize import clean
from carequeue.sync.sync_cycle import CycleResult
from carequeue.worklist.results import SourceReport, SyncReport

_OTHER = (
    "Another CareQueue is syncing this cache. What you did is saved and will be sent; you need do "
    "nothing."
)

#: The result of each source, by the name that people give it; None: another process syncs it.
Results = Mapping[str, CycleResult | None]


def sync_report(results: Results, counts: Mapping[str, int]) -> SyncReport:
    """The report of one sync of every source; `counts`: open intents by state."""
    ended = {name: result for name, result in results.items() if result and not result.superseded}
    full = len(ended) == len(results) and all(result.full for result in ended.values())
    unsent = sum(count for state, count in counts.items() if state != "kept_here")
    return replace(
        _not_synced(counts),
        ok=full and not unsent,
        sent=sum(result.sent for result in ended.values()),
        received=sum(result.received for result in ended.values()),
        words=_words(results, ended, _rest(counts), whole=full and not unsent) if ended else _OTHER,
        other_syncs=not ended,
        unable=_unable(list(ended.values())),
        sources=tuple(
            SourceReport(name, result is not None and result.full, _state(result))
            for name, result in results.items()
        ),
    )


def by_choice(counts: Mapping[str, int]) -> SyncReport:
    """The report if nothing was synced, because the person works offline by choice."""
    words = f"You chose to work offline: nothing was sent or fetched.{_rest(counts)}"
    words += " What is here stays. To end it: carequeue online"
    return replace(_not_synced(counts), words=words, unable="by_choice")


def _not_synced(counts: Mapping[str, int]) -> SyncReport:
    return SyncReport(
        ok=False,
        sent=0,
        received=0,
        waiting=counts.get("queued", 0),
        checking=counts.get("in_doubt", 0),
        conflicts=counts.get("conflict", 0),
        needs_attention=counts.get("needs_attention", 0),
        kept_here=counts.get("kept_here", 0),
        words="",
    )


def _unable(results: Sequence[CycleResult]) -> str:
    if any(result.sign_in for result in results):
        return "sign_in"
    return "" if all(result.full and not result.offline for result in results) else "server"


def _words(results: Results, ended: Mapping[str, CycleResult], rest: str, *, whole: bool) -> str:
    received = sum(result.received for result in ended.values())
    did = f"{received:,} changes received, {sum(result.sent for result in ended.values())} sent."
    if others := [name for name in results if name not in ended]:
        did += f" {' and '.join(others)}: another CareQueue is syncing it."
    why = _why(ended, several=len(results) > 1)
    safe = "" if rest or "stays" in why else " What is here stays."
    if any(result.silent for result in ended.values()):
        again = "Sync again later; if it stays silent, tell your server administrator."
        return f"Not answering: {why}. {did}{rest}{safe} {again}"
    if any(result.offline for result in ended.values()):
        return f"Offline: {why}. {did}{rest}{safe} Sync again when the server can be reached."
    if any(result.sign_in for result in ended.values()):
        return f"Signed out: {why}. {did}{rest}{safe} Check the token, then sync again."
    if not all(result.full for result in ended.values()):
        return f"Not all could be fetched: {why}. {did}{rest}{safe} Sync again."
    return f"{'Up to date' if whole else 'Synced'}: {did}{rest}" + (f" ({why})" if why else "")


def _why(ended: Mapping[str, CycleResult], *, several: bool) -> str:
    """The errors, with the names of the sources if there are several."""
    errors = [(name, clean(result.why, 300).rstrip(".")) for name, result in ended.items()]
    if not several:
        return next((error for _, error in errors if error), "")
    return "; ".join(f"{name}: {error}" for name, error in errors if error)


def _state(result: CycleResult | None) -> str:
    """The result of one source in a few words."""
    if result is None or result.superseded:
        return "another CareQueue is syncing it"
    did = f"{result.received:,} received, {result.sent} sent"
    why = clean(result.why, 200).rstrip(".")
    if result.offline:
        return f"{'not answering' if result.silent else 'offline'}: {why}"
    if result.sign_in:
        return f"signed out: {why}"
    if not result.full:
        return f"not all could be fetched: {why}; {did}"
    return f"{did} ({why})" if why else did


def _rest(counts: Mapping[str, int]) -> str:
    """Sentences about what is not on the server, with a space before each; "" if all is there."""
    waiting, checking = counts.get("queued", 0), counts.get("in_doubt", 0)
    needs = counts.get("conflict", 0) + counts.get("needs_attention", 0)
    rest = ""
    if waiting:
        rest += f" {waiting} {'is' if waiting == 1 else 'are'} saved and waiting to be sent."
    if checking:
        was, it = ("was", "it is") if checking == 1 else ("were", "they are")
        rest += f" {checking} {was} sent without a clear answer; {it} saved, and checked first."
    if needs:
        rest += f" {needs} need{'s' if needs == 1 else ''} you: x in the queue."
    if local_only := counts.get("kept_here", 0):
        rest += f" {local_only} saved on this computer only: the server does not support "
        rest += "this change."
    return rest
