"""What a text names is there under this name: modules, symbols, commands, options, keys, codes.

In:  the pages of Markdown, and for files and symbols also comments and docstrings of the code.
Not here: links (`test_pointers.py`), the tables of verbs (`test_recipes.py`), and whether the pages
name everything (`tests/cli/test_main.py`, `tests/store/test_profiles.py`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Final

import click
import pytest

from carequeue.cli.help_format import EXIT_CODES
from carequeue.cli.main import carequeue
from carequeue.domain.intents import Intent
from carequeue.domain.rules import _KEYS as RULE_KEYS
from carequeue.store.profile_values import PROFILE_KEYS, SOURCE_KEYS
from tests.docs.pages import ROOT, SOURCE, cells, page, texts

PAGES = list(texts("docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md"))
CODE = [file for file in texts("src", "tests", "benchmarks") if file.suffix == ".py"]
ROOMS: Final = [path.stem for path in SOURCE.iterdir() if (path / "__init__.py").is_file()]
#: Files that a recipe makes.
MADE_UP: Final = {"park.py", "test_park.py", "legend.py"}
_FILE: Final = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|toml|mjs))(?::|`)")
SYMBOL: Final = re.compile(r"`((?:\w+/)*\w+\.py):\s+([A-Za-z_][\w.]*)(?:\(\))?`")
_DOTTED: Final = re.compile(rf"`((?:carequeue\.)?(?:{'|'.join(ROOMS)})(?:\.\w+)+)(?:\(\))?`")
_COMMAND: Final = re.compile(r"(?:`|^|\| |; )carequeue((?: [^`|;\n]+)?)", re.MULTILINE)
_OPTION: Final = re.compile(r"(?<![\w-])--[a-z][\w-]*")
_MODULE: Final = re.compile(r"python -m ((?:tests|benchmarks|carequeue)[\w.]*)((?: [^`\n]+)?)")


def shown(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def files_by_name() -> dict[str, list[Path]]:
    """File name -> where files of this name are."""
    files: dict[str, list[Path]] = {}
    for path in texts("src", "tests", "benchmarks", "docs"):
        files.setdefault(path.name, []).append(path)
    return files


def profile_paths(name: str) -> list[Path]:
    """The files that a name may mean: from the root, from the package, or from any folder."""
    return [path for path in files_by_name().get(Path(name).name, []) if shown(path).endswith(name)]


@cache
def symbols(file: Path) -> set[str]:
    """The names that a file defines; `Class.name` for those of a class."""
    return set(_defined(ast.parse(file.read_text(encoding="utf-8")), ""))


def _defined(tree: ast.AST, prefix: str) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{node.name}"
            if isinstance(node, ast.ClassDef):
                yield from _defined(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (f"{prefix}{n.id}" for n in ast.walk(target) if isinstance(n, ast.Name))


def missing(text: str) -> list[str]:
    """The files, symbols and import names that a text names and that are not there."""
    names = [name for name in _FILE.findall(text) if name not in MADE_UP and "_N." not in name]
    dotted = [name.removeprefix("carequeue.") for name in _DOTTED.findall(text)]
    return [
        *(name for name in names if not profile_paths(name) and not (ROOT / name).is_file()),
        *(
            f"{name}: {symbol}"
            for name, symbol in SYMBOL.findall(text)
            if not any(symbol in symbols(path) for path in profile_paths(name))
        ),
        *(name for name in dotted if not is_import_name(name)),
    ]


@pytest.mark.parametrize("file", PAGES, ids=shown)
def test_a_file_and_a_symbol_that_a_page_names_are_there(file: Path) -> None:
    assert not missing(file.read_text(encoding="utf-8"))


def test_a_file_and_a_symbol_that_the_code_names_are_there() -> None:
    found = {shown(file): missing(file.read_text(encoding="utf-8")) for file in CODE}
    assert not {file: names for file, names in found.items() if names}


def test_a_name_that_is_not_there_is_found() -> None:
    absent = ["store/no.py", "store/engine.py: Nothing", "store.engine.nothing"]
    names = [*absent, "store/engine.py", "store/engine.py: writing", "store.engine.writing"]
    assert missing(" ".join(f"`{name}`" for name in names)) == absent


def is_import_name(dotted: str) -> bool:
    """Whether a name is a room or module of the package, or a symbol of a module."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        path = SOURCE.joinpath(*parts[:end])
        if path.with_suffix(".py").is_file():
            return end == len(parts) or ".".join(parts[end:]) in symbols(path.with_suffix(".py"))
    return SOURCE.joinpath(*parts).is_dir()


# --- the command line


