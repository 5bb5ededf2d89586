"""Inviting, naming and putting out: over nodes with real sockets and disks, and over attempts that a test writes."""

import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
import trio
import trio.testing

from node import invitation as invitation_module
from node.config import Config
from node.invitation import ADDRESS_LENGTH_MAX, Invitation
from node.new_key_file import write_key_file
from node.node import Node
from node.open import bring_up
from node.peer_keeper import NotActive, OperatorKeyRequired
from node.seeds import Attempt
from node.store import DATABASE_NAME, Store
from node.store_error import StoreError
from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.refusal import Refusal
from protocol.security.operator_word import operator_id, sign_as_operator
from protocol.security.signing_key import SigningKey, format_public_key
from protocol.security.verifier import REVOCATION_AHEAD_MAX_MS
from protocol.ulid import ClusterId, MemberId, format_ulid
from protocol.wire.statement import Revocation

OPERATOR = SigningKey.generate(lambda size: b"\3" * size)
STRANGER = SigningKey.generate(lambda size: b"\4" * size)
SOMEBODY = MemberId(b"\1\x8b" + b"\5" * 14)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    """Run two nodes of one cluster that do not know each other."""
    write_key_file(tmp_path / "cluster.key")

    def config(name: str) -> Config:
        return Config.local(name=name, data_dir=tmp_path / name, bind="127.0.0.1:0", key_file=tmp_path / "cluster.key")

    async with bring_up(config("a")) as a, bring_up(config("b")) as b:
        yield a, b


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that is alone."""
    async with bring_up(Config.local(name="a", data_dir=tmp_path, bind="127.0.0.1:0")) as node:
        yield node


@pytest.fixture
async def operated(tmp_path: Path) -> AsyncIterator[Node]:
    """Run a node that heeds the operator's key alone."""
    key = format_public_key(OPERATOR.public_key)
    config = Config.local(name="a", data_dir=tmp_path, bind="127.0.0.1:0", revocation_operator_key=key)
    async with bring_up(config) as node:
        yield node


def cluster_of(node: Node) -> ClusterId:
    """Give a node's cluster id."""
    return node.driver.keyring.cluster_id


def now_ms() -> int:
    """Give unix ms."""
    return time.time_ns() // 1_000_000


class Script:
    """What comes of each attempt at an address, in place of a node's streams."""

    def __init__(self, node: Node, *attempts: Attempt | None) -> None:
        """Give the attempts in their order; None is one that never ends."""
        self.left = list(attempts)
        self.tried: list[Address] = []
        node.invite_address = self.invite  # type: ignore[method-assign]

    async def invite(self, address: Address) -> Attempt:
        """Give the next."""
        await trio.lowlevel.checkpoint()
        self.tried.append(address)
        attempt = self.left.pop(0)
        if attempt is None:
            await trio.sleep_forever()
        assert attempt is not None
        return attempt


# --- inviting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "127.0.0.1", ":7946", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:00000000099999", "a b:1", "a\0b:1",
     "\x1b[2J:1", "http://x:1", "x" * ADDRESS_LENGTH_MAX + ":1", " 127.0.0.1:7946", "127.0.0.1:7946 ", "[::1]:7946\n",
     "\t127.0.0.1:7946", "\N{NO-BREAK SPACE}127.0.0.1:7946"],
)  # fmt: skip
async def test_invite_refuses_what_nobody_can_listen_at(node: Node, text: str) -> None:
    """In one short sentence, before anything is looked up or dialled."""
    script = Script(node)
    with pytest.raises(InvalidRequest) as refused:
        await node.peers.invite(text)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 400
    assert script.tried == []


async def test_invited_peer_is_a_member_of_both(two: tuple[Node, Node]) -> None:
    """On the list and on the disk at return; a second time it was one already, and so is oneself."""
    a, b = two
    assert await a.peers.invite(str(b.address)) == Invitation(b.local.id)
    assert a.membership.is_live(b.local.id)
    assert b.membership.is_live(a.local.id)
    assert [contact.id for contact in a._state.store.load_contacts()] == [b.local.id]
    assert await a.peers.invite(str(b.address)) == Invitation(b.local.id, was_member=True)
    assert await a.peers.invite(str(a.address)) == Invitation(a.local.id, was_member=True)
    assert await a.peers.invite(f"localhost:{a.address.port}") == Invitation(a.local.id, was_member=True)


