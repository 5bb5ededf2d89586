"""HTTP checks against servers on loopback: statuses, words, headers, redirects, TLS, and servers that misbehave."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from node.check import http
from node.check.http import TIMED_OUT, check_http
from node.check.outcome import Outcome
from protocol.catalog.check import CheckStatus
from tests.node.check.sample import Answer, Server, definition, says, serving

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup"


async def _check(server: Server, path: str = "/health", **fields: Any) -> Outcome:
    return await check_http(definition(http=server.url(path), **fields))


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("200 OK", CheckStatus.PASSING),
        ("204 No Content", CheckStatus.PASSING),
        ("299 Odd", CheckStatus.PASSING),
        ("429 Too Many Requests", CheckStatus.WARNING),
        ("304 Not Modified", CheckStatus.CRITICAL),
        ("404 Not Found", CheckStatus.CRITICAL),
        ("503 Service Unavailable", CheckStatus.CRITICAL),
    ],
)
async def test_http_status_decides(line: str, status: CheckStatus) -> None:
    """2xx passes, 429 warns, all else is critical; the output has request, status line and body."""
    body = "" if line[:3] in ("204", "304") else "words"
    data = f"HTTP/1.1 {line}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    async with serving(says(data.encode())) as server:
        outcome = await _check(server)
    assert outcome == Outcome(status, f"HTTP GET {server.url('/health')}: {line} Output: {body}")


async def test_http_request_says_who_asks() -> None:
    """One connection for each request, known by its agent; own headers are added, and may replace the usual ones."""
    async with serving(says(OK)) as server:
        await _check(server, "/a b?q=\N{LATIN SMALL LETTER U WITH DIAERESIS}#gone")
        headers = (("X-Two", ("1", "2")), ("user-agent", ("mine",)), ("Content-Length", ("7",)), ("HOST", ("else",)))
        await _check(server, method="POST", headers=headers)
    first, second = server.heads
    assert first.startswith(b"get /a%20b?q=\xc3\xbc http/1.1\r\n")
    assert b"\r\nuser-agent: consul health check" in first
    assert b"\r\nconnection: close" in first
    assert f"\r\nhost: 127.0.0.1:{server.port}".encode() in first
    assert second.startswith(b"post /health http/1.1\r\n")
    assert second.count(b"x-two: ") == 2
    assert second.count(b"user-agent: ") == second.count(b"host: ") == second.count(b"content-length: ") == 1
    assert b"user-agent: mine" in second
    assert b"host: else" in second
    assert b"content-length: 0" in second


async def test_http_password_is_sent_and_not_told() -> None:
    """A URL's user and password authorise the request; the output, which all members hear, has no password."""
    async with serving(says(OK)) as server:
        outcome = await check_http(definition(http=f"http://me:s%20ecret@127.0.0.1:{server.port}/"))
    assert b"authorization: basic bwu6cybly3jlda==" in server.heads[0]
    assert "ecret" not in outcome.output
    assert "me:***@" in outcome.output


async def test_http_body_is_capped() -> None:
    """Of a large body 4,096 bytes are kept, and the reading ends."""
    body = b"x" * 10_000_000
    async with serving(says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) as server:
        outcome = await _check(server)
    assert outcome.status is CheckStatus.PASSING
    assert outcome.output.endswith("Output: " + "x" * 4_096)


