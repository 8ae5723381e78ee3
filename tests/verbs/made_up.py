"""The verb of the recipe in docs/architecture.md, as a reader would save and register it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import dedent
from types import ModuleType

from carequeue.verbs import table
from carequeue.verbs.verb import Verb
from tests.docs.pages import page


def recipe_source() -> str:
    """The file that the recipe for a verb shows."""
    recipe = page("architecture.md").partition("- **A verb**")[2]
    found = re.search(r"^  ```python\n(.*?)^  ```$", recipe, re.DOTALL | re.MULTILINE)
    assert found is not None
    return dedent(found[1])


def recipe_verb() -> Verb:
    """The verb that the file of the recipe makes."""
    module = ModuleType("carequeue.verbs.hold")
    exec(compile(recipe_source(), "hold.py", "exec"), module.__dict__)
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
