"""The scripted morning in a real terminal: `python -m tests.screens.at_a_pty [vast|fault]`."""

from __future__ import annotations

import sys

from tests.screens.clinic import FakeDesk, VastDesk
from tests.screens.stage import FakeSync, app_for


class FaultyDesk(FakeDesk):
    """A desk with a fault of ours in it, next to a value that nobody may see."""

    def reasons(self, key: str) -> dict[str, str]:
        secret = "REYES, Tomás"
        raise RuntimeError(f"a fault beside {secret}")


def main() -> int:
    desks = {"vast": VastDesk, "fault": FaultyDesk}
    app, _ = app_for(desks.get(sys.argv[-1], FakeDesk)(), sync=FakeSync())
    app.run()
    return app.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
