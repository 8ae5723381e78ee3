"""Send what waits and fetch what is new, now (`sync/`)."""

from __future__ import annotations

from typing import Final

from carequeue.verbs.verb import Listing, Verb

VERB: Final = Verb(
    name="sync",
    key="r",
    label="sync now",
    short="sync",
    help="Look at the server now.",
    done="Syncing",
    order={Listing.HELP: 130},
    on_item=False,
)
