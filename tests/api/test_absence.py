"""What an unknown path is answered: one sentence that names what there is instead, on both listeners."""

import re
from typing import Final

import pytest

from api.absence import ABSENT, ELSEWHERE, Listener
from node.http_client import ERROR_TEXT_LENGTH_MAX
from tests.api.asker import ask_app, ask_consul, make_app, make_consul_app
from tests.api.fake_view import FakeView

BY_SEGMENT: Final = {"/v1/agent/join", "/v1/agent/force-leave"}
"""Served by both in different shapes: a Consul redirects from the one without a segment, and what is below is its."""


def _rules(listener: Listener) -> set[str]:
    app = make_app(FakeView()) if listener is Listener.HTTP else make_consul_app(FakeView())
    return {rule.rule for rule in app.url_map.iter_rules()}


def _concrete(rule: str) -> str:
    return re.sub(r"<[^>]+>", "x", rule)


OTHER: Final = {Listener.HTTP: Listener.CONSUL, Listener.CONSUL: Listener.HTTP}
FOREIGN: Final = [
    (listener, _concrete(rule))
    for listener in Listener
    for rule in sorted(_rules(OTHER[listener]))
    if _concrete(rule) not in {_concrete(own) for own in _rules(listener)} and rule not in BY_SEGMENT | {"/"}
]


async def _explain(listener: Listener, path: str, method: str = "GET") -> str:
    app = make_app(FakeView()) if listener is Listener.HTTP else make_consul_app(FakeView())
    answer = await ask_app(app, method, path)
    assert answer.status == 404
    if listener is Listener.CONSUL and not path.startswith("/v1/cluster"):
        assert int(answer.headers.get("x-consul-index", 1)) > 0
    sentence: str = answer.json["error"] if answer.headers["content-type"] == "application/json" else answer.text
    assert 20 < len(sentence) <= ERROR_TEXT_LENGTH_MAX
    assert sentence.isprintable()
    return sentence


@pytest.mark.parametrize(("listener", "path"), FOREIGN)
async def test_route_of_the_other_listener(listener: Listener, path: str) -> None:
    """Every route that one listener has and the other has not is said to be there, by the flag that turns it on."""
    assert (await _explain(listener, path)).endswith(f"ask the port of {OTHER[listener].value}")


@pytest.mark.parametrize("listener", Listener)
@pytest.mark.parametrize("prefix", ABSENT)
async def test_family_that_shoal_has_not(listener: Listener, prefix: str) -> None:
    """Of each family one sentence, for whatever is below it and by any method, with what there is instead."""
    sentence = await _explain(listener, prefix)
    assert (
        sentence == ABSENT[prefix] == await _explain(listener, f"{prefix}/") == await _explain(listener, prefix, "PUT")
    )
    assert await _explain(listener, f"{prefix}/some%2Fthing") == sentence


@pytest.mark.parametrize("listener", Listener)
def test_tables_hide_no_route(listener: Listener) -> None:
    """No entry stands for a path that this listener serves, so that a table cannot lie."""
    served = {rule.partition("<")[0].rstrip("/") for rule in _rules(listener)}
    assert not served & (ABSENT.keys() | ELSEWHERE[listener].keys()) - BY_SEGMENT


def test_sentences_name_routes_that_there_are() -> None:
    """What a sentence points to is served, on the listener that it names or on both."""
    everywhere = _rules(Listener.HTTP) & _rules(Listener.CONSUL)
    for sentence in ABSENT.values():
        for path in re.findall(r"/(?:v1|metrics)[^\s,:?)]*", sentence):
            plain = path.partition("<")[0].rstrip("/")
            rules = (
                _rules(Listener.CONSUL)
                if "--consul-http" in sentence
                else _rules(Listener.HTTP)
                if "--http" in sentence
                else everywhere
            )
            assert plain in {rule.partition("<")[0].rstrip("/") for rule in rules}, sentence


@pytest.mark.parametrize("listener", Listener)
@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/v1/agent/foo", ("'/v1/agent/foo'", "under /v1/agent there are", "members", "self", "join")),
        ("/v1/agent", ("'/v1/agent'", "under /v1 there are", "agent", "cluster")),
        ("/v1/agent/", ("under /v1 there are",)),
        ("/foo", ("'/foo'", "under /v1 there are", "agent")),
        ("/v1", ("under /v1 there are",)),
        ("/v1/cluster/nothing/at/all", ("under /v1/cluster there are", "members", "tokens", "events")),
        ("/v1/status/x", ("under /v1/status there are leader, peers",)),
        ("/v1/agent/self/", ("leave out the slash at the end",)),
        ("/livez/", ("leave out the slash at the end",)),
        ("/v1/agent/%0A%1B[31m", ("there is no",)),
        ("/v1/agent/" + "x" * 4_000, ("there is no", "...")),
    ],
)
async def test_unknown_path_names_what_there_is(listener: Listener, path: str, parts: tuple[str, ...]) -> None:
    """The nearest parent that there is, with its names."""
    sentence = await _explain(listener, path)
    for part in parts:
        assert part in sentence


async def test_unknown_path_on_the_consul_port_keeps_the_index() -> None:
    """Clients read the index of every 404."""
    for path in ("/v1/agent/foo", "/v1/jobs", "/v1/operator/raft", "/foo"):
        answer = await ask_consul(FakeView(), "GET", path)
        assert (answer.status, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")
        assert int(answer.headers["x-consul-index"]) > 0
