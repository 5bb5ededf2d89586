"""What a scenario is: how it draws its plan from a seed, and what must hold of a run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import TYPE_CHECKING, Literal

from protocol.error import InvalidRequest
from simulations.deed import AnyDeed
from simulations.plan import Beginning, Plan, Planned

if TYPE_CHECKING:
    from simulations.run import Run


class Spared(Enum):
    """Of which members a run must never hold it that they failed, while they run."""

    ALL = "no member that runs is held failed by anybody"
    UNHARMED = "no unharmed member is held failed by an unharmed one"
    NOBODY = "members may wrongly be held failed"


class Draft:
    """A plan in the making. Everything drawn comes from `rng`, which the seed and the name decide."""

    def __init__(self, scenario: str, seed: int, nodes: int, options: dict[str, str]) -> None:
        self.rng = Random(f"{scenario} {seed}")
        self.scenario, self.seed, self.nodes, self.options = scenario, seed, nodes, options
        self.profile: Literal["lan", "wan", "local"] = "lan"
        self.settings: dict[str, float | int | bool] = {}
        self.beginning: Beginning = "joined"
        self.encode = False
        self.drift = 0.0
        self.typical_s, self.longest_s = 0.0008, 0.02
        self.lasts_s = 60.0
        self._deeds: list[Planned] = []
        self._used: set[str] = set()

    def at(self, at: float, deed: AnyDeed) -> None:
        """Plan a deed, virtual seconds after the beginning."""
        self._deeds.append(Planned(at, deed))

    def choose(self, count: int, *without: int) -> tuple[int, ...]:
        """Draw different nodes, at most all."""
        others = [index for index in range(self.nodes) if index not in without]
        return tuple(self.rng.sample(others, min(count, len(others))))

    def one(self, *without: int) -> int:
        """Draw a node."""
        return self.choose(1, *without)[0]

    def between(self, low: float, high: float) -> float:
        """Draw a number, with three digits so that commands and timelines can be read."""
        return round(low + (high - low) * self.rng.random(), 3)

    def option(self, name: str, drawn: float) -> float:
        """Give what was asked for with `--set name=number`, else what was drawn.

        Raises:
            InvalidRequest: not a number.
        """
        self._used.add(name)
        try:
            return float(self.options.get(name, drawn))
        except ValueError:
            raise InvalidRequest(f"{name} is a number, not {self.options[name]!r}") from None

    def word(self, name: str, drawn: str, allowed: Iterable[str]) -> str:
        """Give what was asked for with `--set name=word`, else what was drawn.

        Raises:
            InvalidRequest: none of those allowed.
        """
        self._used.add(name)
        word, known = self.options.get(name, drawn), sorted(allowed)
        if word not in known:
            raise InvalidRequest(f"{name} is one of {', '.join(known)}, not {word!r}")
        return word

    def finish(self) -> Plan:
        """Give the plan.

        Raises:
            InvalidRequest: an option that the scenario does not have.
        """
        unknown = sorted(set(self.options) - self._used)
        if unknown:
            known = ", ".join(sorted(self._used)) or "none"
            raise InvalidRequest(f"{self.scenario} has no option {unknown[0]!r}; it has: {known}")
        return Plan(
            scenario=self.scenario,
            seed=self.seed,
            nodes=self.nodes,
            profile=self.profile,
            settings=self.settings,
            options=self.options,
            beginning=self.beginning,
            encode=self.encode,
            typical_s=self.typical_s,
            longest_s=self.longest_s,
            drift=self.drift,
            deeds=tuple(sorted(self._deeds, key=lambda planned: planned.at)),
            lasts_s=self.lasts_s,
        )


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of trouble."""

    name: str
    summary: str
    promises: tuple[str, ...]
    """What must hold, beside what every run is checked for."""
    draw: Callable[[Draft], None]
    spared: Spared = Spared.UNHARMED
    sizes: tuple[int, int] = (5, 30)
    """How many nodes a campaign gives it."""
    reached: tuple[str, ...] = ()
    """Counts that a campaign over this scenario must have above 0, or it proved nothing."""
    judge: "Callable[[Run], Iterator[str]] | None" = None
    """Looks at a run that is over, and tells in a sentence each promise that was not kept."""
    options: dict[str, str] = field(default_factory=dict)
    """What `--set` takes, and what it means."""

    def plan(self, seed: int, nodes: int, options: dict[str, str] | None = None) -> Plan:
        """Draw the plan of one run.

        Raises:
            InvalidRequest: an option it does not have, or too few nodes.
        """
        if nodes < 1:
            raise InvalidRequest(f"a run has at least 1 node, not {nodes}")
        draft = Draft(self.name, seed, nodes, options or {})
        self.draw(draft)
        return draft.finish()

    def size(self, seed: int) -> int:
        """Draw how many nodes a campaign's run with this seed has."""
        return Random(f"{self.name} size {seed}").randint(*self.sizes)
