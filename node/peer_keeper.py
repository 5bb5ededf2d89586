"""Peers as an operator handles them: invited, named, put out, taken in again.

What is promised is on the disk first: a word about an id is signed, stored, and only then spoken.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from node.config import Config
from node.driver import Driver
from node.peer_name import PeerNames
from node.seeds import SEED_ADDRESSES_MAX, Attempt
from node.state import State
from node.store_error import StoreError
from protocol.address import PORT_MAX, Address, split_host_port
from protocol.error import BadSignature, InvalidRequest, MalformedMessage
from protocol.refusal import Refusal
from protocol.security.signing_key import parse_public_key
from protocol.swim.member import Member
from protocol.swim.revocations import revocation_rank
from protocol.ulid import MemberId, format_ulid
from protocol.wire.statement import Revocation

if TYPE_CHECKING:
    from node.node import Node

ADDRESS_LENGTH_MAX = 300
"""Characters: a DNS name has 253 at most, a port five more."""
INVITE_LONGEST_S = 9.0
"""An invitation is answered within 10 s, whatever is at the address."""
HTTP_HEAD_START_S = 1.5
"""How long the address is taken for a gossip address, before it is asked by HTTP as well."""
LISTED_LONGEST_S = 5.0
"""How long a peer that shook hands may take until it is on the list: it may have to rise above a former incarnation."""
ADDED_REMEMBERED_S = 60.0


class NotActive(InvalidRequest):
    """This node has left the cluster: it has no say in it."""


class OperatorKeyRequired(InvalidRequest):
    """Only the operator's key may say who is out or in, and this node does not hold it."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What became of one; `peer` is the new member, or the one that was a member already."""

    peer: MemberId | None = None
    was_member: bool = False
    refusal: Refusal | None = None
    reason: str = ""


