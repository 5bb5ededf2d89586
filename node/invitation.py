"""Inviting: the peer at an address is brought into the cluster, and each invitation is told what it came to.

Any number of invitations, deletions and renamings of one peer may be under way. What each is answered, and what is so
in the end, is as if they had been made one after the other:

* Invitations of one gossip address take turns, by whatever name or HTTP address it was found.
* A peer counts as brought by the first invitation that claims its arrival (`Arrivals`), though it may have been put
  out again since. To all others it was a member already, if they saw it be one.
* Whoever was refused because the peer was out at that moment shakes hands once more, where this node has changed its
  word about it meanwhile, or may do so now. It is in on trial until it is a member (`PeerKeeper.hosting`).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from node.arrival import Arrivals
from node.seeds import SEED_ADDRESSES_MAX, Attempt
from node.store_error import StoreError
from node.turn import LINE_LENGTH_MAX, LineTooLong, Turns
from protocol.address import PORT_MAX, Address, split_host_port
from protocol.error import InvalidRequest
from protocol.refusal import Refusal
from protocol.ulid import MemberId
from protocol.wire.statement import Record

if TYPE_CHECKING:
    from node.node import Node
    from node.peer_keeper import PeerKeeper

ADDRESS_LENGTH_MAX = 300
"""Characters: a DNS name has 253 at most, a port five more."""
INVITE_LONGEST_S = 9.0
"""An invitation is answered within 10 s, whatever is at the address."""
HTTP_HEAD_START_S = 1.5
"""How long the address is taken for a gossip address, before it is asked by HTTP as well."""
LISTED_LONGEST_S = 5.0
"""How long a peer that shook hands may take until it is on the list: it may have to rise above a former incarnation."""
HANDSHAKES_MAX = 16
"""Of one invitation with one address: each after the first follows a change of who is out, and others may go on with
those without end."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What became of one; `peer` is the new member, or the one that was a member already."""

    peer: MemberId | None = None
    was_member: bool = False
    refusal: Refusal | None = None
    reason: str = ""
    record: Record | None = field(default=None, compare=False)
    """What the new member said of itself when it came: it may be gone again."""

    @property
    def is_telling(self) -> bool:
        """Whether a node of ours was there, whatever it said."""
        return self.peer is not None or self.refusal is not None


@dataclass(slots=True)
class _Search:
    """One invitation under way: where it looks for the peer, and what it found."""

    text: str
    since: int
    gossip: Invitation | None = None
    http: Invitation | None = None
    wrong: InvalidRequest | StoreError | None = None
    dialled: set[Address] = field(default_factory=set)
    waits: set[Address] = field(default_factory=set)
    """Where it waits, or waited until its time was up, for its turn."""

    def found(self) -> Invitation | None:
        """Return what tells most."""
        if self.gossip is not None and self.gossip.is_telling:
            return self.gossip
        return self.http or self.gossip


