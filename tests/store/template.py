"""A cache that many tests begin with: made once a process, and copied for each of them.

In:  a key that stands for all that goes into it, a folder, a function that makes it.
Out: the folder as the function would have left it, and what the function returned, as a copy.
Why: a migration and a projection cost 50 ms, a copy of the file costs one. SQLite writes its log
back into the file when the last connection closes, so the files are the whole cache.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Hashable
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
_made: dict[Hashable, tuple[Path, Any]] = {}


def begin_with(key: Hashable, folder: Path, make: Callable[[Path], T]) -> T:
    """Fill a folder with the files that `make` leaves in one; `make` has closed them."""
    if key not in _made:
        first = Path(tempfile.mkdtemp(prefix="carequeue-template-"))
        atexit.register(shutil.rmtree, first, ignore_errors=True)
        _made[key] = first, make(first)
    made, value = _made[key]
    shutil.copytree(made, folder, dirs_exist_ok=True)
    copied: T = deepcopy(value)
    return copied
