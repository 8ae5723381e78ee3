r"""Text that is safe to show: hostile text in, `Clean` out.

In:  any value that came from a server, a file or a person.
Out: `Clean`, text that no terminal can take for a command and no reader can be misled by: what
     cannot be seen is made visible (`␛`, `\u{202e}`) rather than dropped, so a forged name looks
     forged. Only what is harmless and changes the width of a row is dropped: variation selectors
     and skin tones, which terminals measure differently.
Why here: one function stands between the server and every widget, line of output and log
     (docs/security.md); markup is no concern of it, for nothing parses markup.
Not here: cutting to a number of cells (`widgets/`), the raw JSON, which is kept as it came.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NewType

Clean = NewType("Clean", str)

LINE_LIMIT: Final = 300
BLOCK_LIMIT: Final = 4000

_BREAKS: Final = re.compile(r"[\t\n\r]+")
_NEWLINES: Final = re.compile(r"\r\n?")
#: Letters and combining marks that show as nothing (Unicode: Default_Ignorable_Code_Point).
_INVISIBLE: Final = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0}
)
#: Letters that have no decomposition, and the quotes that keyboards and records disagree on.
_PLAIN: Final = str.maketrans(
    {"đ": "d", "ð": "d", "ø": "o", "ł": "l", "ı": "i", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe"}
    | {"’": "'", "‘": "'", "ʼ": "'"}
)


def _is_dropped(code: int) -> bool:
    """Variation selectors and emoji skin tones: 1 cell in some terminals, 2 or 4 in others."""
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x1F3FB <= code <= 0x1F3FF


@lru_cache(maxsize=4096)
def _seen(code: int) -> str:
    """One character as it may be shown; "" if it is dropped."""
    if _is_dropped(code):
        return ""
    character = chr(code)
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or code in _INVISIBLE:
        return f"\\u{{{code:x}}}"
    return character


class _Visible:
    """The table of `str.translate`; computed per character, for Unicode is large."""

    def __getitem__(self, code: int) -> str:
        return _seen(code)


class _VisibleBlock(_Visible):
    """The same for a text of several lines."""

    def __getitem__(self, code: int) -> str:
        return "\n" if code == 0x0A else _seen(code)


_VISIBLE: Final = _Visible()
_VISIBLE_BLOCK: Final = _VisibleBlock()


def _as_text(value: object) -> str:
    """A value as text; a nested or huge one that Python refuses to print is named by its type."""
    try:
        return str(value)
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def _finish(text: str, table: _Visible, limit: int, was_cut: bool) -> Clean:
    """Drop, compose, make visible, cap. Composing comes after dropping, so twice is as once."""
    dropped = "".join(c for c in text if not _is_dropped(ord(c)))
    seen = unicodedata.normalize("NFC", dropped).translate(table).strip()
    if len(seen) > limit or was_cut:
        seen = seen[: max(limit - 1, 0)].rstrip() + "…"
    return Clean(seen)


def clean(text: object, limit: int = LINE_LIMIT) -> Clean:
    """One line that is safe for a terminal, at most `limit` characters (`…` if it was cut).

    Newlines and tabs become one space. Idempotent. Costs next to nothing for plain ASCII.
    """
    if type(text) is str and len(text) <= limit and text.isascii() and text.isprintable():
        return Clean(text.strip())
    raw = _as_text(text)
    cut = raw[: limit * 4]
    return _finish(_BREAKS.sub(" ", cut), _VISIBLE, limit, len(cut) < len(raw))


def clean_block(text: object, limit: int = BLOCK_LIMIT) -> Clean:
    """Text of several lines that is safe for a terminal; newlines stay, a tab is a space."""
    raw = _as_text(text)
    cut = raw[: limit * 4]
    lines = _NEWLINES.sub("\n", cut).replace("\t", " ")
    return _finish(lines, _VISIBLE_BLOCK, limit, len(cut) < len(raw))


def fold(text: str) -> str:
    """Text for comparing: no case, no marks, plain quotes. `NGUYỄN` and `nguyen` are the same."""
    if text.isascii():
        return text.lower()
    # Twice: a compatibility decomposition can bring capitals, and folding can bring marks.
    return _folded(_folded(text))


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c)).translate(_PLAIN)
