"""What one look at the sources came to, as one honest sentence and an answer for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carequeue.domain.sanitize import clean
from carequeue.sync.sync_cycle import CycleResult
from carequeue.worklist.results import SourceReport, SyncReport

_OTHER = (
    "Another CareQueue is syncing this cache just now. What you did is kept and goes "
    "with it; nothing else needs to be done."
)

#: What each source came to, by the name that people give it; None: another process syncs it.
Found = Mapping[str, CycleResult | None]


def sync_report(found: Found, counts: Mapping[str, int]) -> SyncReport:
    """The report of one look at every source."""
    ours = [one for one in found.values() if one is not None and not one.superseded]
    full = len(ours) == len(found) and all(one.full for one in ours)
    words = _words(found, _rest(counts), whole=full and not _left(counts)) if ours else _OTHER
    return _report(
        counts,
        ours,
        ok=full and not _left(counts),
        words=words,
        other_syncs=not ours,
        unable=_unable(ours),
        sources=tuple(
            SourceReport(name, one is not None and one.full, _state(one))
            for name, one in found.items()
        ),
    )


def by_choice(counts: Mapping[str, int]) -> SyncReport:
    """The report where nothing was results at, because the person works offline by choice."""
    words = f"You chose to work offline: nothing was sent or fetched.{_rest(counts)}"
    return _report(
        counts,
        [],
        ok=False,
        words=f"{words} What is here stays. To end it: carequeue online",
        other_syncs=False,
        unable="by_choice",
        sources=(),
    )


def _report(
    counts: Mapping[str, int],
    ours: Sequence[CycleResult],
    *,
    ok: bool,
    words: str,
    other_syncs: bool,
    unable: str,
    sources: tuple[SourceReport, ...],
) -> SyncReport:
    return SyncReport(
        ok=ok,
        sent=sum(one.sent for one in ours),
        received=sum(one.received for one in ours),
        waiting=counts.get("queued", 0),
        checking=counts.get("in_doubt", 0),
        conflicts=counts.get("conflict", 0),
        needs_attention=counts.get("needs_attention", 0),
        kept_here=counts.get("kept_here", 0),
        words=words,
        other_syncs=other_syncs,
        unable=unable,
        sources=sources,
    )


def _left(counts: Mapping[str, int]) -> int:
    """What could have been sent and was not."""
    states = ("queued", "in_doubt", "conflict", "needs_attention")
    return sum(counts.get(state, 0) for state in states)


def _unable(results: Sequence[CycleResult]) -> str:
    if any(one.sign_in for one in results):
        return "sign_in"
    return "" if all(one.full and not one.offline for one in results) else "server"


def _words(found: Found, rest: str, *, whole: bool) -> str:
    results = {name: one for name, one in found.items() if one is not None and not one.superseded}
    theirs = [name for name in found if name not in results]
    several = len(found) > 1
    received = sum(one.received for one in results.values())
    sent = sum(one.sent for one in results.values())
    did = f"{received:,} changes received, {sent} sent."
    if theirs:
        did += f" {' and '.join(theirs)}: another CareQueue is syncing it just now."
    why = _why(results, several)
    safe = "" if rest or "stays" in why or "saved here" in why else " What is here stays."
    if any(one.silent for one in results.values()):
        again = "Sync again later; if it stays silent, tell your server administrator."
        return f"Not answering: {why}. {did}{rest}{safe} {again}"
    if any(one.offline for one in results.values()):
        return f"Offline: {why}. {did}{rest}{safe} Sync again when the server can be reached."
    if any(one.sign_in for one in results.values()):
        return f"Signed out: {why}. {did}{rest}{safe} Check the token, then sync again."
    if not all(one.full for one in results.values()):
        return f"Not all could be fetched: {why}. {did}{rest}{safe} Sync again."
    return f"{'Up to date' if whole else 'Synced'}: {did}{rest}" + (f" ({why})" if why else "")


def _why(results: Mapping[str, CycleResult], several: bool) -> str:
    """What went wrong, with the names of the sources where there is more than one."""
    faults = [(name, str(clean(one.why, 300)).rstrip(".")) for name, one in results.items()]
    if not several:
        return next((why for _, why in faults if why), "")
    return "; ".join(f"{name}: {why}" for name, why in faults if why)


def _state(results: CycleResult | None) -> str:
    """How it went with one source, in a few words."""
    if results is None or results.superseded:
        return "another CareQueue is syncing it"
    did = f"{results.received:,} received, {results.sent} sent"
    why = str(clean(results.why, 200)).rstrip(".")
    if results.offline:
        return f"{'not answering' if results.silent else 'offline'}: {why}"
    if results.sign_in:
        return f"signed out: {why}"
    if not results.full:
        return f"not all could be fetched: {why}; {did}"
    return f"{did} ({why})" if why else did


def _rest(counts: Mapping[str, int]) -> str:
    """What is not on the server, in words that follow a sentence; "" where all is."""
    waiting, checking = counts.get("queued", 0), counts.get("in_doubt", 0)
    needs = counts.get("conflict", 0) + counts.get("needs_attention", 0)
    kept = counts.get("kept_here", 0)
    rest = ""
    if waiting:
        one = waiting == 1
        rest += " 1 waits to be sent; it is" if one else f" {waiting} wait to be sent; they are"
        rest += " kept."
    if checking:
        one = checking == 1
        rest += f" {checking} {'was' if one else 'were'} sent without a clear answer; "
        rest += f"{'it is' if one else 'they are'} kept, and checked first."
    if needs:
        rest += f" {needs} need{'s' if needs == 1 else ''} you: x in the queue."
    return rest + (
        f" {kept} saved on this computer only: the server does not support this change."
        if kept
        else ""
    )
