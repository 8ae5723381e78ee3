"""What one look at the sources came to, as one honest sentence and an answer for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carequeue.domain.text import clean
from carequeue.sync.driver import Looked
from carequeue.worklist.answers import SyncReport


def sync_report(looked: Sequence[Looked] | None, counts: Mapping[str, int]) -> SyncReport:
    """The report of a look. `looked` None: another process was syncing this cache."""
    waiting, checking = counts.get("queued", 0), counts.get("in_doubt", 0)
    conflicts, needs = counts.get("conflict", 0), counts.get("needs_attention", 0)
    sent = sum(one.sent for one in looked or ())
    received = sum(one.received for one in looked or ())
    full = bool(looked) and all(one.full for one in looked or ())
    kept = counts.get("kept_here", 0)
    left = waiting + checking + conflicts + needs
    return SyncReport(
        ok=full and not left,
        sent=sent,
        received=received,
        waiting=waiting,
        checking=checking,
        conflicts=conflicts,
        needs_attention=needs,
        kept_here=kept,
        words=_words(looked, sent, received, waiting + checking, conflicts + needs, kept),
        other_syncs=looked is None,
        unable=_unable(looked or ()),
    )


def _unable(looked: Sequence[Looked]) -> str:
    if any(one.sign_in for one in looked):
        return "sign_in"
    return "" if all(one.full and not one.offline for one in looked) else "server"


def _words(
    looked: Sequence[Looked] | None,
    sent: int,
    received: int,
    waiting: int,
    needs: int,
    kept: int,
) -> str:
    if looked is None:
        return (
            "Another CareQueue is syncing this cache just now. What you did is kept and goes "
            "with it; nothing else needs to be done."
        )
    did = f"{received:,} changes received, {sent} sent."
    rest = ""
    if waiting:
        rest += (
            " 1 waits to be sent; it is"
            if waiting == 1
            else f" {waiting} wait to be sent; they are"
        )
        rest += " kept."
    if needs:
        rest += f" {needs} need{'s' if needs == 1 else ''} you: x in the queue."
    rest += f" {kept} kept here only: the server takes no such change." if kept else ""
    why = str(clean(next((one.why for one in looked if one.why), ""), 300)).rstrip(".")
    safe = "" if rest or "stays" in why or "kept here" in why else " What is here stays."
    if any(one.offline for one in looked):
        return f"Offline: {why}. {did}{rest}{safe} Sync again when the server can be reached."
    if any(one.sign_in for one in looked):
        return f"Signed out: {why}. {did}{rest}{safe} Check the token, then sync again."
    if not all(one.full for one in looked):
        return f"Not all could be fetched: {why}. {did}{rest}{safe} Sync again."
    return f"{'Up to date' if not waiting + needs else 'Synced'}: {did}{rest}" + (
        f" ({why})" if why else ""
    )
