"""Blocking queries: who waits for how long, who is woken, and what waiting costs others."""

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from quart_trio import QuartTrio

from api.catalog_view import Watch
from api.consul.block import FOREIGN_WAIT_MAX_S, JITTER_SHARE
from api.consul.option import WAIT_DEFAULT_S, WAIT_MAX_S
from api.middleware import SERVICE_MAX
from protocol.status import Status
from tests.api.asker import ADMIN, Answer, RawClient, ask_app, ask_consul, make_consul_app, serving
from tests.api.fake_catalog import FIRST_INDEX, remote_service
from tests.api.fake_view import FakeView, fake_id

SERVICE = "/v1/health/service/web"
LISTINGS = (
    "/v1/catalog/nodes",
    "/v1/catalog/services",
    "/v1/catalog/service/web",
    "/v1/catalog/node/n2",
    "/v1/catalog/node/N2",
    "/v1/catalog/node-services/n2",
    "/v1/health/node/n2",
    "/v1/health/checks/web",
    "/v1/health/checks/WEB",
    "/v1/health/service/web",
    "/v1/health/service/Web",
    "/v1/health/state/any",
)
VACANT = (
    *("/v1/kv/x", "/v1/kv/x?recurse", "/v1/kv/?recurse", "/v1/kv/x?keys", "/v1/kv/?keys", "/v1/kv/x?raw"),
    *("/v1/event/list", "/v1/event/list?name=x", "/v1/session/list", "/v1/session/node/n1", "/v1/query"),
    *("/v1/session/info/c60b0e06-0bf7-4a87-a5d3-3bb9e3f4f9b0", "/v1/config/service-defaults", "/v1/config/"),
    *("/v1/config/proxy-defaults/global", "/v1/connect/intentions"),
)
"""Of what there is nothing, ever."""
MESH = ("/v1/health/connect/web", "/v1/health/ingress/web", "/v1/catalog/connect/web")
PLACES = ("/v1/coordinate/nodes", "/v1/coordinate/node/N2", "/v1/coordinate/node/nobody")


async def _asking(view: FakeView, target: str, change: Callable[[], Awaitable[object]]) -> tuple[Answer, float]:
    """Ask, let `change` happen once the request waits, and tell when the answer came."""
    answers: list[Answer] = []
    app = make_consul_app(view)
    began = trio.current_time()

    async def ask() -> None:
        answers.append(await ask_app(app, "GET", target))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        await change()
    return answers[0], trio.current_time() - began


async def _nothing() -> None:
    """Change nothing."""


@pytest.mark.parametrize("path", LISTINGS)
async def test_block_ends_with_news(path: str, autojump_clock: trio.testing.MockClock) -> None:
    """Every listing waits for its news, and answers with them at once."""
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("web"))
    index = int((await ask_consul(view, "GET", path)).headers["x-consul-index"])

    async def change() -> None:
        assert view.catalog.waiter_count == 1
        view.set_status(2, Status.FAILED)
        view.catalog.service_changed("web", "n2")

    answer, waited_s = await _asking(view, f"{path}?index={index}&wait=60s", change)
    assert answer.status == 200
    assert int(answer.headers["x-consul-index"]) > index
    assert waited_s == 0
    assert view.catalog.waiter_count == 0


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [
        ("1s", 1),
        ("120000ms", 120),
        ("10m", 600),
        ("", WAIT_DEFAULT_S),
        ("0s", WAIT_DEFAULT_S),
        ("-5s", WAIT_DEFAULT_S),
        ("11m", WAIT_MAX_S),
        ("9999h", WAIT_MAX_S),
    ],
)
async def test_block_ends_with_its_time(wait: str, seconds: float, autojump_clock: trio.testing.MockClock) -> None:
    """Without news the answer comes after `wait` and at most a sixteenth more: a normal one, the index unchanged."""
    answer, waited_s = await _asking(FakeView(), f"{SERVICE}?index={FIRST_INDEX}&wait={wait}", _nothing)
    assert (answer.status, answer.json) == (200, [])
    assert int(answer.headers["x-consul-index"]) == FIRST_INDEX
    assert seconds <= waited_s <= seconds * (1 + 1 / JITTER_SHARE)


async def test_block_is_spread(autojump_clock: trio.testing.MockClock) -> None:
    """Requests begun together do not all end together."""
    ends = {(await _asking(FakeView(), f"{SERVICE}?index={FIRST_INDEX}&wait=16s", _nothing))[1] for _ in range(20)}
    assert len(ends) > 10


@pytest.mark.parametrize("query", ["", "index=0&wait=60s", "wait=60s", f"index={FIRST_INDEX - 1}&wait=60s", "index=1"])
async def test_block_not(query: str, autojump_clock: trio.testing.MockClock) -> None:
    """Without an index, or with one that is behind, the answer comes at once."""
    _, waited_s = await _asking(FakeView(), f"{SERVICE}?{query}", _nothing)
    assert waited_s == 0


