"""Who sends a request, as far as its headers show: a web page must not drive an API on loopback.

A browser reaches this port from any page, by address or by a name that the page's owner points here. It cannot hide
what it is: it sends Host, Origin with what it posts, and Sec-Fetch-Site or at least Referer and its own User-Agent
with the rest.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from api.answer import echo
from protocol.address import split_host_port

HOSTS_REMEMBERED_MAX: Final = 64
"""Host headers known to be good; a node is called by a handful of names."""

_OWN_SITES: Final = (b"same-origin", b"none")
"""What Sec-Fetch-Site may be with a change: this API's own page, or a person who typed the address."""
_BROWSER: Final = b"Mozilla/"
"""With which every browser's User-Agent begins."""


@dataclass(slots=True)
class Sender:
    """The headers by which a sender is judged; None: not sent."""

    host: bytes | None = None
    origin: bytes | None = None
    site: bytes | None = None
    """Sec-Fetch-Site."""
    referer: bytes | None = None
    agent: bytes | None = None
    """User-Agent."""


class OriginPolicy:
    """Judges senders."""

    def __init__(self, allowed_hosts: frozenset[str]) -> None:
        """Keep further names, in lower case, by which this API may be called."""
        self._allowed_hosts = allowed_hosts
        self._known_hosts: set[bytes] = set()

    def refuse(self, sender: Sender, changes: bool) -> str | None:
        """Return why a request is refused; None: it is not. `changes`: its route changes something."""
        return self._refuse_host(sender.host) or _refuse_origin(sender) or (_refuse_page(sender) if changes else None)

    def _refuse_host(self, host: bytes | None) -> str | None:
        if host is None or host in self._known_hosts:  # only HTTP/1.0 goes without, and no browser speaks it
            return None
        text = host.decode("latin-1")
        if not self._is_own_host(text):
            return f"the Host {echo(text)} is neither an IP address, localhost nor an allowed name"
        if len(self._known_hosts) >= HOSTS_REMEMBERED_MAX:
            self._known_hosts.clear()
        self._known_hosts.add(host)
        return None

    def _is_own_host(self, text: str) -> bool:
        try:
            name, _ = split_host_port(text, default_port=0)
        except ValueError:
            return False
        if name.lower() == "localhost" or name.lower() in self._allowed_hosts:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True


def _refuse_origin(sender: Sender) -> str | None:
    if sender.origin is None or _is_own(sender.origin, sender.host):
        return None
    return f"requests from the web origin {echo(sender.origin.decode('latin-1').lower())} are not served"


def _refuse_page(sender: Sender) -> str | None:
    """Refuse a change that a web page asks for: by GET, as an image or a link, it comes without an Origin."""
    if sender.site is not None:
        if sender.site.strip().lower() in _OWN_SITES:
            return None
        return (
            f"a web page of another site (Sec-Fetch-Site: {echo(sender.site.decode('latin-1'))}) changes nothing here"
        )
    if sender.origin is not None:  # this API's own, or it would not be here
        return None
    if sender.referer is not None and not _is_own(sender.referer, sender.host, is_whole=False):
        return f"a web page ({echo(sender.referer.decode('latin-1'))}) changes nothing here"
    if sender.agent is not None and sender.agent.startswith(_BROWSER):
        return "a browser changes nothing here: use the command line, or a program that does not call itself Mozilla"
    return None


def _is_own(url: bytes, host: bytes | None, is_whole: bool = True) -> bool:
    """Return whether an Origin, or with `is_whole` false the beginning of a Referer, is this API itself."""
    if not host:
        return False
    lowered, own = url.lower(), host.lower()
    origins = (b"http://" + own, b"https://" + own)
    if is_whole:
        return lowered in origins
    return lowered in origins or lowered.startswith(tuple(origin + b"/" for origin in origins))
