"""A disk that is full, or that may not be written: a sentence, and what was kept before stays.

On a machine where the tests are root the disk is a small tmpfs of its own; elsewhere the limit of a
file's size and the modes of the folder stand in for it, since root passes by modes.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.bad_input.home import Home, task
from tests.bad_input.hostile import honest, serving
from tests.bad_input.test_sentences import CACHE, PROFILE, check

CLAIM: Final = ("act", "priority", "main:Task/t1", "--to", "urgent")
MOUNTS: Final = sys.platform == "linux" and os.geteuid() == 0
#: The program with files of at most this many bytes.
LIMITED: Final = (
    sys.executable, "-c",
    "import resource, sys; size = int(sys.argv.pop(1)); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)); "
    "from carequeue.__main__ import main; main()",
)  # fmt: skip


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    folder.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill_up(folder: Path) -> Path:
    """Whatever is left of a disk, taken."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler


@pytest.fixture
def full(tmp_path: Path) -> Iterator[tuple[Home, tuple[str, ...], list[Path]]]:
    """A home on a disk that is full, the program for it, and what is to be removed to mend it."""
    if MOUNTS:
        with mounted(tmp_path / "disk") as disk:
            home = Home(disk / "home")
            home.write_profile("http://127.0.0.1:9/fhir")
            home.fill(task())
            yield home, (sys.executable, "-m", "carequeue"), [fill_up(disk)]
        return
    home = Home(tmp_path / "home")
    home.write_profile("http://127.0.0.1:9/fhir")
    home.fill(task())
    yield home, (*LIMITED, "4096"), []


class TestAFullDisk:
    def test_keeps_nothing_of_the_act_and_all_that_was_before(
        self, full: tuple[Home, tuple[str, ...], list[Path]]
    ) -> None:
        home, program, fillers = full
        ran = home.run(*CLAIM, program=program)
        assert (ran.code, ran.out) == (CACHE, "")
        assert re.search(r"full|cannot be opened|could not be written", ran.sentence)
        assert re.search(r"everything before it is safe|Nothing was changed", ran.sentence)
        assert re.search(r"Free some space|Check the (folder|disk)", ran.sentence)
        for filler in fillers:
            filler.unlink()
        assert home.counts()["intent"] == 0
        assert home.run(*CLAIM).code == 0  # and the way on is one

    def test_says_so_in_a_sync_and_the_rows_stay(self, tmp_path: Path) -> None:
        many = [task(f"n{number}", description="y" * 4000) for number in range(300)]
        with serving(honest(*many)) as server:
            home = Home(tmp_path / "home")
            home.write_profile(server.base)
            home.fill(task())
            limit = home.where.cache.stat().st_size + 20_000
            ran = home.run("sync", program=(*LIMITED, str(limit)))
        assert ran.code == CACHE
        assert re.search(r"full|could not be (written|used)|files", ran.sentence)
        assert home.counts()["intent"] == 0
        assert "Call c1" in home.run("list", "--plain", "--view", "whole").out


class TestAFolderThatMayNotBeWritten:
    @pytest.fixture
    def closed(self, tmp_path: Path) -> Iterator[Home]:
        home = Home(tmp_path / "disk" / "home")
        if MOUNTS:
            with mounted(tmp_path / "disk") as disk:
                home.write_profile("http://127.0.0.1:9/fhir")
                home.fill(task())
                subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
                yield home
            return
        home.write_profile("http://127.0.0.1:9/fhir")
        home.fill(task())
        home.where.folder.chmod(0o500)
        home.where.cache.chmod(0o400)
        yield home
        home.where.folder.chmod(0o700)

    @pytest.mark.parametrize("words", [("list",), CLAIM, ("sync",)])
    def test_is_named_and_left_as_it_is(self, closed: Home, words: tuple[str, ...]) -> None:
        before = closed.bytes()
        check(closed.run(*words), CACHE, "folder|permissions")
        assert closed.bytes() == before

    def test_of_the_profiles_is_named_by_connect(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in its place")
        with serving(honest()) as server:
            ran = Home(tmp_path / "file").run("connect", server.base, "--time-zone", "UTC")
        assert ran.code == PROFILE
        assert "Nothing was changed" in ran.sentence
