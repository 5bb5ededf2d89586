"""Where a member listens: an IP address and a port."""

from ipaddress import ip_address
from typing import NamedTuple

PORT_MAX = 65_535
PORT_LENGTH_MAX = 5


class Address(NamedTuple):
    """An IP address as text and a port; `str()` gives "10.0.0.1:7946" or "[fd00::1]:7946"."""

    host: str
    port: int

    def __str__(self) -> str:
        return format_host_port(self.host, self.port)

    def packed_host(self) -> bytes:
        """Give the 4 or 16 bytes of the IP address."""
        return ip_address(self.host).packed


def format_host_port(host: str, port: int) -> str:
    """Join host and port; an IPv6 address gets brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_host_port(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Split "host:port", "[v6]:port", "host" or a bare IPv6 address; the host may be a DNS name.

    Raises:
        ValueError: no port where none is given as default, a port beyond 0 to 65535, or no host.
    """
    host, port_text = _cut(text.strip())
    if not host:
        raise ValueError(f"{text!r} has no host")
    if any(letter.isspace() or letter in "/@?#" for letter in host):
        raise ValueError(f"{text!r} is not host:port")
    if not port_text:
        if default_port is None:
            raise ValueError(f"{text!r} has no port: give host:port")
        return host, default_port
    if not (port_text.isascii() and port_text.isdigit() and len(port_text) <= PORT_LENGTH_MAX):
        raise ValueError(f"{port_text[:16]!r} is no port: give 0 to {PORT_MAX}")
    if int(port_text) > PORT_MAX:
        raise ValueError(f"{port_text!r} is no port: give 0 to {PORT_MAX}")
    return host, int(port_text)


def _cut(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r} is not [address]:port")
        return host, rest[1:]
    if text.count(":") > 1:  # a bare IPv6 address
        return text, ""
    host, _, port = text.partition(":")
    return host, port


def parse_address(text: str, default_port: int | None = None) -> Address:
    """Read an IP address with a port; a DNS name is refused.

    Raises:
        ValueError: as `split_host_port`, or the host is no IP address.
    """
    host, port = split_host_port(text, default_port)
    return Address(str(ip_address(host)), port)
