"""Identifiers that recognize a client of one server on another, and nothing else does.

In:  a Patient. Out: pairs of system and value. Never a name, a birth date or a phone: two people
share those, and one person has them spelled in two ways.
Left out: an identifier without a system (a number alone names somebody in every clinic), one that
is marked as old (it may be somebody else's by now), a placeholder, and one that is too long.
Not here: how many clients may share an identifier before it is a dummy
(`store/cross_source_match.py`).
"""

from __future__ import annotations

from typing import Any, Final

from carequeue.fhir import values

_MOST: Final = 40
_LONGEST: Final = 200
#: The HL7 table of kinds of identifiers, by its names: it says "MR", never whose.
_KINDS: Final = ("v2-0203", "v2/0203", "identifier-type")


def identifiers(patient: Any) -> tuple[tuple[str, str], ...]:
    """(system, value) of each identifier that can be shared, each once, in their order."""
    pairs: dict[tuple[str, str], None] = {}
    for identifier in values.objects(patient, "identifier")[:_MOST]:
        system, value = (values.text(identifier, name).strip() for name in ("system", "value"))
        usable = 0 < len(system) <= _LONGEST and 0 < len(value) <= _LONGEST
        if usable and values.text(identifier, "use") != "old" and not _is_nothing(system, value):
            pairs[system, value] = None
    return tuple(pairs)


def _is_nothing(system: str, value: str) -> bool:
    """True if it is a placeholder: "UNKNOWN", "000-00-0000", or a number under the name of the HL7
    table of identifier types, which every clinic uses.
    """
    signs = [sign for sign in value if sign.isalnum()]
    one_sign = len(signs) > 1 and len(set(signs)) == 1
    kinds = system.rstrip("/").endswith(_KINDS)
    return kinds or one_sign or not any(map(str.isdigit, signs))
