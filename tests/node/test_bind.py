"""What is advertised for what is bound, and what a seed's name stands for."""

import errno
import socket
from typing import Any

import pytest

from node import bind
from node.bind import RESOLVED_MAX, Resolver, advertise_address, bind_sentence, default_route_host, is_wildcard
from protocol.address import Address
from protocol.error import InvalidRequest


def _answer_with(hosts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer from a list, as a DNS server would."""

    def getaddrinfo(host: str, port: int, **_: Any) -> Any:
        host.encode("idna")
        if not hosts:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (found, port)) for found in hosts]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    ("bound", "advertise", "told"),
    [
        (Address("10.0.0.1", 7000), None, Address("10.0.0.1", 7000)),
        (Address("0.0.0.0", 7000), Address("192.0.2.7", 0), Address("192.0.2.7", 7000)),
        (Address("::", 7000), Address("2001:db8::7", 9000), Address("2001:db8::7", 9000)),
        (Address("127.0.0.1", 7000), Address("192.0.2.7", 9), Address("192.0.2.7", 9)),
    ],
)
def test_advertise_prefers_what_it_is_told(bound: Address, advertise: Address | None, told: Address) -> None:
    """A configured address wins, port 0 in it is the bound port; a real bound address stands for itself."""
    assert advertise_address(bound, advertise) == told


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_advertise_of_a_wildcard_is_the_default_route(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound everywhere: others are told the address that leads outside, of the same IP version."""
    monkeypatch.setattr(bind, "default_route_host", {4: "10.1.2.3", 6: "fd00::3"}.get)
    assert advertise_address(Address(host, 7), None) == Address("10.1.2.3" if host == "0.0.0.0" else "fd00::3", 7)


@pytest.mark.parametrize(("advertise", "says"), [(None, "give --advertise"), (Address("0.0.0.0", 1), "no address")])
def test_advertise_without_a_reachable_address_says_what_to_give(
    advertise: Address | None, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No default route, or a wildcard advertised: refused in a sentence."""
    monkeypatch.setattr(bind, "default_route_host", lambda version: None)
    with pytest.raises(InvalidRequest, match=says):
        advertise_address(Address("0.0.0.0", 7), advertise)


@pytest.mark.parametrize("version", [4, 6])
def test_default_route_host_is_of_its_version_or_none(version: int) -> None:
    """Whatever this machine has: an address that is no wildcard, or None."""
    host = default_route_host(version)
    assert host is None or not is_wildcard(Address(host, 0))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1", Address("127.0.0.1", 7946)),
        ("[::1]:9", Address("::1", 9)),
        ("2001:db8:0::1", Address("2001:db8::1", 7946)),
    ],
)
async def test_resolve_takes_ip_addresses_as_they_are(text: str, found: Address) -> None:
    """An IP address needs no resolver; the default port fills in."""
    assert await Resolver().resolve(text, 7946) == [found]


async def test_resolve_gives_each_address_once_and_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name's addresses come in the resolver's order, without repeats, at most 16."""
    _answer_with([f"10.0.{n // 2}.1" for n in range(100)], monkeypatch)
    found = await Resolver().resolve("pods.example:99", 1)
    assert found == [Address(f"10.0.{n}.1", 99) for n in range(RESOLVED_MAX)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nobody.example", "the name 'nobody.example' cannot be resolved: Name or service not known"),
        ("x" * 70 + ".example", "cannot be resolved"),
        ("a:b", "'b' is no port"),
        ("", "has no host"),
        ("http://x", "is no port"),
    ],
)
async def test_resolve_says_what_is_wrong(text: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no address, or is nobody's name, is refused in a sentence."""
    _answer_with([], monkeypatch)
    with pytest.raises(InvalidRequest, match=says):
        await Resolver().resolve(text, 7946)


def test_bind_sentence_of_a_port_in_use_names_the_address() -> None:
    """The errors of bind, made by real sockets, become a sentence with address and remedy."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", first.getsockname()[1])
        with pytest.raises(OSError, match="in use") as refused:
            second.bind(address)
    sentence = bind_sentence(refused.value, address, "gossip")
    assert sentence.startswith(f"gossip cannot listen on {address}: the port is in use")
    assert "no such address" in bind_sentence(OSError(errno.EADDRNOTAVAIL, "x"), address, "HTTP")
    assert bind_sentence(OSError(errno.EMFILE, "Too many open files"), address, "HTTP").endswith("Too many open files")
