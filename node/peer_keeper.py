"""Peers as an operator handles them: invited, named, put out, taken in again.

What is promised is on the disk first: a word about an id is signed, stored, and only then spoken.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import trio

from node.config import Config
from node.driver import Driver
from node.seeds import SEED_ADDRESSES_MAX, Attempt
from node.state import State
from protocol.address import PORT_MAX, Address, split_host_port
from protocol.error import BadSignature, InvalidRequest, MalformedMessage
from protocol.refusal import Refusal
from protocol.security.signing_key import parse_public_key
from protocol.swim.member import Member
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation, check_display_name

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
        self._names = state.store.load_display_names()
        self._turn = trio.Lock()
        self._added_at: dict[MemberId, float] = {}

    # --- names ----------------------------------------------------------------------------------

    def display_name(self, member: Member) -> str:
        """Give this node's own note, else what the peer says of itself, else its member name."""
        note = self._names.get(member.id) if member.id != self._node.local.id else None
        return note or member.record.display_name or member.record.name

    async def rename(self, id: MemberId, name: str) -> None:
        """Note how a peer is called, or say how this node itself is; an empty name takes it back.

        Raises:
            InvalidRequest: over 128 characters or 256 bytes, control characters, or too large for the record.
            StoreError: the disk does not take it; nothing changed.
        """
        try:
            check_display_name(name)
        except MalformedMessage as wrong:
            raise InvalidRequest(str(wrong)) from None
        async with self._turn:
            if id == self._node.local.id:
                engine = self._driver.engine
                engine.local.check(engine.local.renamed(name))
                await self._state.store.save_own_display_name(name)
                self._driver.perform(engine.set_display_name(self._driver.now, name))
                return
            await self._state.store.save_display_name(id, name)
            if name:
                self._names[id] = name
            else:
                self._names.pop(id, None)

    # --- inviting -------------------------------------------------------------------------------

    async def invite(self, address: str) -> Invitation:
        """Bring the peer at a gossip or HTTP address into the cluster, within 10 s.

        A revoked one is reinstated for it, unless nothing comes of it.

        Raises:
            InvalidRequest: not host:port.
            OperatorKeyRequired: the peer is revoked, and not for this node to reinstate.
            StoreError: the disk does not take what followed.
        """
        _check_address(address)
        began, was_out = self._driver.now, self._node.is_leaving
        with trio.move_on_after(INVITE_LONGEST_S):
            attempt = await self._find(address)
            barred = attempt.met
            if attempt.refusal is Refusal.REVOKED and barred is not None and self._bars(barred):
                attempt = await self._find_reinstated(address, barred)
            invitation = await self._settle(attempt, began)
            if not was_out or attempt.own_echo or invitation.peer is None:
                return invitation
            if self._node.is_leaving:
                return self.unseated("this node was let in, and had to leave again")
            self._node.seeds.resting = False  # it is this node that was brought in
            return replace(invitation, was_member=False)
        return Invitation(reason=f"{address} did not answer within {INVITE_LONGEST_S:g} s")

    async def _find_reinstated(self, text: str, id: MemberId) -> Attempt:
        """Take a revoked peer in again and try anew; out it is where nothing comes of it, or the time is up."""
        await self.revoke(id, revoked=False)
        joined = False
        try:
            attempt = await self._find(text)
            joined = attempt.joined
        finally:
            if not joined and not self._node.membership.is_live(id):  # another invitation may have brought it
                with trio.CancelScope(shield=True):
                    await self.revoke(id, revoked=True)
        return attempt

    async def _settle(self, attempt: Attempt, began: float) -> Invitation:
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
        return Invitation(peer, was_member=attempt.was_live or self._was_added_since(peer, began))

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
        self.check_active()
        engine = self._driver.engine
        async with self._turn:
            held = engine.membership.revocations.get(id)
            if held is not None and held.revoked is revoked:
                return held
            raw = engine.sign_revocation(id, time.time_ns() // 1_000_000, revoked=revoked)
            return await self._speak(self._open(raw))

    async def take_statement(self, raw: bytes) -> Revocation:
        """Take a word that was signed elsewhere; the word that holds now.

        Raises:
            NotActive: this node has left.
            InvalidRequest: not one, falsely signed, by a key not heeded here, of a day ahead, or about this node.
            StoreError: the disk does not take it; nothing changed.
        """
        self.check_active()
        async with self._turn:
            revocation = self._open(raw)
            if revocation.subject == self._node.local.id:
                raise InvalidRequest("this is about the node itself: give it to another member")
            return await self._speak(revocation)

    def check_active(self) -> None:
        """Refuse what only a member may do.

        Raises:
            NotActive: this node has left.
        """
        if self._node.is_leaving:
            raise NotActive("this node has left the cluster: join it first")

    def _open(self, raw: bytes) -> Revocation:
        try:
            statement = self._driver.verifier.open_statement(raw)
        except (MalformedMessage, BadSignature) as wrong:
            raise InvalidRequest(f"not a signed revocation of this cluster: {wrong}") from None
        if statement is None:
            raise InvalidRequest(
                "the revocation is not heeded here: signed with another key, or dated over a day ahead"
            )
        if not isinstance(statement, Revocation):
            raise InvalidRequest("this is a signed statement, but no revocation")
        return statement

    async def _speak(self, revocation: Revocation) -> Revocation:
        with trio.CancelScope(shield=True):
            await self._state.save_revocation(revocation)
            self._driver.perform(self._driver.engine.take_revocation(self._driver.now, revocation))
            await self._state.flush()  # where an even newer word came meanwhile, the disk has that
        return self._driver.engine.membership.revocations.get(revocation.subject) or revocation


def _check_address(text: str) -> None:
    """Refuse, before anything is resolved or repeated in a sentence, what nobody can listen at."""
    if len(text) > ADDRESS_LENGTH_MAX:
        raise InvalidRequest(f"an address of {len(text)} characters, at most {ADDRESS_LENGTH_MAX}")
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
