"""How a process joins through a seed: again and again until it is in, as node/seeds.py does."""

from dataclasses import dataclass

from protocol.swim.effect import JoinEnded
from simulations.world import World
from simulations.world.node import Node

RETRY_FIRST_S = 0.2
RETRY_LONGEST_S = 30.0
PASSING_REFUSALS_S = 30.0
"""A used name, a reached limit and a busy peer are tried for so long (node/seeds.py)."""
LOOK_S = 0.25
"""How soon it is noticed that an attempt is over."""


@dataclass(slots=True)
class _Joining:
    """One process's endeavour; ends with its life, its goodbye, or the join."""

    world: World
    node: Node
    seed: Node
    life: int
    stream: int = 0
    joins_seen: int = 0
    pause_s: float = RETRY_FIRST_S
    refused_at: float | None = None
    gone_at: int = -1
    """The incarnation of the goodbye from which it wants to return; another one was said meanwhile."""

    @property
    def is_over(self) -> bool:
        """Whether its process ended, or was told to leave after it was told to join."""
        node, local = self.node, self.node.engine.local
        left = local.goodbye and local.incarnation != self.gone_at
        return not node.running or node.life != self.life or left

    def attempt(self) -> None:
        """Dial the seed, unless the process cannot just now."""
        node, world = self.node, self.world
        if self.is_over:
            return
        if node.is_stalled(world.now):
            world.after(LOOK_S, self.attempt)
            return
        self.joins_seen = len(node.joins)
        self.stream = world.join(node, self.seed)
        world.after(LOOK_S, self.look)

    def look(self) -> None:
        """See what came of it."""
        node = self.node
        if self.is_over:
            return
        ended = next((join for join in node.joins[self.joins_seen :] if join.stream == self.stream), None)
        if ended is None:
            self.world.after(LOOK_S, self.look)
        elif ended.peer is None and not ended.own_echo:
            self._go_on(ended)

    def _go_on(self, ended: JoinEnded) -> None:
        """Try again after a pause; after a final refusal, the process of one that knows nobody ends."""
        world, now = self.world, self.world.now
        if ended.refusal is not None:
            self.refused_at = now if self.refused_at is None else self.refused_at
            if ended.refusal.is_final or now - self.refused_at >= PASSING_REFUSALS_S:
                if self.node.engine.membership.live_count <= 1:
                    world.crash(self.node)
                return
            world.after(min(self.pause_s, self.refused_at + PASSING_REFUSALS_S - now), self.attempt)
        else:
            world.after(self.pause_s, self.attempt)
        self.pause_s = min(RETRY_LONGEST_S, self.pause_s * 2)


def keep_joining(world: World, node: Node, seed: int) -> None:
    """Join through a seed, until that is done; a node that is its own seed, or has none, stays as it is."""
    if seed != node.index and seed < len(world.nodes):
        local = node.engine.local
        gone_at = local.incarnation if local.goodbye else -1
        _Joining(world, node, world.nodes[seed], node.life, gone_at=gone_at).attempt()
