"""Fetches one URL as a well-behaved client: conditional, identified, bounded in time and size, guarded at every hop.

Rules: RFC 9110 (conditional requests 13.1, redirects 15.4), RFC 3229 (226 IM Used). No cookies, no Referer, no probing.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp
import yarl

from transforms.feeds.body import BadEncoding, Body, TooLarge
from transforms.feeds.guard import REFUSED, guarded_sockets
from transforms.feeds.politeness import HostTurns

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
MAX_BODY = 10 * 2**20  # decoded; miniflux allows 15 MB
LARGE_BODY = 2**20  # bodies beyond this are read two at a time
MAX_REDIRECTS = 5
MAX_VALIDATOR = 1024
KEPT_HEADERS = (
    "age",
    "cache-control",
    "cf-mitigated",
    "content-encoding",
    "content-type",
    "date",
    "expires",
    "location",
    "retry-after",
    "x-amzn-waf-action",
)
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|\[?::1\]?")


class FetchError(Exception):
    """No answer could be had. `kind` is a machine word: dns, connect, tls, timeout, address-refused, redirect, ..."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


@dataclass(frozen=True)
class Validators:
    """What a server gave to ask "has it changed?", byte for byte, and the URL that gave it."""

    url: str = ""
    etag: str = ""
    last_modified: str = ""

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


NO_VALIDATORS = Validators()


@dataclass(frozen=True)
class Response:
    """A final answer. `headers` has lower-case names; `body` is decoded and empty unless the status is 200, 203 or 226."""

    status: int
    url: str
    headers: Mapping[str, str]
    etag: str = ""
    last_modified: str = ""
    body: bytes = b""
    cut: bool = False
    asked: bool = False  # the request carried a validator
    seconds: float = 0.0
    hops: tuple[tuple[int, str], ...] = ()


class Fetcher:
    """One session for all requests. Belongs to the event loop it was made in; `close` it there.

    deadline   seconds a request may take in all, redirects included, waiting for a turn not included
    """

    def __init__(
        self,
        user_agent: str,
        turns: HostTurns,
        deadline: float = 20.0,
        allow_local: bool = False,
        max_body: int = MAX_BODY,
        resolver: aiohttp.abc.AbstractResolver | None = None,
    ) -> None:
        self._turns, self._deadline, self._max_body = turns, deadline, max_body
        self._large = asyncio.Semaphore(2)
        connector = aiohttp.TCPConnector(
            limit=0,
            ttl_dns_cache=60,
            keepalive_timeout=5,
            socket_factory=guarded_sockets(allow_local),
            resolver=resolver,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": user_agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(8.0, deadline), sock_read=min(10.0, deadline)),
            auto_decompress=False,
            trust_env=False,
            max_line_size=16 * 1024,
            max_field_size=64 * 1024,
            read_bufsize=64 * 1024,
        )

    async def close(self) -> None:
        await self._session.close()

    async def fetch(
        self,
        url: str,
        validators: Validators = NO_VALIDATORS,
        may_ask: Callable[[str], None] | None = None,
        accept: str = "",
    ) -> Response:
        """The answer to a GET. Raises FetchError.

        `may_ask` is given the host when its turn has come, and raises if it is not to be asked after all; `accept` names
        what is asked for if it is no feed.
        """
        here, left = parse_url(url), self._deadline
        hops: list[tuple[int, str]] = []
        while True:
            gap = 0.0 if LOOPBACK.fullmatch(here.host or "") else None
            async with self._turns.turn(here.host or "", gap):
                if may_ask:
                    may_ask(here.host or "")
                started = time.monotonic()
                try:
                    async with asyncio.timeout(left):
                        response = await self._get(here, validators, accept)
                except (TimeoutError, aiohttp.ClientError, OSError, ValueError, BadEncoding, TooLarge) as e:
                    raise _classified(e, here) from None
                left -= time.monotonic() - started
            target = response.headers.get("location", "")
            if response.status not in (301, 302, 303, 307, 308) or not target:
                return _with(response, seconds=self._deadline - left, hops=tuple(hops))
            hops.append((response.status, str(here)))
            if len(hops) > MAX_REDIRECTS:
                raise FetchError("redirect", f"redirected more than {MAX_REDIRECTS} times, last to {target[:200]}")
            if left <= 0:
                raise FetchError("timeout", f"no answer within {self._deadline:g} s, redirects included")
            here = _redirected(here, target)

    async def _get(self, url: yarl.URL, validators: Validators, accept: str) -> Response:
        asked = bool(validators) and validators.url == str(url)
        headers: dict[str, str] = {"Accept": accept} if accept else {}
        if asked and validators.etag:
            headers |= {"If-None-Match": validators.etag, "A-IM": "feed"}
        if asked and validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        async with self._session.get(url, headers=headers, allow_redirects=False) as answer:
            kept = {name: ", ".join(answer.headers.getall(name)) for name in KEPT_HEADERS if name in answer.headers}
            body, cut = b"", False
            if answer.status in (200, 203, 226):
                body, cut = await self._read(answer, kept.get("content-encoding", ""))
            return Response(
                status=answer.status,
                url=str(url),
                headers=kept,
                etag=_validator(answer, b"etag"),
                last_modified=_validator(answer, b"last-modified"),
                body=body,
                cut=cut,
                asked=asked,
            )

    async def _read(self, answer: aiohttp.ClientResponse, encoding: str) -> tuple[bytes, bool]:
        body = Body(encoding, self._max_body)
        holds_large = False
        try:
            async for piece in answer.content.iter_any():
                body.feed(piece)
                if body.size > LARGE_BODY and not holds_large:
                    await self._large.acquire()
                    holds_large = True
        except aiohttp.ClientPayloadError:
            return body.finish(), True
        finally:
            if holds_large:
                self._large.release()
        return body.finish(), not body.is_whole


