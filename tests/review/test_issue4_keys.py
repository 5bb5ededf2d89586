"""Keys that two turn at once; and what waits behind a slow resolver, or a reload that is done by halves."""

import logging
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import trio

from node import Config, open_node
from node.agent.run import _Agent
from node.key_rotation import RotationDone, replace_cluster_key
from node.node import Node
from protocol.error import InvalidRequest

pytestmark = pytest.mark.end_to_end

DONE_WITHIN_S = 15.0
SLOW_S = 2.0
"""How long the resolver says nothing: the one of the system takes 5 s and more for each server."""


def config(directory: Path, name: str = "a", **more: Any) -> Config:
    """Make the configuration of a node."""
    return Config.local(name=name, bind="127.0.0.1:0", data_dir=directory / name, **more)


async def test_two_rotations_at_once_leave_one_key(tmp_path: Path) -> None:
    """Who is told that a key is in use, and no other held, can rely on it."""
    done: list[RotationDone] = []

    async def rotate(me: Node) -> None:
        try:
            done.append(await replace_cluster_key(me))
        except InvalidRequest:
            pass

    async with open_node(config(tmp_path)) as me:
        with trio.fail_after(DONE_WITHIN_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(rotate, me)
                nursery.start_soon(rotate, me)
        assert done
        assert me.keyring.keyring.key_ids == (done[-1].key_id,)


async def test_slow_resolver_holds_up_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty names that nobody answers for take all threads that Trio has by default; files are written by others."""
    answering, resolve = threading.Event(), socket.getaddrinfo

    def resolve_slowly(host: Any, *more: Any, **how: Any) -> Any:
        flags = more[4] if len(more) > 4 else how.get("flags", 0)
        if "slow" in str(host) and not flags & socket.AI_NUMERICHOST:  # which Trio asks first, in its own thread
            answering.wait(DONE_WITHIN_S)
            raise socket.gaierror(socket.EAI_AGAIN, "slow")
        return resolve(host, *more, **how)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_slowly)
    async with open_node(config(tmp_path)) as me:
        await me.join([f"slow{number}:1" for number in range(64)], timeout_s=0.2)
        threading.Timer(SLOW_S, answering.set).start()
        begun = trio.current_time()
        await me.keyring.add()
        took_s = trio.current_time() - begun
    assert took_s < SLOW_S / 2


async def test_reload_that_fails_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As the log says: "the configuration stays as it was"."""
    first = config(tmp_path, tags={"role": "web"})
    async with open_node(first) as me:
        agent = _Agent(me, first, lambda: first.replace(tags={"role": "db"}))

        def refuse(_: Config) -> None:
            raise InvalidRequest("TLS cannot use it")

        agent._reloadable.reload_tls = refuse
        with caplog.at_level(logging.ERROR, "shoal"):
            await agent._reload_config()
        assert me.tags() == {"role": "web"}