async def test_two_invitations_at_once_bring_one_peer(two: tuple[Node, Node]) -> None:
    """One of them is told that it was there already."""
    a, b = two
    invitations = []

    async def invite() -> None:
        invitations.append(await a.peers.invite(str(b.address)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(invite)
        nursery.start_soon(invite)
    assert sorted(invitation.was_member for invitation in invitations) == [False, True]
    assert {invitation.peer for invitation in invitations} == {b.local.id}


async def test_peer_is_invited_by_its_http_address(two: tuple[Node, Node]) -> None:
    """What gossip's handshake does not understand is asked by HTTP, and what that names is tried."""
    a, b = two
    body = b'{"address": "%s"}' % str(b.address).encode()

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            request = await stream.receive_some(4_096)
            if request.startswith(b"GET /v1/cluster/identity "):
                await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with trio.open_nursery() as nursery:
        (listener, *_) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, serve, [listener])
        address = f"127.0.0.1:{listener.socket.getsockname()[1]}"
        assert await a.peers.invite(address) == Invitation(b.local.id)
        nursery.cancel_scope.cancel()


async def test_node_that_left_returns_by_inviting_or_being_invited(two: tuple[Node, Node]) -> None:
    """Whoever of the two had left; the peer counts as new, though it was on the old list."""
    a, b = two
    await a.peers.invite(str(b.address))
    for leaver, other in ((a, b), (b, a), (a, a)):
        await leaver.leave(stay=True)
        inviter = a if other is a else b
        target = b if inviter is a else a
        invitation = await inviter.peers.invite(str(target.address))
        assert invitation == Invitation(target.local.id)
        assert not leaver.is_leaving


async def test_invitation_takes_no_longer_than_it_may(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the attempts do: a reason with the address, in time."""
    monkeypatch.setattr(invitation_module, "INVITE_LONGEST_S", 0.05)
    Script(node, None)
    with trio.fail_after(5):
        invitation = await node.peers.invite("127.0.0.1:1")
    assert (invitation.peer, invitation.refusal) == (None, None)
    assert invitation.reason.startswith("127.0.0.1:1 did not answer within")


# --- inviting who is out ----------------------------------------------------------------------------

BARRED = Attempt(refusal=Refusal.REVOKED, reason="revoked", met=SOMEBODY)


def _bars(node: Node) -> bool:
    return node.membership.revocations.bars(SOMEBODY)


async def test_revoked_peer_that_then_fails_stays_revoked(node: Node) -> None:
    """It was taken in again for the attempt alone; the refusal of that is what is told."""
    await node.peers.revoke(SOMEBODY, revoked=True)
    script = Script(node, BARRED, Attempt(refusal=Refusal.NAME_IN_USE, reason="used", met=SOMEBODY))
    invitation = await node.peers.invite("127.0.0.1:1")
    assert (invitation.peer, invitation.refusal) == (None, Refusal.NAME_IN_USE)
    assert len(script.tried) == 2
    assert _bars(node)


async def test_revoked_peer_stays_revoked_when_the_time_is_up(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second attempt is cut off; what was said for it is taken back all the same."""
    monkeypatch.setattr(invitation_module, "INVITE_LONGEST_S", 0.3)
    await node.peers.revoke(SOMEBODY, revoked=True)
    Script(node, BARRED, None)
    invitation = await node.peers.invite("127.0.0.1:1")
    assert "did not answer within" in invitation.reason
    assert _bars(node)


async def test_disk_that_fills_up_in_an_invitation_is_told(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer is in again on the disk, as the sentence says, and out in memory; it is stored once there is room."""
    await node.peers.revoke(SOMEBODY, revoked=True)
    Script(node, BARRED, Attempt(refusal=Refusal.NAME_IN_USE, reason="used", met=SOMEBODY))
    save = Store.save_revocations

    async def save_unless_revoked(store: Store, words: Iterable[Revocation]) -> None:
        words = list(words)
        if any(word.revoked for word in words):
            raise StoreError("state.db cannot be written: the disk is full")
        await save(store, words)

    monkeypatch.setattr(Store, "save_revocations", save_unless_revoked)
    with pytest.raises(StoreError, match=f"{format_ulid(SOMEBODY)} is reinstated on this node's disk.*disk is full"):
        await node.peers.invite("127.0.0.1:1")
    assert _bars(node)
    monkeypatch.setattr(Store, "save_revocations", save)
    await node._state.write()
    held = node.membership.revocations.get(SOMEBODY)
    assert held is not None
    assert node._state.store.load_revocations() == [held.raw]


async def test_peer_that_an_operator_reinstates_meanwhile_stays_in(node: Node) -> None:
    """What was said for the invitation alone is then said for good."""
    await node.peers.revoke(SOMEBODY, revoked=True)
    Script(node, BARRED, None)
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(node.peers.invite, "127.0.0.1:1")
            while _bars(node):
                await trio.testing.wait_all_tasks_blocked(0.01)
            await node.peers.revoke(SOMEBODY, revoked=False)
            nursery.cancel_scope.cancel()
    assert not _bars(node)


async def test_revoked_peer_that_refuses_us_is_not_reinstated(node: Node) -> None:
    """Where it is this node that is out, there, no word of this node's changes that."""
    script = Script(node, BARRED)
    invitation = await node.peers.invite("127.0.0.1:1")
    assert invitation.refusal is Refusal.REVOKED
    assert len(script.tried) == 1
    assert node.membership.revocations.get(SOMEBODY) is None


async def test_revoked_peer_is_not_reinstated_without_the_operators_key(operated: Node) -> None:
    """It says what it takes, and nothing changes."""
    raw = sign_as_operator(OPERATOR, cluster_of(operated), SOMEBODY, now_ms(), revoked=True)
    await operated.peers.take_statement(raw)
    Script(operated, BARRED)
    with pytest.raises(OperatorKeyRequired, match="--operator-key"):
        await operated.peers.invite("127.0.0.1:1")
    assert _bars(operated)


async def test_peer_that_was_put_out_returns_by_an_invitation(two: tuple[Node, Node]) -> None:
    """Over real streams: revoked it is told, and added again it is a member."""
    a, b = two
    await a.peers.invite(str(b.address))
    await a.peers.revoke(b.local.id, revoked=True)
    with trio.fail_after(5):
        while not b.is_leaving:
            await b.journal.wait_above(b.journal.index)
    assert a.membership.revocations.bars(b.local.id)
    invitation = await a.peers.invite(str(b.address))
    assert invitation.peer == b.local.id
    assert a.membership.is_live(b.local.id)
    assert not b.is_leaving


# --- words about who is out -------------------------------------------------------------------------


async def test_word_is_on_the_disk_when_it_is_said(node: Node, tmp_path: Path) -> None:
    """Said again it is the same word, and not signed anew; the other word is a newer one."""
    first = await node.peers.revoke(SOMEBODY, revoked=True)
    assert node._state.store.load_revocations() == [first.raw]
    assert await node.peers.revoke(SOMEBODY, revoked=True) is first
    second = await node.peers.revoke(SOMEBODY, revoked=False)
    assert second.version > first.version
    assert node._state.store.load_revocations() == [second.raw]
    assert not _bars(node)


async def test_word_that_the_disk_does_not_take_is_not_said(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing changes, and a later one is taken."""

    async def refuse(*arguments: object) -> None:
        raise StoreError("state.db cannot be written: the disk is full")

    with monkeypatch.context() as full:
        full.setattr(Store, "save_revocations", refuse)
        with pytest.raises(StoreError):
            await node.peers.revoke(SOMEBODY, revoked=True)
        assert not _bars(node)
    await node.peers.revoke(SOMEBODY, revoked=True)
    assert _bars(node)


async def test_node_does_not_revoke_itself(node: Node) -> None:
    """It leaves."""
    with pytest.raises(InvalidRequest, match="cannot revoke itself"):
        await node.peers.revoke(node.local.id, revoked=True)


async def test_node_that_left_has_no_say(node: Node) -> None:
    """Neither its own words are taken nor those of others that it is brought."""
    await node.leave(stay=True)
    with pytest.raises(NotActive, match="join it first"):
        await node.peers.revoke(SOMEBODY, revoked=True)
    with pytest.raises(NotActive):
        await node.peers.take_statement(b"")
    assert len(node.membership.revocations) == 0


async def test_only_the_operators_key_speaks_where_it_is_set(operated: Node) -> None:
    """The node's own words are refused; the operator's are stored and heeded, by a key that is no member's."""
    with pytest.raises(OperatorKeyRequired):
        await operated.peers.revoke(SOMEBODY, revoked=True)
    raw = sign_as_operator(OPERATOR, cluster_of(operated), SOMEBODY, now_ms(), revoked=True)
    word = await operated.peers.take_statement(raw)
    assert (word.subject, word.revoked, word.issuer) == (SOMEBODY, True, operator_id(OPERATOR.public_key))
    assert operated._state.store.load_revocations() == [raw]
    older = sign_as_operator(OPERATOR, cluster_of(operated), SOMEBODY, word.version - 1, revoked=False)
    assert await operated.peers.take_statement(older) == word
    assert _bars(operated)


async def test_statement_that_is_no_heeded_word_is_refused(operated: Node) -> None:
    """Garbage, another key's, another cluster's, one of centuries ahead, one about the node itself, and a record."""
    cluster, version = cluster_of(operated), now_ms()
    other, too_late = ClusterId(bytes(16)), version + 2 * REVOCATION_AHEAD_MAX_MS
    genuine = sign_as_operator(OPERATOR, cluster, SOMEBODY, version, revoked=True)
    cases = [
        (b"", "not a signed revocation"),
        (b"\xff" * 200, "not a signed revocation"),
        (genuine[:-1], "not a signed revocation"),
        (genuine[:20] + b"\0" + genuine[21:], "not a signed revocation"),
        (sign_as_operator(OPERATOR, other, SOMEBODY, version, revoked=True), "not a signed revocation"),
        (sign_as_operator(STRANGER, cluster, SOMEBODY, version, revoked=True), "not heeded here"),
        (sign_as_operator(OPERATOR, cluster, SOMEBODY, too_late, revoked=True), "not heeded here"),
        (sign_as_operator(OPERATOR, cluster, operated.local.id, version, revoked=True), "about the node itself"),
        (operated.local.record.raw, "but no revocation"),
    ]
    for raw, said in cases:
        with pytest.raises(InvalidRequest, match=said):
            await operated.peers.take_statement(raw)
    assert len(operated.membership.revocations) == 0
    assert operated._state.store.load_revocations() == []


# --- names ------------------------------------------------------------------------------------------


async def test_name_is_the_note_else_its_own_else_the_members(two: tuple[Node, Node]) -> None:
    """Each taken back by an empty one; the note is on the disk."""
    a, b = two
    await a.peers.invite(str(b.address))

    def shown() -> str:
        member = a.membership.get(b.local.id)
        assert member is not None
        return a.peers.display_name(member)

    assert shown() == "b"
    await b.peers.rename(b.local.id, "Bee")
    with trio.fail_after(5):
        while shown() != "Bee":
            await a.journal.wait_above(a.journal.index)
    await a.peers.rename(b.local.id, "My note")
    assert shown() == "My note"
    assert a._state.store.load_display_names() == {b.local.id: "My note"}
    assert b.peers.display_name(b.local) == "Bee"
    await a.peers.rename(b.local.id, "")
    assert shown() == "Bee"
    assert a._state.store.load_display_names() == {}


async def test_note_goes_with_its_peer(two: tuple[Node, Node]) -> None:
    """From memory and from the disk, once the peer is revoked, or off the list."""
    a, b = two
    await a.peers.invite(str(b.address))
    await a.peers.rename(b.local.id, "Bee")
    await a.peers.rename(SOMEBODY, "Nobody")
    version = a.peers.names.version
    await a.peers.revoke(b.local.id, revoked=True)
    await a._state.flush()
    assert a._state.store.load_display_names() == {SOMEBODY: "Nobody"}
    assert a.peers.names.version == version + 1
    await a.peers.revoke(SOMEBODY, revoked=True)
    await a._state.flush()
    assert a._state.store.load_display_names() == {}


@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize("name", ["x" * 129, "🐟" * 65, "a\nb", "\0", "\ud800"])
async def test_name_out_of_bounds_changes_nothing(node: Node, name: str, is_own: bool) -> None:
    """Neither here nor on the disk."""
    with pytest.raises(InvalidRequest):
        await node.peers.rename(node.local.id if is_own else SOMEBODY, name)
    assert node.local.record.display_name == ""
    assert node._state.store.load_display_name() is None
    assert node._state.store.load_display_names() == {}


async def test_name_that_the_disk_does_not_take_changes_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node's own, and a note."""

    async def refuse(*arguments: object) -> None:
        raise StoreError("state.db cannot be written: the disk is full")

    monkeypatch.setattr(Store, "_save", refuse)
    for id in (node.local.id, SOMEBODY):
        with pytest.raises(StoreError):
            await node.peers.rename(id, "name")
    assert node.local.record.display_name == ""
    assert node.peers.names._notes == {}
    assert node.peers.names.version == 0


async def test_own_name_outlives_the_process(tmp_path: Path) -> None:
    """It goes before the configuration's, also an empty one."""
    config = Config.local(name="a", data_dir=tmp_path, bind="127.0.0.1:0", display_name="configured")
    for name in ("given", ""):
        async with bring_up(config) as node:
            await node.peers.rename(node.local.id, name)
        async with bring_up(config) as node:
            assert node.local.record.display_name == name
    assert (tmp_path / DATABASE_NAME).exists()
