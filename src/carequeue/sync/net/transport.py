"""The one `send()`: every byte to and from a source passes here.

In:  a base URL, tokens, requests. Out: whole replies, or one of two kinds of exception:
`Unreachable` (with whether the request may have been sent), and `ServerError`/`SignInError` with a
sentence for the person.
It adds the bearer token for the configured origin and for no other, follows no redirect, and caps
what is unpacked.
Why a cap: a 48 kB gzip unpacks to 50 MB. httpx is imported here and in `auth.py` only.
Not here: which addresses are allowed (`addresses.py`), total time-outs (`total_timeout.py`).
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, NamedTuple

import httpx

from carequeue import __version__
from carequeue.domain.errors import ServerError
from carequeue.domain.sanitize import clean
from carequeue.domain.timestamps import http_date
from carequeue.fhir import jsontext
from carequeue.sync.net.addresses import (
    checked_base,
    is_loopback,
    origin,
    resolve,
    socket_address,
)
from carequeue.sync.net.auth import Tokens
from carequeue.sync.net.total_timeout import ResponseDeadline, ResponseTimer, SlowResponse
from carequeue.sync.protocol.failures import asked_delay, has_failed, is_astray, is_away
from carequeue.sync.protocol.sending import HttpResponse, Unreachable

_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
MOST_BYTES: Final = 32 * 1024 * 1024
#: Seconds for one whole reply: a server that sends a byte a minute would hold us for ever.
RESPONSE_SECONDS: Final = 300.0
#: Seconds for the request whether the server is up.
_PING_TIMEOUT: Final = 5.0
_UNVERIFIED: Final = "its certificate cannot be verified"
_TOO_SLOW: Final = "no complete reply in time"
_BUNDLE: Final = "if it is your organization's own, name its certificates with ca_bundle"
_FHIR_JSON: Final = "application/fhir+json"
#: For plain http, which uses no TLS: trusts nobody, and reads no certificates (20 ms per sync).
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
        self.date = ""  # the server's own time, from its last reply
        secure = self.base_url.startswith("https:")
        verify: ssl.SSLContext | bool = True if secure else _NO_TLS
        if ca_bundle:
            verify = _trusted(ca_bundle)
        self._verify = verify if isinstance(verify, ssl.SSLContext) else None
        self._deadline = ResponseDeadline()
        self._waiting = ResponseTimer()
        self._client = httpx.Client(
            timeout=_TIMEOUT,
            follow_redirects=False,
            verify=verify,
            transport=handler,
            trust_env=not is_loopback(self.base_url),
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
    ) -> HttpResponse:
        """One request, one whole reply. `path` is relative to the base, or a link of this source.

        A 401 renews the token once. Raises Unreachable, and ServerError for a reply that is not
        FHIR: then nothing is known of what the server did.
        """
        answer = self._once(method, path, body, headers or {})
        if answer.status == 401 and self._tokens.renew():
            answer = self._once(method, path, body, headers or {})
        return answer

    def ping(self) -> bool:
        """Whether the server accepts requests: a cheap request with a short time-out, without a
        sign-in.
        """
        try:
            with (
                self._deadline.watch(2 * _PING_TIMEOUT),
                self._client.stream(
                    "HEAD",
                    f"{self.base_url}/metadata",
                    timeout=_PING_TIMEOUT,
                    extensions={"trace": self._deadline.trace},
                ) as answer,
            ):
                self._heed(answer)
                status = answer.status_code
                return not (is_away(status) or is_astray(status) or has_failed(status))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
            return False

    def waits(self) -> SlowResponse | None:
        """The present wait for a reply, if it takes long; called by another thread."""
        return self._waiting.now()

    def take_wait(self) -> float:
        """Seconds for which a reply since the last call asked us to wait; 0 if none did."""
        wait, self._wait = self._wait, 0.0
        return wait

    def server_time(self) -> datetime:
        """The server's own time, from its last reply; ours if it gave none."""
        return _instant(self.date)

    def dial(self, address: str) -> Dial | None:
        """The way to a websocket that this source names; None if it is not on its host.

        The token goes only to the exact origin of the source: another port may be somebody else.
        """
        url = socket_address(self.base_url, address)
        if url is None:
            return None
        token = self._tokens.current() if origin(url) == origin(self.base_url) else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Dial(url, headers, self._verify if url.startswith("wss:") else None)

    def _heed(self, answer: httpx.Response) -> None:
        """Remember the server's time, and a pause that it asks for."""
        self.date = answer.headers.get("date", "")
        if answer.status_code in (429, 503):
            text = answer.headers.get("retry-after", "")
            asked = asked_delay(text, _instant(self.date))
            self._wait = max(self._wait, asked.total_seconds() if asked else 0.0)

    def _once(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> HttpResponse:
        try:
            return self._exchange(method, path, body, headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(_why(error), left=False) from None
        except httpx.HTTPError as error:
            over = self._deadline.over
            why = _TOO_SLOW if over else _why(error)
            ends = over or isinstance(error, httpx.TimeoutException)
            silent = not self._waiting.came
            raise Unreachable(why, left=True, silent=silent, ends=ends) from None
        except (httpx.InvalidURL, UnicodeError):
            raise ServerError(
                "The server named an address or a version that does not fit into a request. "
                "Your data is still saved; tell your server administrator."
            ) from None

    def _exchange(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> HttpResponse:
        """One request and its whole reply; the errors of httpx pass through."""
        sent = {"Accept": _FHIR_JSON, **headers}
        if token := self._tokens.current():
            sent["Authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            content = jsontext.dumps(body)
            sent["Content-Type"] = _FHIR_JSON
        url = resolve(self.base_url, path)
        trace = {"trace": self._deadline.trace}
        with (
            self._waiting.watch(),
            self._deadline.watch(RESPONSE_SECONDS),
            self._client.stream(
                method, url, content=content, headers=sent, extensions=trace
            ) as answer,
        ):
            self._heed(answer)
            if is_astray(answer.status_code):
                raise Unreachable(_astray(answer.status_code), left=answer.status_code < 400)
            self._waiting.comes()
            raw = b"" if method == "HEAD" else _unpacked(answer)
            if self._deadline.over:  # what came before we closed may look like a whole reply
                raise Unreachable(_TOO_SLOW, left=True, silent=True, ends=True)
            response_headers = {name.lower(): value for name, value in answer.headers.items()}
            json = _parsed(answer.status_code, raw)
            return HttpResponse(answer.status_code, response_headers, json, url)


def _instant(date: str) -> datetime:
    """The server's own time, which its `Retry-After` refers to; ours if it gives none."""
    return http_date(date) or datetime.now(UTC)


def _trusted(bundle: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=bundle)
    except OSError:  # ssl.SSLError, for a file without certificates, is one too
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
        return "no reply in time"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return f"{_UNVERIFIED}; {_BUNDLE}"
    if isinstance(error, httpx.ConnectError):
        return "cannot be reached"
    return "the connection broke"


def _unpacked(answer: httpx.Response) -> bytes:
    """The body, unpacked, capped. Raises ServerError beyond the cap, Unreachable if cut short."""
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
                    f"The server sent more than {MOST_BYTES // 2**20} MB in one reply; CareQueue "
                    "stopped reading. Your data is still saved. Set a smaller scope in the profile."
                )
    except zlib.error:
        why = "the reply was damaged on the way"
        raise Unreachable(why, left=True, unreadable=True) from None
    if unpack and not unpack.eof:
        raise Unreachable("the reply was cut short", left=True)
    return bytes(whole)


def _parsed(status: int, raw: bytes) -> Any:
    if not raw.strip():
        return None
    try:
        return jsontext.loads(raw)
    except jsontext.TooMuch:
        raise ServerError(
            "The server sent a reply too complex for CareQueue to read. Your data is still saved. "
            "Set a smaller scope in the profile."
        ) from None
    except ValueError:
        if status >= 400:  # a proxy's own page; the status says enough
            return None
    if raw.lstrip()[:1] == b"<":
        raise ServerError(
            "This address answers with a web page, not with FHIR. Nothing was changed. "
            "Check the address: it often ends in /fhir or /R4."
        )
    raise Unreachable("the reply was cut short or is not JSON", left=True, unreadable=True)
