"""The apps under a plain hypercorn: ordinary ASGI apps, which need nothing of our server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import hypercorn
import hypercorn.trio
import pytest
import trio
from hypercorn.typing import ASGIFramework
from quart_trio import QuartTrio

from protocol.address import Address
from tests.api.asker import RawClient, make_app, make_consul_app
from tests.api.fake_view import FakeView


@asynccontextmanager
async def under_hypercorn(app: QuartTrio) -> AsyncIterator[Address]:
    """Serve an app on a free port, by hypercorn as it comes."""
    config = hypercorn.Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    async with trio.open_nursery() as nursery:
        served: Any = partial(hypercorn.trio.serve, cast(ASGIFramework, app), config)
        binds = await nursery.start(served)
        yield Address("127.0.0.1", int(binds[0].rsplit(":", 1)[1]))
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("make", [make_app, make_consul_app])
async def test_app_is_served_by_hypercorn(make: Callable[[FakeView], QuartTrio]) -> None:
    """Fast answers, routes, refusals, redirections and bodies, twice on one connection."""
    async with under_hypercorn(make(FakeView())) as address:
        client = await RawClient.connect(address)
        for _ in range(2):
            for method, target, status in (
                ("GET", "/livez", 200),
                ("GET", "/v1/agent/members", 200),
                ("GET", "/v1/status/peers", 200),
                ("GET", "/metrics", 200),
                ("GET", "/v1//agent/self", 301),
                ("GET", "/%zz", 400),
                ("GET", "/nothing", 404),
            ):
                answer = await client.ask(method, target)
                assert (answer.status, answer.headers["x-content-type-options"]) == (status, "nosniff"), target
            body = b'{"address": 1}'
            head = f"POST /v1/cluster/tokens HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            await client.send(head.encode() + body)
            assert (await client.read_answer()).status == 401


async def test_blocking_query_under_hypercorn_ends_with_its_wait() -> None:
    """A request that waits for news needs nothing that hypercorn does not give."""
    async with under_hypercorn(make_consul_app(FakeView())) as address:
        client = await RawClient.connect(address)
        index = (await client.ask("GET", "/v1/catalog/services")).headers["x-consul-index"]
        with trio.fail_after(10):
            answer = await client.ask("GET", f"/v1/catalog/services?index={index}&wait=10ms")
        assert (answer.status, answer.headers["x-consul-index"]) == (200, index)
