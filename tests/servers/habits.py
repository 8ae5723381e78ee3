"""What the two servers were seen to do, as one table that the tests and `docs/servers.md` share.

Each field is one question; `test_servers.py` puts it to both servers and compares the answer, and
`docs/servers.md` holds `table()`, so neither can say what the servers do not do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Final


def _asks(question: str) -> Any:
    return field(metadata={"question": question})


@dataclass(frozen=True, slots=True)
class Habits:
    """One server's answers: HTTP statuses, yes or no, or the text that came back."""

    create: int = _asks("`POST`: status")
    client_id: bool = _asks("`POST` with an `id`: the id is kept")
    update: int = _asks("`PUT` with the current `If-Match`: status")
    stale: int = _asks("`PUT` with a stale `If-Match`: status; nothing is changed")
    blind: int = _asks("`PUT` without `If-Match`: status")
    unquoted: int = _asks("`PUT` with a stale `If-Match` without quotation marks: status")
    update_create: int = _asks("`PUT` of an id that does not exist: status; it is made")
    guarded_nothing: int = _asks("`PUT` with `If-Match` of an id that does not exist: status")
    only_new: int = _asks("`PUT` with `If-None-Match: *` of an id that exists: status")
    conditional_again: int = _asks("the same `POST` with `If-None-Exist` again: status; still one")
    delete: int = _asks("`DELETE`: status")
    deleted: int = _asks("`GET` after `DELETE`: status")
    delete_again: int = _asks("`DELETE` again: status")
    unknown_id: int = _asks("`GET` of an id that never was: status")
    unknown_type: int = _asks("search of a type that does not exist: status")
    no_token: int = _asks("without a token: status")
    bad_json: int = _asks("a body that is no JSON: status")
    unknown_code: int = _asks("a Task with a status that is no code: status")
    default_page: int = _asks("entries of a search without `_count` over 60 resources")
    next_link: bool = _asks("a `next` link where there is more; else page by `_offset`")
    total: bool = _asks("`total` where it was not asked for")
    searched_at: bool = _asks("`Bundle.meta.lastUpdated` in a search")
    entry_mode: bool = _asks("`entry.search.mode` and `fullUrl` in a search")
    shifts: bool = _asks("a row that changes between two pages makes the paging skip another")
    include: bool = _asks("`_include` brings what is referred to")
    odd_parameter: int = _asks("entries of a search by a parameter that does not exist, of 1")
    instance_history: int = _asks("`GET Type/id/_history`: status")
    type_history: int = _asks("`GET Type/_history`: status")
    batch_stale: int = _asks("`batch`: status of a stale entry; the others are done")
    batch_words: bool = _asks("`batch`: a reason phrase stands after the status (`200 OK`)")
    batch_etag: bool = _asks("`batch`: `response.etag` and `lastModified`")
    batch_resource: bool = _asks("`batch`: the entry holds the resource as it is now")
    transaction: bool = _asks("`transaction` with a stale entry: nothing is done")
    decimal: str = _asks("the number `1.50` comes back as")
    long_integer: str = _asks("the number `12345678901234567890` comes back as")
    empties: bool = _asks('`""`, `{}` and `[]` come back')


PRACTICE: Final = Habits(
    create=201,
    client_id=False,
    update=200,
    stale=412,
    blind=200,
    unquoted=412,
    update_create=201,
    guarded_nothing=412,
    only_new=412,
    conditional_again=200,
    delete=204,
    deleted=410,
    delete_again=204,
    unknown_id=404,
    unknown_type=404,
    no_token=401,
    bad_json=400,
    unknown_code=422,
    default_page=50,
    next_link=True,
    total=False,
    searched_at=True,
    entry_mode=True,
    shifts=False,
    include=True,
    odd_parameter=1,
    instance_history=200,
    type_history=200,
    batch_stale=412,
    batch_words=True,
    batch_etag=True,
    batch_resource=True,
    transaction=True,
    decimal="1.50",
    long_integer="12345678901234567890",
    empties=True,
)

MEDPLUM: Final = Habits(
    create=201,
    client_id=True,
    update=200,
    stale=412,
    blind=200,
    unquoted=200,
    update_create=200,
    guarded_nothing=404,
    only_new=200,
    conditional_again=200,
    delete=200,
    deleted=404,
    delete_again=404,
    unknown_id=404,
    unknown_type=200,
    no_token=401,
    bad_json=400,
    unknown_code=200,
    default_page=60,
    next_link=False,
    total=True,
    searched_at=False,
    entry_mode=False,
    shifts=True,
    include=False,
    odd_parameter=0,
    instance_history=200,
    type_history=404,
    batch_stale=412,
    batch_words=False,
    batch_etag=False,
    batch_resource=True,
    transaction=False,
    decimal="1.5",
    long_integer="12345678901234567000",
    empties=False,
)

HABITS: Final = {"practice": PRACTICE, "medplum": MEDPLUM}


def table() -> str:
    """The Markdown table of `docs/servers.md`."""
    lines = ["| observed | practice clinic | Medplum |", "|---|---|---|"]
    for one in fields(Habits):
        ours, theirs = (_said(getattr(habits, one.name)) for habits in (PRACTICE, MEDPLUM))
        lines.append(f"| {one.metadata['question']} | {ours} | {theirs} |")
    return "\n".join(lines) + "\n"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
