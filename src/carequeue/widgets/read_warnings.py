"""The sources that the last sync could not read, and why.

In:  `Health`. Out: sentences that say what the person can do; "" if everything was read, or if no
source answers at all, because that is called "offline" elsewhere. If a server is only away, the
person need do nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from carequeue.worklist.health import Health, SourceHealth

#: The most cells for the name of a source in a sentence of one line.
NAME: Final = 16


def troubled(health: Health) -> list[SourceHealth]:
    """The sources that could not be read, worst first; empty if there is only one source."""
    if len(health.sources) < 2 or health.online is False:
        return []
    unread = [source for source in health.sources if source.why or not source.reached]
    return sorted(unread, key=lambda source: (source.online is not False, not source.signed_out))


def unread_words(health: Health) -> str:
    """The source that could not be read, the reason, and what to do."""
    unread = troubled(health)
    if unread:
        more = len(unread) - 1
        noun = "source" if more == 1 else "sources"
        also = f" And {more} more {noun}: see carequeue doctor." if more else ""
        return _source_words(unread[0]) + also
    if health.signed_out:
        return "Signed out: check the token (carequeue doctor). Your work is saved."
    if health.trouble and health.online is not False:
        return f"Some records could not be read; see carequeue doctor. {_sentence(health.trouble)}"
    return ""


def _source_words(source: SourceHealth) -> str:
    from carequeue.widgets.text_width import cut  # the command line needs only `troubled`

    name = cut(source.shown, NAME)
    if source.online is False:
        return f"{name}: {source.why or 'not reached'}. Its rows show how old they are."
    if source.signed_out:
        return f"{name}: signed out, check its token (carequeue doctor). All is saved."
    return f"{name}: some records not read; see carequeue doctor. {_sentence(source.why)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
