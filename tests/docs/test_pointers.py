"""What a text points to is there: a reader is never sent to a page that nobody can open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, page, texts

OURS = ("src", "docs", "tests", "benchmarks", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
FILES = [file for file in texts(*OURS) if file != Path(__file__)]
_PAGE = re.compile(r"\bdocs/[\w./-]*\w")
_LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
_SECTION = re.compile(r'docs/([\w-]+\.md),\s+(?:#\s*)?"([^"]+)"')
_ABSENT = re.compile(r"\bDESIGN\b|\b\w+ notes \d|\(notes \d|\bnotes/\w+\.md")


def shown(file: Path) -> str:
    return str(file.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 200


@pytest.mark.parametrize("file", FILES, ids=shown)
def test_what_a_text_points_to_is_in_the_repository(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not _ABSENT.findall(text)
    for name in _PAGE.findall(text):
        assert (ROOT / name).exists() or (ROOT / "tests" / name).exists(), name
    for name, section in _SECTION.findall(text):
        assert re.search(rf"^#+ .*{re.escape(' '.join(section.split()))}", page(name), re.M), (
            section
        )


@pytest.mark.parametrize("file", [f for f in FILES if f.suffix == ".md"], ids=shown)
def test_every_link_of_a_page_leads_somewhere(file: Path) -> None:
    for link in _LINK.findall(file.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (file.parent / link).exists(), link


def test_every_page_is_reached_from_the_readme() -> None:
    seen, ahead = set(), [ROOT / "README.md"]
    while ahead:
        file = ahead.pop()
        if file in seen:
            continue
        seen.add(file)
        links = _LINK.findall(file.read_text(encoding="utf-8"))
        pages = [link for link in links if link.endswith(".md") and "://" not in link]
        ahead += [(file.parent / link).resolve() for link in pages]
    assert set(DOCS.glob("*.md")) <= seen
