"""What is not on the server, as the desk of the tests has it: the outbox, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from carequeue.domain.errors import BadQuestion
from carequeue.worklist.outbox_desk import OutboxDesk
from carequeue.worklist.results import Acted, Conflict, Difference, OutboxLine

ZONE = ZoneInfo("America/Chicago")
NINE = datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)


def line(
    number: int,
    client: str,
    did: str,
    state: str = "queued",
    *,
    item: str = "",
    behind: bool = False,
    attempts: int = 0,
    words: str = "",
    not_before: datetime | None = None,
    source: str = "ehr",
) -> OutboxLine:
    """One decision that is not on the server."""
    return OutboxLine(
        id=f"i{number}",
        group=f"g{number}",
        item_key=item or f"item-{number}",
        client=client,
        did=did,
        state=state,
        behind=behind,
        source=source,
        target=f"Task/{number}",
        decided_at=NINE.replace(minute=number % 60, hour=8),
        by="D. Whitfield",
        attempts=attempts,
        not_before=not_before,
        words=words,
    )


def outbox() -> list[OutboxLine]:
    """The outbox of the scripted morning, in the order of deciding."""
    late = NINE.replace(hour=9, minute=20)
    return [
        line(1, "WHITEHORSE, Jo", "Accepted", item="whitehorse", attempts=1, not_before=late),
        line(2, "BRANDT, Sofie", "Done", "conflict", item="brandt-2004", attempts=1),
        line(3, "NGUYỄN, Hải", "Noted: called twice", "needs_attention", item="nguyen", attempts=3,
             words="Business rule 17: a note needs a category (422)"),
        line(4, "NGUYỄN, Hải", "Logged: left message", item="nguyen", behind=True),
        line(5, "REYES, Tomás", "Claimed", "in_doubt", item="reyes", attempts=1),
        line(6, "HADDAD, Rami", "Snoozed until Mon 09:00", "kept_here", item="haddad",
             words="the server has no place for it"),
    ]  # fmt: skip


def brandt(**facts: object) -> Conflict:
    """The conflict of the scripted morning."""
    shown = Conflict(
        item_key="brandt-2004",
        client="BRANDT, Sofie",
        title="Call back: missed Tuesday, none booked",
        source="ehr",
        did="Done",
        ids=("i2",),
        by="D. Whitfield",
        decided_at=NINE.replace(hour=8, minute=55),
        differences=(
            Difference("Status", "in progress", "completed", "on hold"),
            Difference("Owner", "D. Whitfield", "D. Whitfield", "Ortiz, Nadia"),
            Difference("Reason", "", "", "waits for the school to call back"),
        ),
        theirs_by="Ortiz, Nadia",
        theirs_at=NINE.replace(minute=3),
        gone="",
        in_doubt=False,
        can=("mine", "theirs"),
    )
    return replace(shown, **facts)  # type: ignore[arg-type]


class FakeOutbox(OutboxDesk):
    """The part of the desk about what is not on the server."""

    def __init__(self) -> None:
        self.unsent = outbox()
        self.differs: dict[str, Conflict] = {"brandt-2004": brandt()}
        self.answers: list[tuple[str, str]] = []
        self.retried: list[tuple[str, ...]] = []
        self.discarded: list[tuple[str, ...]] = []
        self.told: list[str] = []
        self.refuses_answer = ""  # words of a refusal of the next answer

    def settle(self, key: str) -> None:
        """Nothing is open on an item any more."""
        raise NotImplementedError

    def lines(self, now: datetime) -> Sequence[OutboxLine]:
        return tuple(self.unsent)

    def conflicts(self, now: datetime) -> Sequence[Conflict]:
        return tuple(self.differs.values())

    def conflict(self, key: str, now: datetime) -> Conflict | None:
        return self.differs.get(key)

    def resolve(self, shown: Conflict, how: str, now: datetime) -> Acted:
        if self.refuses_answer:
            words, self.refuses_answer = self.refuses_answer, ""
            raise BadQuestion(words)
        self.answers.append((shown.item_key, how))
        del self.differs[shown.item_key]
        self.unsent = [line for line in self.unsent if line.id not in shown.ids]
        self.settle(shown.item_key)
        words = "Kept yours" if how == "mine" else "Kept theirs"
        return Acted(f"{words}: {shown.client}.", "", (shown.item_key,))

    def retry(self, ids: Sequence[str], now: datetime) -> Acted:
        self.retried.append(tuple(ids))
        chosen = ids or [line.id for line in self.unsent if line.state == "needs_attention"]
        self.unsent = [
            replace(line, state="queued") if line.id in chosen else line for line in self.unsent
        ]
        return Acted(f"To be sent again: {len(chosen)}.", "g", tuple(chosen))

    def discard(self, ids: Sequence[str], typed: str, now: datetime) -> Acted:
        if typed != self.discard_word(ids):
            raise BadQuestion("Nothing was discarded.")
        self.discarded.append(tuple(ids))
        self.unsent = [line for line in self.unsent if line.id not in ids]
        return Acted(f"Discarded: {len(ids)}.", "", tuple(ids))

    def discard_word(self, ids: Sequence[str]) -> str:
        return f"discard {len(ids)}"

    def export(self, ids: Sequence[str]) -> str:
        return "".join(f'{{"id": "{line.id}"}}\n' for line in self.unsent)

    def news(self, after: int, now: datetime) -> tuple[int, Sequence[str]]:
        return len(self.told), tuple(self.told[after:]) if after >= 0 else ()
