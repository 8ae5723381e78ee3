"""The addresses to which CareQueue sends requests, and those that it refuses. Pure.

In:  the base URL of the profile, links and websocket addresses that a server names. Out: a checked
URL, None or ServerError.
Why so strict: an HTTP client with a base URL sends its token to any absolute link that a server
puts into a page (measured).
Not here: sending (`transport.py`).
"""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from carequeue.domain.errors import ServerError
from carequeue.domain.sanitize import clean

_LONGEST_LINK: Final = 16_384


def checked_base(url: str) -> str:
    """The base URL without a slash at its end.

    Raises ServerError if it is no http(s) URL, names a user, or would send a token in the clear:
    plain http is for this machine only.
    """
    parts = _address(url)
    if parts is None:
        raise ServerError(
            f"“{clean(url.strip(), 200)}” is not a server address. Nothing was changed. "
            "A server address looks like https://fhir.example.org/r4."
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ServerError(
            "A server address has no user name, question mark or # in it. Nothing was changed. "
            "Give the address alone; the token comes from the profile."
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise ServerError(
            "This address is not encrypted (http). CareQueue sends health records and your "
            "sign-in over https only. Nothing was changed. Try the same address with https."
        )
    return parts._replace(query="", fragment="").geturl().rstrip("/")


def resolve(base_url: str, link: str) -> str:
    """An absolute URL on the configured origin, at the base path or below it.

    The `next` links of HAPI FHIR lead to the base path itself without a slash
    (`[base]?_getpages=...`). A broken proxy names an internal host: such a link is then taken
    below our own base, if its path fits. Raises ServerError for any other foreign URL; no token
    goes there. A path that climbs is foreign as well: next to us on the same host there may be
    another organization.
    """
    with suppress(ValueError):  # an invalid URL is foreign too
        url = urljoin(base_url + "/", link) if len(link) <= _LONGEST_LINK else ""
        ours, theirs = urlsplit(base_url), urlsplit(url)
        below = theirs.path == ours.path or theirs.path.startswith(ours.path + "/")
        if _is_web(theirs) and below and not _climbs(theirs.path):
            return ours._replace(path=theirs.path, query=theirs.query).geturl()
    raise ServerError(
        "The server named a page on another address. CareQueue did not go there, because your "
        "sign-in would have gone there too. Your data is still saved; tell your server "
        "administrator."
    )


def _address(url: str) -> SplitResult | None:
    """The parts of an http(s) URL; None if it is none."""
    text = url.strip()
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError for an invalid port
    except ValueError:
        return None
    # urlsplit silently drops some control characters, so the text itself is checked.
    plain = text.isprintable() and " " not in text
    return parts if plain and parts.scheme in ("http", "https") and parts.hostname else None


def socket_address(base_url: str, address: str) -> str | None:
    """The URL of a websocket on the host of a source; None for any other, or in the clear.

    Servers name it whole or as a path ("/websocket"), and some with http for ws.
    """
    try:
        base = urlsplit(base_url)
        parts = urlsplit(urljoin(base_url, address))
        scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
        same = (parts.hostname or "").lower() == (base.hostname or "?").lower()
        _ = parts.port
    except ValueError:
        return None
    safe = scheme == "wss" or (scheme == "ws" and base.scheme == "http")
    plain = address.isprintable() and " " not in address and len(address) <= _LONGEST_LINK
    if not (same and safe and plain) or "@" in parts.netloc:
        return None
    return parts._replace(scheme=scheme, fragment="").geturl()


def origin(url: str) -> tuple[bool, str, int]:
    """(encrypted, host, port) of an http or websocket address."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    return secure, (parts.hostname or "").lower(), parts.port or (443 if secure else 80)


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url.strip()).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_web(link: SplitResult) -> bool:
    """Whether a link is an http(s) URL of a host, without a user name."""
    return link.scheme in ("http", "https") and bool(link.hostname) and "@" not in link.netloc


def _climbs(path: str) -> bool:
    """Whether a path has a step up in it, also as a server might read it.

    Some servers decode twice, and servlet containers drop what follows a semicolon in a step.
    """
    while (plain := unquote(path)) != path:
        path = plain
    steps = [step.partition(";")[0].strip() for step in re.split(r"[/\\]", path)]
    return ".." in steps or "." in steps or "\N{REPLACEMENT CHARACTER}" in path
