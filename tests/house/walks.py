"""`python -m tests.house.walks`: what one key passes on its way to the disk, and to the server.

In:  nothing; a cache in a temporary folder and a server in memory. Out: for the act and for the
push, how many files and functions of the program ran, how many of those only forward, and how
often a client's chart was read. A walk that gets longer makes the next change dearer.
"""

from __future__ import annotations

import ast
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import carequeue
from tests.house.source import HERE, FunctionNode, read_house

SOURCE: Final = HERE / "src" / "carequeue"
#: The package that runs: the checkout's, or an installed copy of it.
PROGRAM: Final = Path(carequeue.__file__).parent
#: What reads the bases of a chart, and what opens a write transaction.
_READING: Final = ("store/views.py", "SourceViews.bases")
_WRITING: Final = ("store/engine.py", "writing")


@dataclass(frozen=True, slots=True)
class Walk:
    """What ran. `calls`: file and function -> how often; `forwarding`: those that only forward."""

    name: str
    calls: Counter[tuple[str, str]]
    forwarding: frozenset[tuple[str, str]]

    def __str__(self) -> str:
        files = {file for file, _ in self.calls}
        rooms = {file.rpartition("/")[0] or file for file in files}
        return (
            f"{self.name:<6} {len(rooms):>3} rooms {len(files):>4} files {len(self.calls):>4} "
            f"functions, {len(self.forwarding)} of them only forward; "
            f"charts read: {self.calls[_READING]}; "
            # A context manager is entered twice: at its begin and at its end.
            f"write transactions: {self.calls[_WRITING] // 2}"
        )


def walk(name: str, work: Callable[[], Any]) -> Walk:
    """Do this work, and note what of the program runs, on every thread that it starts."""
    codes: Counter[CodeType] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(str(PROGRAM)):
            codes[frame.f_code] += 1

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    calls = Counter({_name(code): count for code, count in codes.items()})
    named = {name for name in calls if not name[1].rpartition(".")[2].startswith("<")}
    calls = Counter({name: calls[name] for name in named})
    return Walk(name, calls, frozenset(named & forwarding_functions()))


def _name(code: CodeType) -> tuple[str, str]:
    return Path(code.co_filename).relative_to(PROGRAM).as_posix(), code.co_qualname


@cache
def forwarding_functions() -> frozenset[tuple[str, str]]:
    """Functions whose body is one call with nothing but names as its arguments."""
    return frozenset(
        (module.path.relative_to(SOURCE).as_posix(), function.name.removeprefix(f"{module.name}."))
        for module in read_house().modules
        for function in module.functions
        if not function.nested and _only_forwards(function.node)
    )


def _only_forwards(function: FunctionNode) -> bool:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if len(body) != 1 or not isinstance(body[0], ast.Return | ast.Expr):
        return False
    call = body[0].value
    if not isinstance(call, ast.Call):
        return False
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    parameters = {argument.arg for argument in function.args.args}
    names = [part.id for part in given if isinstance(part, ast.Name)]
    return all(isinstance(part, ast.Name | ast.Attribute) for part in given) and bool(
        parameters & {"self", *names}
    )


def main() -> None:
    """Walk one act and one push, each after the same work was done once before."""
    from tests.sync.shelf import Office

    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        office.look()
        office.act("note", "t1", text="the first, by which the server is learned")
        office.look()
        print(walk("act", lambda: office.act("priority", "t1", to="urgent")))
        syncer = office.syncer
        print(walk("push", syncer.push_only))
        syncer.close()
        office.close()


if __name__ == "__main__":
    main()