async def test_http_body_that_breaks_off_does_not_count_against_its_status() -> None:
    """The status is known by then."""
    async with serving(says(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf")) as server:
        outcome = await _check(server)
    assert (outcome.status, outcome.output[-4:]) == (CheckStatus.PASSING, "half")


@pytest.mark.parametrize(
    "data", [b"", b"SSH-2.0-OpenSSH\r\n", b"\x00" * 100, b"HTTP/1.1 200 OK\r\n" + b"a: " + b"x" * 300_000], ids=len
)
async def test_http_server_that_speaks_something_else(data: bytes) -> None:
    """It is critical, with a reason."""
    async with serving(says(data)) as server:
        outcome = await _check(server)
    assert outcome.status is CheckStatus.CRITICAL
    assert outcome.output.startswith(f'Get "{server.url("/health")}": ')
    assert len(outcome.output) < 800


async def test_http_nobody_listens() -> None:
    """The reason is the operating system's."""
    async with serving(says(OK)) as server:
        pass
    outcome = await _check(server)
    assert outcome == Outcome(
        CheckStatus.CRITICAL,
        f'Get "{server.url("/health")}": dial tcp 127.0.0.1:{server.port}: connect: connection refused',
    )


@pytest.mark.parametrize(
    "url",
    ["nonsense", "ftp://host/", "http://", "http://host:99999/", "http://[::1", "http://\ud800/", "http://a b/"],
    ids=ascii,
)
async def test_http_url_that_cannot_be_asked(url: str) -> None:
    """It is critical, and says why."""
    outcome = await check_http(definition(http=url))
    assert outcome.status is CheckStatus.CRITICAL
    assert len(outcome.output) > len(url) + 8


async def test_http_request_that_cannot_be_said() -> None:
    """A method or header with a line break never reaches the wire."""
    async with serving(says(OK)) as server:
        for fields in ({"method": "GET / HTTP/1.1\r\nX: y"}, {"headers": (("X", ("a\r\nb: c",)),)}):
            outcome = await _check(server, **fields)
            assert outcome.status is CheckStatus.CRITICAL
    assert server.heads == []


async def _fall_silent(stream: trio.abc.Stream, head: bytes) -> None:
    await trio.sleep_forever()


async def _drip(stream: trio.abc.Stream, head: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
    while True:
        await trio.sleep(1)
        await stream.send_all(b".")


@pytest.mark.parametrize(
    ("fields", "timeout_s"),
    [
        ({"interval_s": 60.0}, 10),
        ({"interval_s": 3.0}, 10),
        ({"interval_s": 60.0, "timeout_s": 2.0}, 2),
        ({"interval_s": 60.0, "timeout_s": 40.0}, 40),
        ({"interval_s": 3.0, "timeout_s": 4.0}, 4),
    ],
    ids=str,
)
async def test_http_silence_is_critical_after_the_timeout(fields: dict[str, Any], timeout_s: float) -> None:
    """The timeout counts, above the interval too; without one it is 10 s."""
    clock = MockClock(rate=50.0)
    outcome: list[Outcome] = []
    took: list[float] = []

    async def main() -> None:
        async with serving(_fall_silent) as server:
            begun = trio.current_time()
            outcome.append(await _check(server, **fields))
            took.append(trio.current_time() - begun)

    await trio.to_thread.run_sync(lambda: trio.run(main, clock=clock))
    assert outcome[0].status is CheckStatus.CRITICAL
    assert outcome[0].output.endswith(f": {TIMED_OUT}")
    assert took[0] >= timeout_s


async def test_http_body_that_drips_ends_with_the_timeout() -> None:
    """What has come by then is the outcome."""
    outcome: list[Outcome] = []

    async def main() -> None:
        async with serving(_drip) as server:
            outcome.append(await _check(server))

    await trio.to_thread.run_sync(lambda: trio.run(main, clock=MockClock(rate=50.0)))
    assert outcome[0].status is CheckStatus.PASSING
    assert outcome[0].output.endswith("Output: " + "." * outcome[0].output.count(".", -10))


# --- what is sent -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("POST", "h\u00e9llo\n", b"7"),
        ("GET", "hello", b"5"),
        ("HEAD", "x", b"1"),
        ("POST", "", b"0"),
        ("PUT", "", b"0"),
        ("DELETE", "", None),
        ("GET", "", None),
        ("FOO", "", None),
    ],
)
async def test_http_body_is_sent(method: str, body: str, length: bytes | None) -> None:
    """With any method, and its length where there is one or a server expects it, as by Consul 1.8.7."""
    answer = says(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with serving(answer) as server:
        outcome = await _check(server, method=method, body=body)
    assert outcome.output.startswith(f"HTTP {method} ")
    assert server.bodies == [body.encode()]
    lengths = [line[16:] for line in server.heads[0].split(b"\r\n") if line.startswith(b"content-length: ")]
    assert lengths == ([] if length is None else [length])


async def test_http_method_is_sent_as_it_was_written() -> None:
    """Methods are case-sensitive, and so is Consul 1.8.7."""
    async with serving(says(OK)) as server:
        assert (await _check(server, method="post")).output.startswith("HTTP post ")
        refused = await _check(server, method="B AD")
    assert refused == Outcome(CheckStatus.CRITICAL, 'net/http: invalid method "B AD"')
    assert len(server.heads) == 1


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ((("Host", ("a.example", "b.example")),), "a.example"),
        ((("host", ("low.example",)),), "low.example"),
        ((("Host", ("b\u00fccher.example:80",)),), "xn--bcher-kva.example:80"),
        ((("Host", ("a b/c",)),), "a"),
        ((("Host", ("[fe80::1%lo]:80",)),), "[fe80::1]:80"),
        ((("Host", ("",)),), ""),
        ((("Host", ()),), ""),
    ],
)
async def test_http_host_of_the_header(headers: tuple[tuple[str, tuple[str, ...]], ...], host: str) -> None:
    """The first one counts, as Go writes it; an empty one is none."""
    async with serving(says(OK)) as server:
        await _check(server, headers=headers)
    hosts = [line[6:] for line in server.heads[0].split(b"\r\n") if line.startswith(b"host: ")]
    assert hosts == [(host or f"127.0.0.1:{server.port}").encode()]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("b ad", "x", 'net/http: invalid header field name "b ad"'),
        ("", "x", 'net/http: invalid header field name ""'),
        ("X-\u00e9", "x", 'net/http: invalid header field name "X-\u00e9"'),
        ("X", "a\nb", 'net/http: invalid header field value "a\\nb" for key X'),
        ("Host", "x\ny", 'net/http: invalid header field value "x\\ny" for key Host'),
    ],
    ids=ascii,
)
async def test_http_header_that_cannot_be_sent(name: str, value: str, reason: str) -> None:
    """Critical, in the words of Consul 1.8.7; nothing is sent."""
    async with serving(says(OK)) as server:
        outcome = await _check(server, headers=((name, (value,)),))
    assert outcome == Outcome(CheckStatus.CRITICAL, f'Get "{server.url("/health")}": {reason}')
    assert server.heads == []


