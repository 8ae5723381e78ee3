"""`python -m tests.house [PATH]`: the figures of this checkout, or of the one in a folder."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.house.source import HERE, read_house
from tests.house.table import table


def main(arguments: list[str]) -> int:
    """Print the table; the folder of a checkout may be given."""
    print(table(read_house(Path(arguments[0]) if arguments else HERE)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
