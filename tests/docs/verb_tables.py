"""The tables of docs/command-line.md that follow from the table of verbs.

`python -m tests.docs.verb_tables` writes them; `test_recipes.py` holds the page equal to them.
"""

from __future__ import annotations

from collections.abc import Iterable

from carequeue.verbs.table import item_verbs
from carequeue.verbs.verb import Asks, Question
from carequeue.widgets.key_footer import key_name
from tests.docs.pages import DOCS

VERBS_HEAD = "| verb | key on the screen | asks for | what it does |"
OPTIONS_HEAD = "| option | asked by | answer |"
_ANY = "| `--answer NAME=VALUE` | any | the same, by the question's name; repeatable |"


def verb_table() -> str:
    """A line for each verb that is done to an item."""
    rows = [
        (
            f"`{verb.name}`",
            f"`{key_name(verb.key)}`",
            ", ".join(f"`{question.name}`" for question in verb.questions),
            verb.help,
        )
        for verb in item_verbs()
    ]
    return _table(VERBS_HEAD, map(_line, rows))


def option_table() -> str:
    """A line for each question, with the verbs that ask it and what they take as an answer."""
    askers: dict[str, dict[str, list[str]]] = {}
    for verb in item_verbs():
        for question in verb.questions:
            answers = askers.setdefault(question.name, {})
            answers.setdefault(_answer(question), []).append(verb.name)
    rows = []
    for name, answers in askers.items():
        first, *others = answers
        more = [f"for {', '.join(answers[answer])} {answer}" for answer in others]
        verbs = [verb.name for verb in item_verbs() if name in (q.name for q in verb.questions)]
        rows.append((f"`--{name} TEXT`", ", ".join(verbs), "; ".join([first, *more])))
    return _table(OPTIONS_HEAD, [*map(_line, rows), _ANY])


def _answer(question: Question) -> str:
    if question.asks is Asks.WHEN:
        return "a time: `tomorrow 9`, `fri`, `3bd` (business days)"
    if question.asks is Asks.WHOM:
        return "a colleague or a team"
    if question.asks is Asks.PARTNER:
        return "a partner"
    if question.asks is Asks.RECEIVER:
        return "a partner or one of our teams"
    if question.asks is Asks.TEXT:
        return question.meaning
    choices = [
        f"`{choice.words}`{' (the default)' if choice.words == question.default else ''}"
        for choice in question.choices
    ]
    return ", ".join(choices) + (
        (", or your own words" if question.free else "")
        + (", if it is asked" if question.guard else "")
    )


def _line(cells: Iterable[str]) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def _table(head: str, lines: Iterable[str]) -> str:
    rule = "|" + "---|" * (head.count("|") - 1)
    return "".join(f"{line}\n" for line in (head, rule, *lines))


def with_tables(page: str) -> str:
    """The page with both tables as they have to be."""
    for head, table in ((VERBS_HEAD, verb_table()), (OPTIONS_HEAD, option_table())):
        before, _, behind = page.partition(head)
        lines = behind.splitlines(keepends=True)
        end = next(n for n, line in enumerate(lines) if n and not line.startswith("|"))
        page = before + table + "".join(lines[end:])
    return page


if __name__ == "__main__":
    file = DOCS / "command-line.md"
    file.write_text(with_tables(file.read_text(encoding="utf-8")), encoding="utf-8")
