"""Seeds: tried at once, retried for ever, given up only for good reasons, found again after they came up."""

import logging
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from node.seeds import (
    PASSING_REFUSALS_S,
    RETRY_FIRST_S,
    RETRY_LONGEST_S,
    SEED_ADDRESSES_MAX,
    WARNING_PAUSE_S,
    WATCH_INTERVAL_S,
    Attempt,
    Outcast,
    SeedKeeper,
    try_seed,
)
from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.refusal import Refusal
from protocol.ulid import MemberId

PEER = MemberId(bytes(16))
JOINED = Attempt(peer=PEER)
SILENT = Attempt(reason="no answer")


class World:
    """What seeds resolve to and answer, changed by the test as it goes on."""

    def __init__(self) -> None:
        self.answers: dict[str, Attempt] = {}
        self.addresses: dict[str, list[Address]] = {}
        self.members: set[Address] = set()
        self.live_count = 1
        self.tried: list[tuple[float, str]] = []
        self.keeper = SeedKeeper(self.resolve, self.join, self.members.__contains__, lambda: self.live_count > 1)

    async def resolve(self, seed: str) -> list[Address]:
        """Look a seed up."""
        await trio.lowlevel.checkpoint()
        if seed not in self.addresses:
            raise InvalidRequest(f"the name {seed!r} cannot be resolved")
        return self.addresses[seed]

    async def join(self, address: Address) -> Attempt:
        """Answer as the test said."""
        await trio.lowlevel.checkpoint()
        self.tried.append((trio.current_time(), str(address)))
        return self.answers.get(str(address), SILENT)

    def add(self, seed: str, port: int, answer: Attempt = SILENT) -> str:
        """Let a seed resolve to one address; the address as text."""
        address = Address("127.0.0.1", port)
        self.addresses[seed] = [address]
        self.answers[str(address)] = answer
        return str(address)

    def times(self, address: str) -> list[float]:
        """Give when an address was tried, from the first."""
        times = [at for at, tried in self.tried if tried == address]
        return [at - times[0] for at in times]


@pytest.fixture
def world() -> World:
    """Give a world without seeds."""
    return World()


async def _run_for(world: World, duration_s: float) -> None:
    with trio.move_on_after(duration_s):
        await world.keeper.run()


async def test_silent_seed_is_tried_for_ever_ever_slower(autojump_clock: MockClock, world: World) -> None:
    """Pauses double from the first to 30 s, and never end."""
    address = world.add("a", 1)
    world.keeper.replace(["a"])
    await _run_for(world, 3_600)
    times = world.times(address)
    pauses = [b - a for a, b in pairwise(times)]
    assert pauses[:5] == pytest.approx([RETRY_FIRST_S * 2**number for number in range(5)])
    assert pauses[-1] == pytest.approx(RETRY_LONGEST_S)
    assert len(times) > 100


async def test_seed_that_comes_up_is_joined_and_left_alone(autojump_clock: MockClock, world: World) -> None:
    """Once it has joined and is a member, a seed is only looked up, not dialled."""
    address = world.add("a", 1)
    world.keeper.replace(["a"])
    await _run_for(world, 5)
    world.answers[address] = JOINED
    await _run_for(world, 40)
    assert world.keeper.joined
    world.members.add(world.addresses["a"][0])
    tried = len(world.tried)
    await _run_for(world, 600)
    assert len(world.tried) == tried


async def test_lost_seed_is_joined_again(autojump_clock: MockClock, world: World) -> None:
    """A seed that is no member any more, or moved to another address, is joined again within the watch interval."""
    world.add("a", 1, JOINED)
    world.keeper.replace(["a"])
    await _run_for(world, 1)
    moved = world.add("a", 2, JOINED)
    before = len(world.tried)
    await _run_for(world, WATCH_INTERVAL_S + 1)
    assert next(address for _, address in world.tried[before:]) == moved


async def test_seeds_are_tried_at_once(autojump_clock: MockClock, world: World) -> None:
    """A seed that hangs keeps no other from being tried."""
    world.add("slow", 1)
    fast = world.add("fast", 2, JOINED)
    real = world.join

    async def join(address: Address) -> Attempt:
        if address.port == 1:
            await trio.sleep(1_000)
        return await real(address)

    world.keeper = SeedKeeper(world.resolve, join, world.members.__contains__, lambda: True)
    world.keeper.replace(["slow", "fast"])
    start = trio.current_time()
    await _run_for(world, 5)
    assert [(round(at - start), address) for at, address in world.tried] == [(0, fast)]
    assert world.keeper.joined


async def test_final_refusal_of_every_seed_is_the_end(autojump_clock: MockClock, world: World) -> None:
    """With every seed refusing for good and no member known, there is nothing to wait for."""
    world.add("a", 1, Attempt(refusal=Refusal.UNKNOWN_KEY, reason="wrong key"))
    world.add("b", 2, Attempt(refusal=Refusal.CLUSTER_MISMATCH, reason="wrong cluster"))
    world.keeper.replace(["a", "b"])
    with pytest.raises(Outcast, match=r"wrong (key|cluster)"):
        await _run_for(world, 5)


async def test_final_refusal_is_not_the_end_while_another_may_answer(autojump_clock: MockClock, world: World) -> None:
    """One seed that only keeps silent is reason enough to go on; the one that refused is not asked again."""
    refusing = world.add("a", 1, Attempt(refusal=Refusal.UNKNOWN_KEY, reason="wrong key"))
    silent = world.add("b", 2)
    world.keeper.replace(["a", "b"])
    await _run_for(world, 100)
    assert len(world.times(refusing)) == 1
    assert len(world.times(silent)) > 5


