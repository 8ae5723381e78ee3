"""The clients of every source, found by a part of the name, the birth date or a record number.

In:  rows of the mirror; what a person typed, folded. Out: clients, whose names are clean.
Why trigrams (FTS5): a part of a name is found anywhere in it, among 100,000 clients within the time
of a key. One or two signs have to begin a word; one sign alone, the name.
A record that was merged into another is found under the surviving record, as far as that is here.
Not here: which clients are in the mirror (`sync/pull/search_plan.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from carequeue.domain.items import Client, client_label
from carequeue.domain.sanitize import clean, fold
from carequeue.fhir import jsontext, values
from carequeue.fhir.chart_reader import client_of_patient
from carequeue.store.engine import Raw, quick, storable

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Clients that one search returns; whoever needs more types more.
MOST: Final = 50
_PATIENT: Final = "Patient"
_PAGE: Final = 500  # Patients read at once when the list is rebuilt
_TRIGRAM: Final = 3
_WORDS: Final = 8
_STEPS: Final = 5  # from a merged record to the one that it was merged into, and on from there
_MOST_NAMES: Final = 20
_FOLDED: Final = 1000
_COLUMNS: Final = "source, chart, name, born, mrn, state, survivor"
_ADD: Final = (
    "INSERT INTO client (source, chart, name, born, mrn, state, survivor, folded) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, chart) DO UPDATE SET "
    "name = excluded.name, born = excluded.born, mrn = excluded.mrn, state = excluded.state, "
    "survivor = excluded.survivor, folded = excluded.folded RETURNING number"
)


class ClientMatch(NamedTuple):
    """A client who was found. `state`: "", "deceased", "inactive" or "merged"."""

    source: str
    chart: str
    name: str  # FAMILY, Given
    born: str
    mrn: str
    state: str

    @property
    def key(self) -> str:
        """The key by which an act names this client: the source and the record."""
        return f"{self.source}:{self.chart}"


# --- keeping the list ---------------------------------------------------------------------------


def keep(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Take over the Patients among these rows of the mirror."""
    raw = quick(connection)
    for row in rows:
        if row["type"] == _PATIENT:
            _add(raw, row["source"], row["id"], row["body"])


def forget(connection: Connection, source: str, names: Iterable[str]) -> None:
    """Drop the Patients among these references."""
    raw = quick(connection)
    for name in names:
        if name.startswith(f"{_PATIENT}/"):
            _drop(raw, source, name)


def rebuild(connection: Connection) -> None:
    """Read all clients from the mirror again, a page at a time."""
    raw = quick(connection)
    raw.execute("DELETE FROM client_trigram")
    raw.execute("DELETE FROM client")
    last = ("", "")
    while True:
        page = raw.execute(
            "SELECT source, id, body FROM resource WHERE type = ? AND body <> '' "
            "AND (source, id) > (?, ?) ORDER BY source, id LIMIT ?",
            (_PATIENT, *last, _PAGE),
        ).fetchall()
        for source, key, body in page:
            _add(raw, source, key, body)
        if len(page) < _PAGE:
            return
        last = page[-1][:2]


def _add(raw: Raw, source: str, key: str, body: str) -> None:
    chart = f"{_PATIENT}/{key}"
    if not body or key[:1] in ("?", "!"):
        _drop(raw, source, chart)
        return
    patient = jsontext.loads(body)
    client = client_of_patient(chart, patient)
    folded = _folded(patient, client)
    shown = (clean(client_label(client), 120), clean(client.birth_date, 10), clean(client.mrn, 60))
    state, survivor = _state(patient, deceased=client.deceased), _survivor(patient)
    columns = tuple(map(storable, (source, chart, *shown, state, survivor, folded)))
    known = raw.execute(
        "SELECT number, folded FROM client WHERE source = ? AND chart = ?", (source, chart)
    ).fetchone()
    (number,) = raw.execute(_ADD, columns).fetchone()
    if known is not None and known[1] == columns[-1]:
        return
    if known is not None:
        raw.execute("DELETE FROM client_trigram WHERE rowid = ?", (number,))
    raw.execute(
        "INSERT INTO client_trigram (rowid, folded) VALUES (?, ?)", (number, f" {columns[-1]}")
    )


def _drop(raw: Raw, source: str, chart: str) -> None:
    gone = raw.execute(
        "DELETE FROM client WHERE source = ? AND chart = ? RETURNING number", (source, chart)
    ).fetchall()
    raw.executemany("DELETE FROM client_trigram WHERE rowid = ?", gone)


