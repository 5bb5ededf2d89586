"""Names and addresses used again (swim.md's defects 8 and 9)."""

from protocol.address import Address
from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.effect import ChangeKind
from protocol.ulid import format_ulid
from simulations.world import Node, World
from tests.simulations.playbook import all_alive, all_see, changes, local_cluster, status

ELSEWHERE = Address("10.9.9.9", 7_000)


def shown(viewer: Node, subject: Node) -> str:
    """Give the name under which one node shows another."""
    member = viewer.engine.membership.get(subject.id)
    assert member is not None
    return viewer.engine.membership.shown_name(member)


def join(world: World, newcomer: Node, seed: Node) -> Refusal | None:
    """Join, wait for the end, and give the refusal."""
    world.join(newcomer, seed)
    world.run(5.0)
    return newcomer.joins[-1].refusal


def test_defect_08_same_node_at_a_new_address_after_a_restart() -> None:
    """Its own record says so; nobody objects, and probes go there."""
    world, nodes = local_cluster(4)
    world.crash(nodes[3])
    world.restart(nodes[3], address=ELSEWHERE)
    assert world.run_until(lambda: all_alive(nodes), 5.0) is not None
    assert {node.engine.membership.get(nodes[3].id).address for node in nodes} == {ELSEWHERE}  # type: ignore[union-attr]
    world.run(60.0)
    assert all_alive(nodes)


def test_defect_08_name_of_a_dead_holder_is_free_at_once() -> None:
    """New identity, same name, another address; the holder does not answer, so it is superseded and left."""
    world, nodes = local_cluster(4)
    world.crash(nodes[3])
    newcomer = world.add("n3", address=ELSEWHERE)
    assert join(world, newcomer, nodes[0]) is None
    held = [*nodes[:3], newcomer]
    assert world.run_until(lambda: all_see(held, nodes[3], Status.LEFT), 30.0) is not None
    assert {shown(node, newcomer) for node in held} == {"n3"}
    assert not changes(nodes[0], ChangeKind.FAILED, nodes[3])


def test_defect_08_same_name_and_address_with_a_new_identity_supersedes() -> None:
    """A machine that lost its data directory: the old id becomes left, the new one keeps the name."""
    world, nodes = local_cluster(4)
    world.crash(nodes[3])
    newcomer = world.add("n3", address=nodes[3].address)
    assert join(world, newcomer, nodes[0]) is None
    held = [*nodes[:3], newcomer]
    assert world.run_until(lambda: all_see(held, nodes[3], Status.LEFT), 30.0) is not None
    assert all_alive(held)
    assert {shown(node, newcomer) for node in held} == {"n3"}


def test_defect_08_name_of_a_live_holder_is_refused() -> None:
    """The holder answers a ping, so the newcomer hears name_in_use; nothing changes for anybody."""
    world, nodes = local_cluster(4)
    newcomer = world.add("n3", address=ELSEWHERE)
    assert join(world, newcomer, nodes[0]) is Refusal.NAME_IN_USE
    assert all_see(nodes, newcomer, None)
    assert all_alive(nodes)


def test_defect_08_name_of_the_seed_itself_is_refused() -> None:
    """The responder need not ask itself."""
    world, nodes = local_cluster(2)
    newcomer = world.add("n0", address=ELSEWHERE)
    assert join(world, newcomer, nodes[0]) is Refusal.NAME_IN_USE


def test_defect_08_name_of_one_that_left_is_free() -> None:
    """A goodbye gives it up."""
    world, nodes = local_cluster(3)
    world.act(nodes[2], nodes[2].engine.leave(world.now))
    world.run(3.0)
    world.crash(nodes[2])
    newcomer = world.add("n2", address=ELSEWHERE)
    assert join(world, newcomer, nodes[0]) is None
    assert shown(nodes[1], newcomer) == "n2"
    assert shown(nodes[1], nodes[2]) == f"n2~{format_ulid(nodes[2].id)[-4:]}"


def test_defect_09_address_of_a_dead_member_used_by_another_node() -> None:
    """Another name at the same address: the old one fails, the new one is alive, neither is confused."""
    world, nodes = local_cluster(4)
    world.crash(nodes[3])
    newcomer = world.add("other", address=nodes[3].address)
    assert join(world, newcomer, nodes[0]) is None
    held = [*nodes[:3], newcomer]
    assert world.run_until(lambda: all_see(held, nodes[3], Status.FAILED), 30.0) is not None
    world.run(60.0)
    assert all_alive(held)


def test_two_of_one_name_after_a_partition_the_older_id_keeps_it() -> None:
    """Both stay; the younger is shown as name~last4, with a conflict event on both sides."""
    world = World(1)
    nodes = world.cluster(4)
    world.network.cut(nodes[:2], nodes[2:])
    older, younger = world.add("twin"), world.add("twin")
    world.network.cut([older], [*nodes[2:], younger])
    world.network.cut([younger], nodes[:2])
    assert join(world, older, nodes[0]) is None
    assert join(world, younger, nodes[2]) is None
    world.network.heal()
    held = [*nodes, older, younger]
    assert world.run_until(lambda: all_alive(held), 60.0) is not None
    for node in held:
        assert shown(node, older) == "twin"
        assert shown(node, younger) == f"twin~{format_ulid(younger.id)[-4:]}"
        assert len(changes(node, ChangeKind.CONFLICT)) == 1
    world.crash(older)
    assert world.run_until(lambda: status(nodes[0], older) is Status.FAILED, 30.0) is not None
    assert shown(nodes[0], younger) == "twin"
