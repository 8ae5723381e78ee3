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
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx

from carequeue import __version__
from carequeue.domain.errors import ServerError
from carequeue.fhir import jsontext
from carequeue.sync.auth import Tokens

_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
MOST_BYTES: Final = 32 * 1024 * 1024
_FHIR_JSON: Final = "application/fhir+json"


class Unreachable(Exception):
    """The server could not be reached, or went away. `left`: the request may have arrived."""

    def __init__(self, why: str, *, left: bool) -> None:
        super().__init__(why)
        self.why = why
        self.left = left


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer; `json` is None where the body was empty. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    json: Any


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
        verify: ssl.SSLContext | bool = True
        if ca_bundle:
            verify = ssl.create_default_context(cafile=ca_bundle)
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

    def resolve(self, link: str) -> str:
        """An absolute address on the configured origin, below the base path.

        A broken proxy names an internal host: the link is then taken below our own base, if its
        path fits. Raises ServerError for any other foreign address; no token goes there.
        """
        base = self.base_url + "/"
        url = urljoin(base, link)
        if url.startswith(base):
            return url
        ours, theirs = urlsplit(base), urlsplit(url)
        if theirs.path.startswith(ours.path):
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
            with self._client.stream(method, url, content=content, headers=sent) as answer:
                raw = _unpacked(answer)
                found = {name.lower(): value for name, value in answer.headers.items()}
                return HttpAnswer(answer.status_code, found, _parsed(answer.status_code, raw))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(_why(error), left=False) from None
        except httpx.HTTPError as error:
            raise Unreachable(_why(error), left=True) from None


def _why(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate does not verify ({cause.verify_message})"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate does not verify"
    if isinstance(error, httpx.ConnectError):
        return "cannot be reached"
    return "the connection broke"


def _unpacked(answer: httpx.Response) -> bytes:
    """The body, unpacked, capped. Raises ServerError beyond the cap, Unreachable where cut."""
    packed = answer.headers.get("content-encoding", "").lower() == "gzip"
    unpack = zlib.decompressobj(wbits=31) if packed else None
    whole = bytearray()
    try:
        for chunk in answer.iter_raw():
            whole += unpack.decompress(chunk, MOST_BYTES - len(whole) + 1) if unpack else chunk
            if len(whole) > MOST_BYTES:
                raise ServerError(
                    f"The server sent more than {MOST_BYTES // 2**20} MB in one answer; CareQueue "
                    "stopped reading. What is here stays. Ask for a smaller scope in the profile."
                )
    except zlib.error:
        raise Unreachable("the answer was damaged on the way", left=True) from None
    if unpack and not unpack.eof:
        raise Unreachable("the answer was cut short", left=True)
    return bytes(whole)


def _parsed(status: int, raw: bytes) -> Any:
    if not raw.strip():
        return None
    try:
        return jsontext.loads(raw)
    except ValueError:
        if status >= 400:  # a proxy's own page; the status says enough
            return None
    if raw.lstrip()[:1] == b"<":
        raise ServerError(
            "This address answers with a web page, not with FHIR. Nothing was changed. "
            "Check the address: it often ends in /fhir or /R4."
        )
    raise Unreachable("the answer was cut short or is no JSON", left=True)


def checked_base(url: str) -> str:
    """The base address without a slash at its end.

    Raises ServerError for one that is no http(s) address, that names a person, or that would send
    a token in the clear: plain http is for this machine only.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerError(
            f"“{url.strip()}” is no address of a server. Nothing was changed. "
            "It looks like https://fhir.example.org/r4."
        )
    if parts.username or parts.query or parts.fragment:
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


def _is_loopback(url: str) -> bool:
    host = urlsplit(url.strip()).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
