"""Undo the last act; what it undoes, and how, is a use case (`worklist/undo.py`)."""

from __future__ import annotations

from typing import Final

from carequeue.verbs.verb import Listing, Verb

VERB: Final = Verb(
    name="undo",
    key="u",
    label="undo",
    short="undo",
    help="Undo what this window did last, sent or not, one or many.",
    done="Undone",
    order={Listing.HELP: 120},
    on_item=False,
    already="put back",
)
