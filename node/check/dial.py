"""TCP connections to addresses as Go's net.Dial reads them, and the words of what goes wrong.

`host:port`, where a host that is left out is this machine, a port may be the name of a service, and an IPv6 address has
brackets. What the system's resolver would read as an address and Go does not (`127.1`, `0x7f.0.0.1`) is a name that
nobody has. The words are those of Go 1.15, as Consul 1.8.7 shows them.
"""

import re
import socket
from ipaddress import IPv6Address
from typing import Final

import trio

from node.check.outcome import reason_of
from protocol.address import PORT_MAX, format_host_port

LOOPBACK: Final = ("127.0.0.1", "::1")
"""What is tried, in this order, where no host is given."""
NAME_LENGTH_MAX: Final = 253
"""Of a domain name, without the dot at its end."""
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
_QUAD: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){3}\Z")
_SERVICES: Final = {"domain": 53, "ftp": 21, "http": 80, "https": 443, "smtp": 25, "ssh": 22, "telnet": 23}
"""Known without the system's list of services, which containers go without."""


class DialError(Exception):
    """No connection; the message is Go's, from `dial tcp` on."""


async def dial(address: str) -> trio.SocketStream:
    """Connect, by IPv6 and IPv4 alike.

    Raises:
        DialError: it is no address, nobody has the name, or nobody answers.
    """
    try:
        host, port_text = split_address(address)
        port = await _read_port(port_text)
        hosts = _read_host(host)
    except ValueError as wrong:
        raise DialError(f"dial tcp: {wrong}") from None
    for tried in hosts[:-1]:
        try:
            return await trio.open_tcp_stream(tried, port)
        except OSError:
            continue
    try:
        return await trio.open_tcp_stream(hosts[-1], port)
    except (socket.gaierror, UnicodeError):
        raise DialError(f"dial tcp: lookup {host}: no such host") from None
    except (OSError, ValueError) as wrong:
        shown = format_host_port(hosts[-1] if host else "", port)
        raise DialError(f"dial tcp {shown}: connect: {reason_of(wrong)}") from None


def split_address(text: str) -> tuple[str, str]:
    """Split host and port, both as they are written; follows Go's net.SplitHostPort.

    Raises:
        ValueError: it is not host:port.
    """
    host, colon, port = text.rpartition(":")
    if not colon:
        raise _bad_address(text, "missing port in address")
    rest = text
    if text.startswith("["):
        end = text.find("]")
        if end < 0:
            raise _bad_address(text, "missing ']' in address")
        if end != len(host) - 1:
            is_more = text[end + 1 : end + 2] == ":"
            raise _bad_address(text, "too many colons in address" if is_more else "missing port in address")
        host, rest = text[1:end], text[1:end] + text[end + 1 :]
    elif ":" in host:
        raise _bad_address(text, "too many colons in address")
    for bracket in "[]":
        if bracket in rest:
            raise _bad_address(text, f"unexpected '{bracket}' in address")
    return host, port


def join_address(host: str, port: str) -> str:
    """Write host and port as one: what has a colon or a zone gets brackets."""
    return f"[{host}]:{port}" if ":" in host or "%" in host else f"{host}:{port}"


def encode_host(host: str) -> str:
    """Write a name of any letters in ASCII; one that cannot be so written stays as it is.

    Python's own codec maps as Go does here: ß is ss, and symbols are taken.
    """
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


async def _read_port(text: str) -> int:
    number = text[1:] if text[:1] in ("+", "-") else text
    if number and not (number.isascii() and number.isdigit()):
        return await _find_service(text)
    digits = number.lstrip("0") or "0"
    if len(digits) > len(str(PORT_MAX)) or int(digits) > PORT_MAX or (text.startswith("-") and digits != "0"):
        raise ValueError(f"address {text}: invalid port")
    return int(digits)


async def _find_service(name: str) -> int:
    port = _SERVICES.get(name.lower())
    if port is not None:
        return port
    try:
        return await trio.to_thread.run_sync(socket.getservbyname, name.lower(), "tcp")
    except (OSError, ValueError):  # ValueError: letters that no name has
        raise ValueError(f"address tcp/{name}: unknown port") from None


def _read_host(text: str) -> tuple[str, ...]:
    """Read which hosts are to be tried."""
    if not text:
        return LOOPBACK
    if _QUAD.match(text):
        numbers = [int(number) for number in text.split(".")]
        if max(numbers) <= 255:
            return (".".join(map(str, numbers)),)
    elif ":" in text and (address := _read_ip6(text)):
        return (address,)
    if not _is_name(text):
        raise ValueError(f"lookup {text}: no such host")
    return (text,)


def _read_ip6(text: str) -> str:
    """Read an IPv6 address, empty if it is none; its zone counts only where the address is local to a link."""
    try:
        address = IPv6Address(text)
    except ValueError:
        return ""
    return text if address.is_link_local or address.is_multicast else text.partition("%")[0]


def _is_name(text: str) -> bool:
    """Whether it may be a domain name: letters somewhere, and nothing that the system would read as an address."""
    name = text.removesuffix(".")
    if len(name) > NAME_LENGTH_MAX or not all(_LABEL.match(label) for label in name.split(".")):
        return False
    if not any(letter.isalpha() or letter in "-_" for letter in name):
        return False
    try:
        socket.inet_aton(name)
    except OSError:
        return True
    return False


def _bad_address(text: str, why: str) -> ValueError:
    return ValueError(f"address {text}: {why}")
