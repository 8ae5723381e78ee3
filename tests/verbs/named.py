"""A verb by its name."""

from __future__ import annotations

from carequeue.verbs.table import find_verb
from carequeue.verbs.verb import Verb


def named(name: str) -> Verb:
    """The verb of a name, which has to be there."""
    verb = find_verb(name)
    assert verb is not None, name
    return verb
