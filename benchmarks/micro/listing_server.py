"""The server of `listing`: a node that holds so many members, its HTTP, and a bare route beside it.

    python -m benchmarks.micro.listing_server DATA_DIR MEMBER_COUNT

It prints `ports members=PORT bare=PORT`, and serves until it is killed.
"""

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import trio
from quart import Response
from quart_trio import QuartTrio

from api.answer import JSON_TYPE, encode_json
from api.app import build_http_app
from api.middleware import App
from api.nomad.member import members_answer
from api.server import ListenConfig, serve
from benchmarks.micro.material import make_authors
from node import Config, Node, lifeline, open_node
from node.agent.view import AgentView
from protocol.address import Address
from protocol.wire.message import Claim, Packet

ANY_PORT = Address("127.0.0.1", 0)
CLAIMS_AT_ONCE = 50


def bare_app(body: bytes) -> QuartTrio:
    """Make an app of one route that answers ready bytes, with nothing around it."""
    app = QuartTrio("bare", static_folder=None, template_folder=None)

    async def members() -> Response:
        return Response(body, 200, {"Content-Type": JSON_TYPE})

    app.add_url_rule("/v1/agent/members", "members", members, methods=("GET",))
    return app


def fill(node: Node, count: int) -> None:
    """Put so many members on the list, and keep the node from finding out that nobody is there."""
    driver = node.driver
    authors = [replace(author, address=Address("127.0.0.1", 1)) for author in make_authors(driver.keyring, count - 1)]
    for begin in range(0, len(authors), CLAIMS_AT_ONCE):
        claims = tuple(Claim(author.record()) for author in authors[begin : begin + CLAIMS_AT_ONCE])
        driver.perform(node.engine.handle_packet(driver.now, authors[0].id, Packet((), claims)))
    node.engine.core.silent = True  # neither probes nor gossip, so nobody is found missing
    node.engine.prober.rest()


async def main(data_dir: str, member_count: int) -> None:
    """Serve both apps."""
    config = Config.lan(name="n1", bind="127.0.0.1:0", http="off", data_dir=Path(data_dir), log_level="error")
    async with open_node(config) as node, trio.open_nursery() as nursery:
        fill(node, member_count)
        view = AgentView(node, ANY_PORT, lambda: "")
        body = encode_json(members_answer(view))
        ports = []
        for name, app in (("members", build_http_app(view)), ("bare", bare_app(body))):
            address = await nursery.start(partial(serve, cast(App, app), ListenConfig(ANY_PORT)))
            ports.append(f"{name}={address.port}")
        print("ports", *ports, flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    lifeline.hold()
    trio.run(main, sys.argv[1], int(sys.argv[2]))
