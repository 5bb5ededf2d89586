"""What is done to the network: cuts, losses, disorder, and links that come and go."""

from simulations.deed.deed import Deed, names
from simulations.world import World
from simulations.world.node import Node


class OfNetwork(Deed, frozen=True):
    """A deed that lasts for a time and is undone."""

    for_s: float

    @property
    def lasts_s(self) -> float:
        """Until it is undone."""
        return self.for_s


class Cut(OfNetwork, frozen=True):
    """Let nothing get from some nodes to others."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]
    """Empty: everybody else."""
    both_ways: bool = True

    def do(self, world: World) -> None:
        """Cut, and plan the mending."""
        sources, targets = _ends(world, self.sources, self.targets)
        if not sources or not targets:
            return
        world.network.cut(sources, targets, both_ways=self.both_ways)
        world.after(self.for_s, lambda: world.network.mend(sources, targets, both_ways=self.both_ways))

    @property
    def concerns(self) -> tuple[int, ...]:
        """Both ends; where one end is everybody else, those on the named side."""
        return (*self.sources, *self.targets)

    def text(self) -> str:
        """Say it."""
        others = names(self.targets) or "all others"
        way = "and" if self.both_ways else "to"
        return f"nothing gets from {names(self.sources)} {way} {others} for {self.for_s:g} s"


class Flap(OfNetwork, frozen=True):
    """Cut some nodes off again and again, one way or both."""

    sources: tuple[int, ...]
    off_s: float
    on_s: float
    arriving: bool = True
    """Whether what others send them is cut."""
    leaving: bool = False
    """Whether what they send is cut."""

    def do(self, world: World) -> None:
        """Cut for the first time; each cut plans the next."""
        self._cut(world, world.now + self.for_s)

    def _cut(self, world: World, ends_at: float) -> None:
        off_s = min(self.off_s, ends_at - world.now)
        if off_s <= 0.0:
            return
        if self.leaving:
            Cut(off_s, self.sources, (), both_ways=False).do(world)
        if self.arriving:
            Cut(off_s, (), self.sources, both_ways=False).do(world)
        world.after(self.off_s + self.on_s, lambda: self._cut(world, ends_at))

    @property
    def concerns(self) -> tuple[int, ...]:
        """Those cut off."""
        return self.sources

    def text(self) -> str:
        """Say it."""
        ways = " and ".join(way for way, flag in (("in", self.arriving), ("out", self.leaving)) if flag)
        return f"{names(self.sources)} cut off ({ways}) {self.off_s:g} s of each {self.off_s + self.on_s:g} s"


class Lose(OfNetwork, frozen=True):
    """Lose a share of what arrives at some nodes, leaves them, or both."""

    nodes: tuple[int, ...]
    """Empty: everywhere."""
    share: float
    arriving: bool = True
    leaving: bool = True

    def do(self, world: World) -> None:
        """Begin to lose, and plan the end."""
        if not self.nodes:
            world.network.loss = self.share
            world.after(self.for_s, lambda: _lossless(world))
            return
        for node in _known(world, self.nodes):
            world.network.lose(node, self.share, arriving=self.arriving, leaving=self.leaving)
            world.after(self.for_s, self._end(world, node))

    def _end(self, world: World, node: Node) -> "_Undo":
        return _Undo(self, world, node)

    @property
    def concerns(self) -> tuple[int, ...]:
        """Those that lose."""
        return self.nodes

    def text(self) -> str:
        """Say it."""
        return f"{self.share:.0%} loss at {names(self.nodes) or 'every link'} for {self.for_s:g} s"


class _Undo:
    """Takes one node's loss back."""

    def __init__(self, deed: Lose, world: World, node: Node) -> None:
        self._deed, self._world, self._node = deed, world, node

    def __call__(self) -> None:
        deed = self._deed
        if self._world.network.is_calm:  # undone with everything else
            return
        self._world.network.lose(self._node, -deed.share, arriving=deed.arriving, leaving=deed.leaving)


class BlockDatagrams(OfNetwork, frozen=True):
    """Let no datagram through to or from some nodes; streams work."""

    nodes: tuple[int, ...]

    def do(self, world: World) -> None:
        """Block, and plan the end."""
        for node in _known(world, self.nodes):
            world.network.block_datagrams(node)
            world.schedule.plan(world.now + self.for_s, world.network.unblock_datagrams, node)

    @property
    def concerns(self) -> tuple[int, ...]:
        """Those whose datagrams are blocked."""
        return self.nodes

    def text(self) -> str:
        """Say it."""
        return f"datagrams of {names(self.nodes)} are blocked for {self.for_s:g} s"


class Disorder(OfNetwork, frozen=True):
    """Duplicate and delay shares of all datagrams."""

    duplicates: float
    delayed: float
    longest_s: float

    def do(self, world: World) -> None:
        """Begin, and plan the end."""
        world.network.duplicate(self.duplicates)
        world.network.disorder(self.delayed, self.longest_s)
        world.after(self.for_s, lambda: _orderly(world))

    def text(self) -> str:
        """Say it."""
        return (
            f"{self.duplicates:.0%} of datagrams come twice, {self.delayed:.0%} up to {self.longest_s:g} s late, "
            f"for {self.for_s:g} s"
        )


def _ends(world: World, sources: tuple[int, ...], targets: tuple[int, ...]) -> tuple[list[Node], list[Node]]:
    """Find both sides; an empty side is everybody who is not on the other."""
    one = _known(world, sources) if sources else [node for node in world.nodes if node.index not in targets]
    other = _known(world, targets) if targets else [node for node in world.nodes if node.index not in sources]
    return one, other


def _known(world: World, indexes: tuple[int, ...]) -> list[Node]:
    """Find the nodes that there are: in a shrunk plan some may never have been started."""
    return [world.nodes[index] for index in indexes if index < len(world.nodes)]


def _lossless(world: World) -> None:
    world.network.loss = 0.0


def _orderly(world: World) -> None:
    world.network.duplicate(0.0)
    world.network.disorder(0.0, 0.0)
