"""Readiness never lags behind the list: while that shows somebody alive, this node is joined, however it came about."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest
import trio

from node.agent.view import AgentView
from node.config import Config
from node.node import Node
from node.open import bring_up
from node.seeds import Attempt
from protocol.address import Address
from protocol.refusal import Refusal
from protocol.status import Status
from protocol.wire.message import Claim, Packet
from tests.node.parts import Parts

SEED = "127.0.0.1:9"
ORDERS = 200
LENGTH = 12
"""Events in one order."""


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node with a seed."""
    config = Config.local(name="a", data_dir=tmp_path, bind="127.0.0.1:0", join=[SEED])
    async with bring_up(config) as node:
        yield node


class Story:
    """A node, the seed it waits for, and a member that comes and goes."""

    def __init__(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand for the node's streams: each handshake waits for the next word of the test."""
        self.node = node
        self.view = AgentView(node, None, lambda: node.seeds.unjoined_reason)
        self._other = Parts("b", 9, node.driver.keyring)
        self._answers, self._waiting = trio.open_memory_channel[Attempt](64)
        monkeypatch.setattr(node.seeds, "_join", self._join)
        node.seeds.answered = False
        for member in node.members():
            if member.id != node.local.id:
                node.membership.drop(member)
        node._changes += 1

    async def _join(self, address: Address) -> Attempt:
        return await self._waiting.receive()

    def events(self) -> list[Callable[[], object]]:
        """Return all that may happen."""
        return [self.arrive, self.fail, self.go, self.be_pruned, self.answer, self.refuse, self.replace_seeds]

    def arrive(self) -> None:
        """Learn of the other, through the seed or else: the engine knows, and no task has run."""
        local, driver = self._other.engine.local, self.node.driver
        if local.goodbye:
            self._other.driver.perform(self._other.engine.join(driver.now, Address("127.0.0.1", 1))[1])
        member = self.node.membership.get(local.profile.id)
        if member is not None and not member.is_live:
            self._other.driver.perform(self._other.engine.set_tags(driver.now, {"n": str(local.incarnation)}, ()))
        packet = Packet((), (Claim(local.record),))
        driver.perform(self.node.engine.handle_packet(driver.now, local.profile.id, packet))

    def fail(self) -> None:
        """Give the other up for dead."""
        member = self.node.membership.get(self._other.identity.id)
        if member is not None:
            self.node.membership.mark_failed(self.node.driver.now, member)
            self.node._changes += 1

    def go(self) -> None:
        """Hear the other's goodbye."""
        driver = self.node.driver
        self._other.driver.perform(self._other.engine.leave(driver.now))
        packet = Packet((), (Claim(self._other.engine.local.record),))
        driver.perform(self.node.engine.handle_packet(driver.now, self._other.identity.id, packet))

    def be_pruned(self) -> None:
        """Take the other off the list, if it is failed."""
        driver, id = self.node.driver, self._other.identity.id
        driver.perform(self.node.engine.force_leave(driver.now, id, prune=True))

    def answer(self) -> None:
        """Have the seed answer; who waits for it hears of it later."""
        self._answers.send_nowait(Attempt(peer=self._other.identity.id, met=self._other.identity.id))

    def refuse(self) -> None:
        """Have the seed refuse for now."""
        self._answers.send_nowait(Attempt(refusal=Refusal.BUSY, reason="busy"))

    def replace_seeds(self) -> None:
        """Give other seeds."""
        self.node.seeds.replace([SEED, "127.0.0.1:10"])

    def check(self) -> None:
        """Compare list and readiness."""
        shown = [(row.name, row.status) for row in self.view.members() if not row.is_local]
        if any(status in (Status.ALIVE, Status.SUSPECT) for _, status in shown):
            assert self.view.health().ok, (shown, self.view.health().reason)


async def test_node_is_ready_while_its_list_shows_somebody_alive(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever came first: the seed's answer, the news of it by gossip, its failure, or the task that waits for it."""
    for number in range(ORDERS):
        rng = Random(number)
        story = Story(node, monkeypatch)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.run_seeds)
            for _ in range(LENGTH):
                rng.choice(story.events())()
                story.check()
                for _ in range(rng.randrange(4)):
                    await trio.lowlevel.checkpoint()
                    story.check()
            nursery.cancel_scope.cancel()
        story.arrive()
        story.check()


async def test_node_that_nobody_answered_says_so_until_somebody_is_there(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names its seeds; it is ready before any task has run."""
    story = Story(node, monkeypatch)
    node.seeds.replace([SEED])
    assert story.view.health().reason == f"not joined yet: none of {SEED} has answered"
    story.arrive()
    assert story.view.health().ok
