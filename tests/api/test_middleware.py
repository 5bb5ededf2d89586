"""Host, Origin, sizes and turns."""

import pytest
import trio
import trio.testing

from api.middleware import (
    ASIDE_MAX,
    BODY_SIZE_MAX,
    DRAIN_SIZE_MAX,
    SERVICE_MAX,
    ConcurrencySlot,
    Middleware,
    RequestCounter,
)
from api.target import QUERY_SIZE_MAX
from api.view import JoinReport
from tests.api.asker import Answer, RawClient, ask, ask_app, make_app, serving
from tests.api.fake_view import FakeView


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:4646", "[::1]:4646", "10.1.2.3:80", "localhost", "LocalHost:99", "Node.Example:1"]
)
async def test_guard_host_accepted(host: str) -> None:
    """An IP address, localhost and a configured name may call."""
    app = make_app(FakeView(), frozenset({"node.example"}))
    assert (await ask_app(app, "GET", "/livez", {"Host": host})).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:4646", "127.0.0.1.evil.example", "", "a b", "[::1", "x" * 999]
)
async def test_guard_host_refused(host: str) -> None:
    """Any other name is refused with one sentence, whatever it points to."""
    view = FakeView()
    answer = await ask(view, "POST", "/v1/agent/join?address=127.0.0.1", {"Host": host})
    assert answer.status == 403
    assert "Host" in answer.text
    assert view.calls == []


@pytest.mark.parametrize("origin", ["http://127.0.0.1:4646", "https://127.0.0.1:4646"])
async def test_guard_own_origin_accepted(origin: str) -> None:
    """The API's own pages may call."""
    assert (await ask(FakeView(), "GET", "/livez", {"Origin": origin})).status == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:4647", "http://127.0.0.1", "", "http://127.0.0.1:4646.evil"],
)
async def test_guard_foreign_origin_refused(origin: str) -> None:
    """A web page from elsewhere is refused before any route sees it."""
    view = FakeView()
    answer = await ask(view, "POST", "/v1/agent/force-leave?node=n2", {"Origin": origin})
    assert answer.status == 403
    assert view.calls == []


async def test_guard_native_refusal_is_json() -> None:
    """The native routes word a refusal as JSON, also the guard's."""
    answer = await ask(FakeView(), "GET", "/v1/cluster/members", {"Origin": "http://evil.example"})
    assert answer.json["code"] == "FORBIDDEN"


async def test_guard_query_too_long() -> None:
    """A query beyond the bound is 414."""
    target = "/v1/agent/members?x=" + "y" * QUERY_SIZE_MAX
    assert (await ask(FakeView(), "GET", target)).status == 414


async def test_guard_largest_body_passes() -> None:
    """A body of exactly the bound reaches the route, which refuses it for what it is."""
    answer = await ask(
        FakeView(), "PUT", "/v1/cluster/tags", {"X-Nomad-Token": "the-admin-token"}, b" " * BODY_SIZE_MAX
    )
    assert answer.status == 400


async def test_guard_large_body_keeps_connection() -> None:
    """Too large a body gets 413, and the same connection answers the next request."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        size = BODY_SIZE_MAX + 1
        await client.send(b"PUT /v1/agent/members HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
        await client.send(b"x" * size)
        assert (await client.read_answer()).status == 413
        assert (await client.ask("GET", "/livez")).status == 200


async def test_guard_huge_body_closes_connection() -> None:
    """A body beyond what is drained ends its connection; others are served."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        size = DRAIN_SIZE_MAX * 2
        await client.send(b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % size)
        with pytest.raises(trio.BrokenResourceError):
            for _ in range(size >> 16):
                await client.send(b"x" * 65_536)
        other = await RawClient.connect(address)
        assert (await other.ask("GET", "/livez")).status == 200


