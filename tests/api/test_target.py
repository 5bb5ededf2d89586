"""Targets: what is cleaned, what is refused, and that an id may hold anything."""

import pytest

from api.target import PathCleaner, TargetRefused, read_path
from tests.api.asker import ask, ask_consul
from tests.api.fake_view import FakeView

CLEANER = PathCleaner(("/v1/agent/service/", "/v1/agent/service/deregister/", "/v1/kv/"))


@pytest.mark.parametrize(
    ("asked", "clean"),
    [
        ("/v1/agent/self", "/v1/agent/self"),
        ("//v1/agent/self", "/v1/agent/self"),
        ("/v1//agent///self", "/v1/agent/self"),
        ("/v1/./agent/../agent/self", "/v1/agent/self"),
        ("/../v1/agent/self", "/v1/agent/self"),
        ("//", "/"),
        ("/v1/agent/service//web", "/v1/agent/service/web"),
        ("/v1//agent/service/web", "/v1/agent/service/web"),
        ("/v1/agent/service//deregister//web", "/v1/agent/service/deregister/web"),
        ("/v1/agent/service/deregister/http://a//b/./c/..", "/v1/agent/service/deregister/http://a//b/./c/.."),
        ("/v1/agent/service/a//b", "/v1/agent/service/a//b"),
        ("/v1/agent/service/%2F%2Fa", "/v1/agent/service/%2F%2Fa"),
        ("/v1/kv/a//", "/v1/kv/a//"),
        ("/v1/kv/", "/v1/kv/"),
        ("/v1/kv//", "/v1/kv/"),
        ("/v1/kv/.hidden", "/v1/kv/.hidden"),
        ("/v1/agent/self/", "/v1/agent/self/"),
        ("/v1/agent//self/", "/v1/agent/self/"),
        ("/.well-known/x", "/.well-known/x"),
    ],
)
def test_path_is_cleaned_up_to_the_id(asked: str, clean: str) -> None:
    """Empty and dot segments go, but not those of an id; what is clean stays so."""
    assert CLEANER.clean(asked.encode()) == clean.encode()
    assert CLEANER.clean(clean.encode()) == clean.encode()


@pytest.mark.parametrize("path", ["/a%zz", "/%", "/a%2", "/%%20", "/v1/kv/%G0"])
async def test_percent_without_hex_digits_is_refused(path: str) -> None:
    """A percent sign that is no escape is 400, in one sentence, on both listeners."""
    with pytest.raises(TargetRefused):
        read_path(path.encode())
    for answer in (await ask(FakeView(), "GET", path), await ask_consul(FakeView(), "GET", path)):
        assert answer.status == 400
        assert "two hex digits follow a percent sign" in answer.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_unclean_path_redirects_a_reader(method: str) -> None:
    """With the query as it was."""
    answer = await ask_consul(FakeView(), method, "//v1/agent/self?pretty&x=%20")
    assert (answer.status, answer.headers["location"]) == (301, "/v1/agent/self?pretty&x=%20")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
async def test_unclean_path_is_not_found_by_others(method: str) -> None:
    """A client that follows a redirection would lose its method or its body on the way."""
    view = FakeView()
    answer = await ask_consul(view, method, "/v1/agent//join/a")
    assert answer.status == 404
    assert "/v1/agent/join/a" in answer.text
    assert view.calls == []


@pytest.mark.parametrize("method", ["get", "Get", "put", "gEt", "post"])
async def test_method_is_case_sensitive(method: str) -> None:
    """A method in other letters is none that a route takes."""
    view = FakeView()
    for path in ("/v1/agent/self", "/v1/agent/join/x", "/livez"):
        assert (await ask_consul(view, method, path)).status == 405
        assert (await ask(view, method, "/v1/agent/members")).status == 405
    assert view.calls == []


async def test_every_answer_forbids_sniffing() -> None:
    """Of all kinds: from memory, from a route, refused by a route, by the middleware, by the table of routes."""
    targets = (
        "/v1/agent/members",
        "/v1/catalog/services",
        "/v1/agent/check/pass/x",
        "//v1",
        "/%zz",
        "/nothing",
        "/metrics",
    )
    for target in targets:
        answer = await ask_consul(FakeView(), "GET", target)
        assert answer.headers["x-content-type-options"] == "nosniff", target


async def test_refused_method_is_named_as_written() -> None:
    """In Consul's words, as the client wrote it."""
    answer = await ask_consul(FakeView(), "get", "/v1/agent/self")
    assert (answer.text, answer.headers["allow"]) == ("method get not allowed", "OPTIONS,GET")