def all_commands(group: click.Group = carequeue, above: str = "") -> dict[str, click.Command]:
    """`conflicts show` -> the command of these words."""
    known: dict[str, click.Command] = {"": carequeue}
    for name, command in group.commands.items():
        known[f"{above}{name}"] = command
        if isinstance(command, click.Group):
            known |= all_commands(command, f"{above}{name} ")
    return known


COMMANDS: Final = all_commands()


def options(command: click.Command) -> set[str]:
    """The options of a command in all their spellings."""
    return {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)}


def options_of_tools(text: str) -> set[str]:
    """The options of the modules that a text tells to run, and of their packages."""
    names = [name for name, _ in _MODULE.findall(text)]
    files = [file for name in names for file in module_files(name)]
    return {name for file in files for name in _OPTION.findall(file.read_text(encoding="utf-8"))}


def module_files(name: str) -> list[Path]:
    """The files of a module or package that `python -m` runs."""
    path = ROOT.joinpath("src" if name.startswith("carequeue") else "", *name.split("."))
    return [path.with_suffix(".py")] if path.with_suffix(".py").is_file() else [*path.glob("*.py")]


@pytest.mark.parametrize("file", PAGES, ids=shown)
def test_a_command_and_its_options_are_there(file: Path) -> None:
    for words in _COMMAND.findall(file.read_text(encoding="utf-8")):
        name = next(
            name
            for name in sorted(COMMANDS, key=len, reverse=True)
            if f"{words} ".startswith(f" {name} " if name else "")
        )
        rest = words.split()[len(name.split()) :]
        known = options(COMMANDS[name]) | {"--help"}
        assert name or not rest or rest[0].startswith("-") or rest[0].isupper(), words
        assert set(_OPTION.findall(words)) <= known, words


@pytest.mark.parametrize("file", PAGES, ids=shown)
def test_an_option_that_a_text_names_belongs_to_something_to_run(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    known = {opt for command in COMMANDS.values() for opt in options(command)} | {"--help"}
    known |= options_of_tools(text)
    spans = [span for span in re.findall(r"`([^`\n]+)`", text) if span.startswith("--")]
    assert {_OPTION.findall(span)[0] for span in spans} <= known


@pytest.mark.parametrize("file", PAGES, ids=shown)
def test_a_module_to_run_is_there_and_takes_its_options(file: Path) -> None:
    for name, words in _MODULE.findall(file.read_text(encoding="utf-8")):
        assert module_files(name), name
        code = "".join(path.read_text(encoding="utf-8") for path in module_files(name))
        for option in _OPTION.findall(words):
            assert f'"{option}"' in code, f"{name} {option}"


def test_the_exit_codes_are_those_of_the_program() -> None:
    rows = cells(page("command-line.md"), "| code | meaning |")
    assert {int(code): words for code, words in rows} == EXIT_CODES


def test_every_option_in_a_table_is_an_option_of_its_command() -> None:
    text = page("command-line.md")
    for section in re.split(r"^###? ", text, flags=re.MULTILINE)[1:]:
        named = [COMMANDS[name] for name in COMMANDS if name and f"`carequeue {name}" in section]
        known = {opt for command in (carequeue, *named) for opt in options(command)} | {"--help"}
        for name in re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE):
            assert name in known, f"{name} in {section.splitlines()[0]}"


# --- keys of a profile, fields, variables


def test_a_key_of_the_profile_that_a_page_lists_is_read() -> None:
    text = page("profiles.md")
    before, _, behind = text.partition("Of each `[sources.NAME]`")
    head = "| key | value | default |"
    assert {row[0].strip("`") for row in cells(before, head)} == set(PROFILE_KEYS)
    assert {row[0].strip("`") for row in cells(behind, head)} == set(SOURCE_KEYS)
    assert {row[0].strip("`") for row in cells(text, "| key of a rule |")} == set(RULE_KEYS)


def test_a_variable_that_a_page_names_is_read() -> None:
    code = "".join(file.read_text(encoding="utf-8") for file in CODE)
    for file in PAGES:
        for name in re.findall(r"\bCAREQUEUE_[A-Z_]+", file.read_text(encoding="utf-8")):
            assert re.search(rf"""["']{name.removesuffix("NAME")}""", code), name


def test_a_field_of_the_outbox_export_is_a_field_of_an_intent() -> None:
    text = page("command-line.md").partition("Each line of `export`")[2].partition("\n### ")[0]
    names = re.findall(r"`([a-z_]+)`", text)
    assert len(names) > 15
    assert set(names) <= {field.name for field in fields(Intent)} | {"group", "schema", "target"}
