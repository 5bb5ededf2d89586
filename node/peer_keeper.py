"""Peers as an operator handles them: invited, named, put out, taken in again.

What is promised is on the disk first: a word about an id is signed, stored, and only then spoken.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from node.arrival import Arrivals
from node.config import Config
from node.driver import Driver
from node.invitation import Invitation, Inviter
from node.peer_name import PeerNames
from node.state import State
from node.store_error import StoreError
from protocol.error import BadSignature, InvalidRequest, MalformedMessage
from protocol.security.signing_key import parse_public_key
from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind, PersistPresence
from protocol.swim.member import Member
from protocol.swim.revocations import revocation_rank
from protocol.ulid import MemberId, format_ulid
from protocol.wire.statement import Revocation

if TYPE_CHECKING:
    from node.node import Node


class NotActive(InvalidRequest):
    """This node has left the cluster: it has no say in it."""


class OperatorKeyRequired(InvalidRequest):
    """Only the operator's key may say who is out or in, and this node does not hold it."""


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
        self.arrivals = Arrivals()
        self.inviter = Inviter(node, self, self.arrivals, state.flush)
        self._turn = trio.Lock()
        self._guests: Counter[MemberId] = Counter()
        """How many invitations of an id are under way."""
        self._on_trial: set[MemberId] = set()
        """Ids that were out, and are in for their invitations alone."""

    # --- names ----------------------------------------------------------------------------------

    def display_name(self, member: Member) -> str:
        """As `PeerNames.shown`."""
        return self.names.shown(member)

    async def rename(self, id: MemberId, name: str) -> bool:
        """As `PeerNames.change`."""
        return await self.names.change(id, name)

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
        return await self.inviter.invite(address)

    def note_change(self, change: Change) -> None:
        """Follow the list: invitations wait for arrivals, and a note goes with its peer."""
        if change.kind is ChangeKind.JOIN:
            member = self._node.membership.get(change.id)
            if member is not None:
                self.arrivals.note(member.record)
        elif change.kind is ChangeKind.REAP:
            self.names.forget(change.id)

    def note_presence(self, presence: PersistPresence) -> None:
        """Follow this node itself: whether it has left, or returned."""
        if not presence.left:
            self.arrivals.note_return()

    @asynccontextmanager
    async def hosting(self, id: MemberId) -> AsyncIterator[None]:
        """Put an id out again that was in on trial, once none of its invitations is under way and none brought it.

        Raises:
            StoreError: the disk does not take it. Here and in the cluster the id is out again all the same.
        """
        self._guests[id] += 1
        try:
            yield
        finally:
            self._guests[id] -= 1
            if not self._guests[id]:
                del self._guests[id]
                if id in self._on_trial:
                    with trio.CancelScope(shield=True):
                        await self._judge_trial(id)

    async def reinstate_on_trial(self, id: MemberId) -> None:
        """Take an id in again for the invitations that are under way; raises as `revoke`."""
        self._check_may_speak()
        async with self._turn:
            self.check_active()
            if not self._bars(id):  # somebody has, for good
                return
            try:
                await self._say(id, revoked=False)
            finally:
                if not self._bars(id):
                    self._on_trial.add(id)

    def end_trial(self, id: MemberId) -> None:
        """Leave an id in for good: an invitation brought it."""
        self._on_trial.discard(id)

    async def _judge_trial(self, id: MemberId) -> None:
        """Take back what this node itself said for invitations, though it may have left since.

        Nothing is awaited between the last look and the word: who comes in meanwhile by another address stays. So
        the word is spoken first, and stored then.
        """
        async with self._turn:
            if id in self._guests or id not in self._on_trial:  # another invites it now, or somebody spoke meanwhile
                return
            self._on_trial.discard(id)
            if self._bars(id) or self._node.membership.is_live(id):
                return
            word = self._sign(id, revoked=True)
            self._driver.perform(self._driver.engine.take_revocation(self._driver.now, word))
            try:
                await self._state.flush()
            except StoreError as wrong:
                raise StoreError(
                    f"{format_ulid(id)} is reinstated on this node's disk: that it is out again is told to all, "
                    f"and not stored yet: {wrong}"
                ) from None

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
        self._check_may_speak()
        async with self._turn:
            self.check_active()
            return await self._say(id, revoked=revoked)

    async def delete(self, id: MemberId) -> bool:
        """As `revoke`, for a peer; False, and nothing changed, where it is none any more once it is its turn."""
        self._check_may_speak()
        async with self._turn:
            self.check_active()
            member = self._node.membership.get(id)
            if member is None or member.status is Status.LEFT:
                return False
            await self._say(id, revoked=True)
            return True

    def _check_may_speak(self) -> None:
        if self.operator_key is not None:
            raise OperatorKeyRequired(
                "only the operator's key puts members out or in again here: sign it with "
                "`shoal peers revoke|reinstate ID --operator-key FILE`"
            )

    async def _say(self, id: MemberId, *, revoked: bool) -> Revocation:
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


def operator_key(config: Config) -> bytes | None:
    """Give the only key whose revocations count; None: those of every member do."""
    text = config.revocation_operator_key
    return None if text is None else parse_public_key(text)
