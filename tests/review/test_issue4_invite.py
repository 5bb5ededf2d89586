"""An invitation of somebody who is out: taken in for it, unless nothing comes of it, however that comes about."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

import node.invitation
from node import Config, open_node
from node.invitation import Invitation
from node.node import Node
from node.seeds import Attempt
from node.state import State
from node.store_error import StoreError
from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.refusal import Refusal
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation

pytestmark = pytest.mark.end_to_end

SOMEBODY = MemberId(bytes(range(16)))
ANYWHERE = "127.0.0.1:1"
DONE_WITHIN_S = 15.0
SOON_S = 0.3


def config(directory: Path, name: str = "a", **more: Any) -> Config:
    """Make the configuration of a node that is alone."""
    return Config.local(name=name, bind="127.0.0.1:0", data_dir=directory / name, **more)


async def never(_: Address) -> Attempt:
    """Shake hands with who stops in the midst of it."""
    await trio.sleep_forever()
    raise AssertionError


async def shakes_hands_and_stays_away(_: Address) -> Attempt:
    """Shake hands with who never shows up on the list."""
    return Attempt(peer=SOMEBODY, met=SOMEBODY)


@pytest.mark.parametrize("second", [never, shakes_hands_and_stays_away])
async def test_peer_that_was_out_stays_out_when_nothing_comes_of_its_invitation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: Callable[[Address], Awaitable[Attempt]]
) -> None:
    """The first handshake tells who it is; then it is too slow, or never gets a seat."""
    monkeypatch.setattr(node.invitation, "INVITE_LONGEST_S", 2 * SOON_S)
    monkeypatch.setattr(node.invitation, "LISTED_LONGEST_S", SOON_S)

    async def invite_address(self: Node, address: Address) -> Attempt:
        if self.membership.revocations.bars(SOMEBODY):
            return Attempt(refusal=Refusal.REVOKED, reason="revoked", met=SOMEBODY)
        return await second(address)

    monkeypatch.setattr(Node, "invite_address", invite_address)
    async with open_node(config(tmp_path)) as me:
        await me.peers.revoke(SOMEBODY, revoked=True)
        with trio.fail_after(DONE_WITHIN_S):
            invitation = await me.peers.invite(ANYWHERE)
        assert invitation.peer is None
        assert me.membership.revocations.bars(SOMEBODY)


async def test_peer_that_was_out_stays_out_when_the_disk_fills_up_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused with 500 NOT_STORED changed nothing: it is not a member here, whatever the disk has."""
    save, is_full = State.save_revocation, False

    async def save_revocation(self: State, revocation: Revocation) -> None:
        if is_full and revocation.revoked:
            raise StoreError("the disk is full")
        await save(self, revocation)

    async def invite_address(self: Node, _: Address) -> Attempt:
        nonlocal is_full
        if self.membership.revocations.bars(SOMEBODY):
            return Attempt(refusal=Refusal.REVOKED, reason="revoked", met=SOMEBODY)
        is_full = True
        return Attempt(refusal=Refusal.NAME_IN_USE, reason="its name is in use")

    monkeypatch.setattr(State, "save_revocation", save_revocation)
    monkeypatch.setattr(Node, "invite_address", invite_address)
    async with open_node(config(tmp_path)) as me:
        await me.peers.revoke(SOMEBODY, revoked=True)
        with trio.fail_after(DONE_WITHIN_S), suppress(StoreError):
            await me.peers.invite(ANYWHERE)
        assert me.membership.revocations.bars(SOMEBODY)


async def test_two_invitations_at_once_of_a_peer_that_is_out_add_one(tmp_path: Path) -> None:
    """One is told that it was added, the other that it is there already: neither that it is revoked."""
    async with open_node(config(tmp_path)) as me:
        key_file = tmp_path / "a" / "cluster.key"
        async with open_node(config(tmp_path, "b", key_file=key_file)) as other:
            with trio.fail_after(DONE_WITHIN_S):
                (await other.join([str(me.address)]))[0]
                while not me.membership.is_live(other.local.id):
                    await trio.sleep(0.02)
                await me.peers.revoke(other.local.id, revoked=True)
                while not other.is_leaving:
                    await trio.sleep(0.02)
                found = await _invite_twice(me, str(other.address))
            assert sorted((it.peer == other.local.id, it.was_member) for it in found) == [(True, False), (True, True)]


async def test_two_invitations_at_once_by_a_node_that_left_add_one(tmp_path: Path) -> None:
    """The Peers API: two POSTs of one address at once, one 201 and one 409."""
    async with open_node(config(tmp_path)) as me:
        key_file = tmp_path / "a" / "cluster.key"
        async with open_node(config(tmp_path, "b", key_file=key_file)) as other:
            with trio.fail_after(DONE_WITHIN_S):
                await me.leave(stay=True)
                found = await _invite_twice(me, str(other.address))
            assert sorted((it.peer == other.local.id, it.was_member) for it in found) == [(True, False), (True, True)]


async def test_node_that_left_meanwhile_signs_no_revocation(tmp_path: Path) -> None:
    """Whether it has a say is asked again once its turn has come."""
    async with open_node(config(tmp_path)) as me:
        with trio.fail_after(DONE_WITHIN_S):
            async with me.peers._turn, trio.open_nursery() as nursery:
                refused: list[InvalidRequest] = []

                async def revoke() -> None:
                    try:
                        await me.peers.revoke(SOMEBODY, revoked=True)
                    except InvalidRequest as wrong:
                        refused.append(wrong)

                nursery.start_soon(revoke)
                await trio.testing.wait_all_tasks_blocked()
                await me.leave(stay=True)
                me.peers._turn.release()
                await trio.sleep(0.1)
                await me.peers._turn.acquire()
        assert not me.membership.revocations.bars(SOMEBODY)


async def _invite_twice(me: Node, address: str) -> list[Invitation]:
    found: list[Invitation] = []

    async def invite() -> None:
        found.append(await me.peers.invite(address))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(invite)
        nursery.start_soon(invite)
    return found
