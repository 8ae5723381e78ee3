"""The map in docs/architecture.md is the tree."""

from __future__ import annotations

import tomllib
from itertools import pairwise

from tests.docs.pages import ROOT, SOURCE, cells, page


def packages() -> list[str]:
    """The packages and modules right below `carequeue` that hold code."""
    found = {
        path.stem
        for path in SOURCE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    return sorted(found - {"__init__"})


def listed() -> list[str]:
    rows = cells(page("architecture.md"), "| package | what is decided there |")
    assert all(words for _, words in rows)
    return [name.strip("`").removeprefix("carequeue.") for name, _ in rows]


def test_every_package_has_its_line() -> None:
    assert sorted(listed()) == packages()


def test_the_lines_stand_in_the_order_in_which_imports_go_down() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    assert listed() == [name.strip() for layer in layers for name in layer.split("|")]


def test_every_module_that_the_page_names_is_there() -> None:
    import re

    for path in re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|toml))", page("architecture.md")):
        assert (SOURCE / path).is_file() or (ROOT / path).is_file(), path


def test_every_room_of_sync_has_its_line_in_the_order_in_which_imports_go_down() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one.get("containers") == ["carequeue.sync"])
    rooms = [name.strip() for layer in layers for name in layer.split("|")]
    rows = cells(page("architecture.md"), "| room of sync | what is decided there |")
    assert sorted(name.strip("`") for name, _ in rows) == sorted(rooms)
    places = {name.strip("`"): number for number, (name, _) in enumerate(rows)}
    for upper, lower in pairwise(layers):
        highest = max(places[name.strip()] for name in upper.split("|"))
        assert highest < min(places[name.strip()] for name in lower.split("|"))
