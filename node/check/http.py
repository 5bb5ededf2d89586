"""Whether an HTTP service answers, and with which status: 2xx passing, 429 warning, else critical.

A connection for each request, TLS verified unless the check says otherwise. GET and HEAD follow redirects as Go's
client does: ten at most, and what authorises a caller stays at home when another host is named.
"""

import ssl
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

import trio

from node.check.definition import CheckDefinition
from node.check.exchange import Ask, Exchange, NoHttp
from node.check.outcome import OUTPUT_SIZE_MAX, Outcome, critical, reason_of, show_duration
from node.check.tcp import network_timeout_s
from protocol.address import format_host_port
from protocol.catalog.check import CheckStatus

USER_AGENT = "Consul Health Check"
"""Services know checks by it, and keep them out of their logs."""
REDIRECTS_MAX = 10
TOO_MANY_REQUESTS = 429
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers that are not a check's to set: they say where the request ends."""
_OF_ONE_HOST = frozenset({"authorization", "cookie", "cookie2", "www-authenticate", "host"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_contexts: dict[bool, ssl.SSLContext] = {}
"""By whether certificates are verified: reading the machine's authorities takes some ten ms."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A URL, read."""

    url: str
    is_tls: bool
    host: str
    port: int
    host_header: str
    target: str
    authorization: str

    @classmethod
    def read(cls, url: str) -> "_Place":
        """Read a URL.

        Raises:
            ValueError: not one of http or https with a host.
        """
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS:
            raise ValueError(f'unsupported protocol scheme "{parts.scheme}"')
        if not parts.hostname:
            raise ValueError("no Host in request URL")
        host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
        default_port = _DEFAULT_PORTS[parts.scheme]
        port = default_port if parts.port is None else parts.port
        shown = format_host_port(host, port)
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~[]")
        if parts.query:
            target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~[]?")
        authorization = ""
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + b64encode(pair.encode()).decode()
        header = shown if port != default_port else shown.rpartition(":")[0]
        return cls(url, parts.scheme == "https", host, port, header, target, authorization)


async def check_http(definition: CheckDefinition) -> Outcome:
    """Ask once; the outcome's text begins with what was asked, passwords left out."""
    method, shown = definition.method.upper() or "GET", redact(definition.http)
    visit = _Visit(definition, method)
    timeout_s = network_timeout_s(definition)
    reason = ""
    try:
        with trio.fail_after(timeout_s):
            await visit.run()
    except trio.TooSlowError:
        reason = f"timeout: no answer within {show_duration(timeout_s)}"
    except (NoHttp, OSError, ValueError, trio.BrokenResourceError) as wrong:
        reason = reason_of(wrong)
    reply = visit.reply
    if not reply.status or (reason and visit.is_redirected):
        return critical(f'{method.capitalize()} "{shown}": {reason}')
    body = visit.body.decode(errors="replace")
    output = f"HTTP {method} {shown}: {reply.status} {reply.reason} Output: {body}"
    if 200 <= reply.status < 300:
        return Outcome(CheckStatus.PASSING, output)
    return Outcome(CheckStatus.WARNING if reply.status == TOO_MANY_REQUESTS else CheckStatus.CRITICAL, output)


class _Visit:
    """A request, and those that it is redirected to."""

    def __init__(self, definition: CheckDefinition, method: str) -> None:
        self._definition = definition
        self._method = method
        self._follows = method in ("GET", "HEAD")
        self.body = bytearray()
        """The first 4,096 bytes."""
        self.reply = Exchange(Ask("", "", ())).reply

    @property
    def is_redirected(self) -> bool:
        """Whether the last answer sends elsewhere."""
        return self._follows and self.reply.status in _REDIRECTS and bool(self.reply.location)

    async def run(self) -> None:
        """Ask until the answer is no redirect; `reply` and `body` are the last one's.

        Raises:
            NoHttp, OSError, trio.BrokenResourceError: there is none.
            ValueError: a URL that cannot be asked, or too many redirects.
        """
        url, first_host = self._definition.http, ""
        for _ in range(REDIRECTS_MAX + 1):
            place = _Place.read(url)
            first_host = first_host or place.host
            exchange = Exchange(Ask(self._method, place.target, self._headers(place, place.host == first_host)))
            self.reply = exchange.reply
            stream = await _open(place, verify=not self._definition.tls_skip_verify)
            try:
                await exchange.run(stream, self._take_body, lambda _: not self.is_redirected)
            finally:
                await trio.aclose_forcefully(stream)
            if not self.is_redirected:
                return
            url = urljoin(url, self.reply.location)
        raise ValueError(f"stopped after {REDIRECTS_MAX} redirects")

    def _headers(self, place: _Place, is_first_host: bool) -> list[tuple[str, str]]:
        given = [
            (name, value)
            for name, values in self._definition.headers
            if name.lower() not in _FRAMING and (is_first_host or name.lower() not in _OF_ONE_HOST)
            for value in values
        ]
        names = {name.lower() for name, _ in given}
        own = [("Host", place.host_header), ("User-Agent", USER_AGENT), ("Accept", "text/plain, text/*, */*")]
        if place.authorization:
            own.append(("Authorization", place.authorization))
        if self._method not in ("GET", "HEAD"):
            own.append(("Content-Length", "0"))
        return [*(pair for pair in own if pair[0].lower() not in names), *given, ("Connection", "close")]

    def _take_body(self, data: bytes) -> None:
        self.body += data[: OUTPUT_SIZE_MAX - len(self.body)]


async def _open(place: _Place, *, verify: bool) -> trio.abc.Stream:
    tcp = await trio.open_tcp_stream(place.host, place.port)
    if not place.is_tls:
        return tcp
    try:
        if verify not in _contexts:
            _contexts[verify] = await trio.to_thread.run_sync(_make_context, verify)
        tls = trio.SSLStream(tcp, _contexts[verify], server_hostname=place.host, https_compatible=True)
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


def redact(url: str) -> str:
    """Give a URL without its password: what a check says is told to all members."""
    try:
        parts = urlsplit(url)
        if not parts.password:
            return url
    except ValueError:
        return url
    userinfo, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{userinfo.partition(':')[0]}:xxxxx@{place}").geturl()