async def test_guard_unread_body_is_taken() -> None:
    """A route that reads no body leaves the connection usable all the same."""
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        body = b"x" * 500_000
        await client.send(b"POST /v1/agent/join?address=127.0.0.1 HTTP/1.1\r\nHost: localhost\r\n")
        await client.send(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        assert (await client.read_answer()).json["num_joined"] == 1
        assert (await client.ask("GET", "/livez")).status == 200


async def test_guard_slow_body_times_out(autojump_clock: trio.testing.MockClock) -> None:
    """A body that does not come is given up with 408."""
    sent: list[dict[str, object]] = []

    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("a request without its body must not reach the app")

    async def receive() -> dict[str, object]:
        await trio.sleep_forever()

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", b"5")]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/livez", "raw_path": b"/livez"}
    scope |= {"query_string": b"", "headers": headers}
    await Middleware(app, frozenset(), RequestCounter())(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_guard_serves_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the bound are in service at once, and every one gets its turn."""
    view = FakeView()
    app = make_app(view)
    now_in_service = most_in_service = 0
    release = trio.Event()

    async def slow_disk(node: str, prune: bool) -> bool:
        nonlocal now_in_service, most_in_service
        now_in_service += 1
        most_in_service = max(most_in_service, now_in_service)
        await release.wait()
        now_in_service -= 1
        return True

    monkeypatch.setattr(view, "force_leave", slow_disk)
    answers: list[Answer] = []

    async def ask_once() -> None:
        answers.append(await ask_app(app, "GET", "/v1/agent/members"))

    async def occupy() -> None:
        answers.append(await ask_app(app, "POST", "/v1/agent/force-leave?node=n1"))

    async with trio.open_nursery() as nursery:
        for _ in range(SERVICE_MAX + 20):
            nursery.start_soon(occupy)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(ask_once)
        await trio.testing.wait_all_tasks_blocked()
        assert answers == []
        release.set()
    assert most_in_service == SERVICE_MAX
    assert len(answers) == SERVICE_MAX + 21


async def test_guard_lets_others_in_while_some_wait_for_other_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those hold no place, and are few: one more is told to come back later."""
    view = FakeView()
    app = make_app(view)

    async def no_answer(addresses: object, timeout_s: float) -> JoinReport:
        await trio.sleep_forever()
        raise AssertionError

    monkeypatch.setattr(view, "join", no_answer)
    async with trio.open_nursery() as nursery:
        for _ in range(ASIDE_MAX):
            nursery.start_soon(ask_app, app, "POST", "/v1/agent/join?address=x")
        await trio.testing.wait_all_tasks_blocked()
        one_more = await ask_app(app, "POST", "/v1/agent/join?address=x")
        assert (one_more.status, one_more.headers["retry-after"]) == (429, "1")
        for _ in range(2 * SERVICE_MAX):
            assert (await ask_app(app, "GET", "/livez")).status == 200
        nursery.cancel_scope.cancel()
    assert (await ask_app(app, "POST", "/v1/agent/force-leave?node=n1")).status == 200


async def test_turn_is_given_back_once() -> None:
    """Giving back twice frees one place; it can be taken again."""
    places = trio.Semaphore(1, max_value=1)
    slot = ConcurrencySlot(places, trio.Semaphore(1))
    await slot.take()
    assert places.value == 0
    slot.give_back()
    slot.give_back()
    assert places.value == 1
    await slot.take()
    with pytest.raises(trio.WouldBlock):
        places.acquire_nowait()


async def test_guard_counts_answers() -> None:
    """Answers are counted by status, refusals of the guard too."""
    app = make_app(FakeView())
    await ask_app(app, "GET", "/livez")
    await ask_app(app, "GET", "/nothing")
    await ask_app(app, "GET", "/livez", {"Host": "evil.example"})
    text = (await ask_app(app, "GET", "/metrics")).text
    assert 'shoal_http_requests_total{code="200"} 1.0' in text
    assert 'shoal_http_requests_total{code="404"} 1.0' in text
    assert 'shoal_http_requests_total{code="403"} 1.0' in text


async def test_guard_absolute_target() -> None:
    """A target with scheme and host, as proxies write it, is served by its path."""
    assert (await ask(FakeView(), "GET", "http://localhost/livez")).status == 200
    for target in ("http://[::", "livez", "*", ""):
        assert (await ask(FakeView(), "GET", target)).status == 400


async def test_guard_refuses_websocket() -> None:
    """Nothing here speaks WebSocket: a server that does is told to refuse, and ours ignores the offer."""
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await trio.lowlevel.checkpoint()
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        await trio.lowlevel.checkpoint()
        sent.append(message)

    await make_app(FakeView())({"type": "websocket"}, receive, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]
    async with serving(make_app(FakeView())) as address:
        client = await RawClient.connect(address)
        offer = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
        assert (await client.ask("GET", "/livez", offer)).status == 200
