"""The choice of a person or a partner by name: who matches the typed text, and whom Enter takes.

In:  the people, the typed text, moves of the person. Out: who is taken, and the line of names.
Why Enter is strict: a name that nobody chose gives a client to the wrong person. Enter takes whom
the person moved to, or the only one who matches a typed text. Without a text it takes the one who
was chosen last, and nobody where a person may be at risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from carequeue.widgets.text_width import cut, length
from carequeue.widgets.themes import Part
from carequeue.worklist.results import Person

_HOW: Final = "type part of a name, or tab to choose"


class NameChoice:
    """The people of one question, the one who was chosen last first.

    `at_risk`: somebody may be harmed by a wrong name, so Enter alone takes nobody.
    """

    def __init__(self) -> None:
        self.at_risk = False
        self._people: Sequence[Person] = ()
        self._usual: Person | None = None
        self._moved_to: int | None = None

    @property
    def people(self) -> Sequence[Person]:
        """Everybody whom the question can mean."""
        return self._people

    @people.setter
    def people(self, people: Sequence[Person]) -> None:
        """Offer these people, the one who was chosen last first."""
        self._people = people
        if usual := next((person for person in people if person.last_chosen), None):
            self.keep(usual)

    def keep(self, person: Person) -> None:
        """The person was chosen: they stand first from now on."""
        self._usual = person
        self._people = [person, *(other for other in self._people if other != person)]

    def reset(self) -> None:
        """The text has changed, or the question: nobody is moved to."""
        self._moved_to = None

    def move(self, text: str, step: int) -> None:
        """Move to the next of those who match a text, or to the one before."""
        matches = self._matches(text)
        if not matches:
            return
        if self._moved_to is None:
            taken = self.taken(text)
            at = matches.index(taken) if taken else -1 if step > 0 else 0
        else:
            at = self._moved_to
        self._moved_to = (at + step) % len(matches)

    def taken(self, text: str) -> Person | None:
        """Whom Enter takes; None if nobody was chosen."""
        matches = self._matches(text)
        if self._moved_to is not None and matches:
            return matches[self._moved_to % len(matches)]
        if not text.strip():
            return None if self.at_risk else self._usual
        return matches[0] if len(matches) == 1 else None

    def hint(self, text: str) -> str:
        """What is missing where Enter takes nobody."""
        matches = len(self._matches(text))
        if not text.strip() or not self._people:
            return _HOW
        return f"{matches} match: type more, or tab to choose" if matches else "nobody matches"

    def _matches(self, text: str) -> list[Person]:
        """People for whom every typed word begins a word of their name."""
        wanted = text.casefold().split()
        return [
            person
            for person in self._people
            if all(
                any(word.startswith(part) for word in person.name.casefold().split())
                for part in wanted
            )
        ]

    def parts(self, text: str, room: int) -> list[Part]:
        """The person whom Enter takes, marked; as many others as fit; and how many more match."""
        matches = self._matches(text)
        if not matches:
            return [("  nobody has that name", "soon")] if self._people else [("  …", "muted")]
        taken, first = self.taken(text), (self._moved_to or 0) % len(matches)
        away = f" ({matches[first].away})" if matches[first].away else ""
        rest = len(f" +{len(matches) - 1}") if len(matches) > 1 else 0
        arrow, role = ("  → ", "done") if taken else ("  ", "muted")
        name = cut(matches[first].name, room - 4 - rest - cell_len(away))
        parts: list[Part] = [(arrow, "muted"), (name, role), (away, "soon")]
        others = matches[first + 1 :] + matches[:first]
        for number, person in enumerate(others):
            more = len(f" +{len(others) - number}")
            words = f"{person.name} ({person.away})" if person.away else person.name
            if length(parts) + 3 + cell_len(words) + more > room:
                return [*parts, (f" +{len(others) - number}", "muted")]
            parts += [(" · ", "muted"), (words, "muted")]
        return parts
