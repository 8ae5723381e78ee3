"""The one `send()`: every byte to and from a source goes through here.

It adds the bearer token for the configured origin and for no other, follows no redirect, caps what
is unpacked, and turns what can go wrong into two exceptions: `Unreachable` (with whether the
request may have left) and `ServerError`/`SignInError` with a sentence for the person.
Why so strict: an HTTP client with a base address sends its token to any absolute link that a
server puts into a page (measured); a 48 kB gzip unpacks to 50 MB.
httpx is imported here and in `auth.py` only.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import zlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import httpx

from carequeue import __version__
from carequeue.domain.errors import ServerError
from carequeue.domain.sanitize import clean
from carequeue.fhir import jsontext
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.total_timeout import Patience, Waiting, Waits
from carequeue.sync.protocol.failures import asked_delay, has_failed, is_astray, is_away
from carequeue.sync.protocol.sending import HttpAnswer, Unreachable

_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
MOST_BYTES: Final = 32 * 1024 * 1024
#: Seconds for one whole answer: a server that drips a byte a minute would keep us for ever.
PATIENCE: Final = 300.0
#: Seconds for the question whether anybody is there.
_GLANCE: Final = 5.0
_LONGEST_LINK: Final = 16_384
_UNVERIFIED: Final = "its certificate does not verify"
_TOO_SLOW: Final = "no whole answer in time"
_BUNDLE: Final = "if it is your organization's own, name its certificates with ca_bundle"
_FHIR_JSON: Final = "application/fhir+json"
#: For plain http, which speaks no TLS: trusts nobody, and reads no certificates (20 ms a sync).
_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Dial(NamedTuple):
    """A websocket of a source. `secure` None: the system's certificates, or no TLS at all."""

    url: str
    headers: Mapping[str, str]
    secure: ssl.SSLContext | None


