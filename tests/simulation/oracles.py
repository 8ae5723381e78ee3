"""What must hold: after every step, and once all is well again.

In:  the world of a run. Out: nothing, or a `Violation` with the invariant's number and words.
The numbers are those of docs/sync.md. I2, I3 and I6 are held at each accepted write (`truth.py`),
I4, I8 and I10 at each commit (`watch.py`), I9 when something is taken back (`person.py`),
I11 at each time-out (`wire.py`) and after each look at a silent server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from carequeue.domain.intents import (
    OPEN_STATES,
    SENDABLE_STATES,
    STUCK_STATES,
    Intent,
    IntentKind,
    IntentState,
)
from carequeue.fhir import intent_effects, jsontext
from carequeue.sync.protocol.capabilities import status_of
from carequeue.sync.restore.brake import answer_hold
from carequeue.sync.sync_cycle import CycleResult
from tests.simulation.shapes import MORE, STATUSES
from tests.simulation.steps import Step
from tests.simulation.truth import Violation

if TYPE_CHECKING:
    from tests.simulation.world import World

#: Seconds before each look, once nothing fails any more: the bound of I5.
_LOOKS: Final = (60, 1200, 1200, 4000, 4000, 50_000, 1200, 1200, 4000, 4000, 4000)
_TYPES: Final = ("Task", "Communication", *MORE)


def nothing_lost(world: World) -> None:
    """I1: every decision that was confirmed is there, in the state to which steps have led it.

    And I8: what is open has a base, unless it is yet to be created.
    """
    there = world.disk.everything()
    found = {one.id: one.state for one in there}
    if found != world.states:
        for key, state in world.states.items():
            if found.get(key) is not state:
                raise Violation("I1", f"{key} should be {state.value} and is {found.get(key)}")
        raise Violation("I1", f"{sorted(found.keys() - world.states.keys())} nobody has decided")
    if world.disk.name == "memory":
        has_base(world, there)


def has_base(world: World, intents: list[Intent]) -> None:
    """I8: the base of every open decision is here."""
    created = {
        (intent.target_type, intent.target_id)
        for intent in intents
        if intent.kind is IntentKind.CREATE and intent.state in OPEN_STATES
    }
    mirrored = world.disk.mirrored()
    for intent in intents:
        key = (intent.target_type, intent.target_id)
        if intent.state not in OPEN_STATES or key in created:
            continue
        row = mirrored.get(key)
        if intent.state is IntentState.LOCAL_ONLY and row is not None and row.gone:
            world.truth.limits["kept here about what is gone"] += 1
        elif row is None or row.body is None:
            raise Violation("I8", f"{intent.id} is {intent.state.value}, and its base is not here")


def counted(world: World) -> dict[str, tuple[int, int]]:
    """What counts against each decision."""
    return {one.id: (one.settles, one.busy) for one in world.disk.everything()}


def nothing_counts(world: World, before: dict[str, tuple[int, int]]) -> None:
    """I11: a server that answered nothing during a whole look counts against no decision."""
    for key, count in counted(world).items():
        if count != before.get(key, count):
            raise Violation("I11", f"a silent server counts against {key}: {count}")


def no_fault_of_ours(looked: CycleResult) -> None:
    """I5: a look ends in words that were foreseen."""
    if "could not work with what the server sent" in looked.why:
        raise Violation("I5", f"a look ended in a fault: {looked.why}")


# --- once all is well -----------------------------------------------------------------------------


def heal(world: World) -> None:
    """Nothing fails any more: everything comes to its end within a bounded number of looks."""
    world.log("* all is well")
    world.server.token = True
    world.hangs_until = world.now
    if world.script.comes_back:
        world.server.has_place = "all"
    world.advance(50_000_000)  # what it can take is read anew
    _settle(world)
    if not world.server.set_back:
        complete(world, deletions=False)
    for _ in range(3 if world.server.set_back else 1):
        world.advance(100_000_000)  # ids are compared once a day
        _look(world)
        with world.disk.acting(world.now) as rows:
            answer_hold(rows, "accept")
        _settle(world)
    complete(world, deletions=True)
    has_base(world, world.disk.everything())


def _settle(world: World) -> None:
    """Looks, and answers to what is asked, until nothing is open any more: a bounded number."""
    _quiet(world)
    for number in range(12):
        if not _stuck(world):
            break
        for answer in range(40):
            if not _stuck(world) or not world.acts(
                world.script.seed + 40 * number + answer, world.answering.answer, last=number > 2
            ):
                break
            nothing_lost(world)
        _quiet(world)
    else:
        raise Violation("I5", f"answered 12 times, and still stuck: {_said(_stuck(world))}")
    left = [
        one
        for one in _open(world)
        if one.state is not IntentState.LOCAL_ONLY or _has_place(world, one)
    ]
    if left:
        raise Violation("I5", f"still open at the end: {_said(left)}")


def _look(world: World) -> CycleResult:
    looked = world.look(0, Step("look", 0))
    nothing_lost(world)
    assert looked is not None
    return looked


def _quiet(world: World) -> None:
    """I5: looks until nothing can leave any more, and not more of them than the bound.

    The second full one has read to its end what a cut left half read. One that sent something is
    followed by another: a search that lags may have shown the row as it was before, and where a
    server names neither versions nor instants nobody can tell.
    """
    full = 0
    for seconds in _LOOKS:
        world.advance(seconds * 1000)
        looked = _look(world)
        waiting = _waiting(world)
        full += looked.full
        if looked.full and not waiting and full > 1 and not looked.sent:
            return
    if waiting:
        raise Violation("I5", f"after {len(_LOOKS)} looks without a fault: {_said(waiting)}")
    raise Violation("I5", f"after {len(_LOOKS)} looks without a fault none is full: {looked.why}")


def _open(world: World) -> list[Intent]:
    return [one for one in world.disk.everything() if one.state in OPEN_STATES]


def _stuck(world: World) -> list[Intent]:
    return [one for one in _open(world) if one.state in STUCK_STATES]


def _waiting(world: World) -> list[Intent]:
    """What could leave, or be kept here no more; not what stands behind a person's answer."""
    held: set[str] = set()
    units: dict[tuple[str, str], set[str]] = {}
    names: set[str] = set()
    waiting = []
    for one in _open(world):
        key = (one.target_type, one.target_id)
        unit = set(intent_effects.unit(one))
        behind = one.after in held or bool(unit & units.get(key, set())) or "/".join(key) in names
        behind = behind or any(name in str(one.args) for name in names)
        if one.state in STUCK_STATES or behind:
            held.add(one.id)
            units.setdefault(key, set()).update(unit)
            if one.kind is IntentKind.CREATE:
                names.add("/".join(key))
        elif one.state in SENDABLE_STATES or _has_place(world, one):
            waiting.append(one)
    return waiting


