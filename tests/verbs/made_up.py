"""The verb of the recipe in docs/architecture.md, as a reader would save and register it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from carequeue.verbs import table
from carequeue.verbs.verb import Verb
from tests.docs.recipes import block


def recipe_verb() -> Verb:
    """The verb that the file of the recipe makes."""
    module = ModuleType("carequeue.verbs.park")
    exec(compile(block("A verb", "python"), "park.py", "exec"), module.__dict__)
    verb = module.VERB
    assert isinstance(verb, Verb)
    return verb


@contextmanager
def registered(verb: Verb) -> Iterator[Verb]:
    """A verb is in the table for a while."""
    table._VERBS.append(verb)
    try:
        yield verb
    finally:
        table._VERBS.remove(verb)