@pytest.mark.parametrize("path", [*LISTINGS, *VACANT, *MESH, *PLACES])
async def test_block_index_that_was_never_given(path: str, autojump_clock: trio.testing.MockClock) -> None:
    """An index of another node, or of an earlier run, is answered at once with the own one, on every route."""
    view = FakeView()
    joint = "&" if "?" in path else "?"
    for index in (view.catalog.newest + 1, 2**64 - 1):
        answer, waited_s = await _asking(view, f"{path}{joint}index={index}&wait=10s", _nothing)
        assert (int(answer.headers["x-consul-index"]) <= view.catalog.newest, waited_s) == (True, 0)


@pytest.mark.parametrize(("wait", "seconds"), [("1s", 1), ("10s", 10), ("60s", FOREIGN_WAIT_MAX_S)])
async def test_block_index_of_another_answer(wait: str, seconds: float, autojump_clock: trio.testing.MockClock) -> None:
    """An index between the answer's own and the newest waits as in a Consul, though not for long; news end it."""
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("other"))
    view.catalog.add_remote("n2", remote_service("another"))
    for index in (FIRST_INDEX + 1, view.catalog.newest):
        answer, waited_s = await _asking(view, f"{SERVICE}?index={index}&wait={wait}", _nothing)
        assert int(answer.headers["x-consul-index"]) == FIRST_INDEX
        assert seconds <= waited_s <= seconds * (1 + 1 / JITTER_SHARE)

    async def change() -> None:
        view.catalog.add_remote("n2", remote_service("web"))

    _, waited_s = await _asking(view, f"{SERVICE}?index={view.catalog.newest}&wait={wait}", change)
    assert waited_s == 0


@pytest.mark.parametrize("path", VACANT)
async def test_block_of_what_is_never_there(path: str, autojump_clock: trio.testing.MockClock) -> None:
    """A list of nothing has a steady index above 0 and waits, so that who asks for ever asks seldom."""
    view = FakeView()
    joint = "&" if "?" in path else "?"
    first = await ask_consul(view, "GET", path)
    index = int(first.headers["x-consul-index"])
    assert index > 0

    async def change() -> None:
        view.catalog.add_remote("n2", remote_service("web"))

    answer, waited_s = await _asking(view, f"{path}{joint}index={index}&wait=60s", change)
    assert (answer.status, answer.body, answer.headers["x-consul-index"]) == (first.status, first.body, str(index))
    assert 60 <= waited_s <= 64


@pytest.mark.parametrize("path", PLACES)
async def test_block_of_places(path: str, autojump_clock: trio.testing.MockClock) -> None:
    """Coordinates wait until some node says that it stands elsewhere; also of a node that is not there yet."""
    view = FakeView()
    index = (await ask_consul(view, "GET", path)).headers["x-consul-index"]

    async def move() -> None:
        view.catalog.touch(Watch("coordinates"))

    _, waited_s = await _asking(view, f"{path}?index={index}&wait=60s", _nothing)
    assert waited_s >= 60
    answer, waited_s = await _asking(view, f"{path}?index={index}&wait=60s", move)
    assert (int(answer.headers["x-consul-index"]) > int(index), waited_s) == (True, 0)


@pytest.mark.parametrize("name", ["n2", "N2", fake_id(2)])
async def test_block_of_a_node_however_it_was_found(name: str, autojump_clock: trio.testing.MockClock) -> None:
    """By its name in any case or by its id: its news end the wait."""
    view = FakeView()
    index = (await ask_consul(view, "GET", f"/v1/catalog/node/{name}")).headers["x-consul-index"]

    async def change() -> None:
        view.catalog.add_remote("n2", remote_service("web"))

    answer, waited_s = await _asking(view, f"/v1/catalog/node/{name}?index={index}&wait=60s", change)
    assert (waited_s, "web" in answer.json["Services"]) == (0, True)


@pytest.mark.parametrize("path", ["/v1/health/state/any", "/v1/health/checks/web", "/v1/catalog/services"])
async def test_block_of_chosen_nodes(path: str, autojump_clock: trio.testing.MockClock) -> None:
    """A list of nodes chosen by metadata ends with a change of metadata alone."""
    view = FakeView()
    index = (await ask_consul(view, "GET", f"{path}?node-meta=rack:r2")).headers["x-consul-index"]

    async def change() -> None:
        view.catalog.touch(Watch("nodes"))

    _, waited_s = await _asking(view, f"{path}?node-meta=rack:r2&index={index}&wait=60s", change)
    assert waited_s == 0


async def test_block_other_service_does_not_wake(autojump_clock: trio.testing.MockClock) -> None:
    """Who waits for one service is not woken by another."""
    view = FakeView()

    async def change() -> None:
        view.catalog.add_remote("n2", remote_service("other"))

    _, waited_s = await _asking(view, f"{SERVICE}?index={FIRST_INDEX}&wait=10s", change)
    assert waited_s >= 10


