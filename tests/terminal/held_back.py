"""CareQueue with some libraries held back: whoever imports one waits until the test lets it.

`python held_back.py FIFO ASKED LIBRARY...`: the first import of each library is written to the
file ASKED, then it waits for the other end of FIFO to be closed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


class HeldBack:
    """Finds nothing; holds up the search until the pipe says go."""

    def __init__(self, fifo: str, asked: str, libraries: Sequence[str]) -> None:
        self._fifo, self._asked, self._libraries = Path(fifo), Path(asked), libraries
        self._turn = threading.Lock()
        self._let_go = False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Wait at the door of a library."""
        if name not in self._libraries:
            return None
        with self._asked.open("a") as asked:
            asked.write(f"{name}\n")
        with self._turn:
            if not self._let_go:
                self._fifo.read_bytes()
                self._let_go = True
        return None


if __name__ == "__main__":
    sys.meta_path.insert(0, HeldBack(sys.argv[1], sys.argv[2], sys.argv[3:]))
    sys.argv[1:] = []
    from carequeue.__main__ import main

    main()
