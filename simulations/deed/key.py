"""What an operator does to the cluster's keys at one node; does nothing where messages are not sealed."""

from typing import TYPE_CHECKING, ClassVar

from protocol.error import InvalidRequest
from simulations.deed.process import OfNode
from simulations.world import World
from simulations.world.node import Node

if TYPE_CHECKING:
    from simulations.world.sealed_key import SealedKeys

ASK_AGAIN_S = 1.0
"""An operator who is told that not all members hold a key yet tries again so soon."""


class OfKeys(OfNode, frozen=True):
    """A deed done to the keys. Clocks, and a refusal, make none of it harm."""

    is_harm: ClassVar[bool] = False

    def do_to(self, world: World, node: Node) -> None:
        """Do it, where there are keys."""
        if world.transport.keyring(node) is not None:
            self.turn(world, node)

    def turn(self, world: World, node: Node) -> None:
        """Change the keys."""
        raise NotImplementedError


class AddKey(OfKeys, frozen=True):
    """Hold one more key, as `shoal keys add` does."""

    def turn(self, world: World, node: Node) -> None:
        """Add a drawn key, if the process runs and holds fewer than eight."""
        try:
            _keys_of(world).add(node)
        except InvalidRequest:
            return
        world.tell("key-add", node)

    def text(self) -> str:
        """Say it."""
        return f"a key is added at n{self.node}"


class Patient(OfKeys, frozen=True):
    """Tried again until it is done, or patience is at its end."""

    patience_s: float = 20.0

    @property
    def lasts_s(self) -> float:
        """As long as it may be tried."""
        return self.patience_s

    def turn(self, world: World, node: Node) -> None:
        """Try for the first time."""
        self._try(world, node, world.now + self.patience_s)

    def _try(self, world: World, node: Node, ends_at: float) -> None:
        try:
            is_done = self.attempt(world, node)
        except InvalidRequest:
            is_done = False
        if not is_done and world.now + ASK_AGAIN_S <= ends_at:
            world.after(ASK_AGAIN_S, lambda: self._try(world, node, ends_at))

    def attempt(self, world: World, node: Node) -> bool:
        """Do it, or tell that it is too early."""
        raise NotImplementedError


class UseKey(Patient, frozen=True):
    """Put the newest key in use, as `shoal keys use` does: refused until every live member has shown it."""

    def attempt(self, world: World, node: Node) -> bool:
        """Use it; too early while the newest that this node knows is in use already."""
        keyring = world.transport.keyring(node)
        if keyring is None or not node.running or keyring.primary == keyring.newest_key_id:
            return False
        _keys_of(world).use(node, keyring.newest_key_id)
        world.tell("key-use", node)
        return True

    def text(self) -> str:
        """Say it."""
        return f"the newest key is put in use at n{self.node}"


class RetireKeys(Patient, frozen=True):
    """Retire all keys but the one in use, once the newest is."""

    def attempt(self, world: World, node: Node) -> bool:
        """Retire them; too early while the newest is not in use here."""
        keyring = world.transport.keyring(node)
        if keyring is None or not node.running or keyring.primary != keyring.newest_key_id:
            return False
        for key_id in keyring.key_ids[1:]:
            _keys_of(world).retire(node, key_id)
            world.tell("key-retire", node)
        return True

    def text(self) -> str:
        """Say it."""
        return f"all keys but the one in use are retired at n{self.node}"


def _keys_of(world: World) -> "SealedKeys":
    from simulations.world.sealed_transport import SealedTransport  # loads all of security, for this deed alone

    if not isinstance(world.transport, SealedTransport):
        raise InvalidRequest("nothing is sealed in this world")
    return world.transport.keys
