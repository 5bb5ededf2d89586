"""What the playbooks ask of a world, in a few words."""

from collections.abc import Iterable

from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind, Effect
from protocol.swim.settings import Settings
from protocol.ulid import MemberId
from protocol.wire.message import Claim, Packet
from protocol.wire.statement import Accusation, encode_accusation
from simulations.world import Node, World

HOUR_S = 3_600.0


def local_cluster(size: int, seed: int = 1, settings: Settings | None = None) -> tuple[World, list[Node]]:
    """Give a settled cluster of the local profile."""
    world = World(seed, settings or Settings.local())
    return world, world.cluster(size)


def lan_cluster(size: int, seed: int = 1, settings: Settings | None = None) -> tuple[World, list[Node]]:
    """Give a settled cluster of the lan profile."""
    world = World(seed, settings or Settings.lan())
    return world, world.cluster(size)


def status(viewer: Node, subject: Node | MemberId) -> Status | None:
    """Tell what one node thinks of another; None if it is not on its list."""
    member = viewer.engine.membership.get(subject.id if isinstance(subject, Node) else subject)
    return member.status if member else None


def all_see(viewers: Iterable[Node], subject: Node, expected: Status | None) -> bool:
    """Tell whether every viewer thinks the same of one node."""
    return all(status(viewer, subject) is expected for viewer in viewers if viewer is not subject)


def all_alive(nodes: Iterable[Node]) -> bool:
    """Tell whether all of these hold each other alive, in one view."""
    held = list(nodes)
    roots = {node.engine.membership.hash.root for node in held}
    return len(roots) == 1 and all(all_see(held, node, Status.ALIVE) for node in held)


def changes(viewer: Node, kind: ChangeKind, subject: Node | None = None, since: float = 0.0) -> list[Change]:
    """Give what a node told its listeners, of one kind and about one member if given."""
    return [
        change
        for change in viewer.changes
        if change.kind is kind and change.at >= since and (subject is None or change.id == subject.id)
    ]


def failures(nodes: Iterable[Node], subject: Node | None = None, since: float = 0.0) -> list[Change]:
    """Give every verdict `failed` that was reached."""
    return [change for node in nodes for change in changes(node, ChangeKind.FAILED, subject, since)]


def accusation(accuser: Node, subject: Node | MemberId, incarnation: int) -> Claim:
    """Sign an accusation as an accuser with a valid key can."""
    about = subject.id if isinstance(subject, Node) else subject
    body = encode_accusation(accuser.id, about, incarnation)
    signature = accuser.engine.verdicts._sign(body)
    return Claim(Accusation(signature + body, accuser.id, about, incarnation))


def hand(world: World, sender: Node, target: Node, *claims: Claim, packet: Packet | None = None) -> list[Effect]:
    """Deliver a packet to a node as if it came from another, all in it genuine; its effects are carried out."""
    for claim in packet.claims if packet else claims:
        world.ledger.vouch(claim.statement)
    effects = target.engine.handle_packet(world.now, sender.id, packet or Packet((), claims))
    world.act(target, effects)
    return effects


def sent(nodes: Iterable[Node]) -> int:
    """Count the datagrams sent so far."""
    return sum(node.sent for node in nodes)