def parse_url(url: str) -> yarl.URL:
    """The URL, left as it is written where it can be sent so. Raises FetchError ("bad-url") if it is not http or https."""
    try:
        plain = url.isascii() and url.isprintable() and " " not in url
        parsed = yarl.URL(url, encoded=plain).with_fragment(None)
        port = parsed.port
    except (ValueError, TypeError) as e:
        raise FetchError("bad-url", f"{url[:200]!r} is no URL: {e}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host or not port:
        raise FetchError("bad-url", f"{url[:200]!r} is no http or https URL")
    return parsed


def _redirected(here: yarl.URL, target: str) -> yarl.URL:
    try:
        there = here.join(yarl.URL(target, encoded=target.isascii() and " " not in target))
    except ValueError as e:
        raise FetchError("redirect", f"redirected to {target[:200]!r}, which is no URL: {e}") from None
    try:
        return parse_url(str(there))
    except FetchError as e:
        raise FetchError("redirect", f"redirected to a place that is not fetched: {e}") from None


def _validator(answer: aiohttp.ClientResponse, name: bytes) -> str:
    values = [value for key, value in answer.raw_headers if key.lower() == name]
    if len(values) != 1 or len(values[0]) > MAX_VALIDATOR:
        return ""
    try:
        text = values[0].decode("utf-8")
    except UnicodeDecodeError:
        return ""  # it could not be sent back byte for byte
    return text if text.isprintable() else ""


def _with(response: Response, **changes: object) -> Response:
    return Response(**{**response.__dict__, **changes})  # type: ignore[arg-type]


def _classified(error: Exception, url: yarl.URL) -> FetchError:
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.rpartition(" [")[2].rstrip("]") if isinstance(error, aiohttp.ClientConnectorError) else text  # the system's words
    if isinstance(error, aiohttp.ClientResponseError) and error.message:
        text = error.message.splitlines()[0].rstrip(":")
    if REFUSED in text:
        return FetchError("address-refused", f"{url.host} leads inside: {text.partition(f'{REFUSED}: ')[2] or text}")
    kinds: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...] = (
        (TooLarge, "too-large", text),
        (BadEncoding, "encoding", text),
        (aiohttp.ClientConnectorDNSError, "dns", f"the name {url.host} cannot be resolved: {text}"),
        ((aiohttp.ClientSSLError, ssl.SSLError, aiohttp.ServerFingerprintMismatch), "tls", f"no secure connection: {text}"),
        (TimeoutError, "timeout", "no complete answer in time"),
        ((aiohttp.InvalidURL, UnicodeError), "bad-url", f"{str(url)[:200]!r} cannot be requested: {text}"),
        ((aiohttp.ClientConnectionError, OSError), "connect", f"no connection: {text}"),
        (aiohttp.ClientResponseError, "bad-response", f"the answer is not HTTP as it should be: {text}"),
    )
    for types, kind, message in kinds:
        if isinstance(error, types):
            return FetchError(kind, message[:500])
    return FetchError("bad-response", text[:500])