def _has_place(world: World, one: Intent) -> bool:
    """Whether the server could take what is kept here, with what it belongs to."""
    server = world.server
    create = one.kind is IntentKind.CREATE
    if not server.can("create" if create else "update", one.target_type):
        return False
    if server.quirks.statuses and status_of(one) not in ("", *STATUSES):
        return False
    if create:
        return True
    row = server.rows.get((one.target_type, one.target_id))
    return row is not None and row.body is not None


def complete(world: World, *, deletions: bool) -> None:
    """I5 and I7: the mirror is what the server has; after a count, also what it has no more."""
    mirrored = world.disk.mirrored()
    for key, row in world.server.rows.items():
        searched = key[0] in _TYPES and world.server.can("search-type", key[0])
        here = mirrored.get(key)
        if searched and not _cannot_be_seen(world, here, deletions):
            _same(key, row.body, here.body if here else None, deletions)
    for key, here in mirrored.items():
        if here.body is not None and jsontext.dumps(here.body) not in world.server.returned:
            raise Violation("I4", f"the base of {'/'.join(key)} is what the server never gave")


def _same(key: tuple[str, str], there: Any, here: Any, deletions: bool) -> None:
    name = "/".join(key)
    if there is None:
        if deletions and here is not None:
            raise Violation("I7", f"{name} is deleted on the server and still here")
    elif here is None:
        raise Violation("I7", f"{name} is on the server and not here")
    elif here != there:
        raise Violation("I7", f"{name} is {there} on the server, and here {here}")


def _cannot_be_seen(world: World, here: Any, counted: bool) -> bool:
    """Whether the server does not show that a row is another one (docs/sync.md, the limits).

    Rows can move between two pages unseen where there are neither links nor instants to go on from;
    what was skipped so comes with the next count.
    """
    quirks = world.script.quirks
    if world.server.set_back and quirks.meta != "full":
        world.truth.limits["a server without versions and instants was set back"] += 1
        return True
    return not counted and quirks.links == "none" and quirks.meta != "full"


def _said(intents: list[Intent]) -> str:
    return ", ".join(
        f"{intent.id} {intent.kind.value} {intent.state.value} ({intent.words})"
        for intent in intents
    )
