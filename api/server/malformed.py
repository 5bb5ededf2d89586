"""What is no HTTP request, and one sentence that says what was wrong with it.

No route has a say in it, so the answer is plain text in every dialect, and the connection ends.
"""

import re
from typing import Final

import h11

LINE_SHOWN_MAX: Final = 80
"""Bytes of a request line that a sentence repeats."""

NOT_HTTP: Final = "this is not an HTTP request: it begins with METHOD TARGET HTTP/1.1 on one line"
TLS: Final = "this is TLS, and this port speaks HTTP without it: use http://"
NOT_ASCII: Final = "the request target has letters beyond ASCII: percent-encode them"
TOO_LARGE: Final = "the request line and headers are too large: at most {bound} bytes"
TOO_MANY: Final = "the request has too many headers: at most 256"
VERSION: Final = "HTTP/{version} is not spoken here: use HTTP/1.1"

_REQUEST_LINE: Final = re.compile(rb"\A[!#$%&'*+.^_`|~0-9A-Za-z-]+ (?P<target>[^ ]+) HTTP/(?P<version>[0-9.]+)\r?\n")
_TLS_RECORD: Final = re.compile(rb"\A\x16\x03[\x00-\x04]")
_SENTENCES: Final = (
    ("Missing mandatory Host", "HTTP/1.1 asks for one Host header, and there is none"),
    ("Found multiple Host", "HTTP/1.1 asks for one Host header, and there are several"),
    ("conflicting Content-Length", "there are several Content-Length headers that differ"),
    ("bad Content-Length", "Content-Length is not a whole number of bytes"),
    ("multiple Transfer-Encoding", "there are several Transfer-Encoding headers: only chunked is taken"),
    ("Only Transfer-Encoding", "Transfer-Encoding may only be chunked"),
    ("illegal header line", "a header is not NAME: VALUE, with no blank before the colon and no control characters"),
    ("continuation line", "the first header begins with a blank"),
    ("illegal chunk", "the body is not chunked as Transfer-Encoding says"),
    ("malformed chunk", "the body is not chunked as Transfer-Encoding says"),
)


def describe(wrong: h11.RemoteProtocolError, begin: bytes, head_size_max: int) -> tuple[int, str]:
    """Return status and sentence for what h11 refused; `begin` is what the client sent, from the request line on."""
    if wrong.error_status_hint == 431 and "headers" in str(wrong):
        return 431, TOO_MANY
    if wrong.error_status_hint == 431:
        return 431, TOO_LARGE.format(bound=head_size_max)
    text = str(wrong)
    for mark, sentence in _SENTENCES:
        if mark in text:
            return wrong.error_status_hint, sentence
    return wrong.error_status_hint, _describe_line(begin)


def _describe_line(begin: bytes) -> str:
    if _TLS_RECORD.match(begin):
        return TLS
    line = _REQUEST_LINE.match(begin)
    if line is None:
        return NOT_HTTP
    if not line["version"].startswith(b"1."):
        return VERSION.format(version=line["version"][:LINE_SHOWN_MAX].decode("ascii"))
    if not line["target"].isascii():
        return NOT_ASCII
    return "a header of the request cannot be read"