def _folded(patient: Any, client: Client) -> str:
    """All by which a client is found: the name as it is shown first, then other names, the birth
    date in both ways of writing, and every identifier.
    """
    born = client.birth_date
    american = f"{born[5:7]}/{born[8:10]}/{born[:4]}" if len(born) == len("1984-03-12") else ""
    names = (values.human_name([name]) for name in values.objects(patient, "name")[:_MOST_NAMES])
    numbers = (
        values.text(identifier, "value")
        for identifier in values.objects(patient, "identifier")[:_MOST_NAMES]
    )
    others = (part for name in names for part in name)
    words = " ".join([client_label(client), born, american, *others, *numbers])
    return fold(clean(values.squeeze(words, _FOLDED), _FOLDED))


def _state(patient: Any, *, deceased: bool) -> str:
    if deceased:
        return "deceased"
    return "inactive" if values.get(patient, "active") is False else ""


def _survivor(patient: Any) -> str:
    """The record into which this one was merged (FHIR R4, Patient.link), "" if it was not."""
    for link in values.objects(patient, "link"):
        if values.text(link, "type") == "replaced-by":
            return values.reference(values.get(link, "other"))
    return ""


# --- searching ----------------------------------------------------------------------------------


def matches(raw: Raw, text: str) -> Sequence[ClientMatch]:
    """The clients who have every word of a folded text, by name; at most `MOST`.

    Those whose name begins with the text come first.
    """
    words = storable(text.replace("\0", " ")).split()[:_WORDS]  # NUL ends a query of FTS5
    if not words:
        return ()
    found: dict[tuple[str, str], ClientMatch] = {}
    for row in _rows(raw, words):
        match = _surviving(raw, row)
        found.setdefault((match.source, match.chart), match)
    return tuple(found.values())


def client_at(raw: Raw, source: str, chart: str) -> ClientMatch | None:
    """The client of a chart, or of the record that it was merged into; None if it is not here."""
    row = _row(raw, source, chart)
    return _surviving(raw, row) if row else None


def _rows(raw: Raw, words: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows that have all words: first those whose name begins with them, in the order of names.

    Neither statement sorts, so that a part of ten thousand names costs no more than a rare one.
    """
    columns = ", ".join(f"client.{name}" for name in _COLUMNS.split(", "))
    has = "AND ' ' || client.folded LIKE ? ESCAPE '\\' "
    rows = raw.execute(
        f"SELECT {columns} FROM client INDEXED BY client_folded WHERE folded >= ? "
        f"AND folded < ? {has * (len(words) - 1)}ORDER BY folded LIMIT ?",
        (words[0], f"{words[0]}\U0010ffff", *map(_like, words[1:]), MOST),
    ).fetchall()
    indexed = [word for word in words if len(word) > 1]
    if indexed and len(rows) < MOST:
        single = [_like(word) for word in words if len(word) == 1]
        rows += raw.execute(
            f"SELECT {columns} FROM client_trigram CROSS JOIN client "
            "ON client.number = client_trigram.rowid WHERE client_trigram MATCH ? "
            f"{has * len(single)}LIMIT ?",
            (" ".join(map(_quoted, indexed)), *single, MOST),
        ).fetchall()
    return [tuple(row) for row in dict.fromkeys(rows)][:MOST]


def _row(raw: Raw, source: str, chart: str) -> tuple[str, ...] | None:
    row = raw.execute(
        f"SELECT {_COLUMNS} FROM client WHERE source = ? AND chart = ?", (source, chart)
    ).fetchone()
    return tuple(row) if row else None


def _surviving(raw: Raw, row: tuple[str, ...]) -> ClientMatch:
    """The record that a record was merged into; the record itself, marked, if that is not here."""
    at = row
    for _ in range(_STEPS):
        if not at[-1]:
            return ClientMatch._make(at[:-1])
        onward = _row(raw, at[0], at[-1])
        if onward is None:
            break
        at = onward
    return ClientMatch._make(row[:-1])._replace(state="merged")


def _quoted(word: str) -> str:
    """A word as a phrase of the query language of FTS5; two signs with the space before them."""
    phrase = word if len(word) >= _TRIGRAM else f" {word}"
    return '"' + phrase.replace('"', '""') + '"'


def _like(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%" if len(word) >= _TRIGRAM else f"% {escaped}%"
