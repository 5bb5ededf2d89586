"""One run: a world is begun, the plan's deeds are done to it, calm returns, and all that must hold is looked at."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import ceil, log2

from protocol.status import Status
from protocol.swim.address_book import RETRY_LONGEST_INTERVALS
from protocol.swim.revocations import revocation_rank
from protocol.swim.settings import Settings
from protocol.swim.stream import sync_period_s
from protocol.swim.suspicion import suspicion_shortest_s
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation
from simulations.checkers import ALL_CHECKERS, Checker, Watch
from simulations.checkers.spared import SparedChecker
from simulations.deed import Deed
from simulations.plan import Plan
from simulations.recorder import Recorder
from simulations.result import Result, Violation
from simulations.scenario import Scenario
from simulations.world import Clock, Latency, Node, World
from simulations.world.object_transport import ObjectTransport
from simulations.world.transport import Transport

BEGIN_LONGEST_S = 60.0
"""Within this a few dozen nodes that join through one know each other."""
CALM_STEP_S = 0.5
COMPARED_MAX = 1_000
ROUNDS_MAX = 8
"""Of finding out who is out for whom: one is enough but where those that are out put out others in a partition."""
COMPARED_OF_MANY = 10
"""Lists compared row by row: of 10,000 members all would be 100 million rows, each half second."""


def profile_settings(plan: Plan) -> Settings:
    """Give the settings that a plan asks for."""
    base = {"lan": Settings.lan, "wan": Settings.wan, "local": Settings.local}[plan.profile]()
    return replace(base, **plan.settings)  # type: ignore[arg-type]  # the fields of Settings, by name


def convergence_bound_s(settings: Settings, nodes: int) -> float:
    """Give how long after the last fault all views may differ, derived from the protocol.

    A dead member nobody suspects yet: 2n - 1 probe intervals until its turn (SWIM 4.3) and the longest suspicion.
    A live one held failed: its turn in the slowest decay of retries. Both may need one round of slow syncs for
    the last observer, which starts within 1.5 periods, and log2 n gossip rounds on the way. Twice, for each may
    have to wait for the other; awareness, which stretches all by up to 8, is healthy again after as many probes.
    """
    interval_s = settings.probe_interval_s
    suspicion_s = suspicion_shortest_s(settings.suspicion_alpha, nodes, interval_s) * settings.suspicion_beta
    detection_s = (2 * nodes - 1) * interval_s + suspicion_s
    retry_s = RETRY_LONGEST_INTERVALS * interval_s
    sync_s = 1.5 * sync_period_s(settings.sync_interval_s, nodes)
    gossip_s = (ceil(log2(max(2, nodes))) + 1) * settings.gossip_interval_s
    return 2 * (detection_s + retry_s + sync_s + gossip_s)


class Run:
    """A plan being carried out, and what is known of it when it is over."""

    def __init__(
        self,
        plan: Plan,
        scenario: Scenario,
        *,
        checkers: Sequence[type[Checker]] = ALL_CHECKERS,
        tell: Callable[[float, float], None] | None = None,
    ) -> None:
        """Prepare a run; `tell` hears of progress: (virtual seconds done, in all, as far as is known)."""
        self.plan, self.scenario = plan, scenario
        self.settings = profile_settings(plan)
        latency = Latency.tail(plan.typical_s, plan.longest_s)
        self.world = World(plan.seed, self.settings, latency=latency, transport=_transport(plan))
        self.watch = Watch(self.world, tuple(checkers))
        self.spared = SparedChecker(self.world, self.watch.report, scenario.spared)
        self.watch.checkers.append(self.spared)
        self.recorder = Recorder(self.world)
        self.world.watch(self.watch)
        self.world.watch(self.recorder)
        self.began_at = 0.0
        """Virtual time at which the beginning was over, and the plan's moments start."""
        self.calm_at = 0.0
        """Virtual time at which all faults were undone."""
        self.converged_s: float | None = None
        self._tell = tell

    @property
    def nodes(self) -> list[Node]:
        """All nodes, running or not, by index."""
        return self.world.nodes

    def carry_out(self, command: str) -> Result:
        """Run the plan from beginning to end."""
        began = time.perf_counter()
        self._begin()
        self._trouble()
        self._calm_down()
        violations = self.watch.finish()
        if self.scenario.judge is not None:
            now = self.world.now
            violations += [Violation("promise", now, "", text) for text in self.scenario.judge(self)]
        self.recorder.finish()
        return self.recorder.result(self, violations, time.perf_counter() - began, command)

    # --- beginning ------------------------------------------------------------------------------

    def _begin(self) -> None:
        world, plan = self.world, self.plan
        clocks = [self._clock() for _ in range(plan.nodes)]
        if plan.beginning == "settled":
            world.settled(plan.nodes, clocks)
        else:
            for index in range(plan.nodes):
                world.at(0.0 if plan.beginning == "alone" else 0.05 * index, self._starter(clocks[index]))
            world.run(0.05 * plan.nodes)
        if plan.beginning == "joined":
            for node in world.nodes[1:]:
                world.join(node, world.nodes[0])
            if world.run_until(self.is_one_view, BEGIN_LONGEST_S, CALM_STEP_S) is None:
                self.watch.report("beginning", world.now, None, f"no common view after {BEGIN_LONGEST_S:g} s")
            world.run(2 * self.settings.probe_interval_s)
        self.began_at = world.now
        self.recorder.begin()

    def _clock(self) -> Clock:
        rng, drift = self.world.rng, self.plan.drift
        if not drift:
            return Clock()
        return Clock(1.0 + drift * (2 * rng.random() - 1), rng.random() * 1e6, (2 * rng.random() - 1) * 60.0)

    def _starter(self, clock: Clock) -> Callable[[], None]:
        return lambda: _start(self.world, clock)

    # --- trouble --------------------------------------------------------------------------------

    def _trouble(self) -> None:
        world = self.world
        for planned in self.plan.deeds:
            world.at(self.began_at + planned.at, self._doer(planned.deed))
        end = self.began_at + self.plan.troubled_s
        step = max(1.0, (end - world.now) / 200)
        while world.now < end:
            world.run(min(step, end - world.now))
            if self._tell is not None:
                self._tell(world.now, end)

    def _doer(self, deed: Deed) -> Callable[[], None]:
        return _Doer(self, deed)

    # --- calm -----------------------------------------------------------------------------------

    def _calm_down(self) -> None:
        """Undo what is wrong with the network, and wait until all agree."""
        world = self.world
        world.network.calm()
        self.calm_at = world.now
        world.tell("calm", None, "all faults are undone")
        bound_s = convergence_bound_s(self.settings, len(world.nodes))
        self.converged_s = world.run_until(self.is_settled, bound_s, CALM_STEP_S)
        if self.converged_s is None:
            self.watch.report("convergence", world.now, None, f"after {bound_s:.0f} s of calm: {self.disagreement()}")

    # --- what must hold in the end --------------------------------------------------------------

    @property
    def members(self) -> list[Node]:
        """The nodes that run, have not left, and are not out by a word that one of the others holds."""
        standing = [node for node in self.world.nodes if node.running and not node.engine.local.goodbye]
        return _without_barred(standing) if len(self.world.words) else standing

    def is_one_view(self) -> bool:
        """Tell whether all who should be members hold each other alive."""
        members = self.members
        roots = {node.engine.membership.hash.root for node in members}
        return len(roots) <= 1 and all(node.engine.membership.live_count == len(members) for node in members)

    def is_settled(self) -> bool:
        """Tell whether all views are equal, say what is so, and bind each name to one address."""
        return self.is_one_view() and next(self.disagreements(), None) is None

    def disagreement(self) -> str:
        """Say in a sentence where views still differ."""
        return next(self.disagreements(), "the view hashes differ, though the lists are equal")

    def disagreements(self) -> Iterator[str]:
        """Compare lists with what is so: all, or of very many a few, for equal view hashes are equal statements."""
        members = self.members
        for observer in members if len(members) <= COMPARED_MAX else members[:COMPARED_OF_MANY]:
            membership = observer.engine.membership
            for subject in members:
                held = membership.get(subject.id)
                if held is None or held.status is not Status.ALIVE:
                    seen = "does not know" if held is None else f"holds {held.status.value}"
                    yield f"{observer.name} {seen} {subject.name}, which runs"
                elif held.address != subject.address:
                    yield f"{observer.name} has {subject.name} at {held.address}, not at {subject.address}"
            if membership.live_count != len(members):
                yield f"{observer.name} holds {membership.live_count} alive, and {len(members)} are"
            if len(self.world.words) and (text := _other_words(observer, members[0])):
                yield text
            yield from self._other_facts(observer, members)

    def _other_facts(self, observer: Node, members: list[Node]) -> Iterator[str]:
        """Compare what is held of members with what they were told to say; of who plays false nobody knows that."""
        facts = observer.engine.membership.facts
        for subject in members:
            if not subject.disk.facts and not facts.of(subject.id):
                continue
            held = {key: fact.value for key, fact in facts.of(subject.id).items() if fact.value}
            if held != subject.disk.facts and subject.index not in self.world.equivocators:
                said = subject.disk.facts
                key = min(k for k in held.keys() | said.keys() if held.get(k) != said.get(k))
                yield f"{observer.name} holds {held.get(key)!r:.40} under {key!r} of {subject.name}, not what it says"


class _Doer:
    """Does one deed when its time has come, and marks whom it harms."""

    def __init__(self, run: Run, deed: Deed) -> None:
        self._run, self._deed = run, deed

    def __call__(self) -> None:
        run, deed = self._run, self._deed
        run.recorder.see_deed(deed)
        run.spared.see_deed(deed)
        run.world.disturbed = True
        deed.do(run.world)


def _without_barred(standing: list[Node]) -> list[Node]:
    """Take out whoever is barred by one that is not: the words of those that are out count for nobody.

    Who is out and does not know it may bar others by words that nobody else ever heard, hence the rounds.
    """
    members = standing
    for _ in range(ROUNDS_MAX):
        newest: dict[MemberId, Revocation] = {}
        for node in members:
            for word in node.engine.membership.revocations.listing():
                held = newest.get(word.subject)
                if held is None or revocation_rank(word) > revocation_rank(held):
                    newest[word.subject] = word
        inside = [node for node in standing if node.id not in newest or not newest[node.id].revoked]
        if inside == members:
            break
        members = inside
    return members


def _other_words(one: Node, other: Node) -> str:
    """Tell where two members hold different words about who is out."""
    words, others = ({w.subject: w for w in node.engine.membership.revocations.listing()} for node in (one, other))
    for id in sorted(words.keys() | others.keys()):
        held, there = words.get(id), others.get(id)
        if held is None or there is None or held.raw != there.raw:
            return f"{one.name} and {other.name} hold different words about {id.hex()}"
    return ""


def _start(world: World, clock: Clock) -> None:
    world.add(clock=clock)


def _transport(plan: Plan) -> Callable[[World], Transport]:
    if plan.encode:
        from simulations.world.sealed_transport import SealedTransport

        return SealedTransport
    return ObjectTransport
