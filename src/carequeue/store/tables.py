"""The tables as SQLModel knows them; a test holds them equal to `migrations.py`.

Loaded after the first paint only. Rows are written by core statements (`mirror.py`, `outbox.py`,
`projection.py`), never by `session.add_all`: seven times slower, measured.
"""

from __future__ import annotations

from typing import Any

from sqlmodel import Field, SQLModel


class Meta(SQLModel, table=True):
    """Names and values of the cache itself."""

    name: str = Field(primary_key=True)
    value: str


class ResourceRow(SQLModel, table=True):
    """The mirror: one resource as the source last gave it. `body` "" means that it is absent.

    `theirs_*` stands beside a base that may not move because an intent holds it back;
    `theirs_gone`: the source no longer gives it. `gone`: why a row without a body is here.
    """

    __tablename__ = "resource"
    source: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    version_id: str
    last_updated: str
    digest: str
    chart: str
    focus: str
    body: str
    theirs_body: str | None = None
    theirs_version: str | None = None
    theirs_digest: str | None = None
    trouble: str
    gone: str
    received_at: int
    theirs_gone: str = ""


class AliasRow(SQLModel, table=True):
    """The server's id of what was created here under an id of ours."""

    __tablename__ = "alias"
    source: str = Field(primary_key=True)
    type: str = Field(primary_key=True)
    local_id: str = Field(primary_key=True)
    server_id: str


class ItemRow(SQLModel, table=True):
    """The projection: one row of the queue, with all that the list shows or filters on."""

    __tablename__ = "item"
    key: str = Field(primary_key=True)
    source: str
    chart: str
    kind: str
    band: int
    weight: int  # minus the points: the order is ascending in every column
    due_sort: int
    tie: str
    due_at: int | None = None
    unit: str
    days_left: int | None = None
    client: str
    born: str
    alike: str
    title: str
    move: str
    move_name: str
    tab: str
    mine: int
    sync: str
    fresh: int
    verbs: str
    clock_class: str
    folded: str
    next_change_at: int | None = None
    mover: str = ""
    owner: str = ""
    requester: str = ""
    covered_for: str = ""
    resource: str = ""


class TallyRow(SQLModel, table=True):
    """How many rows a tab has in a band; updated by the projection, so that no paint counts."""

    __tablename__ = "tally"
    tab: str = Field(primary_key=True)
    band: int = Field(primary_key=True)
    count: int


class IntentRow(SQLModel, table=True):
    """The outbox, and the history of what was done."""

    __tablename__ = "intent"
    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    group_id: str
    after: str
    source: str
    target_type: str
    target_id: str
    chart: str
    item_key: str
    kind: str
    args: str
    seen: str
    verb: str
    decided_at: str
    author: str
    author_name: str
    inverse_of: str
    state: str
    attempts: int
    settles: int
    words: str
    not_before: str | None = None
    closed_at: str | None = None
    schema_: int = Field(sa_column_kwargs={"name": "schema"})
    busy: int = 0
    window: str = ""
    client: str = ""
    cause: str = ""


class ToldRow(SQLModel, table=True):
    """Decisions that the server has, of which there is a word to say, in the order of arrival."""

    __tablename__ = "told"
    seq: int | None = Field(default=None, primary_key=True)
    intent_id: str


class AttemptRow(SQLModel, table=True):
    """A request, recorded before the bytes left; never its body."""

    __tablename__ = "attempt"
    seq: int | None = Field(default=None, primary_key=True)
    intent_ids: str
    method: str
    path: str
    if_match: str
    sent_at: str
    outcome: str


class AuditRow(SQLModel, table=True):
    """One act of a person; each row's hash covers the one before it."""

    __tablename__ = "audit"
    seq: int | None = Field(default=None, primary_key=True)
    at: str
    actor: str
    action: str
    item_key: str
    group_id: str
    previous: str
    hash: str


class SyncStateRow(SQLModel, table=True):
    """The cursor of one search: where it stands, and the page it would fetch next."""

    __tablename__ = "sync_state"
    source: str = Field(primary_key=True)
    search: str = Field(primary_key=True)
    watermark: str
    pending: str  # the watermark that holds once the last page is here
    next_url: str
    received: int
    full_at: str
    scope: str = ""  # the scope of the search
    etag: str = ""  # of the last answer that held nothing


class ManifestRow(SQLModel, table=True):
    """The last manifest of a search, and the one under way."""

    __tablename__ = "manifest"
    source: str = Field(primary_key=True)
    search: str = Field(primary_key=True)
    counted_at: str
    scope: str
    begun_at: str
    server_at: str  # the same instant by the server's own time
    next_url: str
    received: int


class ManifestEntryRow(SQLModel, table=True):
    """One entry of the manifest under way: the id and the version of a resource."""

    __tablename__ = "manifest_entry"
    source: str = Field(primary_key=True)
    search: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    version_id: str
    last_updated: str


class CapabilityRow(SQLModel, table=True):
    """Declarations and observations of a source."""

    __tablename__ = "capability"
    source: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    declared: str
    observed: str
    at: str


class LeaseRow(SQLModel, table=True):
    """The lease of a source: only the holder of the latest token may write."""

    __tablename__ = "lease"
    source: str = Field(primary_key=True)
    token: int
    holder: str
    taken_at: str


class IdentifierRow(SQLModel, table=True):
    """By what a client may be recognized on another source: (system, value) of a Patient."""

    __tablename__ = "identifier"
    source: str = Field(primary_key=True)
    chart: str = Field(primary_key=True)
    system: str = Field(primary_key=True)
    value: str = Field(primary_key=True)


class ClientRow(SQLModel, table=True):
    """A client, as a search finds them; `survivor`: the record into which this one was merged."""

    __tablename__ = "client"
    number: int | None = Field(default=None, primary_key=True)
    source: str
    chart: str
    name: str
    born: str
    mrn: str
    state: str
    survivor: str
    folded: str


class HealthRow(SQLModel, table=True):
    """The end of the last sync cycle of a source."""

    __tablename__ = "health"
    source: str = Field(primary_key=True)
    online: int | None = None
    signed_out: int
    offline_since: str
    why: str
    last_cycle: str
    last_full: str
    progress: str


def table(model: type[SQLModel]) -> Any:
    """The core table of a model (SQLModel sets it at run time, type checkers do not see it)."""
    return model.__table__  # type: ignore[attr-defined]
