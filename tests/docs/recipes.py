"""Follows a recipe of docs/architecture.md to the letter, in a copy of the project.

In:  a recipe by the words in bold with which it begins. Out: its code blocks, and a copy in which
they are applied. A `diff` block names a file after `+++` and separates its hunks by `@@`; lines
that it only shows must be in the file once, as they are.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from shutil import ignore_patterns
from textwrap import dedent

from tests.docs.pages import ROOT, page


def block(recipe: str, language: str) -> str:
    """The code block of a recipe in a language."""
    text = page("architecture.md").partition(f"- **{recipe}**")[2]
    text = re.split(r"^(?:- \*\*|## )", text, maxsplit=1, flags=re.MULTILINE)[0]
    (code,) = re.findall(rf"^  ```{language}\n(.*?)^  ```$", text, re.DOTALL | re.MULTILINE)
    return dedent(code)


def changed_files(recipe: str) -> dict[str, str]:
    """File -> the hunks that a recipe has for it."""
    parts = block(recipe, "diff").split("+++ ")[1:]
    return {name: hunks for name, _, hunks in (part.partition("\n") for part in parts)}


class ProjectCopy:
    """The project in another folder, where a recipe can be followed and its effect be seen."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "project"
        for name in ("src", "tests", "docs"):
            shutil.copytree(
                ROOT / name, self._root / name, ignore=ignore_patterns("node_modules", "pictures")
            )

    def path(self, name: str) -> Path:
        """A file by its name in the docs: from the root of the project, or from the package."""
        floors = ("docs/", "tests/")
        return self._root / ("" if name.startswith(floors) else "src/carequeue") / name

    def follow(self, hunks: dict[str, str]) -> None:
        """Change the files as the hunks say."""
        for name, text in hunks.items():
            for hunk in text.split("@@\n"):
                self._change(name, hunk.splitlines())

    def _change(self, name: str, lines: list[str]) -> None:
        before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
        after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
        text = self.path(name).read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{name} no longer has, or has twice:\n{before}"
        self.path(name).write_text(text.replace(before, after), encoding="utf-8")

    def run(self, *arguments: str, exit_code: int = 0) -> str:
        """What a Python module of the copy prints; fails where it ends with another exit code."""
        path = os.pathsep.join([str(self._root / "src"), str(self._root)])
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            env={**os.environ, "PYTHONPATH": path, "CAREQUEUE_HOME": str(self._root / "home")},
            cwd=self._root,
            capture_output=True,
            text=True,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout
