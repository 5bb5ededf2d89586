"""From a plan that fails to the least that still fails: delta debugging over its deeds and their numbers.

Every proposal takes something away; it is kept if the plan then still fails. Rounds of proposals go on until a whole
round changed nothing, so that what is left cannot be taken away one by one. (Zeller and Hildebrandt: Simplifying and
Isolating Failure-Inducing Input, 2002; theirs are subsets of one list, ours also shorten what stays.)
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec.structs import asdict, replace

from simulations.deed import AnyDeed
from simulations.plan import Plan, Planned, encode_plan
from simulations.result import Violation

ATTEMPTS_MAX = 400
"""Runs at most, unless told otherwise: at a tenth of a second each it is a coffee, and rarely are more needed."""
SHORTEST_S = 0.5
"""Durations are halved down to this; half a probe interval of the lan profile explains no less than less."""

NUMBER = re.compile(r"\d[\d,.]*")
WORDED = ("promise", "exception")
"""Checkers that stand for many laws: there the sentence tells which, when its numbers are left out."""

Fails = Callable[[Plan], bool]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What is left."""

    plan: Plan
    attempts: int
    """Runs it took."""
    is_least: bool
    """Whether every proposal was tried on it; else the attempts were used up."""


class Shrinker:
    """Takes away from one plan."""

    def __init__(
        self,
        plan: Plan,
        fails: Fails,
        *,
        attempts_max: int = ATTEMPTS_MAX,
        tell: Callable[[int, Plan], None] | None = None,
    ) -> None:
        """Begin with a plan that fails; `tell` hears of each attempt: (how many, the least plan so far)."""
        self._plan, self._fails = plan, fails
        self._attempts_max, self._tell = attempts_max, tell
        self._attempts = 0
        self._tried = {encode_plan(plan)}

    def shrink(self) -> Shrunk:
        """Take away until nothing can be, or the attempts are used up."""
        passes = (fewer_deeds, sooner, shorter, fewer_concerned, fewer_nodes, plainer)
        changed = True
        while changed and not self._is_over:
            changed = False
            for propose in passes:
                changed |= self._pass(propose)
        return Shrunk(self._plan, self._attempts, not self._is_over)

    @property
    def _is_over(self) -> bool:
        return self._attempts >= self._attempts_max

    def _pass(self, propose: Callable[[Plan], Iterator[Plan]]) -> bool:
        """Take the first proposal that still fails, and propose anew, until none does."""
        changed = False
        while not self._is_over:
            kept = next((plan for plan in propose(self._plan) if self._try(plan)), None)
            if kept is None:
                return changed
            self._plan, changed = kept, True
        return changed

    def _try(self, plan: Plan) -> bool:
        """Tell whether a plan that was not tried before fails too."""
        key = encode_plan(plan)
        if self._is_over or key in self._tried:
            return False
        self._tried.add(key)
        self._attempts += 1
        fails = self._fails(plan)
        if self._tell is not None:
            self._tell(self._attempts, plan if fails else self._plan)
        return fails


def shrink(plan: Plan, fails: Fails, *, attempts_max: int = ATTEMPTS_MAX) -> Shrunk:
    """Shrink a plan that fails."""
    return Shrinker(plan, fails, attempts_max=attempts_max).shrink()


# --- proposals: each gives plans with less in them, the boldest first ---------------------------


def fewer_deeds(plan: Plan) -> Iterator[Plan]:
    """Leave out all deeds, then halves of them, then quarters, down to single ones."""
    count = len(plan.deeds)
    size = count
    while size:
        for begin in range(0, count, size):
            yield replace(plan, deeds=plan.deeds[:begin] + plan.deeds[begin + size :])
        size //= 2


def sooner(plan: Plan) -> Iterator[Plan]:
    """Let the deeds begin at once, or the time before each be half as long."""
    if plan.deeds and plan.deeds[0].at:
        first = plan.deeds[0].at
        yield replace(plan, deeds=tuple(Planned(_round(p.at - first), p.deed) for p in plan.deeds))
    for place in range(1, len(plan.deeds)):
        gap = plan.deeds[place].at - plan.deeds[place - 1].at
        if gap >= 2 * SHORTEST_S:
            late = plan.deeds[place:]
            moved = tuple(Planned(_round(p.at - gap / 2), p.deed) for p in late)
            yield replace(plan, deeds=plan.deeds[:place] + moved)


def shorter(plan: Plan) -> Iterator[Plan]:
    """Halve the time until calm, and how long each deed lasts."""
    if plan.lasts_s > 0.0:
        yield replace(plan, lasts_s=0.0)
    if plan.lasts_s >= 2 * SHORTEST_S:
        yield replace(plan, lasts_s=_round(plan.lasts_s / 2))
    for place, planned in enumerate(plan.deeds):
        for name, value in asdict(planned.deed).items():
            if name == "for_s" and value >= 2 * SHORTEST_S:
                yield _with(plan, place, replace(planned.deed, for_s=_round(value / 2)))


def fewer_concerned(plan: Plan) -> Iterator[Plan]:
    """Do each deed to fewer nodes: to half of them, then to all but one; never to none, which may mean everybody."""
    for place, planned in enumerate(plan.deeds):
        for name, value in asdict(planned.deed).items():
            if isinstance(value, tuple) and len(value) > 1 and _are_indexes(value):
                half = len(value) // 2
                less = [value[:half], value[half:], *(value[:i] + value[i + 1 :] for i in range(len(value)))]
                for part in less:
                    yield _with(plan, place, replace(planned.deed, **{name: part}))


def fewer_nodes(plan: Plan) -> Iterator[Plan]:
    """Leave out the nodes of the highest numbers, as far as no deed names them."""
    least = max([1, *(index + 1 for index in _named(plan))])
    tried = least
    while tried < plan.nodes:
        yield replace(plan, nodes=tried)
        tried += max(1, (plan.nodes - tried) // 2)


def plainer(plan: Plan) -> Iterator[Plan]:
    """Take away drift, the tail of the latency, and sealing; begin with nodes that know each other."""
    if plan.drift:
        yield replace(plan, drift=0.0)
    if plan.longest_s > plan.typical_s * 3:
        yield replace(plan, longest_s=plan.typical_s * 3)
    if plan.encode:
        yield replace(plan, encode=False)
    if plan.beginning == "joined":
        yield replace(plan, beginning="settled")
    for name in plan.settings:
        yield replace(plan, settings={key: value for key, value in plan.settings.items() if key != name})


def _with(plan: Plan, place: int, deed: AnyDeed) -> Plan:
    deeds = list(plan.deeds)
    deeds[place] = Planned(deeds[place].at, deed)
    return replace(plan, deeds=tuple(deeds))


def _named(plan: Plan) -> Iterator[int]:
    """Give every whole number in the deeds: the nodes they name, and perhaps a count, which does no harm."""
    for planned in plan.deeds:
        for value in asdict(planned.deed).values():
            for number in value if isinstance(value, tuple) else (value,):
                if _is_index(number):
                    yield number


def _are_indexes(values: tuple[object, ...]) -> bool:
    return all(_is_index(value) for value in values)


def _is_index(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _round(seconds: float) -> float:
    """Keep three digits, as plans have them."""
    return round(max(0.0, seconds), 3)


def kind_of(violation: Violation) -> str:
    """Tell what was violated, such that a smaller plan may show it at other nodes and other moments."""
    words = NUMBER.sub("#", violation.text) if violation.checker in WORDED else ""
    return f"{violation.checker} {words}".rstrip()


def describe(plan: Plan) -> list[str]:
    """Tell a plan in lines a person reads: what it begins with, and each deed at its moment."""
    about = [f"{plan.nodes} nodes", f"profile {plan.profile}", f"begins {plan.beginning}", f"seed {plan.seed}"]
    about += [f"clocks drift by up to {plan.drift:g}"] if plan.drift else []
    about += ["sealed"] if plan.encode else []
    about += [f"{name} {value}" for name, value in plan.settings.items()]
    lines = [", ".join(about)]
    lines += [f"at {planned.at:g} s: {planned.deed.text()}" for planned in plan.deeds]
    return [*lines, f"calm at {plan.troubled_s:g} s"]
