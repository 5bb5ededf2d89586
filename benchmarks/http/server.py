"""The server of `route`: a node that holds so many members, its HTTP, and the same bytes without anything around them.

    python -m benchmarks.http.server DATA_DIR MEMBER_COUNT PATH...

It prints `ports node=PORT bare=PORT`, and serves until it is killed. The bare one is an ASGI callable on hypercorn as
it comes: no framework, no guard, no token, and no connection of ours.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import hypercorn
import hypercorn.trio
import trio
from hypercorn.typing import ASGIFramework

from api.answer import JSON_TYPE
from api.app import build_http_app
from api.middleware import App
from api.server import ListenConfig, serve
from benchmarks.micro.listing_server import ANY_PORT, fill
from node import Config, lifeline, open_node
from node.agent.view import AgentView

MANY = 1_000_000
"""Requests over one connection, as many as our own server allows: wrk counts a closed one as an error."""


def bare_asgi(answer: Callable[[str], bytes]) -> ASGIFramework:
    """Make an app that answers every path with the bytes given for it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()  # the word to end, which never comes
            return
        body = answer(scope["path"])
        headers = [(b"content-type", JSON_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return cast(ASGIFramework, app)


async def serve_bare(app: ASGIFramework, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
    """Serve an app with hypercorn as it comes; report the port."""
    config = hypercorn.Config()
    config.bind = ["127.0.0.1:0"]
    config.errorlog = None
    config.keep_alive_max_requests = MANY
    async with trio.open_nursery() as nursery:
        binds = await nursery.start(partial(hypercorn.trio.serve, app, config))
        task_status.started(int(binds[0].rsplit(":", 1)[1]))


async def main(data_dir: str, member_count: int, paths: list[str]) -> None:
    """Serve both."""
    config = Config.lan(name="n1", bind="127.0.0.1:0", http="off", data_dir=Path(data_dir), log_level="error")
    async with open_node(config) as node, trio.open_nursery() as nursery:
        fill(node, member_count)
        app = build_http_app(AgentView(node, ANY_PORT, lambda: ""))
        client = app.test_client()
        bodies = {path: await (await client.get(path)).get_data(as_text=False) for path in paths}
        address = await nursery.start(partial(serve, cast(App, app), ListenConfig(ANY_PORT)))
        bare_port = await nursery.start(serve_bare, bare_asgi(lambda path: bodies[path]))
        print(f"ports node={address.port} bare={bare_port}", flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    lifeline.hold()
    trio.run(main, sys.argv[1], int(sys.argv[2]), sys.argv[3:])
