"""What a member says of itself: a service comes or changes, many at once, and goes."""

from typing import ClassVar

from protocol.error import InvalidRequest
from simulations.deed.process import OfNode
from simulations.world import World
from simulations.world.node import Node


class OfFacts(OfNode, frozen=True):
    """A deed that changes what a running node says; what is beyond its bounds is refused, and not done."""

    is_harm: ClassVar[bool] = False

    def do_to(self, world: World, node: Node) -> None:
        """Do it, if the node runs."""
        if not node.running:
            return
        try:
            self.change(world, node)
        except InvalidRequest:
            world.tell("fact-refused", node)

    def change(self, world: World, node: Node) -> None:
        """Say it, or unsay it."""
        raise NotImplementedError


class PutFact(OfFacts, frozen=True):
    """Say something new under a key."""

    key: str
    size: int = 100
    """Bytes of its value."""

    def change(self, world: World, node: Node) -> None:
        """Put a value that was never put there before."""
        world.put_fact(node, self.key.encode(), _value(world, self.size))

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} says {self.key} in {self.size} bytes"


class RemoveFact(OfFacts, frozen=True):
    """Say that nothing stands under a key any more."""

    key: str

    def change(self, world: World, node: Node) -> None:
        """Remove it, if it is there."""
        world.put_fact(node, self.key.encode(), None)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} says nothing of {self.key} any more"


class PutFacts(OfFacts, frozen=True):
    """Say many things at one moment, each anew."""

    count: int
    size: int = 100

    def change(self, world: World, node: Node) -> None:
        """Put them, under numbers."""
        for number in range(self.count):
            world.put_fact(node, _key(number), _value(world, self.size))

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} says {self.count} things in {self.size} bytes each"


class RemoveFacts(OfFacts, frozen=True):
    """Take back what a burst said, as far as it stands."""

    count: int

    def change(self, world: World, node: Node) -> None:
        """Remove them."""
        for number in range(self.count):
            world.put_fact(node, _key(number), None)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} takes back {self.count} of many things"


def _key(number: int) -> bytes:
    return b"many/%d" % number


def _value(world: World, size: int) -> bytes:
    """Give bytes that say when they were said."""
    return f"{world.now:.6f}".encode().ljust(size, b".")[: max(1, size)]
