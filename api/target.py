"""The target of a request, before routing: what Go's server and its ServeMux do to it, and what they refuse.

A path is cleaned up to where an id begins, and no further: an id may hold slashes, also two in a row, as a URL does. (A
Consul cleans the whole path, so such an id cannot be reached there.)
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

QUERY_SIZE_MAX: Final = 32 << 10
"""64 addresses of 255 characters fit."""

HTTP_SCHEMES: Final = ("http://", "https://")

_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class TargetRefused(Exception):
    """A target that no route may see."""

    status: int
    code: str
    sentence: str


def read_path(raw_path: bytes) -> bytes:
    """Return the path of a target, also of one with scheme and host before it, as proxies write it.

    Raises:
        TargetRefused: 400, there is no path, or a percent sign without two hex digits in it.
    """
    path = raw_path
    if not path.startswith(b"/"):
        lowered = path.lower()
        scheme = next((scheme for scheme in HTTP_SCHEMES if lowered.startswith(scheme.encode())), None)
        slash = path.find(b"/", len(scheme)) if scheme else -1
        if slash < 0:
            raise TargetRefused(400, "INVALID_REQUEST", "the request target does not begin with /")
        path = path[slash:]
    if b"%" in path and (bad := _BAD_ESCAPE.search(path)):
        shown = path[bad.start() : bad.start() + 3].decode("ascii", "replace")
        raise TargetRefused(400, "INVALID_REQUEST", f"the path has {shown!a}: two hex digits follow a percent sign")
    return path


def check_query(query: bytes) -> None:
    """Refuse a query that is too long.

    Raises:
        TargetRefused: 414.
    """
    if len(query) > QUERY_SIZE_MAX:
        sentence = f"the query has {len(query)} bytes, at most {QUERY_SIZE_MAX}"
        raise TargetRefused(414, "QUERY_TOO_LONG", sentence)


class PathCleaner:
    """Cleans paths of empty and dot segments, up to where an id begins."""

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        """Keep what precedes an id: each prefix begins and ends with a slash."""
        self._prefixes = frozenset(prefixes)
        self._depth = max((prefix.count("/") for prefix in self._prefixes), default=0)
        self._ways = frozenset(
            prefix[: end + 1] for prefix in self._prefixes for end, letter in enumerate(prefix) if letter == "/"
        )

    def clean(self, path: bytes) -> bytes:
        """Return a raw path as it should have been asked for, in time that grows with its length."""
        if b"//" not in path and b"/." not in path:
            return path
        segments = path.split(b"/")[1:]
        done: list[bytes] = []
        for number, segment in enumerate(segments):
            is_name = segment not in (b"", b".", b"..")
            if is_name and len(done) <= self._depth:
                way = _way(done)
                if way in self._prefixes and _way([*done, segment]) not in self._ways:
                    return way.encode() + b"/".join(segments[number:])  # from here on it is an id
            if segment == b"..":
                del done[-1:]
            elif is_name:
                done.append(segment)
        end = b"/" if segments[-1] == b"" and done else b""
        return b"/" + b"/".join(done) + end


def _way(segments: list[bytes]) -> str:
    return "".join(f"/{unquote(segment.decode('ascii', 'replace'))}" for segment in segments) + "/"
