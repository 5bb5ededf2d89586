"""What members say of themselves: said by whom it is about, never an older word after a newer, nothing back."""

from hashlib import blake2b

from protocol.swim.effect import FactTaken
from protocol.ulid import MemberId
from protocol.wire.fact import HORIZON_KEY, Fact
from simulations.checkers.checker import Checker, Report
from simulations.world import Node, Step, World

Rank = tuple[int, bytes]
KEYS_MAX = 200_000
"""Keys remembered for one process: what horizons took away is remembered as well."""


class FactsSaid(Checker):
    """A value that is seen was written by its owner, under this key, at this version."""

    name = "facts-said"
    law = "each fact that a node takes was said by its owner's own engine, in these very bytes"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._said: dict[MemberId, set[bytes]] = {}

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Take down what an owner says, and look at what others take."""
        own = step.node.id
        for effect in step.effects:
            if type(effect) is not FactTaken or effect.fact is None:
                continue
            said = self._said.setdefault(effect.owner, set())
            if effect.owner == own and _is_saying(step, effect.fact):
                said.add(effect.fact.raw)
            elif effect.fact.raw not in said and not self.is_excused(effect.owner):
                text = f"took {_words(effect.fact)} of {_name(self.world, effect.owner)}, which never said it"
                self.violate(step.at, step.node, text)


class FactsGrow(Checker):
    """Under each key an observer's versions grow, and what a horizon took away does not come back."""

    name = "facts-grow"
    law = "a fact that a node takes is newer than its last of that key and than the horizon; the last is what it holds"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._taken: dict[tuple[int, int], dict[MemberId, dict[bytes, Fact]]] = {}

    def taken(self, node: Node) -> dict[MemberId, dict[bytes, Fact]]:
        """Give the last fact of each owner and key that a process took."""
        key = (node.index, node.life)
        taken = self._taken.get(key)
        if taken is None:
            self._taken.pop((node.index, node.life - 1), None)
            taken = self._taken[key] = {}
        return taken

    def see_step(self, step: Step, touched: tuple[MemberId, ...]) -> None:
        """Compare each fact with the last, and with the horizon."""
        for effect in step.effects:
            if type(effect) is FactTaken:
                taken = self.taken(step.node)
                if effect.fact is None:
                    taken.pop(effect.owner, None)
                else:
                    self._see_fact(step, effect.fact, taken.setdefault(effect.owner, {}))

    def _see_fact(self, step: Step, fact: Fact, of_owner: dict[bytes, Fact]) -> None:
        last, horizon = of_owner.get(fact.key), of_owner.get(HORIZON_KEY)
        if last is not None and _rank(fact) <= _rank(last):
            text = f"took {_words(fact)} of {_name(self.world, fact.owner)}, after version {last.version}"
            self.violate(step.at, step.node, text)
        if fact.key != HORIZON_KEY and horizon is not None and fact.version <= horizon.version:
            text = f"took {_words(fact)} of {_name(self.world, fact.owner)}, below the horizon at {horizon.version}"
            self.violate(step.at, step.node, text)
        if len(of_owner) < KEYS_MAX:
            of_owner[fact.key] = fact

    def audit(self, node: Node) -> None:
        """Compare what was told with what is held."""
        facts, taken = node.engine.membership.facts, self.taken(node)
        for owner, of_owner in taken.items():
            horizon = of_owner.get(HORIZON_KEY)
            below = -1 if horizon is None else horizon.version
            told = {key: f.raw for key, f in of_owner.items() if key == HORIZON_KEY or f.version > below}
            held = {key: f.raw for key, f in facts.of(owner).items()}
            if told != held:
                key = min(k for k in told.keys() | held.keys() if told.get(k) != held.get(k))
                text = f"holds of {_name(self.world, owner)} under {key!r} something else than it told it took"
                self.violate(self.world.now, node, text)
        if len(facts) and not {fact.owner for fact in facts} <= taken.keys():
            self.violate(self.world.now, node, "holds facts of which it never told that it took them")


def _is_saying(step: Step, fact: Fact) -> bool:
    """Tell whether a node signs a fact in this step, or meets one of its earlier lives."""
    return not any(claim.statement.raw == fact.raw for claim in step.claims)


def _rank(fact: Fact) -> Rank:
    return fact.version, blake2b(fact.raw, digest_size=8).digest()


def _words(fact: Fact) -> str:
    what = "the horizon" if fact.key == HORIZON_KEY else repr(fact.key)
    return f"{what} at version {fact.version}" + ("" if fact.value or fact.key == HORIZON_KEY else " (removed)")


def _name(world: World, id: MemberId) -> str:
    node = world.find(id)
    return node.name if node else id.hex()