class Transport:
    """Sends requests to one source."""

    def __init__(
        self,
        base_url: str,
        tokens: Tokens,
        ca_bundle: str = "",
        handler: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = checked_base(base_url)
        self._tokens = tokens
        self._wait = 0.0
        self.date = ""  # the server's own time, as its last answer said it
        secure = self.base_url.startswith("https:")
        verify: ssl.SSLContext | bool = True if secure else _NO_TLS
        if ca_bundle:
            verify = _trusted(ca_bundle)
        self._verify = verify if isinstance(verify, ssl.SSLContext) else None
        self._patience = Patience()
        self._waiting = Waiting()
        self._client = httpx.Client(
            timeout=_TIMEOUT,
            follow_redirects=False,
            verify=verify,
            transport=handler,
            trust_env=not _is_loopback(self.base_url),
            headers={"User-Agent": f"CareQueue/{__version__}", "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """One request, one whole answer. `path` is relative to the base, or a link of this source.

        A 401 renews the token once. Raises Unreachable, and ServerError for an answer that is no
        FHIR: then nothing is known of what the server did.
        """
        answer = self._once(method, path, body, headers or {})
        if answer.status == 401 and self._tokens.renew():
            answer = self._once(method, path, body, headers or {})
        return answer

    def answers(self) -> bool:
        """Whether somebody is there who takes requests: cheap, soon given up, without a sign-in."""
        try:
            with (
                self._patience.watch(2 * _GLANCE),
                self._client.stream(
                    "HEAD",
                    f"{self.base_url}/metadata",
                    timeout=_GLANCE,
                    extensions={"trace": self._patience.trace},
                ) as answer,
            ):
                self._heed(answer)
                status = answer.status_code
                return not (is_away(status) or is_astray(status) or has_failed(status))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
            return False

    def waits(self) -> Waits | None:
        """What is waited for just now, where that has taken long; for another thread to ask."""
        return self._waiting.now()

    def take_wait(self) -> float:
        """Seconds for which an answer since the last call asked us to wait; 0 where none did."""
        wait, self._wait = self._wait, 0.0
        return wait

    def server_time(self) -> datetime:
        """The server's own time, by its last answer; ours where it told none."""
        return _instant(self.date)

    def dial(self, address: str) -> Dial | None:
        """How to reach a websocket that this source names; None where it is not on its host.

        The token goes only to the very origin of the source: another port may be somebody else.
        """
        url = socket_address(self.base_url, address)
        if url is None:
            return None
        token = self._tokens.current() if _origin(url) == _origin(self.base_url) else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Dial(url, headers, self._verify if url.startswith("wss:") else None)

    def _heed(self, answer: httpx.Response) -> None:
        """Take note of the server's time, and of a wish to be left alone for a while."""
        self.date = answer.headers.get("date", "")
        if answer.status_code in (429, 503):
            text = answer.headers.get("retry-after", "")
            asked = asked_delay(text, _instant(self.date))
            self._wait = max(self._wait, asked.total_seconds() if asked else 0.0)

    def resolve(self, link: str) -> str:
        """An absolute address on the configured origin, at the base path or below it.

        At the base path itself without a slash behind it lead the `next` links of HAPI FHIR
        (`[base]?_getpages=...`). A broken proxy names an internal host: the link is then taken
        below our own base, if its path fits. Raises ServerError for any other foreign address; no
        token goes there. A path that climbs is foreign as well: beside us on the same host may
        stand another organization.
        """
        with suppress(ValueError):  # what is no address at all is foreign too
            url = urljoin(self.base_url + "/", link) if len(link) <= _LONGEST_LINK else ""
            ours, theirs = urlsplit(self.base_url), urlsplit(url)
            below = theirs.path == ours.path or theirs.path.startswith(ours.path + "/")
            if _is_web(theirs) and below and not _climbs(theirs.path):
                return ours._replace(path=theirs.path, query=theirs.query).geturl()
        raise ServerError(
            "The server named a page on another address. CareQueue did not go there, since your "
            "sign-in would have gone with it. What is here stays; tell whoever runs the server."
        )

    def _once(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> HttpAnswer:
        sent = {"Accept": _FHIR_JSON, **headers}
        if token := self._tokens.current():
            sent["Authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            content = jsontext.dumps(body)
            sent["Content-Type"] = _FHIR_JSON
        url = self.resolve(path)
        try:
            with (
                self._waiting.watch(),
                self._patience.watch(PATIENCE),
                self._client.stream(
                    method,
                    url,
                    content=content,
                    headers=sent,
                    extensions={"trace": self._patience.trace},
                ) as answer,
            ):
                self._heed(answer)
                if is_astray(answer.status_code):
                    raise Unreachable(_astray(answer.status_code), left=answer.status_code < 400)
                self._waiting.comes()
                raw = b"" if method == "HEAD" else _unpacked(answer)
                if self._patience.over:  # what came until we hung up may look like a whole answer
                    raise Unreachable(_TOO_SLOW, left=True, silent=True, ends=True)
                found = {name.lower(): value for name, value in answer.headers.items()}
                json = _parsed(answer.status_code, raw)
                return HttpAnswer(answer.status_code, found, json, url)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(_why(error), left=False) from None
        except httpx.HTTPError as error:
            over = self._patience.over
            why = _TOO_SLOW if over else _why(error)
            ends = over or isinstance(error, httpx.TimeoutException)
            silent = not self._waiting.came
            raise Unreachable(why, left=True, silent=silent, ends=ends) from None
        except (httpx.InvalidURL, UnicodeError):
            raise ServerError(
                "The server named an address or a version that cannot be written into a request. "
                "What is here stays; tell whoever runs the server."
            ) from None


def _instant(date: str) -> datetime:
    """The server's own time, by which it means its `Retry-After`; ours where it tells none."""
    with suppress(TypeError, ValueError, OverflowError):
        at = parsedate_to_datetime(date)
        if at.tzinfo is not None:
            return at
    return datetime.now(UTC)


def _is_web(link: SplitResult) -> bool:
    """Whether a link is an http(s) address of a host, without the name of a user."""
    return link.scheme in ("http", "https") and bool(link.hostname) and "@" not in link.netloc


def _climbs(path: str) -> bool:
    """Whether a path has a step up in it, also as a server might read it.

    Some servers decode twice, and servlet containers drop what follows a semicolon in a step.
    """
    while (plain := unquote(path)) != path:
        path = plain
    steps = [step.partition(";")[0].strip() for step in re.split(r"[/\\]", path)]
    return ".." in steps or "." in steps or "\N{REPLACEMENT CHARACTER}" in path


def _trusted(bundle: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError:  # ssl.SSLError, of a file without certificates, is one too
        raise ServerError(
            f"The certificates in {clean(bundle, 200)} cannot be read. Nothing was changed. "
            "Check ca_bundle in the profile: a file in PEM form."
        ) from None


def _astray(status: int) -> str:
    return f"something else answers ({status}): sign in to this network, or check the address"


def _why(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"{_UNVERIFIED} ({cause.verify_message}); {_BUNDLE}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"{_UNVERIFIED}; {_BUNDLE}"
    if isinstance(error, httpx.ConnectError):
        return "cannot be reached"
    return "the connection broke"


def _unpacked(answer: httpx.Response) -> bytes:
    """The body, unpacked, capped. Raises ServerError beyond the cap, Unreachable where cut."""
    packed = answer.headers.get("content-encoding", "").lower() == "gzip"
    unpack = zlib.decompressobj(wbits=31) if packed else None
    whole = bytearray()
    received = 0
    try:
        for chunk in answer.iter_raw():
            received += len(chunk)  # what follows the end of a packed body is never unpacked
            whole += unpack.decompress(chunk, MOST_BYTES - len(whole) + 1) if unpack else chunk
            if max(len(whole), received) > MOST_BYTES:
                raise ServerError(
                    f"The server sent more than {MOST_BYTES // 2**20} MB in one answer; CareQueue "
                    "stopped reading. What is here stays. Ask for a smaller scope in the profile."
                )
    except zlib.error:
        why = "the answer was damaged on the way"
        raise Unreachable(why, left=True, unreadable=True) from None
    if unpack and not unpack.eof:
        raise Unreachable("the answer was cut short", left=True)
    return bytes(whole)


def _parsed(status: int, raw: bytes) -> Any:
    if not raw.strip():
        return None
    try:
        return jsontext.loads(raw)
    except jsontext.TooMuch:
        raise ServerError(
            "The server sent more in one answer than CareQueue takes apart. What is here stays. "
            "Ask for a smaller scope in the profile."
        ) from None
    except ValueError:
        if status >= 400:  # a proxy's own page; the status says enough
            return None
    if raw.lstrip()[:1] == b"<":
        raise ServerError(
            "This address answers with a web page, not with FHIR. Nothing was changed. "
            "Check the address: it often ends in /fhir or /R4."
        )
    raise Unreachable("the answer was cut short or is no JSON", left=True, unreadable=True)


def checked_base(url: str) -> str:
    """The base address without a slash at its end.

    Raises ServerError for one that is no http(s) address, that names a person, or that would send
    a token in the clear: plain http is for this machine only.
    """
    parts = _address(url)
    if parts is None:
        raise ServerError(
            f"“{clean(url.strip(), 200)}” is not a server address. Nothing was changed. "
            "It looks like https://fhir.example.org/r4."
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ServerError(
            "The address of a server has no name, question mark or # in it. Nothing was changed. "
            "Give the address alone; the token comes from the profile."
        )
    if parts.scheme == "http" and not _is_loopback(url):
        raise ServerError(
            "This address is not encrypted (http). CareQueue sends health records and your "
            "sign-in over https only. Nothing was changed. Try the same address with https."
        )
    return parts._replace(query="", fragment="").geturl().rstrip("/")


def _address(url: str) -> SplitResult | None:
    """The parts of an http(s) address; None where it is none."""
    text = url.strip()
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError where it is no port
    except ValueError:
        return None
    # urlsplit takes some control characters out in silence, so the text itself is looked at.
    plain = text.isprintable() and " " not in text
    return parts if plain and parts.scheme in ("http", "https") and parts.hostname else None


def socket_address(base_url: str, address: str) -> str | None:
    """The address of a websocket on the host of a source; None for any other, or in the clear.

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


def _origin(url: str) -> tuple[bool, str, int]:
    """(encrypted, host, port) of an http or websocket address."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    return secure, (parts.hostname or "").lower(), parts.port or (443 if secure else 80)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url.strip()).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
