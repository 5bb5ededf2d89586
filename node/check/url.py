"""URLs of HTTP checks, read as Go's net/url reads them: the same on every version of Python.

urllib.parse takes more and less by the version: newer ones refuse `http://[127.0.0.1]/`, which clients register, all
take blanks and `%zz`. Reading follows Go 1.15's url.Parse, and the words of errors are its own, as Consul 1.8.7 shows
them. Within, a URL is text of one letter per byte (latin-1): Go reads bytes.
"""

import re
from base64 import b64encode
from dataclasses import dataclass, replace
from string import ascii_letters, digits, hexdigits
from typing import Final, Self

_UNRESERVED: Final = frozenset(ascii_letters + digits + "-_.~")
_HOST: Final = _UNRESERVED | frozenset("!$&'()*+,;=:[]<>\"")
_PATH: Final = _UNRESERVED | frozenset("$&+,/:;=@")
"""What Go writes plainly in a path."""
_PATH_SENT: Final = _PATH | frozenset("!'()*[]%")
"""What may stand in a path that is sent as it was written."""
_USER: Final = frozenset(ascii_letters + digits + "-._:~!$&'()*+,;=%@")
_SCHEME: Final = frozenset(ascii_letters + digits + "+-.")
_DIGITS: Final = frozenset(digits)
_ASCII_END: Final = "\x80"
_HIDDEN: Final = "***"
"""In place of a password, as Go's HTTP client puts it."""


class BadUrl(ValueError):
    """Text that is no URL; the message is Go's, without the text."""


@dataclass(frozen=True, slots=True)
class Url:
    """A URL, taken apart: letters are bytes, and percent-escapes are resolved in `user`, `password`, `host`, `path`."""

    scheme: str = ""
    """In lower case."""
    opaque: str = ""
    """What follows a scheme without a slash."""
    user: str | None = None
    password: str | None = None
    host: str = ""
    """With its port, and its brackets."""
    path: str = ""
    raw_path: str = ""
    """As it was written."""
    query: str = ""
    has_empty_query: bool = False
    fragment: str = ""
    """As it was written."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL.

        Raises:
            BadUrl: Go would not take it.
        """
        rest = text.encode(errors="replace").decode("latin-1")
        rest, _, fragment = rest.partition("#")
        url = cls._parse(rest)
        _unescape(fragment)
        return replace(url, fragment=fragment)

    @classmethod
    def _parse(cls, text: str) -> Self:
        if any(letter < " " or letter == "\x7f" for letter in text):
            raise BadUrl("net/url: invalid control character in URL")
        if text == "*":
            return cls(path="*", raw_path="*")
        scheme, rest = _cut_scheme(text)
        has_empty_query = rest.endswith("?") and rest.count("?") == 1
        rest, _, query = rest.partition("?")
        if not rest.startswith("/"):
            if scheme:
                return cls(scheme, opaque=rest, query=query, has_empty_query=has_empty_query)
            if ":" in rest.partition("/")[0]:
                raise BadUrl("first path segment in URL cannot contain colon")
        user = password = None
        host = ""
        if rest.startswith("//") and (scheme or not rest.startswith("///")):
            authority, slash, path = rest[2:].partition("/")
            user, password, host = _read_authority(authority)
            rest = slash + path
        path = _unescape(rest)
        return cls(scheme, "", user, password, host, path, rest, query, has_empty_query)

    @property
    def shown_host(self) -> str:
        """The host as text, with its port and its brackets."""
        return _as_text(self.host)

    @property
    def hostname(self) -> str:
        """The host as text, without port and brackets."""
        return _as_text(_strip_brackets(self._split_host()[0]))

    @property
    def port(self) -> str:
        """The port, digits of any count; empty: none is given."""
        return self._split_host()[1]

    @property
    def authorization(self) -> str:
        """What the header says for user and password; empty: there are none."""
        if self.user is None:
            return ""
        return "Basic " + b64encode(f"{self.user}:{self.password or ''}".encode("latin-1")).decode()

    @property
    def target(self) -> bytes:
        """What is asked for in the first line of a request."""
        query = f"?{self.query}" if self.query or self.has_empty_query else ""
        return ((self._escaped_path() or "/") + query).encode("latin-1")

    def show(self) -> str:
        """Write it as Go does, its password hidden."""
        text = f"{self.scheme}:" if self.scheme else ""
        if self.opaque:
            text += self.opaque
        else:
            if self.host or self.user is not None or (self.scheme and self.path):
                text += f"//{self._shown_user()}{_escape(self.host, _HOST)}"
            path = self._escaped_path()
            text += f"/{path}" if path and not path.startswith("/") and self.host else path
        if self.query or self.has_empty_query:
            text += f"?{self.query}"
        return _as_text(text + (f"#{self.fragment}" if self.fragment else ""))

    def without_empty_port(self) -> Self:
        """Drop a colon that no port follows."""
        return replace(self, host=self.host.removesuffix(":"))

    def resolve(self, location: str) -> Self:
        """Read where a redirect from here leads.

        Raises:
            BadUrl: the location is no URL.
        """
        to = self.parse(location)
        if to.scheme:
            return to
        if to.host or to.user is not None:
            return replace(to, scheme=self.scheme)
        query, has_empty_query = to.query, to.has_empty_query
        if not to.raw_path:
            if not query and not has_empty_query:
                query, has_empty_query = self.query, self.has_empty_query
            raw_path = self.raw_path
        elif to.raw_path.startswith("/"):
            raw_path = _clean(to.raw_path)
        else:
            raw_path = _clean(self.raw_path.rpartition("/")[0] + "/" + to.raw_path)
        path = _unescape(raw_path)
        return replace(
            self, path=path, raw_path=raw_path, query=query, has_empty_query=has_empty_query, fragment=to.fragment
        )

    def _shown_user(self) -> str:
        if self.user is None:
            return ""
        user = _escape(self.user, _UNRESERVED | frozenset("$&+,;="))
        return f"{user}@" if self.password is None else f"{user}:{_HIDDEN if self.password else ''}@"

    def _split_host(self) -> tuple[str, str]:
        host, colon, port = self.host.rpartition(":")
        return (host, port) if colon and _DIGITS.issuperset(port) else (self.host, "")

    def _escaped_path(self) -> str:
        if self.path == "*" or _PATH_SENT.issuperset(self.raw_path):
            return self.raw_path
        return _escape(self.path, _PATH)


