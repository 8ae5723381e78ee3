"""Each question of each verb, as the person sees it: the message line and the footer below it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from carequeue.verbs.offers import questions_for
from carequeue.verbs.table import item_verbs
from carequeue.verbs.verb import Asks, Question, Verb
from tests.screens.clinic import FakeDesk, row
from tests.screens.conftest import ROOT
from tests.screens.stage import Seat, at_the_terminal
from tests.verbs.named import named

SIZES = {"80x24": (80, 24), "140x40": (140, 40)}
CLIENT = "WOLFESCHLEGELSTEIN-MONTGOMERY, Anneliese"


class Lines(SingleFileSnapshotExtension):
    """One text file for each verb and size in `snapshots/test_verb_questions/`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location: object) -> str:
        return str(ROOT / "snapshots" / "test_verb_questions")


def offers(verb: Verb) -> Iterator[str]:
    """What rows may offer of a verb: nothing beyond it, or each question that only some are asked."""
    if questions_for(verb, [verb.name]):
        yield verb.name
    for place, question in enumerate(verb.asks):
        if question.asked:
            yield f"{verb.name}:{place}"


async def answer(seat: Seat, question: Question) -> None:
    """An answer to a question, by the keys of a person."""
    if question.asks is Asks.CHOICE:
        await seat.press(question.choices[0].key)
        return
    await seat.write("3bd" if question.asks is Asks.WHEN else "Ort")
    await seat.press("enter")


async def seen(verb: Verb, offered: str, size: tuple[int, int]) -> list[str]:
    """The lines of each question, one after the other."""
    desk = FakeDesk([row("a", "referral", 2, None, "", CLIENT, "Answer", verbs=offered)])
    lines = [f"# {offered}"]
    async with at_the_terminal(desk, size) as seat:
        await seat.press(verb.key)
        for question in questions_for(verb, [offered]):
            lines += [seat.message.rstrip(), seat.footer.rstrip(), ""]
            await answer(seat, question)
        assert desk.acts, "the last answer does it"
    return lines


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [verb.name for verb in item_verbs() if verb.asks])
async def test_the_questions(snapshot: SnapshotAssertion, name: str, size: str) -> None:
    verb = named(name)
    lines = [line for offered in offers(verb) for line in await seen(verb, offered, SIZES[size])]
    assert all(len(line) <= SIZES[size][0] for line in lines)
    assert snapshot.use_extension(Lines) == "\n".join(lines)
