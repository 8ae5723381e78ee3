"""What the last look could not read, and from where: of several sources the one is named.

In:  `Health`. Out: sentences; "" where all was read, or where no source answers at all (that is
"offline", and said as such). What a person can do about it stands in them: nothing where a server
is only away, for that ends by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from carequeue.worklist.health import Health, SourceHealth

#: Cells that the name of a source takes in a sentence of one line.
NAME: Final = 16


def troubled(health: Health) -> list[SourceHealth]:
    """The sources that could not be read, worst first; none where there is only one source."""
    if len(health.sources) < 2 or health.online is False:
        return []
    found = [one for one in health.sources if one.why or not one.reached]
    return sorted(found, key=lambda one: (one.online is not False, not one.signed_out))


def unread_words(health: Health) -> str:
    """Which source could not be read, why, and what is to be done."""
    found = troubled(health)
    if found:
        more = len(found) - 1
        noun = "source" if more == 1 else "sources"
        also = f" And {more} more {noun}: see carequeue doctor." if more else ""
        return _of_one(found[0]) + also
    if health.signed_out:
        return "Signed out: check the token (carequeue doctor). What you did is kept."
    if health.trouble and health.online is not False:
        return f"Not all could be read; see carequeue doctor. {_sentence(health.trouble)}"
    return ""


def _of_one(source: SourceHealth) -> str:
    from carequeue.widgets.line import cut  # Textual: the command line asks for `troubled` alone

    name = cut(source.shown, NAME)
    if source.online is False:
        return f"{name}: {source.why or 'not reached'}. Its rows show how old they are."
    if source.signed_out:
        return f"{name}: signed out, check its token (carequeue doctor). All is kept."
    return f"{name}: not all could be read; see carequeue doctor. {_sentence(source.why)}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
