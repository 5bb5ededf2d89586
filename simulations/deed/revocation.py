"""What an operator decides: who is out, who is in again, who is asked in, and what the license says."""

from dataclasses import dataclass, replace
from typing import ClassVar

from protocol.swim.admission import Terms
from simulations.deed.joining import LOOK_S, PASSING_REFUSALS_S, RETRY_FIRST_S, RETRY_LONGEST_S
from simulations.deed.process import OfNode
from simulations.world import World
from simulations.world.node import Node


class OfMember(OfNode, frozen=True):
    """A deed that one node does about another."""

    is_harm: ClassVar[bool] = False
    subject: int

    def do_to(self, world: World, node: Node) -> None:
        """Do it, if the node runs and there is another to do it about."""
        if node.running and self.subject < len(world.nodes) and world.nodes[self.subject].id != node.id:
            self.decide(world, node, world.nodes[self.subject])

    def decide(self, world: World, node: Node, subject: Node) -> None:
        """Do it."""
        raise NotImplementedError


class OfWord(OfMember, frozen=True):
    """A word about another: who is out is heard by nobody, and hears nobody."""

    is_harm: ClassVar[bool] = True

    @property
    def concerns(self) -> tuple[int, ...]:
        """The one whom it is about."""
        return (self.subject,)


class Revoke(OfWord, frozen=True):
    """Have a member say that another is out, whatever it does."""

    def decide(self, world: World, node: Node, subject: Node) -> None:
        """Sign it, also about one that is out already."""
        world.revoke(node, subject.id)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} revokes n{self.subject}"


class Reinstate(OfWord, frozen=True):
    """Have a member say that another may be in again; it does not return by that."""

    def decide(self, world: World, node: Node, subject: Node) -> None:
        """Sign it, also about one that was never out."""
        world.revoke(node, subject.id, revoked=False)

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} reinstates n{self.subject}"


class Invite(OfMember, frozen=True):
    """Have a member ask another to come in, as an operator does who adds it: for half a minute, or until it refuses."""

    def decide(self, world: World, node: Node, subject: Node) -> None:
        """Dial it for the first time."""
        _Inviting(world, node, subject, node.life, world.now + PASSING_REFUSALS_S).attempt()

    @property
    def lasts_s(self) -> float:
        """As long as it is tried."""
        return PASSING_REFUSALS_S

    def text(self) -> str:
        """Say it."""
        return f"n{self.node} invites n{self.subject}"


class Renew(OfNode, frozen=True):
    """Give one node another license file of the same license."""

    is_harm: ClassVar[bool] = False
    seats: int | None
    expired: bool = False

    def do_to(self, world: World, node: Node) -> None:
        """Let the process go by it; one that starts later reads the seats from the file."""
        node.settings = replace(node.settings, seats=self.seats)
        if node.running:
            node.engine.change_terms(Terms(node.settings.license_id, self.seats, self.expired))
            world.tell("renew", node, f"{self.seats} seats{', expired' if self.expired else ''}")

    def text(self) -> str:
        """Say it."""
        return f"n{self.node}'s license has {self.seats} seats" + (", and has expired" if self.expired else "")


@dataclass(slots=True)
class _Inviting:
    """One operator's endeavour; ends with the inviter's life, a final refusal, or the join."""

    world: World
    node: Node
    subject: Node
    life: int
    ends_at: float
    stream: int = 0
    joins_seen: int = 0
    pause_s: float = RETRY_FIRST_S

    @property
    def is_over(self) -> bool:
        node = self.node
        return not node.running or node.life != self.life or self.world.now > self.ends_at

    def attempt(self) -> None:
        """Dial the other, unless this process cannot just now."""
        if self.is_over:
            return
        if not self.node.is_stalled(self.world.now):
            self.joins_seen = len(self.node.joins)
            self.stream = self.world.invite(self.node, self.subject)
            self.world.after(LOOK_S, self.look)
        else:
            self.world.after(LOOK_S, self.attempt)

    def look(self) -> None:
        """See what came of it; a refusal that passes and a stream that broke are reasons to try again."""
        if self.is_over:
            return
        ended = next((join for join in self.node.joins[self.joins_seen :] if join.stream == self.stream), None)
        if ended is None:
            self.world.after(LOOK_S, self.look)
        elif ended.peer is None and (ended.refusal is None or not ended.refusal.is_final):
            self.world.after(self.pause_s, self.attempt)
            self.pause_s = min(RETRY_LONGEST_S, self.pause_s * 2)
