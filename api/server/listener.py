"""Where to listen: the address, the TLS files, and one sentence when either cannot be had."""

import errno
import ssl
from dataclasses import dataclass
from ipaddress import ip_address
from os import strerror
from socket import AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from typing import Final

from api.server.places import CONNECTIONS_MAX
from protocol.address import Address

BACKLOG: Final = 256
"""Connections that the system holds until they are accepted."""


class ListenFailed(Exception):
    """An address cannot be listened on; the text is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class ListenConfig:
    """Where to listen and how."""

    address: Address
    """An IP address; port 0 takes any free port."""
    tls: ssl.SSLContext | None = None
    beyond_loopback: bool = False
    """Whether an address other than loopback is allowed: only with access control, or on purpose."""
    connections_max: int = CONNECTIONS_MAX
    """Open at once; fewer where the system allows the process fewer open files."""


def load_tls(certificate_file: str, key_file: str, held: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """Read a certificate chain and its key; into the context held, its next connections use them.

    Raises:
        ListenFailed: a file cannot be read, or is not what it should be; the context held is unchanged.
    """
    try:
        fresh = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        fresh.load_cert_chain(certificate_file, key_file)
        fresh.set_alpn_protocols(["http/1.1"])
        if held is not None:
            held.load_cert_chain(certificate_file, key_file)
    except (OSError, ValueError) as wrong:  # ssl.SSLError is an OSError
        reason = wrong.strerror or str(wrong) if isinstance(wrong, OSError) else str(wrong)
        raise ListenFailed(f"TLS cannot use {certificate_file} with {key_file}: {reason}") from None
    return held or fresh


def listen(config: ListenConfig) -> socket:
    """Return a listening socket that does not block.

    Raises:
        ListenFailed: the port is in use, or not ours to take, or lies beyond loopback unallowed; nothing is left open.
    """
    address = config.address
    ip = ip_address(address.host)
    if not ip.is_loopback and not config.beyond_loopback:
        raise ListenFailed(
            f"HTTP will not listen on {address}: without access control whoever reaches it commands this node; "
            "use a loopback address, ask for tokens with --acl, or allow it as it is with http_allow_open"
        )
    listener = socket(AF_INET6 if ip.version == 6 else AF_INET, SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        if ip.version == 6:
            listener.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1)
        listener.bind((address.host, address.port))
        listener.listen(BACKLOG)  # with SO_REUSEADDR some systems find only here that the port is in use
    except OSError as wrong:
        listener.close()
        raise _listen_failed(address, wrong) from None
    return listener


def _listen_failed(address: Address, wrong: OSError) -> ListenFailed:
    reasons = {
        errno.EADDRINUSE: "the port is in use by another program",
        errno.EACCES: "this user may not take that port",
        errno.EADDRNOTAVAIL: "no interface of this machine has that address",
    }
    reason = reasons.get(wrong.errno or 0) or strerror(wrong.errno or 0).lower()
    return ListenFailed(f"HTTP cannot listen on {address}: {reason}")
