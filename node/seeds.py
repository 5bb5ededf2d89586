"""Joining through seeds: every address tried at once, those that do not answer for ever.

A refusal that would be repeated (wrong key, wrong cluster, license ...) is final for that seed; a used
name, a reached limit and a busy peer are tried for 30 s. When every seed gave a final refusal and no
member is known, there is nothing left to wait for.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import trio

from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.refusal import Refusal
from protocol.ulid import MemberId

RETRY_FIRST_S = 0.2
"""Nodes that start together find the seed not listening yet; it will be in a moment."""
RETRY_LONGEST_S = 30.0
"""A seed that comes up is found within this."""
PASSING_REFUSALS_S = 30.0
"""Design 7: how long a used name, a full cluster or a busy peer is asked again."""
WARNING_PAUSE_S = 60.0
SEED_ADDRESSES_MAX = 8
"""Addresses of one DNS name that are tried."""
WATCH_INTERVAL_S = 30.0
"""How often a joined node looks whether its seeds are still among its members (asking DNS again)."""

_log = logging.getLogger("shoal.join")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one address."""

    peer: MemberId | None = None
    refusal: Refusal | None = None
    reason: str = ""
    own_echo: bool = False
    datagrams_reach: bool = True
    met: MemberId | None = None
    """Who proved itself there, though nothing may have come of it."""
    was_live: bool = False
    """Whether that one was a live member before."""

    @property
    def joined(self) -> bool:
        """Whether the address counts as joined; one's own does."""
        return self.peer is not None or self.own_echo

    @property
    def is_telling(self) -> bool:
        """Whether a node of ours was there, whatever it said."""
        return self.joined or self.refusal is not None


Resolve = Callable[[str], Awaitable[list[Address]]]
Join = Callable[[Address], Awaitable[Attempt]]


class Outcast(Exception):
    """Every seed refused this node for good, and no member is known; the text says why."""


async def try_seed(seed: str, resolve: Resolve, join: Join) -> Attempt:
    """Try the addresses of one seed in turn, until one answers."""
    try:
        addresses = await resolve(seed)
    except InvalidRequest as wrong:
        return Attempt(reason=str(wrong))
    attempt = Attempt(reason=f"{seed} has no address")
    for address in addresses[:SEED_ADDRESSES_MAX]:
        attempt = await join(address)
        if attempt.joined:
            return attempt
    return attempt


class SeedKeeper:
    """Joins through the seeds at the start, and goes back to those that are not among the members."""

    def __init__(
        self, resolve: Resolve, join: Join, is_member: Callable[[Address], bool], knows_members: Callable[[], bool]
    ) -> None:
        self._resolve = resolve
        self._join = join
        self._is_member = is_member
        self._knows_members = knows_members
        self.answered = False
        """Whether any seed has answered since the start."""
        self.seeds: tuple[str, ...] = ()
        self.resting = False
        """Whether no seed is tried: a node that left of its own will returns only when it is told to."""
        self._final: dict[str, Attempt] = {}
        self._first_refused_at: dict[str, float] = {}
        self._warned_at: dict[str, float] = {}
        self._changed = trio.Event()

    @property
    def joined(self) -> bool:
        """Whether this node is among others: somebody is on its list, however that came, or a seed has answered.

        Read from the list itself, so that it is so as soon as the list shows it: the task that waits for a seed runs
        later. One's own address counts as a seed that answers, though nobody is there.
        """
        return self.answered or self._knows_members()

    @property
    def unjoined_reason(self) -> str:
        """Why this node is not where its seeds say that it belongs; empty where it is, or has none."""
        if self.seeds and not self.joined:
            return f"not joined yet: none of {', '.join(self.seeds)} has answered"
        return ""

    def replace(self, seeds: Sequence[str]) -> None:
        """Use other seeds from now on; they are tried at once."""
        self.seeds = tuple(dict.fromkeys(seeds))
        self._final.clear()
        self._first_refused_at.clear()
        self._changed.set()
        self._changed = trio.Event()

    async def run(self) -> None:
        """Keep at it until cancelled.

        Raises:
            Outcast: every seed refused for good, and no member is known.
        """
        pause_s = RETRY_FIRST_S
        while True:
            changed = self._changed
            if not self.seeds:
                await changed.wait()
                continue
            all_well = await self._round() and changed is self._changed
            if self.seeds and all(seed in self._final for seed in self.seeds) and not self._knows_members():
                raise Outcast(self._final[self.seeds[0]].reason)
            wait_s = WATCH_INTERVAL_S if all_well else min(pause_s, self._until_final_s())
            pause_s = RETRY_FIRST_S if all_well else min(RETRY_LONGEST_S, pause_s * 2)
            with trio.move_on_after(wait_s):
                await changed.wait()  # set already where the seeds were replaced during the round
                pause_s = RETRY_FIRST_S

    def _until_final_s(self) -> float:
        """Tell when the next passing refusal has lasted long enough: that attempt is made then, and not later."""
        now = trio.current_time()
        ends = (at + PASSING_REFUSALS_S - now for seed, at in self._first_refused_at.items() if seed not in self._final)
        return min((left_s for left_s in ends if left_s > 0), default=RETRY_LONGEST_S)

    async def _round(self) -> bool:
        """Try each seed that is not settled; tell whether all are."""
        results: dict[str, bool] = {}

        async def settle(seed: str) -> None:
            results[seed] = await self._settle(seed)

        async with trio.open_nursery() as nursery:
            for seed in self.seeds:
                if seed not in self._final:
                    nursery.start_soon(settle, seed)
        return all(results.values())

    async def _settle(self, seed: str) -> bool:
        if self.resting or (self.answered and await self._is_settled(seed)):
            return True
        attempt = await try_seed(seed, self._resolve, self._join_unless_resting)
        if self.resting or seed not in self.seeds:  # the node left, or the seeds were replaced, meanwhile
            return True
        if attempt.joined:
            self.answered = True
            self._first_refused_at.pop(seed, None)
            if not attempt.datagrams_reach:
                self._warn(seed, "joined, but its datagrams do not reach this node's advertised address: open UDP")
            return True
        if attempt.refusal is not None and self._is_final(seed, attempt.refusal):
            self._final[seed] = attempt
            _log.error("refused for good by the seed %s", attempt.reason)
            return True
        self._warn(seed, attempt.reason)
        return False

    async def _join_unless_resting(self, address: Address) -> Attempt:
        return Attempt(reason="this node has left") if self.resting else await self._join(address)

    async def _is_settled(self, seed: str) -> bool:
        try:
            addresses = await self._resolve(seed)
        except InvalidRequest as wrong:
            self._warn(seed, str(wrong))
            return False
        return any(self._is_member(address) for address in addresses)

    def _is_final(self, seed: str, refusal: Refusal) -> bool:
        if refusal.is_final:
            return True
        first = self._first_refused_at.setdefault(seed, trio.current_time())
        return trio.current_time() - first >= PASSING_REFUSALS_S

    def _warn(self, seed: str, reason: str) -> None:
        """Say it once a minute per seed."""
        now = trio.current_time()
        if now - self._warned_at.get(seed, float("-inf")) >= WARNING_PAUSE_S:
            self._warned_at[seed] = now
            _log.warning("not joined through %s yet: %s", seed, reason)
