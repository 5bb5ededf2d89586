"""URLs of HTTP checks: what is sent, and what is said of those that cannot be asked, as Consul 1.8.7 does.

Each row of SENT and REFUSED is what a Consul 1.8.7 (Go 1.15) answered when a check with that URL was registered and
run; PORT is where something listens. It refuses none of them at registration. Left out are rows that ask the network
for a name. Of passwords nothing is shown here, which is on purpose.
"""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from node.check.http import check_http
from node.check.url import BadUrl, Url, hide_password, quote_go
from protocol.catalog.check import CheckStatus
from tests.node.check.sample import definition, says, serving

SENT = [
    ("http://127.0.0.1:PORT", "/", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/", "/", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a/b?c=d", "/a/b?c=d", "127.0.0.1:PORT", ""),
    ("http://[127.0.0.1]:PORT/", "/", "127.0.0.1:PORT", ""),
    ("http://[::1]:PORT/x", "/x", "[::1]:PORT", ""),
    ("http://[::1%25lo]:PORT/x", "/x", "[::1]:PORT", ""),
    ("http://:PORT/", "/", ":PORT", ""),
    ("http://:PORT", "/", ":PORT", ""),
    ("http://localhost:PORT/", "/", "localhost:PORT", ""),
    ("http://LOCALHOST:PORT/Up", "/Up", "LOCALHOST:PORT", ""),
    ("HTTP://127.0.0.1:PORT/", "/", "127.0.0.1:PORT", ""),
    ("Http://127.0.0.1:PORT/", "/", "127.0.0.1:PORT", ""),
    ("http://user:pass@127.0.0.1:PORT/", "/", "127.0.0.1:PORT", "Basic dXNlcjpwYXNz"),
    ("http://user@127.0.0.1:PORT/", "/", "127.0.0.1:PORT", "Basic dXNlcjo="),
    ("http://us%40er:p%3Ass@127.0.0.1:PORT/", "/", "127.0.0.1:PORT", "Basic dXNAZXI6cDpzcw=="),
    ("http://:pw@127.0.0.1:PORT/", "/", "127.0.0.1:PORT", "Basic OnB3"),
    ("http://@127.0.0.1:PORT/", "/", "127.0.0.1:PORT", "Basic Og=="),
    ("http://u:@127.0.0.1:PORT/", "/", "127.0.0.1:PORT", "Basic dTo="),
    ("http://u:p:q@127.0.0.1:PORT/", "/", "127.0.0.1:PORT", "Basic dTpwOnE="),
    ("http://u@v@127.0.0.1:PORT/", "/", "127.0.0.1:PORT", "Basic dUB2Og=="),
    ("http://127.0.0.1:PORT/#frag", "/", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a#", "/a", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a?", "/a?", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT?x=1", "/?x=1", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT#f", "/", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a?b?c#d#e", "/a?b?c", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a b", "/a%20b", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a?b c", "/a?b c", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a?b%zz", "/a?b%zz", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a%2Fb", "/a%2Fb", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a%2fb%20c", "/a%2fb%20c", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/\u00e4", "/%C3%A4", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a%C3%A4", "/a%C3%A4", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/%41", "/%41", "127.0.0.1:PORT", ""),
    ('http://127.0.0.1:PORT/"quoted"', "/%22quoted%22", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/<>^`{|}\\", "/%3C%3E%5E%60%7B%7C%7D%5C", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/[x]", "/[x]", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a;b,c=d!$&'()*+@:~", "/a;b,c=d!$&'()*+@:~", "127.0.0.1:PORT", ""),
    ('http://127.0.0.1:PORT/a?q="<>^`{|}\\\u00e4', '/a?q="<>^`{|}\\\u00c3\u00a4', "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT//a//b", "//a//b", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/../a/./b", "/../a/./b", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a+b?c+d", "/a+b?c+d", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:0PORT/", "/", "127.0.0.1:0PORT", ""),
    ("http://::1:PORT/", "/", "::1:PORT", ""),
    ("http://[]:PORT/", "/", ":PORT", ""),
    ("http://[localhost]:PORT/", "/", "localhost:PORT", ""),
    ("http://127.0.0.1:PORT/ ", "/%20", "127.0.0.1:PORT", ""),
    ("http://LocalHost:PORT/", "/", "LocalHost:PORT", ""),
    ("http://127.0.0.01:PORT/", "/", "127.0.0.01:PORT", ""),
    ("http://0.0.0.0:PORT/", "/", "0.0.0.0:PORT", ""),
    ("http://[::]:PORT/", "/", "[::]:PORT", ""),
    ("http://[::ffff:127.0.0.1]:PORT/", "/", "[::ffff:127.0.0.1]:PORT", ""),
    ("http://127.0.0.1:PORT/*", "/*", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a?%", "/a?%", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a#%41", "/a", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/a?b#c d", "/a?b", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/%00", "/%00", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/%0a", "/%0a", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/%7f", "/%7f", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/\u0085", "/%C2%85", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/\u00a0", "/%C2%A0", "127.0.0.1:PORT", ""),
    ("http://127.0.0.1:PORT/\ufffd", "/%EF%BF%BD", "127.0.0.1:PORT", ""),
]
REFUSED = [
    ("http://[::1%lo]:PORT/x", 'parse "http://[::1%lo]:PORT/x": invalid URL escape "%lo"'),
    ("http://u v@127.0.0.1:PORT/", 'parse "http://u v@127.0.0.1:PORT/": net/url: invalid userinfo'),
    ("http://\u00fc@127.0.0.1:PORT/", 'parse "http://\u00fc@127.0.0.1:PORT/": net/url: invalid userinfo'),
    ("http://127.0.0.1:PORT/%zz", 'parse "http://127.0.0.1:PORT/%zz": invalid URL escape "%zz"'),
    ("http://127.0.0.1:PORT/a%", 'parse "http://127.0.0.1:PORT/a%": invalid URL escape "%"'),
    ("http://127.0.0.1:PORT/a%2", 'parse "http://127.0.0.1:PORT/a%2": invalid URL escape "%2"'),
    ("http://127.0.0.1:", 'Get "http://127.0.0.1": dial tcp 127.0.0.1:80: connect: connection refused'),
    ("http://127.0.0.1:/", 'Get "http://127.0.0.1/": dial tcp 127.0.0.1:80: connect: connection refused'),
    ("http://127.0.0.1:99999/", 'Get "http://127.0.0.1:99999/": dial tcp: address 99999: invalid port'),
    ("http://127.0.0.1:-1/", 'parse "http://127.0.0.1:-1/": invalid port ":-1" after host'),
    ("http://127.0.0.1:abc/", 'parse "http://127.0.0.1:abc/": invalid port ":abc" after host'),
    ("http://127.0.0.1:http/", 'parse "http://127.0.0.1:http/": invalid port ":http" after host'),
    ("http://127.0.0.1:+80/", 'parse "http://127.0.0.1:+80/": invalid port ":+80" after host'),
    ("http://127.0.0.1:0/", 'Get "http://127.0.0.1:0/": dial tcp 127.0.0.1:0: connect: connection refused'),
    ("http://127.0.0.1:1/", 'Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused'),
    ("http://127.0.0.1: PORT/", 'parse "http://127.0.0.1: PORT/": invalid port ": PORT" after host'),
    ("http://127.0.0.1:PORT:1/", 'Get "http://127.0.0.1:PORT:1/": dial tcp: lookup 127.0.0.1:PORT: no such host'),
    ("http://[::1/", "parse \"http://[::1/\": missing ']' in host"),
    ("http://[::1]PORT/", 'parse "http://[::1]PORT/": invalid port "PORT" after host'),
    ("http://[::1]:/", 'Get "http://[::1]/": dial tcp [::1]:80: connect: connection refused'),
    ("http://[::1", "parse \"http://[::1\": missing ']' in host"),
    ("http://]/", "Get \"http://]/\": dial tcp: address ]:80: unexpected ']' in address"),
    ("http://[::1]x:PORT/", 'parse "http://[::1]x:PORT/": invalid port "x:PORT" after host'),
    ("http:///x", 'Get "http:///x": http: no Host in request URL'),
    ("http://", 'Get "http:": http: no Host in request URL'),
    ("http:", 'Get "http:": http: no Host in request URL'),
    ("http:/127.0.0.1:PORT/", 'Get "http:///127.0.0.1:PORT/": http: no Host in request URL'),
    ("http:127.0.0.1:PORT/", 'Get "http:127.0.0.1:PORT/": http: no Host in request URL'),
    ("127.0.0.1:PORT/", 'parse "127.0.0.1:PORT/": first path segment in URL cannot contain colon'),
    ("127.0.0.1:PORT", 'parse "127.0.0.1:PORT": first path segment in URL cannot contain colon'),
    ("localhost:PORT/", 'Get "localhost:PORT/": unsupported protocol scheme "localhost"'),
    ("localhost", 'Get "localhost": unsupported protocol scheme ""'),
    ("/path", 'Get "/path": unsupported protocol scheme ""'),
    ("//127.0.0.1:PORT/", 'Get "//127.0.0.1:PORT/": unsupported protocol scheme ""'),
    ("ftp://127.0.0.1:PORT/", 'Get "ftp://127.0.0.1:PORT/": unsupported protocol scheme "ftp"'),
    ("https", 'Get "https": unsupported protocol scheme ""'),
    ("1http://x/", 'parse "1http://x/": first path segment in URL cannot contain colon'),
    ("ht-tp://127.0.0.1/", 'Get "ht-tp://127.0.0.1/": unsupported protocol scheme "ht-tp"'),
    ("ht_tp://127.0.0.1/", 'parse "ht_tp://127.0.0.1/": first path segment in URL cannot contain colon'),
    ("://127.0.0.1/", 'parse "://127.0.0.1/": missing protocol scheme'),
    (" http://127.0.0.1:PORT/", 'parse " http://127.0.0.1:PORT/": first path segment in URL cannot contain colon'),
    ("http://127.0.0.1:PORT/a\tb", 'parse "http://127.0.0.1:PORT/a\\tb": net/url: invalid control character in URL'),
    ("http://local host:PORT/", 'parse "http://local host:PORT/": invalid character " " in host name'),
    ("http://localhost%20:PORT/", 'parse "http://localhost%20:PORT/": invalid URL escape "%20"'),
    ("http://localhost%41:PORT/", 'parse "http://localhost%41:PORT/": invalid URL escape "%41"'),
    ("http://%6cocalhost:PORT/", 'parse "http://%6cocalhost:PORT/": invalid URL escape "%6c"'),
    ("http://%31:PORT/", 'parse "http://%31:PORT/": invalid URL escape "%31"'),
    ("http://loc%zzal:PORT/", 'parse "http://loc%zzal:PORT/": invalid URL escape "%zz"'),
    ('http://lo"cal:PORT/', 'Get "http://lo\\"cal:PORT/": dial tcp: lookup lo"cal: no such host'),
    ("http://lo<cal>:PORT/", 'Get "http://lo<cal>:PORT/": dial tcp: lookup lo<cal>: no such host'),
    ("http://lo^cal:PORT/", 'parse "http://lo^cal:PORT/": invalid character "^" in host name'),
    ("http://lo{cal:PORT/", 'parse "http://lo{cal:PORT/": invalid character "{" in host name'),
    ("http://lo\\cal:PORT/", 'parse "http://lo\\\\cal:PORT/": invalid character "\\\\" in host name'),
    ("http://lo|cal:PORT/", 'parse "http://lo|cal:PORT/": invalid character "|" in host name'),
    ("http://lo`cal:PORT/", 'parse "http://lo`cal:PORT/": invalid character "`" in host name'),
    ("http://lo*cal:PORT/", 'Get "http://lo*cal:PORT/": dial tcp: lookup lo*cal: no such host'),
    (
        "http://lo!cal$&'()+,;=~:PORT/",
        "Get \"http://lo!cal$&'()+,;=~:PORT/\": dial tcp: lookup lo!cal$&'()+,;=~: no such host",
    ),
    ("http://127.1:PORT/", 'Get "http://127.1:PORT/": dial tcp: lookup 127.1: no such host'),
    ("http://2130706433:PORT/", 'Get "http://2130706433:PORT/": dial tcp: lookup 2130706433: no such host'),
    (
        "http://256.256.256.256:PORT/",
        'Get "http://256.256.256.256:PORT/": dial tcp: lookup 256.256.256.256: no such host',
    ),
    ("http://0:PORT/", 'Get "http://0:PORT/": dial tcp: lookup 0: no such host'),
    ("http://ex..ample:PORT/", 'Get "http://ex..ample:PORT/": dial tcp: lookup ex..ample: no such host'),
    ("http://-x:PORT/", 'Get "http://-x:PORT/": dial tcp: lookup -x: no such host'),
    ("http://user:pass@/", 'Get "http://user:***@/": http: no Host in request URL'),
    ("http://u:p@127.0.0.1:1/", 'Get "http://u:***@127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused'),
    ("http://127.0.0.1:PORT*", 'parse "http://127.0.0.1:PORT*": invalid port ":PORT*" after host'),
    ("http:*", 'Get "http:*": http: no Host in request URL'),
    ("mailto:x@y", 'Get "mailto:x@y": unsupported protocol scheme "mailto"'),
    ("http:?x", 'Get "http:?x": http: no Host in request URL'),
    ("http:#x", 'Get "http:#x": http: no Host in request URL'),
    ("?x", 'Get "?x": unsupported protocol scheme ""'),
    ("#x", 'Get "#x": unsupported protocol scheme ""'),
    ("*", 'Get "*": unsupported protocol scheme ""'),
    ("http://127.0.0.1:PORT/%", 'parse "http://127.0.0.1:PORT/%": invalid URL escape "%"'),
    ("http://127.0.0.1:PORT/a#%zz", 'parse "http://127.0.0.1:PORT/a#%zz": invalid URL escape "%zz"'),
    ("unix:///x", 'Get "unix:///x": unsupported protocol scheme "unix"'),
    ("http://127.0.0.1:PORT/\u0001", 'parse "http://127.0.0.1:PORT/\\x01": net/url: invalid control character in URL'),
    (
        "http://127.0.0.1:PORT/\u007f",
        'parse "http://127.0.0.1:PORT/\\u007f": net/url: invalid control character in URL',
    ),
    ("http://127.0.0.1:PORT/\n", 'parse "http://127.0.0.1:PORT/\\n": net/url: invalid control character in URL'),
    (
        "http://" + "a" * 64 + ":PORT/",
        'Get "http://' + "a" * 64 + ':PORT/": dial tcp: lookup ' + "a" * 64 + ": no such host",
    ),
    (
        "http://127.0.0.1:PORT/a?\u00a0\u007f",
        'parse "http://127.0.0.1:PORT/a?\\u00a0\\u007f": net/url: invalid control character in URL',
    ),
    (
        "http://127.0.0.1:PORT/a\u0000b",
        'parse "http://127.0.0.1:PORT/a\\x00b": net/url: invalid control character in URL',
    ),
]
"""URL, and the outcome's words."""


@pytest.mark.parametrize(("url", "target", "host", "authorization"), SENT, ids=lambda value: ascii(value[:60]))
async def test_url_that_is_asked(
    url: str, target: str, host: str, authorization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line, the Host and the Authorization that a service hears are those of Consul 1.8.7."""
    connect = trio.open_tcp_stream
    async with serving(says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:

        async def lead(host: str, port: int) -> trio.SocketStream:
            assert port == server.port
            return await connect("127.0.0.1", port)  # not every machine has ::1

        monkeypatch.setattr(trio, "open_tcp_stream", lead)
        port = str(server.port)
        outcome = await check_http(definition(http=url.replace("PORT", port)))
    assert outcome.output == f"HTTP GET {hide_password(url.replace('PORT', port))}: 200 OK Output: "
    assert Url.parse(url.replace("PORT", port)).target == target.encode("latin-1")
    first, *lines = server.heads[0].split(b"\r\n")
    assert first == f"GET {target} HTTP/1.1".encode("latin-1").lower()
    assert f"host: {host.replace('PORT', port)}".lower().encode() in lines
    given = [line[15:] for line in lines if line.startswith(b"authorization: ")]
    assert given == ([authorization.lower().encode()] if authorization else [])


@pytest.mark.parametrize(("url", "words"), REFUSED, ids=lambda value: ascii(value[:60]))
async def test_url_that_cannot_be_asked(url: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is critical, in the words of Consul 1.8.7."""

    async def refuse(host: str, port: int) -> trio.SocketStream:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(trio, "open_tcp_stream", refuse)
    outcome = await check_http(definition(http=url.replace("PORT", "21888")))
    assert (outcome.status, outcome.output) == (CheckStatus.CRITICAL, words.replace("PORT", "21888"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p@h/", "http://u:***@h/"),
        ("http://u:p@h/a@b:c", "http://u:***@h/a@b:c"),
        ("http://u@h/", "http://u@h/"),
        ("http://u:@h/", "http://u:@h/"),
        ("http://h/u:p@x", "http://h/u:p@x"),
        ("http://u:pa%zz@h/", "http://u:***@h/"),
        ("http://u:pa/ss@h/", "http://u:***@h/"),
        ("http://u:pa?ss@h:x/", "http://u:***@h:x/"),
        ("http://u:p[s@h/", "http://u:***@h/"),
        ("http://u:p q@h/", "http://u:***@h/"),
        ("http://u:p:q@h", "http://u:***@h"),
        ("nonsense", "nonsense"),
    ],
)
def test_url_without_its_password(url: str, shown: str) -> None:
    """All members hear what a check says, so nothing of a password is in it, wherever the text ends to be a URL."""
    assert hide_password(url) == shown


@pytest.mark.parametrize("password", ["pa%zz", "pa/ss", "pa?ss", "p[s", "p q", "pass"])
async def test_url_whose_password_makes_it_none(password: str) -> None:
    """The words of the failure hold nothing of it either."""
    outcome = await check_http(definition(http=f"http://user:{password}@127.0.0.1:1/"))
    assert outcome.status is CheckStatus.CRITICAL
    assert "user:***@" in outcome.output
    for piece in (password, password[:2], password[-2:]):
        assert piece not in outcome.output.partition("127.0.0.1")[2]


@pytest.mark.parametrize(
    ("base", "location", "led"),
    [
        ("http://h/a/b?q", "/c", "http://h/c"),
        ("http://h/a/b?q", "c?r", "http://h/a/c?r"),
        ("http://h/a/b?q", "../c", "http://h/c"),
        ("http://h/a/b", "../../../c", "http://h/c"),
        ("http://h/a/b", "./", "http://h/a/"),
        ("http://h/a/b", "..", "http://h/"),
        ("http://h/a/b?q", "?r", "http://h/a/b?r"),
        ("http://h/a/b?q#f", "#g", "http://h/a/b?q#g"),
        ("http://h/a/b", "//i/c", "http://i/c"),
        ("http://h/a/b", "https://i:8443/c", "https://i:8443/c"),
        ("http://h", "c", "http://h/c"),
        ("http://u:p@h/a", "/b c", "http://u:***@h/b%20c"),
    ],
)
def test_url_of_a_redirect(base: str, location: str, led: str) -> None:
    """A relative one is read from where it was said, as RFC 3986 has it."""
    assert Url.parse(base).resolve(location).show() == led


def test_quote_as_go_does() -> None:
    """What is not printable is an escape."""
    assert quote_go('a"\\\n\t\x01\x7f\u00a0\u00e9\U0001f600') == '"a\\"\\\\\\n\\t\\x01\\u007f\\u00a0\u00e9\U0001f600"'


@given(st.text(alphabet="htp:/[]@%25?#. a\u00e9\x00", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_url_or_none(text: str) -> None:
    """Nothing else happens, and what is sent has no control character."""
    for url in (text, f"http://{text}", f"http://h/{text}"):
        try:
            read = Url.parse(url)
        except BadUrl:
            continue
        assert not any(byte < 0x20 or byte == 0x7F for byte in read.target)
        assert isinstance(read.show() + read.hostname + read.port + read.authorization, str)
        hide_password(url)
