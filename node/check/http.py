"""Whether an HTTP service answers, and with which status: 2xx passing, 429 warning, else critical.

A connection for each request, TLS verified unless the check says otherwise. Redirects are followed as Go's client does:
ten at most, of any method, and what authorises a caller stays at home when another host is named. Of the answer's body
the last 4,096 bytes are kept. The words of failures are those of Go 1.15, as Consul 1.8.7 shows them.
"""

import re
import ssl
from dataclasses import dataclass, replace

import trio

from node.check.definition import CheckDefinition
from node.check.dial import DialError, dial, encode_host, join_address, split_address
from node.check.exchange import Ask, Exchange, NoHttp, Reply
from node.check.outcome import Outcome, Tail, critical, reason_of
from node.check.tcp import network_timeout_s
from node.check.url import BadUrl, Url, hide_password, quote_go
from protocol.catalog.check import CheckStatus

USER_AGENT = "Consul Health Check"
"""Services know checks by it, and keep them out of their logs."""
ACCEPT = "text/plain, text/*, */*"
REDIRECTS_MAX = 10
TOO_MANY_REQUESTS = 429
TIMED_OUT = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REPEATED = frozenset({307, 308})
"""Redirects after which method and body are sent again; after others it is a GET, or a HEAD that stays one."""
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "trailer"})
"""Headers that are not a check's to set: they say where the request ends."""
_OF_ONE_HOST = frozenset({"authorization", "cookie", "cookie2", "www-authenticate"})
_WITH_LENGTH = frozenset({"POST", "PUT"})
"""Methods whose length is said though there is no body: servers expect it."""
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*" ?')
_ZONE = re.compile(r"%[^\]]*(?=\])")
_contexts: dict[bool, ssl.SSLContext] = {}
"""By whether certificates are verified: reading the machine's authorities takes some ten ms."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a URL leads."""

    url: Url
    host: str
    """In ASCII."""
    address: str
    """Host and port, to connect to."""

    @classmethod
    def find(cls, url: Url) -> "_Place":
        """Find where a URL leads.

        Raises:
            ValueError: nowhere, as it is not one of http or https with a host.
        """
        if url.scheme not in _DEFAULT_PORTS:
            raise ValueError(f"unsupported protocol scheme {quote_go(url.scheme)}")
        if not url.host:
            raise ValueError("http: no Host in request URL")
        host = encode_host(url.hostname)
        return cls(url, host, join_address(host, url.port or _DEFAULT_PORTS[url.scheme]))

    @property
    def is_tls(self) -> bool:
        """Whether it speaks TLS."""
        return self.url.scheme == "https"

    def shares_secrets_of(self, other: "_Place") -> bool:
        """Whether it may have what authorises a caller at another place: the same one, or one below it."""
        return self.address == other.address or self.address.endswith(f".{other.address}")


async def check_http(definition: CheckDefinition) -> Outcome:
    """Ask once; the outcome's text begins with what was asked, passwords left out."""
    method = definition.method or "GET"
    try:
        visit = _Visit(definition, method)
    except BadUrl as wrong:
        return critical(_word_bad_url(definition.http, str(wrong)))
    except ValueError as wrong:
        return critical(str(wrong))
    reason = ""
    try:
        with trio.fail_after(network_timeout_s(definition)):
            await visit.run()
    except trio.TooSlowError:
        reason = TIMED_OUT
    except (NoHttp, DialError, OSError, ValueError, trio.BrokenResourceError) as wrong:
        reason = reason_of(wrong)
    reply = visit.reply
    if not reply.status or (reason and visit.is_redirected):
        return critical(f"{method[:1]}{method[1:].lower()} {quote_go(visit.url.show())}: {reason}")
    status, body = f"{reply.status} {reply.reason}", visit.body.last()
    output = f"HTTP {method} {hide_password(definition.http)}: {status} Output: {body}"
    if 200 <= reply.status < 300:
        return Outcome(CheckStatus.PASSING, output)
    return Outcome(CheckStatus.WARNING if reply.status == TOO_MANY_REQUESTS else CheckStatus.CRITICAL, output)


def _word_bad_url(text: str, reason: str) -> str:
    shown = hide_password(text)
    if shown != text:  # what is quoted may be a piece of the password
        reason = _QUOTED.sub("", reason).strip()
    return f"parse {quote_go(shown)}: {reason}"


