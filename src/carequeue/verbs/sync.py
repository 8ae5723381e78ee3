"""Send what waits and fetch what is new, now (`sync/`)."""

from __future__ import annotations

from carequeue.verbs.verb import Order, Verb

VERB = Verb(
    name="sync",
    key="r",
    label="sync now",
    short="sync",
    help="Sync with the server now.",
    done="Syncing",
    order=Order(help=130),
    on_item=False,
)
