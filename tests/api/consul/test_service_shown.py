"""One service of the node: what is shown of it, its hash, and the wait for another."""

import re

import pytest
import trio
import trio.testing

from tests.api.asker import Answer, RawClient, ask_app, ask_consul, make_consul_app, serving
from tests.api.consul.test_service import PATHS, REGISTER
from tests.api.fake_view import FakeView


async def test_show_is_what_the_list_has_with_a_hash() -> None:
    """One service as the agent lists it, its data centre, and a hash of it all in body and header."""
    view = FakeView()
    body = {"Name": "web", "ID": "w", "Tags": ["a"], "Meta": {"k": "v"}, "Port": 80, "Check": {"TTL": "1s"}}
    await ask_consul(view, "PUT", REGISTER, body)
    answer = await ask_consul(view, "GET", "/v1/agent/service/w")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    shown = answer.json
    content_hash = shown.pop("ContentHash")
    assert re.fullmatch("[1-9a-f][0-9a-f]{0,15}", content_hash)
    assert answer.headers["x-consul-contenthash"] == content_hash
    assert shown.pop("Datacenter") == view.catalog.datacenter
    assert shown == (await ask_consul(view, "GET", "/v1/agent/services")).json["w"]


async def test_show_hash_tells_changes_alone() -> None:
    """It changes with anything of the service, and returns with it; a check is not of the service."""
    view = FakeView()
    hashes = []
    for port, check in ((80, "10s"), (81, "10s"), (80, "20s")):
        await ask_consul(view, "PUT", REGISTER, {"Name": "web", "Port": port, "Check": {"TTL": check}})
        hashes.append((await ask_consul(view, "GET", "/v1/agent/service/web")).json["ContentHash"])
    assert hashes[0] == hashes[2] != hashes[1]


@pytest.mark.parametrize(("sent", "id"), [*PATHS, ("register%2F", "register/"), ("deregister", "deregister")])
async def test_show_decodes_once(sent: str, id: str) -> None:
    """What follows the prefix is the id, decoded once, whatever it holds."""
    view = FakeView()
    await ask_consul(view, "PUT", REGISTER, {"Name": "w", "ID": id})
    answer = await ask_consul(view, "GET", f"/v1/agent/service/{sent}")
    assert (answer.status, answer.json["ID"]) == (200, id)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("x", 404, "unknown service ID: x"),
        ("", 404, "unknown service ID: "),
        ("%C3%A9%0A%2F", 404, "unknown service ID: \u00e9\\n/"),
        ("x" * 200, 404, f"unknown service ID: {'x' * 80}"),
        ("consul", 404, "unknown service ID: consul"),
        ("%ff", 400, "the path is not percent-encoded UTF-8"),
        ("w?wait=x", 400, "Invalid wait time"),
        ("register", 405, "method GET not allowed"),
        ("maintenance/w", 405, "method GET not allowed"),
    ],
)
async def test_show_refused(path: str, status: int, text: str) -> None:
    """What is not there is 404, with an index as clients read one off each; other routes keep their methods."""
    view = FakeView()
    await ask_consul(view, "PUT", REGISTER, {"Name": "w"})
    answer = await ask_consul(view, "GET", f"/v1/agent/service/{path}")
    assert (answer.status, answer.text) == (status, text)
    if status == 404:
        assert int(answer.headers["x-consul-index"]) > 0
    if status == 405:
        assert answer.headers["allow"] == "OPTIONS,PUT"


async def _asking(view: FakeView, target: str, *bodies: object) -> tuple[Answer, float]:
    """Ask, register each body once the request waits, and tell how long the answer took."""
    answers: list[Answer] = []
    app = make_consul_app(view)
    began = trio.current_time()

    async def ask() -> None:
        answers.append(await ask_app(app, "GET", target))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        for body in bodies:
            await trio.testing.wait_all_tasks_blocked()
            await ask_consul(view, "PUT", REGISTER, body)
    return answers[0], trio.current_time() - began


async def test_show_waits_for_another_hash(autojump_clock: trio.testing.MockClock) -> None:
    """With the hash of what stands an answer comes once something else does; equal words do not end the wait."""
    view = FakeView()
    same = {"Name": "w", "Port": 80}
    await ask_consul(view, "PUT", REGISTER, same)
    content_hash = (await ask_consul(view, "GET", "/v1/agent/service/w")).json["ContentHash"]
    target = f"/v1/agent/service/w?hash={content_hash}&wait=60s"
    answer, waited_s = await _asking(view, target, same, {"Name": "w", "Port": 81})
    assert (answer.json["Port"], waited_s) == (81, 0)
    answer, waited_s = await _asking(view, target)
    assert (answer.json["Port"], waited_s) == (81, 0)
    content_hash = answer.json["ContentHash"]
    answer, waited_s = await _asking(view, f"/v1/agent/service/w?hash={content_hash}&wait=8s")
    assert (answer.status, answer.json["ContentHash"]) == (200, content_hash)
    assert 8 <= waited_s <= 8.5
    assert view.catalog.waiter_count == 0


async def test_show_waits_until_it_is_gone(autojump_clock: trio.testing.MockClock) -> None:
    """A service that is removed while somebody waits is 404 at once."""
    view = FakeView()
    await ask_consul(view, "PUT", REGISTER, {"Name": "w"})
    content_hash = (await ask_consul(view, "GET", "/v1/agent/service/w")).json["ContentHash"]
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await ask_consul(view, "GET", f"/v1/agent/service/w?hash={content_hash}"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        await ask_consul(view, "PUT", "/v1/agent/service/deregister/w")
    assert (answers[0].status, answers[0].text) == (404, "unknown service ID: w")


async def test_show_ends_with_the_server() -> None:
    """A server that ends answers who waits, at once and well."""
    view = FakeView()
    await ask_consul(view, "PUT", REGISTER, {"Name": "w"})
    content_hash = (await ask_consul(view, "GET", "/v1/agent/service/w")).json["ContentHash"]
    shutdown = trio.Event()
    async with serving(make_consul_app(view), shutdown) as address:
        client = await RawClient.connect(address)
        request = f"GET /v1/agent/service/w?hash={content_hash} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        await client.send(request.encode())
        with trio.fail_after(10):
            while view.catalog.waiter_count == 0:
                await trio.testing.wait_all_tasks_blocked()
            shutdown.set()
            assert (await client.read_answer()).headers["x-consul-contenthash"] == content_hash
