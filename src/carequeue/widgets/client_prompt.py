"""The question "for whom?", answered by a search among all clients, and then what to do for them.

In:  keys; a function from a text to the clients who match. Out: a client, and one of the verbs.
Why Enter is strict here: namesakes are common, and an act for the wrong client harms two people.
Enter takes a client only if nobody else matches, or if the person has moved to this one. The client
of the row under the cursor is offered, and a key of its own takes them.
No widget: the message line draws `parts`, the footer draws `pairs`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from carequeue.verbs.verb import Verb
from carequeue.widgets.edit_line import EditLine
from carequeue.widgets.question_prompt import Pairs, Step
from carequeue.widgets.text_width import cut, length
from carequeue.widgets.themes import Part

if TYPE_CHECKING:
    from carequeue.store.client_search import ClientMatch

Find = Callable[[str], "Sequence[ClientMatch]"]
#: The key that takes the client of the row under the cursor.
THIS_CLIENT: Final = "."
_REFUSED: Final = {
    "deceased": "is recorded as deceased: no outreach",
    "merged": "was merged into a record that is not here: sync first (r)",
}


class ClientForm:
    """The search for a client, and the choice of a verb. `title`: what it is for, in a word or two.

    `verbs`: the key of each verb -> its words and the verb; one verb alone is not asked for.
    """

    def __init__(
        self,
        title: str,
        verbs: Sequence[tuple[str, str, Verb]],
        find: Find,
        here: ClientMatch | None,
    ) -> None:
        self.title, self.verbs, self.here = title, verbs, here
        self.client: ClientMatch | None = None
        self.verb: Verb | None = verbs[0][2] if len(verbs) == 1 else None
        self._find = cache(find)
        self._line = EditLine()
        self._chosen: int | None = None
        self._hint = ""

    # --- keys

    def press(self, key: str, character: str | None) -> Step:
        """Take one key."""
        self._hint = ""
        if self.client is not None:
            return self._choose_verb(key, character)
        if key == "escape":
            return Step.BACK
        if key == "enter":
            return self._enter()
        if character == THIS_CLIENT and self.here is not None and not self._line.text:
            return self._take(self.here)
        if key in ("tab", "down", "up", "shift+tab"):
            self._move(1 if key in ("tab", "down") else -1)
        elif self._line.press(key, character):
            self._chosen = None
        return Step.OPEN

    def paste(self, text: str) -> None:
        """Take the first line of a paste as the search."""
        if self.client is None:
            self._line.insert(text)
            self._chosen = None

    def _choose_verb(self, key: str, character: str | None) -> Step:
        if key == "escape":
            self.client = None
            return Step.OPEN
        for letter, _, verb in self.verbs:
            if character == letter:
                self.verb = verb
                return Step.DONE
        self._hint = "press one of the keys"
        return Step.OPEN

    def _move(self, step: int) -> None:
        count = len(self._matches())
        if count:
            first = 0 if step > 0 else count - 1
            self._chosen = first if self._chosen is None else (self._chosen + step) % count

    def _enter(self) -> Step:
        match = self._match()
        if match is not None:
            return self._take(match)
        if not self._line.text.strip():
            self._hint = "type a part of the name, the birth date or the MRN"
        elif self._matches():
            self._hint = "several match: tab moves to one, or type more"
        else:
            self._hint = "no client here matches"
        return Step.OPEN

    def _take(self, match: ClientMatch) -> Step:
        if why := _REFUSED.get(match.state):
            self._hint = f"{match.name} {why}"
            return Step.OPEN
        self.client = match
        return Step.OPEN if self.verb is None or len(self.verbs) > 1 else Step.DONE

    def _matches(self) -> Sequence[ClientMatch]:
        return self._find(self._line.text.strip())

    def _match(self) -> ClientMatch | None:
        """The client whom Enter takes: the one that the person moved to, or the only one."""
        matches = self._matches()
        if self._chosen is not None:
            return matches[self._chosen]
        return matches[0] if len(matches) == 1 else None

    # --- what is shown

    def parts(self, width: int) -> list[Part]:
        """The line: the typed text and who matches; then the client and the keys of the verbs."""
        head: list[Part] = [(f" {self.title} ", "key")]
        if self.client is not None:
            return self._verb_parts(head, width)
        head += [("for whom? ", "text")]
        room = width - length(head)
        behind = self._behind(room - min(len(self._line.text), room // 3) - 2)
        return head + self._line.parts(max(8, room - length(behind) - 1)) + behind

    def _verb_parts(self, head: list[Part], width: int) -> list[Part]:
        assert self.client is not None
        keys: list[Part] = []
        for letter, words, _ in self.verbs:
            keys += [("  ", "text"), (letter, "key"), (f" {words}", "text")]
        if self._hint:
            keys = [(f"  {self._hint}", "soon")]
        room = width - length(head) - length(keys)
        return [*head, (cut(self._words(self.client), max(12, room)), "strong"), *keys]

    def _behind(self, room: int) -> list[Part]:
        """The text after the input: what is missing, who is offered, or who matches."""
        if self._hint:
            return [("  ", "text"), (cut(self._hint, room - 2), "soon")]
        if not self._line.text.strip():
            if self.here is None:
                return [(cut("  part of a name, birth date or MRN", room), "muted")]
            words = cut(f" {self._words(self.here)}", room - 3)
            return [("  ", "text"), (THIS_CLIENT, "key"), (words, "muted")]
        matches = self._matches()
        if not matches:
            return [(cut("  no client here matches", room), "soon")]
        return self._match_parts(matches, room)

    def _match_parts(self, matches: Sequence[ClientMatch], room: int) -> list[Part]:
        """The client whom Enter takes, marked; as many others as fit; and how many more match."""
        taken = self._match()
        at = 0 if self._chosen is None else self._chosen
        parts: list[Part] = []
        for number, match in enumerate([*matches[at:], *matches[:at]]):
            words = self._words(match)
            more = f" +{len(matches) - number}"
            arrow = "  → " if match is taken else "  " if not number else " · "
            if number and length(parts) + len(arrow) + len(words) + len(more) > room:
                return [*parts, (more, "muted")]
            parts.append((arrow, "muted"))
            parts.append((cut(words, room - 4), "done" if match is taken else "muted"))
        return parts

    def _words(self, match: ClientMatch) -> str:
        """The name and the birth date; the record number where another has both the same."""
        alike = Counter((other.name, other.born) for other in self._matches_or_none())
        number = f"MRN {match.mrn}" if match.mrn and alike[match.name, match.born] > 1 else ""
        parts = (match.name, match.born or "no birth date", number, match.state)
        return " ".join(part for part in parts if part)

    def _matches_or_none(self) -> Sequence[ClientMatch]:
        return self._matches() if self._line.text.strip() else ()

    def pairs(self, width: int) -> Pairs:
        """The keys that answer it."""
        if self.client is not None:
            return [
                *((letter, words) for letter, words, _ in self.verbs),
                ("esc", "another client"),
            ]
        take = [("enter", "choose")] if self._match() else []
        return [*take, ("tab", "next"), ("type", "name, birth date or MRN"), ("esc", "back")]