class Inviter:
    """Owned by one PeerKeeper."""

    def __init__(self, node: "Node", keeper: "PeerKeeper", arrivals: Arrivals, flush: Callable[[], Awaitable[None]]):
        self._node = node
        self._keeper = keeper
        self._arrivals = arrivals
        self._flush = flush
        self._turns = Turns()

    async def invite(self, address: str) -> Invitation:
        """As `PeerKeeper.invite`."""
        _check_address(address)
        with self._arrivals.watch() as since:
            search = _Search(address, since)
            with trio.move_on_after(INVITE_LONGEST_S) as limit:
                await self._look(search)
            if search.wrong is not None:
                raise search.wrong
            found = search.found()
            if limit.cancelled_caught and (found is None or not found.is_telling):
                found = self._judge_unfinished(search) or _too_late(search)
            if found is not None and found.peer is not None:
                with trio.CancelScope(shield=True):
                    await self._flush()
        return found or Invitation(reason=f"{address} has no address")

    # --- where the peer is ----------------------------------------------------------------------

    async def _look(self, search: _Search) -> None:
        """Try an address as gossip's, and if that tells nothing, as HTTP's."""
        try:
            addresses = (await self._node.resolve(search.text))[:SEED_ADDRESSES_MAX]
        except InvalidRequest as wrong:
            search.gossip = Invitation(reason=str(wrong))
            return
        gossip_tried = trio.Event()

        async def try_gossip() -> None:
            for address in addresses:
                search.gossip = await self._bring(search, address)
                if search.gossip.is_telling:
                    nursery.cancel_scope.cancel()
                    break
            gossip_tried.set()

        async def try_http() -> None:
            with trio.move_on_after(HTTP_HEAD_START_S):
                await gossip_tried.wait()
            gossip_address = await _ask_by_http(addresses)
            if gossip_address is not None:
                search.http = await self._bring(search, gossip_address)
                if search.http.is_telling:
                    nursery.cancel_scope.cancel()

        async def keep_wrong(try_: Callable[[], Awaitable[None]]) -> None:
            try:
                await try_()
            except (InvalidRequest, StoreError) as wrong:
                search.wrong = search.wrong or wrong
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_wrong, try_gossip)
            nursery.start_soon(keep_wrong, try_http)

    # --- bringing it ----------------------------------------------------------------------------

    async def _bring(self, search: _Search, address: Address) -> Invitation:
        """Wait for the turn at a gossip address, and shake hands there until it is clear what comes of it."""
        search.waits.add(address)
        try:
            async with self._turns.take(address):
                search.waits.discard(address)
                return await self._bring_in_turn(search, address)
        except LineTooLong:
            search.waits.discard(address)
            return Invitation(reason=f"{address}: {LINE_LENGTH_MAX} invitations to this address are under way already")

    async def _bring_in_turn(self, search: _Search, address: Address) -> Invitation:
        search.dialled.add(address)
        attempt = await self._node.invite_address(address)
        met = attempt.peer or attempt.met
        if attempt.own_echo:
            return Invitation(self._node.local.id, was_member=True)
        if met is None:
            return Invitation(refusal=attempt.refusal, reason=attempt.reason)
        async with self._keeper.hosting(met):
            return await self._shake_until_clear(search.since, address, met, attempt)

    async def _shake_until_clear(self, since: int, address: Address, met: MemberId, attempt: Attempt) -> Invitation:
        """Judge an attempt, and make another as long as the last was refused for a word that no longer holds."""
        revocations = self._node.membership.revocations
        word = None
        for count in range(1, HANDSHAKES_MAX + 1):
            if (judged := self._judge(met, since, attempt)) is not None:
                return judged
            if attempt.refusal is not Refusal.REVOKED or count == HANDSHAKES_MAX:
                break
            if revocations.bars(met):
                await self._keeper.reinstate_on_trial(met)
            elif revocations.get(met) is word:  # nothing was changed here since: it is the peer that refuses
                break
            word = revocations.get(met)
            attempt = await self._node.invite_address(address)
        if attempt.peer is None:
            return Invitation(refusal=attempt.refusal, reason=attempt.reason)
        return await self._wait_listed(attempt.peer, since, attempt)

    async def _wait_listed(self, peer: MemberId, since: int, attempt: Attempt) -> Invitation:
        """Judge a peer that shook hands to the end, once it is on the list."""
        node = self._node
        with trio.move_on_after(LISTED_LONGEST_S):
            while not node.membership.is_live(peer) and not self._arrivals.came(peer, since):
                await node.journal.wait_above(node.journal.index)
        judged = self._judge(peer, since, attempt)
        if judged is not None:
            return judged
        if node.is_leaving and node.membership.is_live(peer):
            return self.unseated("this node was let in, and had to leave again")
        return self.unseated("it shook hands, but is no member")

    def _judge(self, peer: MemberId, since: int, attempt: Attempt) -> Invitation | None:
        """Return what an invitation came to, if the peer is or was a member while it was under way; None else.

        A handshake that was refused brought nobody, unless the peer was put out amid it.
        """
        if self._node.is_leaving:  # this node's list is an old one
            return None
        member = self._node.membership.get(peer)
        is_live = member is not None and member.is_live
        came = self._arrivals.came(peer, since)
        may_have_brought = (is_live or came) and attempt.refusal in (None, Refusal.REVOKED)
        if may_have_brought and self._arrivals.claim(peer, since):
            self._keeper.end_trial(peer)
            record = member.record if member is not None and is_live else self._arrivals.find(peer)
            return Invitation(peer, record=record)
        return Invitation(peer, was_member=True) if is_live or attempt.was_live or came else None

    def _judge_unfinished(self, search: _Search) -> Invitation | None:
        """Return what is clear of an invitation whose time is up: the peer may be on the list, and not finished."""
        for member in list(self._node.membership):
            if member.address in search.dialled and member.id != self._node.local.id and member.is_live:
                return self._judge(member.id, search.since, Attempt())
        return None

    def unseated(self, reason: str) -> Invitation:
        """Refuse for what came between the handshake and a seat on the list."""
        if self._node.membership.admission.is_full:
            return Invitation(refusal=Refusal.NODE_LIMIT, reason=f"{reason}: another took the license's last seat")
        return Invitation(reason=reason)


async def _ask_by_http(addresses: Sequence[Address]) -> Address | None:
    """Ask by HTTP where the node gossips; None: no node of ours answers HTTP there."""
    from node.identity_lookup import LookupFailed, look_up_gossip_address  # costs a node without HTTP nothing

    for address in addresses:
        try:
            return await look_up_gossip_address(address)
        except LookupFailed:
            continue
    return None


def _too_late(search: _Search) -> Invitation:
    if search.waits:
        reason = f"{search.text}: other invitations to this address took all of {INVITE_LONGEST_S:g} s; ask again"
    else:
        reason = f"{search.text} did not answer within {INVITE_LONGEST_S:g} s"
    return Invitation(reason=reason)


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
