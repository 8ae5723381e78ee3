"""What decides is pure when it runs, too: importing it loads no database, network, loop or screen.

`lint-imports` reads the imports that stand in the text; what an import brings along is seen here.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import Any

import pytest

from tests.house.source import HERE, House, read_house

#: Rooms that are pure as a whole, where the package has them.
ALWAYS_PURE = ("domain", "fhir", "verbs")
IMPURE = ("httpx", "sqlalchemy", "sqlcipher3", "asyncio", "textual")
#: Imports these modules one after the other, and prints which of them first loaded what.
IMPORT = """
import importlib, sys
impure, modules = sys.argv[1].split(), sys.argv[2:]
seen = set()
for module in modules:
    importlib.import_module(module)
    for name in impure:
        if name in sys.modules and name not in seen:
            seen.add(name)
            print(f"{module} loads {name}")
"""


def deciding_rooms() -> list[str]:
    """The rooms of sync that the contract in pyproject.toml keeps from disk and network."""
    settings: dict[str, Any] = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))
    rooms: list[str] = []
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "forbidden" and "asyncio" in contract["forbidden_modules"]:
            rooms += contract["source_modules"]
    return rooms


def modules_of(house: House, room: str) -> list[str]:
    """The import names of a room and of everything in it."""
    names = [f"{house.package}.{module.name}" for module in house.modules if module.name]
    return [name for name in names if name == room or name.startswith(f"{room}.")]


def loaded_by(modules: list[str]) -> str:
    """Which of these modules load something impure, in a program that has nothing loaded yet."""
    command = [sys.executable, "-c", IMPORT, " ".join(IMPURE), *modules]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_importing_what_decides_loads_nothing_that_touches_the_world() -> None:
    house = read_house()
    pure = [f"{house.package}.{room}" for room in ALWAYS_PURE] + deciding_rooms()
    modules = [module for room in pure for module in modules_of(house, room)]
    assert not loaded_by(modules)


@pytest.mark.parametrize("room", ["carequeue.sync.push", "carequeue.sync.pull"])
def test_the_contract_names_the_rooms_that_decide(room: str) -> None:
    assert room in deciding_rooms()
    assert len(modules_of(read_house(), room)) > 3


def test_a_module_that_loads_the_network_is_named() -> None:
    assert "carequeue.sync.net.transport loads httpx" in loaded_by(["carequeue.sync.net.transport"])
