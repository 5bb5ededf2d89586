"""What is done to one process: it ends, returns, stands still, leaves, is told something."""

from typing import ClassVar

from protocol.address import Address
from protocol.error import InvalidRequest
from simulations.deed.deed import Deed
from simulations.world import World
from simulations.world.node import Node


class OfNode(Deed, frozen=True):
    """A deed done to one node."""

    node: int

    def of(self, world: World) -> Node:
        """Find the node."""
        return world.nodes[self.node]

    @property
    def concerns(self) -> tuple[int, ...]:
        """The one node."""
        return (self.node,)


class Crash(OfNode, frozen=True):
    """End a process without a word."""

    def do(self, world: World) -> None:
        """Kill it, if it runs."""
        if self.of(world).running:
            world.crash(self.of(world))

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} crashes"


class Restart(OfNode, frozen=True):
    """Start a process that had ended, with its identity."""

    is_harm: ClassVar[bool] = False
    keep_disk: bool = True
    address: str | None = None
    """Another IP address to come back at."""
    seed: int | None = None
    """Whom it joins through; None to find its way back by itself."""

    def do(self, world: World) -> None:
        """Start it, if it does not run."""
        node = self.of(world)
        if node.running:
            return
        where = Address(self.address, node.address.port) if self.address else None
        world.restart(node, keep_disk=self.keep_disk, address=where)
        if self.seed is not None and self.seed != self.node:
            world.join(node, world.nodes[self.seed])

    def text(self) -> str:
        """Say it."""
        disk = "" if self.keep_disk else " without its disk"
        return f"n{self.node} starts again{disk}" + (f" at {self.address}" if self.address else "")


class Leave(OfNode, frozen=True):
    """Let a member say goodbye; its process ends with it, or stays."""

    is_harm: ClassVar[bool] = False
    stays: bool = False

    def do(self, world: World) -> None:
        """Leave, if it runs; the process ends when the goodbye is told, or after 5 s."""
        node = self.of(world)
        if not node.running:
            return
        world.leave(node)
        if not self.stays:
            life = node.life
            world.after(5.0, lambda: world.crash(node) if node.life == life and node.running else None)

    @property
    def lasts_s(self) -> float:
        """Until the process has ended."""
        return 5.0

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} leaves" + (" and stays running" if self.stays else "")


class Join(OfNode, frozen=True):
    """Let a running node join through another, as `shoal join` does."""

    is_harm: ClassVar[bool] = False
    seed: int

    def do(self, world: World) -> None:
        """Join, if both run."""
        node, seed = self.of(world), world.nodes[self.seed]
        if node.running and node is not seed:
            world.join(node, seed)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} joins through n{self.seed}"


class Start(Deed, frozen=True):
    """Start a new node, with a new identity, and let it join."""

    is_harm: ClassVar[bool] = False
    seed: int
    name: str | None = None
    """None for a name of its own."""
    address_of: int | None = None
    """Whose address it takes over; None for one of its own."""

    def do(self, world: World) -> None:
        """Start it; at an address that is in use it cannot bind, and does not start."""
        address = None if self.address_of is None else world.nodes[self.address_of].address
        if address is not None and world.node_at(address) is not None:
            return
        node = world.add(self.name, address=address)
        world.join(node, world.nodes[self.seed])

    def text(self) -> str:
        """Say it."""
        name = f" called {self.name}" if self.name else ""
        place = f" at n{self.address_of}'s address" if self.address_of is not None else ""
        return f"a new node{name} starts{place} and joins through n{self.seed}"


class Pause(OfNode, frozen=True):
    """Stop the whole process, as SIGSTOP does."""

    for_s: float

    def do(self, world: World) -> None:
        """Stop it, if it runs."""
        if self.of(world).running:
            world.pause(self.of(world), self.for_s)

    @property
    def lasts_s(self) -> float:
        """As long as it stands still."""
        return self.for_s

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} stands still for {self.for_s:g} s"


class Block(OfNode, frozen=True):
    """Hold up a process's messages, while its timers run."""

    for_s: float

    def do(self, world: World) -> None:
        """Block it, if it runs."""
        if self.of(world).running:
            world.block(self.of(world), self.for_s)

    @property
    def lasts_s(self) -> float:
        """As long as messages stand still."""
        return self.for_s

    def text(self) -> str:
        """Say it."""
        return f"n{self.node}'s messages are held up for {self.for_s:g} s"


class Stutter(OfNode, frozen=True):
    """Stop and continue a process again and again, as a machine without CPU to give does."""

    stop_s: float
    go_s: float
    for_s: float

    def do(self, world: World) -> None:
        """Stop it for the first time; each stop plans the next."""
        self._stop(world, world.now + self.for_s)

    def _stop(self, world: World, ends_at: float) -> None:
        node = self.of(world)
        if world.now >= ends_at:
            return
        if node.running:
            world.pause(node, min(self.stop_s, ends_at - world.now))
        world.after(self.stop_s + self.go_s, lambda: self._stop(world, ends_at))

    @property
    def lasts_s(self) -> float:
        """As long as it stutters."""
        return self.for_s

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} runs {self.go_s:g} s of each {self.go_s + self.stop_s:g} s for {self.for_s:g} s"


class Retag(OfNode, frozen=True):
    """Set a tag, as `shoal tags --set` does."""

    is_harm: ClassVar[bool] = False
    key: str
    value: str

    def do(self, world: World) -> None:
        """Set it, if the node runs."""
        node = self.of(world)
        if node.running:
            world.do(node, "tags", node.engine.set_tags(node.now(world.now), {self.key: self.value}, ()))

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} sets {self.key}={self.value}"


class ForceLeave(OfNode, frozen=True):
    """Have a member say that another, once failed, is left."""

    is_harm: ClassVar[bool] = False
    subject: int
    prune: bool = False

    def do(self, world: World) -> None:
        """Sign the eviction, if the node runs."""
        node = self.of(world)
        if node.running:
            subject = world.nodes[self.subject].id
            effects = node.engine.force_leave(node.now(world.now), subject, prune=self.prune)
            world.do(node, "force-leave", effects)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} force-leaves n{self.subject}" + (" and prunes it" if self.prune else "")


class Drift(OfNode, frozen=True):
    """Let a machine's clock run faster or slower for good."""

    rate: float

    def do(self, world: World) -> None:
        """Change the rate; the time does not jump."""
        node = self.of(world)
        node.clock.drift(world.now, self.rate)
        world.rearm(node)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node}'s clock runs at {self.rate:g}"


class Jump(OfNode, frozen=True):
    """Let a machine's clocks jump: the wall clock either way, the monotonic one forwards only."""

    wall_s: float
    monotonic_s: float = 0.0

    def do(self, world: World) -> None:
        """Jump."""
        node = self.of(world)
        node.clock.wall_offset_s += self.wall_s
        node.clock.offset_s += max(0.0, self.monotonic_s)
        world.rearm(node)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node}'s wall clock jumps by {self.wall_s:g} s, its monotonic one by {self.monotonic_s:g} s"


class Twin(OfNode, frozen=True):
    """Start a copy of a node's data directory on another machine."""

    address: str

    def do(self, world: World) -> None:
        """Start it."""
        try:
            world.twin(self.of(world), Address(self.address, self.of(world).address.port))
        except InvalidRequest:  # its incarnations are used up
            return

    def text(self) -> str:
        """Say it."""
        return f"n{self.node}'s data directory is copied and started at {self.address}"