class _Visit:
    """A request, and those that it is redirected to."""

    def __init__(self, definition: CheckDefinition, method: str) -> None:
        """Begin at a check's URL.

        Raises:
            BadUrl: it is none.
            ValueError: the method is none.
        """
        if not _TOKEN.match(method):
            raise ValueError(f"net/http: invalid method {quote_go(method)}")
        self.url = Url.parse(definition.http).without_empty_port()
        """Where the last request went."""
        self._definition = definition
        self._method = method
        self._body = definition.body.encode()
        self._host = _read_host_header(definition)
        """Empty: the URL's."""
        self._referer = ""
        self.body = Tail(definition.output_size)
        self.reply = Reply()

    @property
    def is_redirected(self) -> bool:
        """Whether the last answer sends elsewhere."""
        status = self.reply.status
        return status in _REDIRECTS and (bool(self.reply.location) or status not in _REPEATED)

    async def run(self) -> None:
        """Ask until the answer is no redirect; `reply` and `body` are the last one's.

        Raises:
            NoHttp, DialError, OSError, trio.BrokenResourceError: there is none.
            ValueError: a URL that cannot be asked, or too many redirects.
        """
        _check_headers(self._definition)
        first: _Place | None = None
        for _ in range(REDIRECTS_MAX):
            place = _Place.find(self.url)
            first = first or place
            headers = self._headers(place, place.shares_secrets_of(first))
            exchange = Exchange(Ask(self._method, self.url.target, headers, self._body))
            self.reply = exchange.reply
            stream = await _open(place, verify=not self._definition.tls_skip_verify)
            try:
                await exchange.run(stream, self.body.add, lambda _: not self.is_redirected)
            finally:
                await trio.aclose_forcefully(stream)
            if not self.is_redirected:
                return
            self._follow(self.reply)
        raise ValueError(f"stopped after {REDIRECTS_MAX} redirects")

    def _follow(self, reply: Reply) -> None:
        if not reply.location:
            raise ValueError(f"{reply.status} response missing Location header")
        before = self.url
        try:
            self.url = before.resolve(reply.location).without_empty_port()
            is_elsewhere = bool(Url.parse(reply.location).scheme)
        except BadUrl as wrong:
            raise ValueError(f"failed to parse Location header {quote_go(reply.location)}: {wrong}") from None
        self._host = "" if is_elsewhere else self._host
        is_hidden = before.scheme == "https" and self.url.scheme == "http"
        self._referer = "" if is_hidden else replace(before, user=None, password=None).show()
        if reply.status not in _REPEATED:
            self._method = "HEAD" if self._method == "HEAD" else "GET"
            self._body = b""

    def _headers(self, place: _Place, shares_secrets: bool) -> list[tuple[str, str]]:
        given = [
            (name, value)
            for name, values in self._definition.headers
            if name.lower() not in _FRAMING | {"host"} and (shares_secrets or name.lower() not in _OF_ONE_HOST)
            for value in values
        ]
        names = {name.lower() for name, value in given if value}
        own = [("User-Agent", USER_AGENT), ("Accept", ACCEPT)]
        if place.url.authorization:
            own.append(("Authorization", place.url.authorization))
        if self._referer:
            own.append(("Referer", self._referer))
        own = [pair for pair in own if pair[0].lower() not in names]
        own_names = {name.lower() for name, _ in own}
        headers = [("Host", _clean_host(self._host or place.url.shown_host)), *own]
        headers += [pair for pair in given if pair[0].lower() not in own_names]
        if self._body or self._method in _WITH_LENGTH:
            headers.append(("Content-Length", str(len(self._body))))
        return [*headers, ("Connection", "close")]


def _read_host_header(definition: CheckDefinition) -> str:
    return next((value for name, values in definition.headers if name.lower() == "host" for value in values[:1]), "")


def _check_headers(definition: CheckDefinition) -> None:
    for name, values in definition.headers:
        if not _TOKEN.match(name):
            raise ValueError(f"net/http: invalid header field name {quote_go(name)}")
        for value in values:
            if _CONTROL.search(value):
                raise ValueError(f"net/http: invalid header field value {quote_go(value)} for key {name}")


def _clean_host(text: str) -> str:
    """Write a host for the header: in ASCII, without a zone, and without what cannot be of it."""
    text = re.split("[ /]", text, maxsplit=1)[0]
    try:
        host, port = split_address(text)
    except ValueError:
        return _ZONE.sub("", encode_host(text))
    return _ZONE.sub("", join_address(encode_host(host), port))


async def _open(place: _Place, *, verify: bool) -> trio.abc.Stream:
    tcp = await dial(place.address)
    if not place.is_tls:
        return tcp
    try:
        if verify not in _contexts:
            _contexts[verify] = await trio.to_thread.run_sync(_make_context, verify)
        name = place.host.partition("%")[0] or "localhost"
        tls = trio.SSLStream(tcp, _contexts[verify], server_hostname=name, https_compatible=True)
        await tls.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(tcp)
        raise
    return tls


def _make_context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
