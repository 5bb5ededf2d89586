"""Who is kept out, wherever it comes in: license and node limit, at the door, in gossip and in sync."""

import pytest

from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.settings import Settings
from protocol.wire.message import Claim
from simulations.world import World
from tests.protocol.wire.sample import author
from tests.simulations.playbook import all_alive, all_see, hand, status


def test_limit_join_beyond_it_is_refused_with_its_reason() -> None:
    """Three may be alive; the fourth hears node_limit, and nobody lists it."""
    world = World(1, Settings.lan(members_max=3))
    nodes = world.cluster(3)
    extra = world.add()
    world.join(extra, nodes[0])
    world.run(5.0)
    assert extra.joins[-1].refusal is Refusal.NODE_LIMIT
    assert all_see(nodes, extra, None)


def test_limit_seat_of_one_that_left_is_free() -> None:
    """A left member takes none."""
    world = World(1, Settings.lan(members_max=3))
    nodes = world.cluster(3)
    world.act(nodes[2], nodes[2].engine.leave(world.now))
    world.run(5.0)
    extra = world.add()
    world.join(extra, nodes[0])
    world.run(5.0)
    assert all_alive([*nodes[:2], extra])


def test_limit_six_at_once_for_three_seats_take_three() -> None:
    """Those who lost the race are told so, and do not believe that they are in."""
    world = World(1, Settings.lan(members_max=4))
    seed = world.add()
    guests = [world.add() for _ in range(6)]
    for guest in guests:
        world.join(guest, seed)
    world.run(10.0)
    inside = [guest for guest in guests if guest.joins[-1].peer == seed.id]
    assert len(inside) == 3
    assert all_alive([seed, *inside])
    for guest in guests:
        if guest not in inside:
            assert status(seed, guest) is None
            world.join(guest, seed)
    world.run(5.0)
    assert {guest.joins[-1].refusal for guest in guests if guest not in inside} == {Refusal.NODE_LIMIT}


@pytest.mark.parametrize("by", ["gossip", "sync"])
def test_limit_record_that_comes_by_the_side_door_is_refused(by: str) -> None:
    """One node without the limit took it in; those with the limit do not."""
    world = World(1, Settings.lan(members_max=3))
    nodes = world.cluster(2)
    lax = world.add(settings=Settings.lan())
    world.join(lax, nodes[0])
    world.run(3.0)
    extra = Claim(author(99).record(5))
    if by == "gossip":
        hand(world, lax, nodes[0], extra)
    else:
        hand(world, lax, lax, extra)
    world.run(60.0)
    assert all(node.engine.membership.get(author(99).id) is None for node in nodes)
    assert nodes[0].engine.counters.claims_refused + nodes[1].engine.counters.claims_refused > 0
    assert all_see(nodes, lax, Status.ALIVE)


def test_license_of_another_kind_is_refused_at_the_door_by_either_side() -> None:
    """Whoever dials."""
    world = World(1, Settings.lan(license_id="acme"))
    nodes = world.cluster(2)
    for settings in (Settings.lan(), Settings.lan(license_id="other")):
        stranger = world.add(settings=settings)
        world.join(stranger, nodes[0])
        world.run(3.0)
        assert stranger.joins[-1].refusal is Refusal.LICENSE_MISMATCH
        world.join(nodes[1], stranger)
        world.run(3.0)
        assert nodes[1].joins[-1].refusal is Refusal.LICENSE_MISMATCH
        assert all_see(nodes, stranger, None)
        assert len(stranger.engine.membership) == 1


def test_license_of_another_kind_is_refused_in_gossip() -> None:
    """Its record is signed and well formed, and still not admitted."""
    world = World(1, Settings.lan(license_id="acme"))
    nodes = world.cluster(2)
    hand(world, nodes[1], nodes[0], Claim(author(99).record(5, license_id="other")))
    assert nodes[0].engine.membership.get(author(99).id) is None
    assert nodes[0].engine.counters.claims_refused == 1


def test_limit_partition_heals_though_both_halves_are_known() -> None:
    """Members of a full house that come back are not newcomers."""
    world = World(1, Settings.local(members_max=4))
    nodes = world.cluster(4)
    world.network.cut(nodes[:2], nodes[2:])
    world.run(60.0)
    world.network.heal()
    assert world.run_until(lambda: all_alive(nodes), 30.0) is not None
