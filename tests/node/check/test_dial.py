"""Addresses of TCP checks, as Consul 1.8.7 reads them.

Each row of TAKEN and REFUSED is what a Consul 1.8.7 (Go 1.15) answered when a check with that address was registered
and run; PORT is where something listens, and nothing does on ports 0, 1, 53, 80 and 2049. It refuses none of them at
registration. Left out are rows that ask the network for a name.
"""

import pytest
import trio

from node.check.dial import encode_host
from node.check.outcome import Outcome
from node.check.tcp import check_tcp
from protocol.catalog.check import CheckStatus
from tests.node.check.sample import definition

TAKEN = [
    "127.0.0.1:PORT",
    "localhost:PORT",
    "LOCALHOST:PORT",
    ":PORT",
    "[::1]:PORT",
    "[127.0.0.1]:PORT",
    "[::1%lo]:PORT",
    "[::]:PORT",
    "0.0.0.0:PORT",
    "127.0.0.1:0PORT",
    "[]:PORT",
    "127.0.0.01:PORT",
    "[localhost]:PORT",
    "[::ffff:127.0.0.1]:PORT",
]
REFUSED = [
    ("::1:PORT", "dial tcp: address ::1:PORT: too many colons in address"),
    ("127.0.0.1", "dial tcp: address 127.0.0.1: missing port in address"),
    ("localhost", "dial tcp: address localhost: missing port in address"),
    ("127.0.0.1:", "dial tcp 127.0.0.1:0: connect: connection refused"),
    ("127.0.0.1:0", "dial tcp 127.0.0.1:0: connect: connection refused"),
    ("127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused"),
    ("127.0.0.1:99999", "dial tcp: address 99999: invalid port"),
    ("127.0.0.1:-1", "dial tcp: address -1: invalid port"),
    ("127.0.0.1:+1", "dial tcp 127.0.0.1:1: connect: connection refused"),
    ("127.0.0.1:abc", "dial tcp: address tcp/abc: unknown port"),
    ("127.0.0.1:http", "dial tcp 127.0.0.1:80: connect: connection refused"),
    ("127.0.0.1:HTTP", "dial tcp 127.0.0.1:80: connect: connection refused"),
    ("127.0.0.1: PORT", "dial tcp: address tcp/ PORT: unknown port"),
    (" 127.0.0.1:PORT", "dial tcp: lookup  127.0.0.1: no such host"),
    ("127.0.0.1:PORT ", "dial tcp: address tcp/PORT : unknown port"),
    ("127.0.0.1 :PORT", "dial tcp: lookup 127.0.0.1 : no such host"),
    ("127.0.0.1:80:80", "dial tcp: address 127.0.0.1:80:80: too many colons in address"),
    ("[::1]", "dial tcp: address [::1]: missing port in address"),
    ("[::1]PORT", "dial tcp: address [::1]PORT: missing port in address"),
    ("[::1:PORT", "dial tcp: address [::1:PORT: missing ']' in address"),
    ("::1]:PORT", "dial tcp: address ::1]:PORT: too many colons in address"),
    ("[[::1]]:PORT", "dial tcp: address [[::1]]:PORT: missing port in address"),
    (":", "dial tcp :0: connect: connection refused"),
    (":http", "dial tcp :80: connect: connection refused"),
    ("http://127.0.0.1:PORT", "dial tcp: address http://127.0.0.1:PORT: too many colons in address"),
    ("tcp://127.0.0.1:PORT", "dial tcp: address tcp://127.0.0.1:PORT: too many colons in address"),
    ("127.0.0.1/x:PORT", "dial tcp: lookup 127.0.0.1/x: no such host"),
    ("a b:PORT", "dial tcp: lookup a b: no such host"),
    ("b\u00fccher.invalid:PORT", "dial tcp: lookup b\u00fccher.invalid: no such host"),
    ("ex..ample:PORT", "dial tcp: lookup ex..ample: no such host"),
    ("127.1:PORT", "dial tcp: lookup 127.1: no such host"),
    ("2130706433:PORT", "dial tcp: lookup 2130706433: no such host"),
    ("0:PORT", "dial tcp: lookup 0: no such host"),
    ("256.1.1.1:PORT", "dial tcp: lookup 256.1.1.1: no such host"),
    ("-x:PORT", "dial tcp: lookup -x: no such host"),
    ("127.0.0.1:\uff14", "dial tcp: address tcp/\uff14: unknown port"),
    ("127.0.0.1:8_0", "dial tcp: address tcp/8_0: unknown port"),
    ("127.0.0.1:0x50", "dial tcp: address tcp/0x50: unknown port"),
    ("127.0.0.1:65536", "dial tcp: address 65536: invalid port"),
    ("127.0.0.1:18446744073709551617", "dial tcp: address 18446744073709551617: invalid port"),
    ("127.0.0.1:80a", "dial tcp: address tcp/80a: unknown port"),
    ("127.0.0.1:domain", "dial tcp 127.0.0.1:53: connect: connection refused"),
    ("127.0.0.1:nfs", "dial tcp 127.0.0.1:2049: connect: connection refused"),
    ("a%b:PORT", "dial tcp: lookup a%b: no such host"),
    ("127.0.0.1%lo:PORT", "dial tcp: lookup 127.0.0.1%lo: no such host"),
    ("*:PORT", "dial tcp: lookup *: no such host"),
    ("127.0.0.1:PORT\n", "dial tcp: address tcp/PORT\n: unknown port"),
    ("127.0.0.1\u0000:PORT", "dial tcp: lookup 127.0.0.1\u0000: no such host"),
    ("\u0001:1", "dial tcp: lookup \u0001: no such host"),
    (
        "x" * 300 + ":80",
        "dial tcp: lookup " + "x" * 300 + ": no such host",
    ),
]
"""Address, and the outcome's words."""


@pytest.mark.parametrize("address", TAKEN)
async def test_address_that_is_taken(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Brackets around anything, no host, names of services, zeros in front."""
    connect = trio.open_tcp_stream
    async with (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0] as listener:
        wanted = listener.socket.getsockname()[1]

        async def lead(host: str, port: int) -> trio.SocketStream:
            assert port == wanted
            return await connect("127.0.0.1", port)  # not every machine has ::1

        monkeypatch.setattr(trio, "open_tcp_stream", lead)
        text = address.replace("PORT", str(wanted))
        outcome = await check_tcp(definition(tcp=text))
    assert outcome == Outcome(CheckStatus.PASSING, f"TCP connect {text}: Success")


@pytest.mark.parametrize(("address", "words"), REFUSED, ids=lambda value: ascii(value[:40]))
async def test_address_that_is_refused(address: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Critical, in Go's words; what is no name is not looked up."""

    async def refuse(host: str, port: int) -> trio.SocketStream:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(trio, "open_tcp_stream", refuse)
    outcome = await check_tcp(definition(tcp=address.replace("PORT", "21888")))
    assert outcome == Outcome(CheckStatus.CRITICAL, words.replace("PORT", "21888"))


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("B\u00dcCHER.example", "xn--bcher-kva.example"),
        ("fa\u00df.example", "fass.example"),
        ("\u2603.example", "xn--n3h.example"),
        ("localhost\u3002", "localhost."),
        ("\uff21\uff22.example", "ab.example"),
        ("a\u200db", "ab"),
        ("Plain.example", "Plain.example"),
        ("\u00fc" * 64, "\u00fc" * 64),
    ],
)
def test_name_in_ascii(name: str, ascii_name: str) -> None:
    """As Consul 1.8.7 looks names of URLs up; one that cannot be so written stays, and nobody has it."""
    assert encode_host(name) == ascii_name
