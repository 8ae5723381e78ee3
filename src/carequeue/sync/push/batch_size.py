"""How many changes one request may hold: learned from each batch, never assumed. Pure.

In:  the state of a push, how an exchange went. Out: the new state, and what to remember.
A server that rejects a batch, or fails at it, says something about batches. A server that does not
reply says nothing, unless it answers single requests meanwhile: otherwise it is an outage.
Not here: the sizes themselves (`state.py`), what is sent next (`machine.py`), how it is remembered
(`capabilities.py`, `batch_size`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from carequeue.sync.protocol.failures import is_away
from carequeue.sync.push import messages as m
from carequeue.sync.push.state import PushState


def sized(state: PushState, sent: int, became: m.Batched) -> tuple[PushState, dict[str, str]]:
    """The state after a batch, and what to remember of it."""
    before = state.sizing
    if became is m.Batched.UNANSWERED:
        return _unanswered(state, sent)
    if state.probing and became is m.Batched.SILENT:  # not once more in this push
        after = before.failed(before.size, too_large=False)
        can = state.can.seeing({"batch": "no"})
        return replace(state, sizing=after, can=can), {"batch_size": str(after.size)}
    if state.probing and became is not m.Batched.DONE:  # a batch of one: there are none here
        can = state.can.seeing({"batch": "no"})
        return replace(state, can=can), {"batch": "no"}
    after = before.worked(sent)
    observed = {}
    if became is m.Batched.NEVER or (became is not m.Batched.DONE and before.hopeless(sent)):
        observed["batch"] = "no"
    elif became is not m.Batched.DONE:
        after = before.failed(sent, too_large=became is m.Batched.TOO_LARGE)
    if after.size != before.size:
        observed["batch_size"] = str(after.size)
    return replace(state, sizing=after, can=state.can.seeing(observed)), observed


def heard(
    state: PushState, replies: Sequence[m.Reply | m.NoReply]
) -> tuple[PushState, dict[str, str]]:
    """After single reads: whether one is answered now whose batch was not.

    The batch without a reply was then too large, and it was not an outage.
    """
    answered = [
        reply for reply in replies if isinstance(reply, m.Reply) and not is_away(reply.status)
    ]
    targets = [state.pending[reply.key] for reply in answered]
    if not any(reply.sent_in_failed_batch or reply.unanswered_before for reply in targets):
        return state, {}
    return fewer(replace(state, single_read_answered=True), state.unanswered_size)


def _unanswered(state: PushState, sent: int) -> tuple[PushState, dict[str, str]]:
    """A batch got no reply: an outage, unless single requests are answered meanwhile."""
    many = state.sizing.size if state.probing else sent
    if state.probing:  # not once more in this push
        state = replace(state, can=state.can.seeing({"batch": "no"}))
    if state.single_read_answered:
        return fewer(state, many)
    return replace(state, unanswered_size=many), {}


def fewer(state: PushState, sent: int) -> tuple[PushState, dict[str, str]]:
    """After a request of this many without a reply, although the server is up.

    Half as many from now on, but never one at a time for good: after eight that went well, two are
    tried again.
    """
    if not sent:
        return state, {}
    before = state.sizing
    after = replace(before.failed(sent, too_large=False), alone_already=before.alone_already)
    observed = {"batch_size": str(after.size)}
    can = state.can.seeing(observed)
    return replace(state, sizing=after, can=can, unanswered_size=0), observed
