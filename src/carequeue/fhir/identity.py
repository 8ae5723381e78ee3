"""By what a client of one server may be recognized on another: shared identifiers, nothing else.

In:  a Patient. Out: pairs of system and value. Never a name, a birth date or a phone: two people
share those, and one person has them spelled twice.
Left out: an identifier without a system (a number alone names somebody in every clinic), one that
is marked as old (it may be somebody else's by now), and whatever is longer than any of them is.
Not here: how many clients may share one before it is a dummy (`store/identity.py`).
"""

from __future__ import annotations

from typing import Any, Final

from carequeue.fhir import values

_MOST: Final = 40
_LONGEST: Final = 200


def identifiers(patient: Any) -> tuple[tuple[str, str], ...]:
    """(system, value) of each identifier that can be shared, each once, in their order."""
    found: dict[tuple[str, str], None] = {}
    for each in values.objects(patient, "identifier")[:_MOST]:
        system, value = values.text(each, "system").strip(), values.text(each, "value").strip()
        usable = 0 < len(system) <= _LONGEST and 0 < len(value) <= _LONGEST
        if usable and values.text(each, "use") != "old":
            found[system, value] = None
    return tuple(found)
