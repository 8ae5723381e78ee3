"""A colleague at the server: edits, notes, new rows, deletions, and now and then just what we did.

In:  the server and chance. A colleague writes on what is there now, so that nothing of theirs is
ever out of date. Their write may be stamped some seconds before it is there (`late_commit`).
"""

from __future__ import annotations

import random
from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from carequeue.domain.intents import OPEN_STATES, IntentKind
from carequeue.fhir import codes, intent_effects
from tests.simulation.deciding import OWNERS, PARTNER, PRIORITIES
from tests.simulation.plain import named

if TYPE_CHECKING:
    from tests.simulation.shapes import Json, Key
    from tests.simulation.world import World


def works(world: World, chance: random.Random) -> None:
    """One thing that a colleague does."""
    server = world.server
    tasks = [key for key, row in server.rows.items() if key[0] == "Task" and row.body]
    choice = chance.random()
    world.count += 1
    if choice < 0.1 or not tasks:
        _make(world, chance)
        return
    wanted = [key for key in tasks if key in _decided(world)]
    key = chance.choice(wanted if wanted and chance.random() < 0.6 else tasks)
    if choice < 0.16:
        world.log("colleague", "deletes", *key)
        server.keep(key, None, world.now)
        return
    before = server.rows[key].body
    assert before is not None
    body = deepcopy(before)
    if choice < 0.21:
        _names_another(world, chance)
        return
    if choice < 0.35 and _the_same(world, chance, body, key):
        pass
    else:
        kinds = _decided(world).get(key, [])
        aimed = kinds and chance.random() < 0.6
        place = _PLACES.get(chance.choice(kinds), 6) if aimed else chance.randrange(10)
        _change(world, chance, body, place)
    if body == before:
        return
    world.log("colleague", "writes", *key)
    late = server.quirks.late_commit
    if late and chance.random() < 0.5:
        _later(world, key, body, late)
    else:
        server.keep(key, body, world.now)


def crosses(world: World, chance: random.Random) -> None:
    """A colleague decides otherwise about just what somebody here has decided and not sent."""
    rows = world.server.rows
    decided = [
        one.intent
        for one in world.truth.decisions.values()
        if world.states.get(one.intent.id) in OPEN_STATES
        and one.intent.kind in _PLACES
        and (one.intent.target_type, one.intent.target_id) in rows
    ]
    if not decided:
        works(world, chance)
        return
    if _sends_on(world, chance):
        return
    if chance.random() < 0.2:
        _names_another(world, chance)
        return
    intent = chance.choice(decided[-3:])
    key = (intent.target_type, intent.target_id)
    before = rows[key].body
    if before is None:
        return
    world.count += 1
    for _ in range(4):
        body = deepcopy(before)
        _change(world, chance, body, _PLACES[intent.kind])
        if body != before and not intent_effects.satisfied(intent, body):
            world.log("colleague", "crosses", *key)
            world.server.keep(key, body, world.now)
            return


def _sends_on(world: World, chance: random.Random) -> bool:
    """Sends a referral on that somebody here has sent on, too, to this partner or to another."""
    meant = [named(create.args["resource"]) for create in world.truth.creates()]
    new = [name for name in meant if name.startswith("replaces-request:")]
    free = [name for name in new if not world.server.named("ServiceRequest", name)]
    if not free or chance.random() < 0.5:
        return False
    world.count += 1
    key, name = f"col-{world.count}", chance.choice(free)
    world.log("colleague", "sends on", name)
    by, to = {"reference": "Practitioner/noel"}, {"reference": chance.choice(_PARTNERS)}
    request = world.task(key, name) | {"performer": [to], "requester": by, "status": "active"}
    request |= {"resourceType": "ServiceRequest", "subject": request.pop("for")}
    request.pop("owner", None)
    world.server.keep(("ServiceRequest", key), request, world.now)
    task = world.task(key, name.replace("replaces-request", "replaces-task"))
    world.server.keep(("Task", key), task | {"requester": by, "owner": to}, world.now)
    return True


