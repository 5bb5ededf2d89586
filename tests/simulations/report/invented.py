"""Invented results, of the shape and size of real ones, for a page to be drawn from."""

from dataclasses import replace
from random import Random

from simulations.result import Detection, Moment, Result, Traffic, ViewSizes, Violation

SCENARIOS = (
    "steady", "crash", "mass_crash", "partition_heal", "lossy_links", "flip_flop", "slow_member", "rolling_restart",
    "join_storm", "graceful_leave", "asymmetric_link", "liar",
)  # fmt: skip


def invent_result(scenario: str, seed: int, nodes: int = 9, *, violations: int = 0) -> Result:
    """Invent one run in which one node dies at 20 s, is noticed, and comes back at 60 s."""
    rng = Random(f"{scenario}{seed}")
    names = [f"n{index}" for index in range(nodes)]
    dead, others = names[-1], names[:-1]
    slow = 1 + 0.4 * (SCENARIOS.index(scenario) if scenario in SCENARIOS else 0)
    detections = tuple(Detection(dead, observer, slow * rng.gauss(5.5, 0.6)) for observer in others)
    return Result(
        scenario=scenario,
        seed=seed,
        nodes=nodes,
        profile="lan",
        digest=f"{rng.getrandbits(128):032x}",
        violations=tuple(_invent_violation(rng, names) for _ in range(violations)),
        counts={"suspicions": rng.randrange(40), "failures": nodes - 1, "refutations": rng.randrange(4), "cuts": 2},
        virtual_s=90.0,
        wall_s=rng.uniform(0.2, 0.4),
        events=rng.randrange(10_000, 20_000),
        command=f"python -m simulations run {scenario} --nodes {nodes} --seed {seed} --duration 90",
        detections=detections,
        views=_invent_views(nodes),
        traffic=tuple(Traffic(name, int(90 * rng.gauss(3.0 * slow, 0.4)), rng.randrange(3, 9)) for name in names),
        timeline=_invent_timeline(rng, names, detections),
    )


def invent_campaign(runs: int, *, broken_every: int = 0, nodes: int = 9) -> list[Result]:
    """Invent as many runs over all scenarios; every `broken_every`th has violations."""
    return [
        invent_result(
            SCENARIOS[number % len(SCENARIOS)],
            number,
            nodes,
            violations=2 if broken_every and number % broken_every == broken_every - 1 else 0,
        )
        for number in range(runs)
    ]


def invent_long_partition(nodes: int = 12) -> Result:
    """Invent a run with 25 hours in which nothing happens, between two busy minutes."""
    short = invent_result("partition_heal", 7, nodes)
    later = 90_000.0
    cut = [Moment(12.0, "", "fault", "cut n0 to n5 from n6 to n11"), Moment(later, "", "fault", "heal every cut")]
    back = [replace(moment, at=moment.at + later) for moment in short.timeline if moment.kind == "member-alive"]
    return replace(short, virtual_s=later + 120, timeline=(*short.timeline, *cut, *back))


def _invent_violation(rng: Random, names: list[str]) -> Violation:
    return Violation(
        "no healthy member is removed",
        rng.uniform(20, 60),
        rng.choice(names),
        "n3 held n1 failed, which ran and answered all the time; a healthy member must stay on the list",
    )


def _invent_views(nodes: int) -> tuple[ViewSizes, ...]:
    sizes = []
    for half_second in range(180):
        at = half_second / 2
        running = nodes - 1 if 20 <= at < 60 else nodes
        known = min(nodes, 1 + int(at * 4))
        held = nodes - 1 if 26.5 <= at < 60.5 else nodes
        last = nodes - 1 if 29 <= at < 61.5 else nodes
        sizes.append(ViewSizes(at, running, min(known, held, last), min(known, held), min(known + 2, max(held, last))))
    return tuple(sizes)


def _invent_timeline(rng: Random, names: list[str], detections: tuple[Detection, ...]) -> tuple[Moment, ...]:
    dead = names[-1]
    moments = [
        Moment(rng.uniform(0.1, 2.5), node, "member-join", "first heard of", subject)
        for node in names
        for subject in names
        if node != subject
    ]
    moments += [
        Moment(15.0, "", "fault", "loss of 5 % on every link"),
        Moment(20.0, dead, "fault", "crash"),
        Moment(60.0, dead, "fault", "restart with its disk"),
        Moment(70.0, names[0], "fault", "pause for 5 s"),
    ]
    for detection in detections:
        moments.append(Moment(20 + detection.after_s / 2, detection.observer, "member-suspect", "accused by n2", dead))
        moments.append(Moment(20 + detection.after_s, detection.observer, "member-failed", "own timer ran out", dead))
        moments.append(Moment(60.2 + rng.random(), detection.observer, "member-alive", "incarnation 2", dead))
    moments.append(Moment(80.0, names[1], "member-leave", "goodbye", names[2]))
    moments.append(Moment(60.3, names[1], "member-restart", "another start", dead))
    return tuple(sorted(moments, key=lambda moment: moment.at))