async def test_block_for_a_service_to_come(autojump_clock: trio.testing.MockClock) -> None:
    """A service may be waited for before there is one."""
    view = FakeView()

    async def change() -> None:
        await ask_consul(view, "PUT", "/v1/agent/service/register", {"Name": "web"})

    answer, waited_s = await _asking(view, f"{SERVICE}?index={FIRST_INDEX}&wait=10s", change)
    assert (len(answer.json), waited_s) == (1, 0)


@pytest.mark.parametrize("path", ["/v1/catalog/service/consul", "/v1/catalog/services?node-meta=rack:r2"])
async def test_block_for_two_things(path: str, autojump_clock: trio.testing.MockClock) -> None:
    """An answer that shows services and nodes ends with news of either."""
    view = FakeView()
    joint = "&" if "?" in path else "?"
    index = int((await ask_consul(view, "GET", path)).headers["x-consul-index"])

    async def change() -> None:
        view.change_member(2, tags={"rack": "r9"})

    answer, waited_s = await _asking(view, f"{path}{joint}index={index}&wait=10s", change)
    assert waited_s == 0
    assert int(answer.headers["x-consul-index"]) > index
    assert view.catalog.waiter_count == 0


async def test_block_right_is_asked_for_again(autojump_clock: trio.testing.MockClock) -> None:
    """A token that was revoked while its request waited shows nothing any more."""
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("web"))
    index = view.catalog.index(Watch("service", "web"))
    app = make_consul_app(view, acl=True)
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await ask_app(app, "GET", f"{SERVICE}?index={index}&wait=10s", ADMIN))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        view.tokens.forget(ADMIN["Authorization"].split()[1])
        view.catalog.service_changed("web", "n2")
    assert (answers[0].status, answers[0].text) == (403, "ACL not found")


async def test_block_gives_its_turn_to_others(autojump_clock: trio.testing.MockClock) -> None:
    """More wait than may be in service, others are served meanwhile, and all are answered when there is news."""
    view = FakeView()
    app = make_consul_app(view)
    answers: list[Answer] = []

    async def ask(app: QuartTrio) -> None:
        answers.append(await ask_app(app, "GET", f"{SERVICE}?index={FIRST_INDEX}&wait=10m"))

    count = SERVICE_MAX * 3
    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(ask, app)
        await trio.testing.wait_all_tasks_blocked()
        assert view.catalog.waiter_count == count
        answer = await ask_app(app, "PUT", "/v1/agent/service/register", body=b'{"Name": "web"}')
        assert answer.status == 200
    assert len(answers) == count
    assert {len(one.json) for one in answers} == {1}


async def test_block_answers_in_turn(monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock) -> None:
    """Whoever wakes takes a place again: while all are taken by others, no answer is made."""
    view = FakeView()
    app = make_consul_app(view)
    release = trio.Event()

    async def slow_disk(node: str, prune: bool) -> None:
        await release.wait()

    monkeypatch.setattr(view, "force_leave", slow_disk)
    answers: list[Answer] = []

    async def ask() -> None:
        answers.append(await ask_app(app, "GET", f"{SERVICE}?index={FIRST_INDEX}&wait=10m"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        async with trio.open_nursery() as occupied:
            for _ in range(SERVICE_MAX):
                occupied.start_soon(ask_app, app, "PUT", "/v1/agent/force-leave/n1")
            await trio.testing.wait_all_tasks_blocked()
            view.catalog.service_changed("web")
            await trio.testing.wait_all_tasks_blocked()
            assert view.catalog.waiter_count == 0
            assert answers == []
            release.set()
        await trio.testing.wait_all_tasks_blocked()
        assert len(answers) == 1


async def test_block_client_goes_away() -> None:
    """A client that hangs up leaves nothing waiting."""
    view = FakeView()
    async with serving(make_consul_app(view)) as address:
        client = await RawClient.connect(address)
        await client.send(f"GET {SERVICE}?index={FIRST_INDEX} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with trio.fail_after(10):
            while view.catalog.waiter_count == 0:
                await trio.testing.wait_all_tasks_blocked()
            await client.stream.aclose()
            while view.catalog.waiter_count:
                await trio.testing.wait_all_tasks_blocked()


async def test_block_ends_with_the_server() -> None:
    """A server that ends answers all who wait, at once and well."""
    view = FakeView()
    shutdown = trio.Event()
    async with serving(make_consul_app(view), shutdown) as address:
        clients = [await RawClient.connect(address) for _ in range(5)]
        for client in clients:
            await client.send(f"GET {SERVICE}?index={FIRST_INDEX} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with trio.fail_after(10):
            while view.catalog.waiter_count < len(clients):
                await trio.testing.wait_all_tasks_blocked()
            shutdown.set()
            for client in clients:
                assert (await client.read_answer()).headers["x-consul-index"] == str(FIRST_INDEX)