async def test_http_output_is_the_end_of_the_body() -> None:
    """As in Consul 1.8.7: 4,096 bytes of it, or as many as the check wants."""
    body = b"0123456789" * 1_000
    async with serving(says(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) as server:
        assert (await _check(server)).output.endswith("Output: " + body[-4_096:].decode())
        assert (await _check(server, output_max_size=10)).output.endswith("Output: 0123456789")


# --- redirects --------------------------------------------------------------------------------------


def _redirects(to: str) -> Answer:
    async def answer(stream: trio.abc.Stream, head: bytes) -> None:
        if b"GET /end" in head or b"HEAD /end" in head:
            await stream.send_all(OK if head.startswith(b"GET") else b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        else:
            await stream.send_all(f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 4\r\n\r\ngone".encode())

    return answer


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_http_redirect_is_followed(method: str) -> None:
    """The last answer counts."""
    async with serving(_redirects("/end?x=1")) as server:
        outcome = await _check(server, method=method)
    assert outcome.status is CheckStatus.PASSING
    assert outcome.output.endswith("200 OK Output: up" if method == "GET" else "200 OK Output: ")
    assert [head.split()[1] for head in server.heads] == [b"/health", b"/end?x=1"]


@pytest.mark.parametrize(
    ("status", "method", "then", "body"),
    [
        (301, "POST", "GET", ""),
        (302, "PUT", "GET", ""),
        (303, "DELETE", "GET", ""),
        (302, "HEAD", "HEAD", ""),
        (302, "GET", "GET", ""),
        (307, "GET", "GET", "words"),
        (307, "POST", "POST", "words"),
        (308, "PUT", "PUT", "words"),
    ],
)
async def test_http_redirect_of_any_method(status: int, method: str, then: str, body: str) -> None:
    """As by Consul 1.8.7: 307 and 308 repeat method and body, the others ask with GET or HEAD; both say from where."""

    async def answer(stream: trio.abc.Stream, head: bytes) -> None:
        if b" /end " in head:
            await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        else:
            await stream.send_all(b"HTTP/1.1 %d Away\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n" % status)

    async with serving(answer) as server:
        outcome = await _check(server, method=method, body="words")
    assert outcome.status is CheckStatus.PASSING
    first, second = server.heads
    assert first.startswith(f"{method} /health ".lower().encode())
    assert second.startswith(f"{then} /end ".lower().encode())
    assert f"\r\nreferer: {server.url('/health')}\r\n".encode() in second
    assert server.bodies == [b"words", body.encode()]


async def test_http_redirect_without_a_place() -> None:
    """Critical, with the reason."""
    async with serving(says(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")) as server:
        outcome = await _check(server)
    assert outcome.output == f'Get "{server.url("/health")}": 302 response missing Location header'


@pytest.mark.parametrize(("to", "reason"), [("/again", "stopped after 10 redirects"), ("gopher://x/", "scheme")])
async def test_http_redirect_that_leads_nowhere(to: str, reason: str) -> None:
    """It is critical, and says why."""
    async with serving(_redirects(to)) as server:
        outcome = await _check(server)
    assert outcome.status is CheckStatus.CRITICAL
    assert reason in outcome.output
    assert len(server.heads) == (10 if to == "/again" else 1)


async def test_http_redirect_elsewhere_does_not_take_the_token_along() -> None:
    """What authorises a caller at one host is not shown to another."""
    headers = (("Authorization", ("Bearer s3",)), ("X-Other", ("o",)))
    async with serving(says(OK)) as other:
        async with serving(_redirects(f"http://localhost:{other.port}/end")) as server:
            outcome = await _check(server, headers=headers)
        assert outcome.status is CheckStatus.PASSING
    assert b"bearer s3" in server.heads[0]
    assert b"bearer s3" not in other.heads[0]
    assert b"x-other: o" in other.heads[0]


# --- TLS --------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Make a certificate for 127.0.0.1 that nobody vouches for."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ("-subj", "/CN=check", "-addext", "subjectAltName=IP:127.0.0.1")
    files = ("-keyout", str(key), "-out", str(cert))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files],
        check=True,
        capture_output=True,
    )
    http._contexts.clear()
    yield cert, key
    http._contexts.clear()


async def test_https_is_verified_unless_told(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown authority is critical, passes where the check does not mind, and passes once it is known."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    def wrap(stream: trio.abc.Stream) -> trio.abc.Stream:
        return trio.SSLStream(stream, context, server_side=True, https_compatible=True)

    async with serving(says(OK), wrap) as server:
        url = f"https://127.0.0.1:{server.port}/"
        stranger = await check_http(definition(http=url))
        assert stranger.status is CheckStatus.CRITICAL
        assert "certificate verify failed" in stranger.output
        careless = await check_http(definition(http=url, tls_skip_verify=True))
        assert careless == Outcome(CheckStatus.PASSING, f"HTTP GET {url}: 200 OK Output: up")
        http._contexts.clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert (await check_http(definition(http=url))).status is CheckStatus.PASSING


async def test_https_of_a_server_without_tls() -> None:
    """It is critical, with OpenSSL's reason."""
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")

        async def refuse(stream: trio.SocketStream) -> None:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        nursery.start_soon(trio.serve_listeners, refuse, listeners)
        outcome = await check_http(definition(http=f"https://127.0.0.1:{listeners[0].socket.getsockname()[1]}/"))
        nursery.cancel_scope.cancel()
    assert outcome.status is CheckStatus.CRITICAL
    assert "SSL" in outcome.output
