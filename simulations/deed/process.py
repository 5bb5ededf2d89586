"""What is done to one process: it ends, returns, stands still, leaves, is told something."""

from typing import ClassVar

from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.swim.leave import LEAVE_LONGEST_S
from simulations.deed.deed import Deed
from simulations.deed.joining import keep_joining
from simulations.world import World
from simulations.world.node import Node

LEAVE_LOOK_S = 0.1
"""How soon a process notices that its goodbye was told."""


class OfNode(Deed, frozen=True):
    """A deed done to one node."""

    node: int

    def do(self, world: World) -> None:
        """Do it, if there is such a node: in a shrunk plan it may never have been started."""
        if 0 <= self.node < len(world.nodes):
            self.do_to(world, world.nodes[self.node])

    def do_to(self, world: World, node: Node) -> None:
        """Do it to the node."""
        raise NotImplementedError

    @property
    def concerns(self) -> tuple[int, ...]:
        """The one node."""
        return (self.node,)


class Crash(OfNode, frozen=True):
    """End a process without a word."""

    def do_to(self, world: World, node: Node) -> None:
        """Kill it, if it runs."""
        if node.running:
            world.crash(node)

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

    def do_to(self, world: World, node: Node) -> None:
        """Start it, if it does not run, and its address is free to be bound."""
        where = Address(self.address, node.address.port) if self.address else node.address
        if node.running or world.node_at(where) is not None:
            return
        world.restart(node, keep_disk=self.keep_disk, address=where)
        if self.seed is not None:
            keep_joining(world, node, self.seed)

    def text(self) -> str:
        """Say it."""
        disk = "" if self.keep_disk else " without its disk"
        return f"n{self.node} starts again{disk}" + (f" at {self.address}" if self.address else "")


class Leave(OfNode, frozen=True):
    """Let a member say goodbye; its process ends with it, or stays."""

    is_harm: ClassVar[bool] = False
    stays: bool = False

    def do_to(self, world: World, node: Node) -> None:
        """Leave, if it runs; the process ends when the goodbye is told, or after 5 s."""
        if not node.running or node.engine.local.goodbye:
            return
        world.leave(node)
        if not self.stays:
            self._end(world, node, node.life, world.now + LEAVE_LONGEST_S)

    def _end(self, world: World, node: Node, life: int, ends_at: float) -> None:
        if node.life != life or not node.engine.local.goodbye:  # it returned
            return
        if node.leave_ended or world.now >= ends_at:
            world.crash(node)
        else:
            world.after(LEAVE_LOOK_S, lambda: self._end(world, node, life, ends_at))

    @property
    def lasts_s(self) -> float:
        """Until the process has ended."""
        return LEAVE_LONGEST_S + LEAVE_LOOK_S

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} leaves" + (" and stays running" if self.stays else "")


class Join(OfNode, frozen=True):
    """Let a running node join through another, as `shoal join` does."""

    is_harm: ClassVar[bool] = False
    seed: int

    def do_to(self, world: World, node: Node) -> None:
        """Join, if it runs."""
        if node.running:
            keep_joining(world, node, self.seed)

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
        address = None
        if self.address_of is not None:
            if self.address_of >= len(world.nodes) or world.node_at(world.nodes[self.address_of].address):
                return
            address = world.nodes[self.address_of].address
        keep_joining(world, world.add(self.name, address=address), self.seed)

    def text(self) -> str:
        """Say it."""
        name = f" called {self.name}" if self.name else ""
        place = f" at n{self.address_of}'s address" if self.address_of is not None else ""
        return f"a new node{name} starts{place} and joins through n{self.seed}"


class Pause(OfNode, frozen=True):
    """Stop the whole process, as SIGSTOP does."""

    for_s: float

    def do_to(self, world: World, node: Node) -> None:
        """Stop it, if it runs."""
        if node.running:
            world.pause(node, self.for_s)

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

    def do_to(self, world: World, node: Node) -> None:
        """Block it, if it runs."""
        if node.running:
            world.block(node, self.for_s)

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

    def do_to(self, world: World, node: Node) -> None:
        """Stop it for the first time; each stop plans the next."""
        self._stop(world, node, world.now + self.for_s)

    def _stop(self, world: World, node: Node, ends_at: float) -> None:
        if world.now >= ends_at:
            return
        if node.running:
            world.pause(node, min(self.stop_s, ends_at - world.now))
        world.after(self.stop_s + self.go_s, lambda: self._stop(world, node, ends_at))

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

    def do_to(self, world: World, node: Node) -> None:
        """Set it, if the node runs."""
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

    def do_to(self, world: World, node: Node) -> None:
        """Sign the eviction, if the node runs."""
        if node.running and self.subject < len(world.nodes):
            subject = world.nodes[self.subject].id
            effects = node.engine.force_leave(node.now(world.now), subject, prune=self.prune)
            world.do(node, "force-leave", effects)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} force-leaves n{self.subject}" + (" and prunes it" if self.prune else "")


class Drift(OfNode, frozen=True):
    """Let a machine's clock run faster or slower for good."""

    rate: float

    def do_to(self, world: World, node: Node) -> None:
        """Change the rate; the time does not jump."""
        node.clock.drift(world.now, self.rate)
        world.rearm(node)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node}'s clock runs at {self.rate:g}"


class Jump(OfNode, frozen=True):
    """Let a machine's clocks jump: the wall clock either way, the monotonic one forwards only."""

    wall_s: float
    monotonic_s: float = 0.0

    def do_to(self, world: World, node: Node) -> None:
        """Jump."""
        node.clock.wall_offset_s += self.wall_s
        node.clock.offset_s += max(0.0, self.monotonic_s)
        world.rearm(node)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node}'s wall clock jumps by {self.wall_s:g} s, its monotonic one by {self.monotonic_s:g} s"


class Twin(OfNode, frozen=True):
    """Start a copy of a node's data directory on another machine."""

    address: str

    def do_to(self, world: World, node: Node) -> None:
        """Start it."""
        try:
            world.twin(node, Address(self.address, node.address.port))
        except InvalidRequest:  # its incarnations are used up
            return

    def text(self) -> str:
        """Say it."""
        return f"n{self.node}'s data directory is copied and started at {self.address}"
