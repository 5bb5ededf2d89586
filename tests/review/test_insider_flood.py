"""A flood of new identities: no refutation may drown in it."""

from protocol.status import Status
from protocol.swim.settings import Settings
from protocol.wire.message import Claim
from tests.protocol.swim.bench import ACCUSER, FIRST, ME, PEER, SUBJECT, advance, started, status, tell
from tests.protocol.wire.sample import author
from tests.simulations.playbook import all_see, failures, hand, lan_cluster

CONGESTED = 64
"""Rumors with which a refutation waits its turn for longer than it has."""
SYBILS = [author(300 + index) for index in range(4)]


def test_insider_who_floods_with_identities_and_accuses_ends_nobody() -> None:
    """Five new identities a second for each of 24 nodes, and four that accuse: the victim's word gets through."""
    world, nodes = lan_cluster(24)
    evil, victim = nodes[-1], nodes[1]
    honest = [node for node in nodes if node not in (evil, victim)]
    for node in honest:
        hand(world, evil, node, *(Claim(sybil.record(FIRST)) for sybil in SYBILS))
    serial = 1_000
    for _ in range(100):
        for node in honest:
            serial += 1
            accusations = [Claim(sybil.accuse(victim.id, victim.engine.local.incarnation)) for sybil in SYBILS]
            hand(world, evil, node, *accusations, Claim(author(serial).record(FIRST)))
        world.run(0.2)
    assert max(len(node.engine.core.rumors) for node in honest) > CONGESTED
    world.run(60.0)
    assert failures(nodes, victim) == []
    assert all_see(honest, victim, Status.ALIVE)


def test_dead_member_is_found_failed_in_a_flood_too() -> None:
    """Asked once more, it does not answer; the second look begins early enough not to delay the verdict."""
    engine = started(ME, Settings.lan(lha_suspicion=False), *(who.record(FIRST) for who in (PEER, SUBJECT, ACCUSER)))
    for index in range(CONGESTED + 200):
        tell(engine, 0.0, author(1_000 + index).record(FIRST))
    tell(engine, 0.0, PEER.accuse(SUBJECT.id, FIRST))
    suspicion = engine.verdicts.suspicion(SUBJECT.id)
    assert suspicion is not None
    advance(engine, suspicion.deadline - 0.1)
    assert len(engine.core.rumors) > CONGESTED
    assert status(engine, SUBJECT) is Status.SUSPECT
    advance(engine, suspicion.deadline + 0.1)
    assert status(engine, SUBJECT) is Status.FAILED