def _names_another(world: World, chance: random.Random) -> None:
    """Somebody corrects for whom a Task or a contact is: another client, none, or the first again.

    Mostly where something is decided: there it matters.
    """
    rows = world.server.rows
    there = [key for key, row in rows.items() if key[0] in _NAMES and row.body]
    decided = [key for key in there if key in _decided(world)]
    if not there:
        return
    key = chance.choice(decided if decided and chance.random() < 0.8 else there)
    body = deepcopy(rows[key].body)
    assert body is not None
    element = _NAMES[key[0]]
    before = body.pop(element, None)
    client = chance.choice(("Patient/p1", "Patient/p2", "Patient/p2", ""))
    if client:
        body[element] = {"reference": client}
    if body.get(element) != before:
        world.log("colleague", "names", client, *key)
        world.server.keep(key, body, world.now)


def _make(world: World, chance: random.Random) -> None:
    key = f"col-{world.count}"
    named = key
    if chance.random() < 0.4:
        named = f"discharge-contact:Encounter/e{chance.randrange(2)}"
        if world.server.named("Task", named):
            return
    world.log("colleague", "makes", key)
    world.server.keep(("Task", key), world.task(key, named), world.now)


def _the_same(world: World, chance: random.Random, body: Json, key: Key) -> bool:
    """Just what a person here has decided about the row and not sent yet."""
    wanted = [
        one.intent
        for one in world.truth.decisions.values()
        if one.intent.target_id == key[1]
        and one.intent.kind in (IntentKind.SET_STATUS, IntentKind.ASSIGN, IntentKind.SET_PRIORITY)
    ]
    if not wanted:
        return False
    body.update(intent_effects.apply(chance.choice(wanted[-2:]), body))
    return True


#: By which element a resource names its client.
_NAMES: Final = {"Task": "for", "Communication": "subject", "Observation": "subject"}
_PARTNERS: Final = (PARTNER, "Organization/shelter", "Organization/shelter")
STATUSES: Final = ("accepted", "in-progress", "on-hold", "completed")

#: What a colleague changes to cross a decision of that kind.
_PLACES: Final = {
    IntentKind.SET_STATUS: 0,
    IntentKind.SET_PRIORITY: 2,
    IntentKind.ASSIGN: 3,
    IntentKind.SNOOZE: 5,
    IntentKind.SET_DUE: 9,
}


def _decided(world: World) -> dict[Key, list[IntentKind]]:
    """The rows about which something is decided and open, and the kinds of it."""
    found: dict[Key, list[IntentKind]] = {}
    for one in world.truth.decisions.values():
        if world.states.get(one.intent.id) in OPEN_STATES:
            key = (one.intent.target_type, one.intent.target_id)
            found.setdefault(key, []).append(one.intent.kind)
    return found


def _change(world: World, chance: random.Random, body: Json, choice: int) -> None:
    if choice < 2:
        body["status"] = chance.choice(STATUSES)
        body["lastModified"] = intent_effects.iso(world.now)
    elif choice == 2:
        body["priority"] = chance.choice(PRIORITIES)
    elif choice == 3:
        body["owner"] = chance.choice(OWNERS)
    elif choice == 4:
        note: dict[str, Any] = {
            "text": f"theirs c{world.count}",
            "time": intent_effects.iso(world.now),
        }
        body["note"] = [*body.get("note", []), note]
    elif choice == 5:
        until = intent_effects.iso(world.start + timedelta(days=chance.randrange(1, 4)))
        kept = [one for one in body.get("extension", []) if one["url"] != codes.SNOOZED_UNTIL]
        body["extension"] = [*kept, {"url": codes.SNOOZED_UNTIL, "valueDateTime": until}]
    elif choice == 9:
        until = intent_effects.iso(world.start + timedelta(days=chance.randrange(1, 4)))
        body["restriction"] = {"period": {"end": until}}
    elif choice == 8:
        body["businessStatus"] = {"coding": [{"code": codes.AWAITING_INFORMATION}]}
    else:
        body["description"] = f"as of c{world.count}"


def _later(world: World, key: Key, body: Json, late: int) -> None:
    """Stamped now, there later; given up where somebody wrote meanwhile."""
    stamped, version = world.now, world.server.rows[key].now.number

    def commit() -> None:
        row = world.server.rows.get(key)
        if row and row.now.number == version and row.body:
            world.log("colleague", "commits", *key)
            world.server.keep(key, body, world.now, stamped=stamped)

    world.timers.append((world.now + timedelta(seconds=late), commit))