def quote_go(text: str) -> str:
    """Quote text as Go's %q does: what is not printable as an escape."""
    return '"' + "".join(_quote_letter(letter) for letter in text) + '"'


def hide_password(text: str) -> str:
    """Write a URL, readable or not, without its password: what a check says is told to all members."""
    scheme, mark, rest = text.partition("://")
    try:
        Url.parse(text)
        end = len(re.split("[/?#]", rest, maxsplit=1)[0])
    except BadUrl:
        end = len(rest)
    userinfo, at, host = rest[:end].rpartition("@")
    user, colon, password = userinfo.partition(":")
    if not (mark and at and password):
        return text
    return f"{scheme}://{user}{colon}{_HIDDEN}@{host}{rest[end:]}"


def _cut_scheme(text: str) -> tuple[str, str]:
    head, colon, rest = text.partition(":")
    if not colon:
        return "", text
    if not head:
        raise BadUrl("missing protocol scheme")
    if not _SCHEME.issuperset(head) or head[0] not in ascii_letters:
        return "", text
    return head.lower(), rest


def _read_authority(text: str) -> tuple[str | None, str | None, str]:
    userinfo, at, host = text.rpartition("@")
    host = _read_host(host)
    if not at:
        return None, None, host
    if not _USER.issuperset(userinfo):
        raise BadUrl("net/url: invalid userinfo")
    user, colon, password = userinfo.partition(":")
    return (
        _unescape(user),
        _unescape(password) if colon else None,
        host,
    )


def _read_host(text: str) -> str:
    if text.startswith("["):
        end = text.rfind("]")
        if end < 0:
            raise BadUrl("missing ']' in host")
        _check_port(text[end + 1 :])
        zone = text.find("%25", 0, end)
        if zone >= 0:
            start, scope, rest = text[:zone], text[zone:end], text[end:]
            _check_zone(scope)
            return _unescape_host(start) + _resolve(scope) + _unescape_host(rest)
    elif ":" in text:
        _check_port(text[text.rindex(":") :])
    return _unescape_host(text)


def _check_port(text: str) -> None:
    if text and not (text.startswith(":") and _DIGITS.issuperset(text[1:])):
        raise BadUrl(f"invalid port {quote_go(_as_text(text))} after host")


def _check_zone(text: str) -> None:
    for escape in _escapes(text):
        value = chr(int(escape[1:], 16))
        if escape != "%25" and value != " " and value not in _HOST:
            raise _bad_escape(escape)
    _check_host_letters(text)


def _unescape(text: str) -> str:
    _escapes(text)
    return _resolve(text)


def _unescape_host(text: str) -> str:
    for escape in _escapes(text):
        if int(escape[1], 16) < 8 and escape != "%25":  # a host escapes no ASCII
            raise _bad_escape(escape)
    _check_host_letters(text)
    return _resolve(text)


def _escapes(text: str) -> list[str]:
    """Find the escapes; a `%` that is none is refused."""
    found: list[str] = []
    at = text.find("%")
    while at >= 0:
        escape = text[at : at + 3]
        if len(escape) < 3 or escape[1] not in hexdigits or escape[2] not in hexdigits:
            raise _bad_escape(escape)
        found.append(escape)
        at = text.find("%", at + 3)
    return found


def _bad_escape(escape: str) -> BadUrl:
    return BadUrl(f"invalid URL escape {quote_go(_as_text(escape))}")


def _check_host_letters(text: str) -> None:
    for letter in text:
        if letter < _ASCII_END and letter != "%" and letter not in _HOST:
            raise BadUrl(f"invalid character {quote_go(letter)} in host name")


def _resolve(text: str) -> str:
    head, *parts = text.split("%")
    return head + "".join(chr(int(part[:2], 16)) + part[2:] for part in parts)


def _escape(text: str, plain: frozenset[str]) -> str:
    return "".join(letter if letter in plain else f"%{ord(letter):02X}" for letter in text)


def _clean(path: str) -> str:
    """Resolve the dots of a path, as RFC 3986 does in section 5.2.4."""
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            kept = kept[:-1]
        elif part != ".":
            kept.append(part)
    if parts[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept).removeprefix("/")


def _strip_brackets(host: str) -> str:
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def _as_text(letters: str) -> str:
    return letters.encode("latin-1").decode(errors="replace")


def _quote_letter(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    named = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    if letter in named:
        return named[letter]
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