async def test_final_refusal_is_not_the_end_where_members_are_known(autojump_clock: MockClock, world: World) -> None:
    """A node that knows a live member goes on without its seeds."""
    world.live_count = 2
    world.add("a", 1, Attempt(refusal=Refusal.LICENSE_MISMATCH, reason="another license"))
    world.keeper.replace(["a"])
    await _run_for(world, 1_000)


@pytest.mark.parametrize("refusal", [Refusal.NAME_IN_USE, Refusal.NODE_LIMIT, Refusal.BUSY])
async def test_passing_refusal_is_asked_again_for_half_a_minute(
    autojump_clock: MockClock, world: World, refusal: Refusal
) -> None:
    """A name, a seat or a slot may become free; after 30 s the refusal counts as final."""
    address = world.add("a", 1, Attempt(refusal=refusal, reason="for now"))
    world.keeper.replace(["a"])
    start = trio.current_time()
    with pytest.raises(Outcast, match="for now"):
        await _run_for(world, 200)
    assert trio.current_time() - start == pytest.approx(PASSING_REFUSALS_S, abs=0.01)
    assert len(world.times(address)) >= 5


async def test_passing_refusal_that_passes_is_forgotten(autojump_clock: MockClock, world: World) -> None:
    """A busy peer that answers in time begins with a clean slate."""
    address = world.add("a", 1, Attempt(refusal=Refusal.BUSY, reason="busy"))
    world.keeper.replace(["a"])
    await _run_for(world, 10)
    world.answers[address] = JOINED
    await _run_for(world, 40)
    assert world.keeper.joined


async def test_own_address_counts_as_joined(autojump_clock: MockClock, world: World) -> None:
    """All nodes may be given one list of seeds, themselves included."""
    world.add("a", 1, Attempt(own_echo=True))
    world.keeper.replace(["a"])
    await _run_for(world, 1)
    assert world.keeper.joined


async def test_warnings_come_once_a_minute(
    autojump_clock: MockClock, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A silent seed is complained of once a minute, with its reason."""
    world.add("a", 1)
    world.keeper.replace(["a"])
    with caplog.at_level(logging.WARNING):
        await _run_for(world, 3 * WARNING_PAUSE_S + 30)
    assert caplog.text.count("not joined through a yet: no answer") == 3 + 1


async def test_name_that_cannot_be_resolved_is_tried_again(autojump_clock: MockClock, world: World) -> None:
    """DNS is asked anew each time: a name that appears later is joined."""
    world.keeper.replace(["later"])
    await _run_for(world, 20)
    world.add("later", 1, JOINED)
    await _run_for(world, 40)
    assert world.keeper.joined


async def test_replaced_seeds_are_tried_at_once(autojump_clock: MockClock, world: World, nursery: trio.Nursery) -> None:
    """Other seeds need not wait for the pause of the old; the same seed twice is one."""
    world.add("a", 1)
    other = world.add("b", 2, JOINED)
    world.keeper.replace(["a"])
    nursery.start_soon(world.keeper.run)
    await trio.sleep(100)
    world.keeper.replace(["b", "b"])
    await wait_all_tasks_blocked()
    assert world.keeper.seeds == ("b",)
    assert [address for _, address in world.tried][-1] == other


async def test_refusal_of_a_replaced_seed_counts_no_more(
    autojump_clock: MockClock, world: World, nursery: trio.Nursery
) -> None:
    """A seed that refuses for good after it was replaced does not make an outcast of a node with another seed."""
    world.add("old", 1, Attempt(refusal=Refusal.UNKNOWN_KEY, reason="wrong key"))
    world.add("new", 2, JOINED)
    real = world.join

    async def join(address: Address) -> Attempt:
        await trio.sleep(5 if address.port == 1 else 0)
        return await real(address)

    world.keeper = SeedKeeper(world.resolve, join, world.members.__contains__, lambda: False)
    world.keeper.replace(["old"])
    nursery.start_soon(world.keeper.run)
    await trio.sleep(1)
    world.keeper.replace(["new"])
    await trio.sleep(20)
    assert world.keeper.joined


async def test_keeper_without_seeds_waits(autojump_clock: MockClock, world: World, nursery: trio.Nursery) -> None:
    """No seeds, no work, until some are given."""
    nursery.start_soon(world.keeper.run)
    await trio.sleep(1_000)
    assert world.tried == []
    world.add("a", 1, JOINED)
    world.keeper.replace(["a"])
    await wait_all_tasks_blocked()
    assert len(world.tried) == 1


async def test_unreached_datagrams_are_warned_of(
    autojump_clock: MockClock, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A join whose answer says that our datagrams do not arrive is said to the operator."""
    world.add("a", 1, Attempt(peer=PEER, datagrams_reach=False))
    world.keeper.replace(["a"])
    await _run_for(world, 1)
    assert "its datagrams do not reach this node's advertised address" in caplog.text


async def test_addresses_of_one_seed_are_tried_in_turn(autojump_clock: MockClock, world: World) -> None:
    """The first address that answers is enough; at most eight are tried."""
    many = [Address("127.0.0.1", port) for port in range(1, 30)]
    world.addresses["many"] = many
    attempt = await try_seed("many", world.resolve, world.join)
    assert not attempt.joined
    assert len(world.tried) == SEED_ADDRESSES_MAX
    world.answers[str(many[2])] = JOINED
    assert (await try_seed("many", world.resolve, world.join)).joined
    assert len(world.tried) == SEED_ADDRESSES_MAX + 3
    world.addresses["none"] = []
    assert (await try_seed("none", world.resolve, world.join)).reason == "none has no address"
