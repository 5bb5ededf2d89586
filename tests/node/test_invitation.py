"""Invitations to one address take turns, within bounds of time and number, by whatever name it was found."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trio.testing

from node import invitation as invitation_module
from node import turn
from node.config import Config
from node.invitation import Invitation
from node.node import Node
from node.open import bring_up
from node.seeds import Attempt
from protocol.address import Address
from protocol.refusal import Refusal
from protocol.ulid import MemberId

SOMEBODY = MemberId(b"\1\x8b" + b"\5" * 14)
NOT_THERE = Attempt(reason="nobody listens there")


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that is alone."""
    async with bring_up(Config.local(name="a", data_dir=tmp_path, bind="127.0.0.1:0")) as node:
        yield node


class Doors:
    """What is dialled, how many at once, and when a handshake ends."""

    def __init__(self, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand for the node's streams; handshakes last until `opened` is set."""
        self.dialled: list[Address] = []
        self.at_once = self.at_once_max = 0
        self.opened = trio.Event()
        self.attempt = NOT_THERE
        monkeypatch.setattr(node, "invite_address", self.dial)
        monkeypatch.setattr(invitation_module, "HTTP_HEAD_START_S", 100.0)

    async def dial(self, address: Address) -> Attempt:
        """Shake hands."""
        self.dialled.append(address)
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        try:
            await self.opened.wait()
            await trio.lowlevel.checkpoint()
        finally:
            self.at_once -= 1
        return self.attempt


async def invite_all(node: Node, nursery: trio.Nursery, *texts: str) -> list[Invitation]:
    """Begin an invitation for each text; what they come to is added as they end."""
    found: list[Invitation] = []

    async def invite(text: str) -> None:
        found.append(await node.peers.invite(text))

    for text in texts:
        nursery.start_soon(invite, text)
    return found


async def test_spellings_of_one_address_take_turns(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number and by names that resolve to it; another address is not held up."""

    async def resolve(text: str) -> list[Address]:
        return [Address("127.0.0.1" if text != "else:9" else "127.0.0.2", 9)]

    doors = Doors(node, monkeypatch)
    doors.attempt = Attempt(refusal=Refusal.NAME_IN_USE, reason="used")
    monkeypatch.setattr(node, "resolve", resolve)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            found = await invite_all(node, nursery, "127.0.0.1:9", "name:9", "NAME:9", "else:9")
            await trio.testing.wait_all_tasks_blocked()
            assert sorted(doors.dialled) == [Address("127.0.0.1", 9), Address("127.0.0.2", 9)]
            doors.opened.set()
    assert doors.at_once_max == 2
    assert len(doors.dialled) == len(found) == 4
    assert len(node.peers.inviter._turns) == 0


async def test_invitation_that_waits_ends_in_time_and_says_why(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that dials is told that nobody answered, those in line that others had their turn."""
    doors = Doors(node, monkeypatch)
    monkeypatch.setattr(invitation_module, "INVITE_LONGEST_S", 0.1)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            found = await invite_all(node, nursery, "127.0.0.1:9", "127.0.0.1:9", "127.0.0.1:9")
    assert sorted(invitation.reason for invitation in found) == [
        "127.0.0.1:9 did not answer within 0.1 s",
        "127.0.0.1:9: other invitations to this address took all of 0.1 s; ask again",
        "127.0.0.1:9: other invitations to this address took all of 0.1 s; ask again",
    ]
    assert len(doors.dialled) == 1
    assert len(node.peers.inviter._turns) == 0


async def test_line_at_an_address_is_bounded(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused at once, and the others go on."""
    doors = Doors(node, monkeypatch)
    monkeypatch.setattr(invitation_module, "HTTP_HEAD_START_S", 0.0)
    monkeypatch.setattr(turn, "LINE_LENGTH_MAX", 3)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            found = await invite_all(node, nursery, *["127.0.0.1:9"] * 4)
            await trio.testing.wait_all_tasks_blocked(0.05)
            assert [invitation.reason for invitation in found] == [
                "127.0.0.1:9: 64 invitations to this address are under way already"
            ]
            doors.opened.set()
    assert [invitation.reason for invitation in found[1:]] == [NOT_THERE.reason] * 3


async def test_peer_that_an_operator_reinstates_first_stays_in(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The invitation that finds it in is none that it is on trial for."""
    peers = node.peers
    await peers.revoke(SOMEBODY, revoked=True)
    async with trio.open_nursery() as nursery, peers._turn, peers.hosting(SOMEBODY):
        nursery.start_soon(peers.reinstate_on_trial, SOMEBODY)
        await trio.testing.wait_all_tasks_blocked()
        await peers._say(SOMEBODY, revoked=False)
    async with peers.hosting(SOMEBODY):
        pass
    assert not node.membership.revocations.bars(SOMEBODY)


async def test_arrivals_are_forgotten_with_the_last_invitation(node: Node) -> None:
    """Without one under way nothing is kept; with one, the latest of a thousand."""
    arrivals, record = node.peers.arrivals, node.local.record
    arrivals.note(record)
    assert len(arrivals) == 0
    with arrivals.watch() as since:
        arrivals.note(record)
        with arrivals.watch() as later:
            assert (arrivals.came(record.id, since), arrivals.came(record.id, later)) == (True, False)
            assert not arrivals.claim(record.id, later)
        assert arrivals.claim(record.id, since)
        assert not arrivals.claim(record.id, since)
        assert arrivals.find(record.id) is record
    assert len(arrivals) == 0
