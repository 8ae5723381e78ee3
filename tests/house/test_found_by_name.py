"""The tests of a module are found from its name: a file of its name, or an import in its folder.

`store.outbox` is tested in `tests/store/test_outbox.py`, or in a test module there that imports it.
Rooms that are tested through what they do are apart.
"""

from __future__ import annotations

from functools import cache

from tests.house.imports import imported
from tests.house.source import HERE, House, Module, read_house

#: Tested by what a person sees or a client asks: as screens, and as a server.
APART = ("practice", "screens", "widgets")


@cache
def files_and_imports(house: House, folder: str) -> tuple[set[str], set[str]]:
    """The names of the test modules of a folder, and the modules of the house that they import."""
    known = {module.name for module in house.modules}
    files = sorted((HERE / "tests" / folder).glob("test_*.py"))
    names = {
        name for file in files for name in imported(house.package, Module(file.stem, file), known)
    }
    return {file.stem for file in files}, names


def not_tested_by_name(house: House) -> set[str]:
    """The modules with functions whose tests cannot be found from their name."""
    missing: set[str] = set()
    for module in house.modules:
        floor, *rooms = module.name.split(".")
        if not module.functions or not rooms or floor in APART:
            continue
        files, names = files_and_imports(house, floor)
        if (
            not files & {f"test_{'_'.join(rooms)}", f"test_{rooms[-1]}"}
            and module.name not in names
        ):
            missing.add(module.name)
    return missing


def test_the_tests_of_a_module_are_found_from_its_name() -> None:
    assert not not_tested_by_name(read_house())


def test_a_module_of_a_test_is_found() -> None:
    files, names = files_and_imports(read_house(), "store")
    assert "test_outbox" in files
    assert {"store.outbox", "store.engine"} <= names
