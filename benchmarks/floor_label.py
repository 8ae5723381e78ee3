"""The floor of the first frame: an app of Textual's that shows one label, and nothing else.

It imports what the smallest program of its kind imports; what CareQueue needs above it is time
that CareQueue has to answer for.
"""

from textual.app import App, ComposeResult
from textual.widgets import Label


class OneLabel(App[None]):
    """Shows one label."""

    def compose(self) -> ComposeResult:
        """The label."""
        yield Label("the first rows")


if __name__ == "__main__":
    OneLabel().run()
