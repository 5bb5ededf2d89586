"""Addresses at the edge of the machine: what is bound, what others are told, and what a seed's name means."""

import errno
import socket
from functools import partial
from ipaddress import ip_address

import trio

from protocol.address import Address, split_host_port
from protocol.error import InvalidRequest

RESOLVED_MAX = 16
"""Addresses taken of one name: a headless service of a thousand pods needs no more to be joined through."""
HOST_SHOWN_MAX = 80
"""What is quoted of a name that is no name."""

RESOLVED_AT_ONCE_MAX = 16
"""Names asked for at once, each in a thread that lasts as long as the resolver wants: 5 s and more for a server that
does not answer, though nobody waits for it any more. Of the threads that Trio shares they must take none: files are
written there."""

_ROUTE_PROBES = {4: "192.0.2.1", 6: "2001:db8::1"}
"""Documentation addresses (RFC 5737, RFC 3849): the kernel picks a route to them, and no packet is sent."""
_ROUTE_PROBE_PORT = 9


def is_wildcard(address: Address) -> bool:
    """Tell whether an address stands for all of the machine's (0.0.0.0 or ::)."""
    return ip_address(address.host).is_unspecified


def advertise_address(bound: Address, advertise: Address | None) -> Address:
    """Give the address that others are told.

    Args:
        bound: as the socket was bound, its port known.
        advertise: as configured; port 0 stands for the bound port, None for the bound address, or the default
            route's where that is a wildcard.

    Raises:
        InvalidRequest: a wildcard is to be advertised, or there is no default route to take one from.
    """
    if advertise is not None:
        if is_wildcard(advertise):
            raise InvalidRequest(
                f"--advertise {advertise.host} is no address that others can reach: give one of this machine's"
            )
        return Address(advertise.host, advertise.port or bound.port)
    if not is_wildcard(bound):
        return bound
    host = default_route_host(ip_address(bound.host).version)
    if host is None:
        raise InvalidRequest(
            f"bound to all addresses ({bound.host}), and there is no default route to tell which one others "
            "reach: give --advertise ADDRESS, or --bind ADDRESS:PORT"
        )
    return Address(host, bound.port)


def default_route_host(version: int) -> str | None:
    """Give this machine's address on the default route of IP version 4 or 6; None where there is none.

    A UDP socket is connected, which asks the kernel for a route and sends nothing.
    """
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((_ROUTE_PROBES[version], _ROUTE_PROBE_PORT))
            host: str = probe.getsockname()[0]
    except OSError:
        return None
    return None if ip_address(host).is_unspecified else host


class Resolver:
    """Asks the system's resolver, in threads of its own. Made inside Trio, one for each node."""

    def __init__(self) -> None:
        self._threads = trio.CapacityLimiter(RESOLVED_AT_ONCE_MAX)

    async def resolve(self, text: str, default_port: int) -> list[Address]:
        """Find the addresses that "host:port" or "host" stands for, at most 16, in the resolver's order.

        The resolver may take long; the time limit is the caller's.

        Raises:
            InvalidRequest: not host:port, or a name that cannot be resolved.
        """
        try:
            host, port = split_host_port(text, default_port)
        except ValueError as wrong:
            raise InvalidRequest(str(wrong)) from None
        try:
            return [Address(str(ip_address(host)), port)]
        except ValueError:
            pass
        ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_DGRAM)
        try:
            found = await trio.to_thread.run_sync(ask, abandon_on_cancel=True, limiter=self._threads)
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a host name"
            shown = host if len(host) <= HOST_SHOWN_MAX else host[:HOST_SHOWN_MAX] + "..."
            raise InvalidRequest(f"the name {shown!r} cannot be resolved: {reason}") from None
        addresses = dict.fromkeys(Address(str(entry[4][0]), port) for entry in found)
        return list(addresses)[:RESOLVED_MAX]


def bind_sentence(error: OSError, address: Address, what: str) -> str:
    """Say in one sentence why `what` ("gossip", "HTTP") cannot listen on an address."""
    match error.errno:
        case errno.EADDRINUSE:
            reason = "the port is in use: another agent may be running; give another port, or 0 for any"
        case errno.EACCES | errno.EPERM:
            reason = "this user may not listen there: take a port of 1024 or more"
        case errno.EADDRNOTAVAIL:
            reason = "this machine has no such address"
        case errno.EAFNOSUPPORT:
            reason = "this machine does not speak that version of IP"
        case _:
            reason = error.strerror or str(error)
    return f"{what} cannot listen on {address}: {reason}"