class PeerKeeper:
    """Made with its node."""

    def __init__(self, node: "Node", driver: Driver, state: State, operator_key: bytes | None) -> None:
        self._node = node
        self._driver = driver
        self._state = state
        self.operator_key = operator_key
        self.names = PeerNames(node, driver, state)
        self.rotation_turn = trio.Lock()
        """Held by whoever replaces the cluster key, until it is done."""
        self._turn = trio.Lock()
        self._added_at: dict[MemberId, float] = {}
        self._guests: Counter[MemberId] = Counter()
        """How many invitations of an id are under way."""
        self._on_trial: set[MemberId] = set()
        """Ids that were out, and are in for their invitations alone."""

    # --- names ----------------------------------------------------------------------------------

    def display_name(self, member: Member) -> str:
        """As `PeerNames.shown`."""
        return self.names.shown(member)

    async def rename(self, id: MemberId, name: str) -> None:
        """As `PeerNames.change`."""
        await self.names.change(id, name)

    # --- inviting -------------------------------------------------------------------------------

    async def invite(self, address: str) -> Invitation:
        """Bring the peer at a gossip or HTTP address into the cluster, within 10 s.

        A revoked one is reinstated for it, and put out again where nothing comes of it.

        Raises:
            InvalidRequest: not host:port.
            OperatorKeyRequired: the peer is revoked, and not for this node to reinstate.
            NotActive: the peer is revoked, and this node has left.
            StoreError: the disk does not take what followed.
        """
        _check_address(address)
        began, was_out = self._driver.now, self._node.is_leaving
        with trio.move_on_after(INVITE_LONGEST_S):
            attempt = await self._find(address)
            if attempt.met is None:
                return await self._settle(attempt, began, was_out)
            async with self._awaiting(attempt.met):
                if attempt.refusal is Refusal.REVOKED and self._bars(attempt.met):
                    await self._reinstate_on_trial(attempt.met)
                    attempt = await self._find(address)
                return await self._settle(attempt, began, was_out)
        return Invitation(reason=f"{address} did not answer within {INVITE_LONGEST_S:g} s")

    @asynccontextmanager
    async def _awaiting(self, id: MemberId) -> AsyncIterator[None]:
        """Put an id out again that was in on trial, once none of its invitations is under way and none brought it."""
        self._guests[id] += 1
        try:
            yield
        finally:
            self._guests[id] -= 1
            if not self._guests[id]:
                del self._guests[id]
                is_on_trial = id in self._on_trial
                self._on_trial.discard(id)
                if is_on_trial and not self._node.membership.is_live(id):
                    with trio.CancelScope(shield=True):
                        await self._put_out_again(id)

    async def _reinstate_on_trial(self, id: MemberId) -> None:
        try:
            await self.revoke(id, revoked=False)
        finally:
            if not self._bars(id):
                self._on_trial.add(id)

    async def _put_out_again(self, id: MemberId) -> None:
        """Take back what this node itself said for an invitation, though it may have left since.

        Raises:
            StoreError: the disk does not take it. Here and in the cluster the id is out again all the same.
        """
        async with self._turn:
            if self._bars(id):
                return
            word = self._sign(id, revoked=True)
            try:
                await self._speak(word)
            except StoreError as wrong:
                self._driver.perform(self._driver.engine.take_revocation(self._driver.now, word))
                raise StoreError(
                    f"{format_ulid(id)} is reinstated on this node's disk: that it is out again is told to all, "
                    f"and not stored yet: {wrong}"
                ) from None

    async def _settle(self, attempt: Attempt, began: float, was_out: bool) -> Invitation:
        """Tell what an attempt came to, once the peer is on the list."""
        peer = attempt.peer
        if attempt.own_echo:
            return Invitation(self._node.local.id, was_member=True)
        if peer is None:
            return Invitation(refusal=attempt.refusal, reason=attempt.reason)
        with trio.move_on_after(LISTED_LONGEST_S):
            while not self._node.membership.is_live(peer):
                await self._node.journal.wait_above(self._node.journal.index)
        if not self._node.membership.is_live(peer):
            return self.unseated("it shook hands, but is no member")
        with trio.CancelScope(shield=True):
            await self._state.flush()
        if was_out:
            if self._node.is_leaving:
                return self.unseated("this node was let in, and had to leave again")
            self._node.seeds.resting = False  # it is this node that was brought in, the peer may be on its old list
        was_member = (attempt.was_live and not was_out) or self._was_added_since(peer, began)
        return Invitation(peer, was_member=was_member)

    def unseated(self, reason: str) -> Invitation:
        """Refuse for what came between the handshake and a seat on the list."""
        if self._node.membership.admission.is_full:
            return Invitation(refusal=Refusal.NODE_LIMIT, reason=f"{reason}: another took the license's last seat")
        return Invitation(reason=reason)

    def _was_added_since(self, peer: MemberId, began: float) -> bool:
        """Tell whether another invitation brought this peer while ours was under way; note it for the next."""
        now = self._driver.now
        self._added_at = {id: at for id, at in self._added_at.items() if now - at < ADDED_REMEMBERED_S}
        if self._added_at.get(peer, began - 1.0) >= began:
            return True
        self._added_at[peer] = now
        return False

    async def _find(self, text: str) -> Attempt:
        """Try an address as gossip's, and if that tells nothing, as HTTP's."""
        try:
            addresses = (await self._node.resolve(text))[:SEED_ADDRESSES_MAX]
        except InvalidRequest as wrong:
            return Attempt(reason=str(wrong))
        attempts = {"gossip": Attempt(reason=f"{text} has no address")}
        gossip_tried = trio.Event()

        async def try_gossip(scope: trio.CancelScope) -> None:
            for address in addresses:
                attempts["gossip"] = await self._node.invite_address(address)
                if attempts["gossip"].is_telling:
                    scope.cancel()
                    break
            gossip_tried.set()

        async def try_http(scope: trio.CancelScope) -> None:
            with trio.move_on_after(HTTP_HEAD_START_S):
                await gossip_tried.wait()
            attempt = await self._ask_by_http(addresses)
            if attempt is not None:
                attempts["http"] = attempt
                if attempt.is_telling:
                    scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(try_gossip, nursery.cancel_scope)
            nursery.start_soon(try_http, nursery.cancel_scope)
        if attempts["gossip"].is_telling:
            return attempts["gossip"]
        return attempts.get("http", attempts["gossip"])

    async def _ask_by_http(self, addresses: Sequence[Address]) -> Attempt | None:
        """Ask by HTTP where the node gossips, and try that; None: no node of ours answers HTTP there."""
        from node.identity_lookup import LookupFailed, look_up_gossip_address  # costs a node without HTTP nothing

        for address in addresses:
            try:
                gossip = await look_up_gossip_address(address)
            except LookupFailed:
                continue
            return await self._node.invite_address(gossip)
        return None

    # --- who is out -----------------------------------------------------------------------------

    def _bars(self, id: MemberId) -> bool:
        return self._driver.engine.membership.revocations.bars(id)

    async def revoke(self, id: MemberId, *, revoked: bool) -> Revocation:
        """Sign, store and spread that an id is out, or in again; the word that holds now.

        Raises:
            NotActive: this node has left.
            OperatorKeyRequired: this node may not say so.
            InvalidRequest: the id is this node's own.
            StoreError: the disk does not take it; nothing changed.
        """
        if self.operator_key is not None:
            raise OperatorKeyRequired(
                "only the operator's key puts members out or in again here: sign it with "
                "`shoal peers revoke|reinstate ID --operator-key FILE`"
            )
        async with self._turn:
            self.check_active()
            self._on_trial.discard(id)
            held = self._held(id)
            if held is not None and held.revoked is revoked:
                return await self._confirm(held)
            return await self._speak(self._sign(id, revoked=revoked))

    async def take_statement(self, raw: bytes) -> Revocation:
        """Take a word that was signed elsewhere; the word that holds now, which is another where that is newer.

        Raises:
            NotActive: this node has left.
            InvalidRequest: not one, falsely signed, by a key not heeded here, of a century ahead, or about this node.
            StoreError: the disk does not take it; nothing changed.
        """
        async with self._turn:
            self.check_active()
            revocation = self._open(raw)
            if revocation.subject == self._node.local.id:
                raise InvalidRequest("this is about the node itself: give it to another member")
            held = self._held(revocation.subject)
            if held is not None and revocation_rank(revocation) <= revocation_rank(held):
                return await self._confirm(held)
            return await self._speak(revocation)

    def check_active(self) -> None:
        """Refuse what only a member may do.

        Raises:
            NotActive: this node has left.
        """
        if self._node.is_leaving:
            raise NotActive("this node has left the cluster: join it first")

    def _held(self, id: MemberId) -> Revocation | None:
        return self._driver.engine.membership.revocations.get(id)

    def _sign(self, id: MemberId, *, revoked: bool) -> Revocation:
        return self._open(self._driver.engine.sign_revocation(id, time.time_ns() // 1_000_000, revoked=revoked))

    def _open(self, raw: bytes) -> Revocation:
        try:
            statement = self._driver.verifier.open_statement(raw)
        except (MalformedMessage, BadSignature) as wrong:
            raise InvalidRequest(f"not a signed revocation of this cluster: {wrong}") from None
        if statement is None:
            raise InvalidRequest(
                "the revocation is not heeded here: signed with another key, or dated over a century ahead"
            )
        if not isinstance(statement, Revocation):
            raise InvalidRequest("this is a signed statement, but no revocation")
        return statement

    async def _speak(self, revocation: Revocation) -> Revocation:
        with trio.CancelScope(shield=True):
            await self._state.save_revocation(revocation)
            self._driver.perform(self._driver.engine.take_revocation(self._driver.now, revocation))
            await self._state.flush()  # where an even newer word came meanwhile, the disk has that
        return self._held(revocation.subject) or revocation

    async def _confirm(self, held: Revocation) -> Revocation:
        """Give a word that is in memory once it is on the disk: it may have come by gossip a moment ago."""
        with trio.CancelScope(shield=True):
            await self._state.flush()
        return held


def _check_address(text: str) -> None:
    """Refuse, before anything is resolved or repeated in a sentence, what nobody can listen at."""
    if len(text) > ADDRESS_LENGTH_MAX:
        raise InvalidRequest(f"an address of {len(text)} characters, at most {ADDRESS_LENGTH_MAX}")
    if text != text.strip():  # elsewhere a person may have typed them; here a program says what it means
        raise InvalidRequest(f"{text!r} is not host:port: there are blanks around it")
    try:
        host, port = split_host_port(text)
    except ValueError as wrong:
        raise InvalidRequest(str(wrong)) from None
    if not host.isprintable():
        raise InvalidRequest(f"{text!r} is not host:port")
    if not 0 < port <= PORT_MAX:
        raise InvalidRequest(f"{text!r} has no port to dial: give 1 to {PORT_MAX}")


def operator_key(config: Config) -> bytes | None:
    """Give the only key whose revocations count; None: those of every member do."""
    text = config.revocation_operator_key
    return None if text is None else parse_public_key(text)
