"""forger: members with the cluster key forge, replay, equivocate, flood and hold streams; nothing of it is believed."""

from collections.abc import Iterator
from typing import cast

from simulations.attack import Gauge
from simulations.deed import Attack, Crash, Leave, Restart
from simulations.deed.attack import AttackKind
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.liar import hijacks

BEGINS_S = 2.0
FOR_S = 12.0
PACES: dict[AttackKind, float] = {
    "equivocator": 2.0,
    "flooder": 60.0,
    "forger": 40.0,
    "replayer": 60.0,
    "slow_stream": 20.0,
}
LOUD: tuple[AttackKind, ...] = ("flooder",)
"""Those that accuse truly signed and without end: suspicions of the healthy are theirs to cause, and bounded."""


def draw(draft: Draft) -> None:
    """Let up to two nodes attack at once, while another restarts, and one leaves for good."""
    kinds = sorted(PACES)
    count = 1 if "kind" in draft.options else draft.rng.choice((1, 2))
    chosen = draft.rng.sample(kinds, count)
    chosen[0] = cast(AttackKind, draft.word("kind", chosen[0], kinds))
    for_s = draft.option("for_s", FOR_S)
    attackers = draft.choose(count)
    for node, kind in zip(attackers, chosen, strict=True):
        draft.at(BEGINS_S, Attack(node, kind, for_s, draft.option("pace", PACES[kind])))
    restarted, leaver = draft.choose(2, *attackers)
    began = BEGINS_S + draft.between(0.1, 0.4) * for_s
    draft.at(began, Crash(restarted))
    draft.at(began + draft.between(0.5, 2.0), Restart(restarted))
    draft.at(BEGINS_S + draft.between(0.1, 0.6) * for_s, Leave(leaver))
    draft.lasts_s = BEGINS_S + for_s


def judge(run: Run) -> Iterator[str]:
    """Nothing false is held, whoever forged was muted, and the healthy were disturbed as far as the engine allows."""
    gauge = Gauge.of(run.world)
    counts = gauge.counts()
    run.recorder.counts.update(counts)
    yield from gauge.harms
    yield from hijacks(run)
    if counts.get("attack_forgeries") and not run.world.convictions:
        yield f"{counts['attack_forgeries']} forgeries, and nobody was convicted"
    kinds = {attacker.kind for attacker in gauge.attackers}
    allowed = allowed_suspicions(run) if kinds & set(LOUD) else 0
    if gauge.suspicions > allowed:
        yield f"{gauge.suspicions} suspicions of healthy members, at most {allowed}"


def allowed_suspicions(run: Run) -> int:
    """Give how often all observers may hold all members suspect: each may be accused anew after each refutation."""
    members, interval_s = len(run.nodes), run.settings.probe_interval_s
    refutations = 8 + 2 * (run.calm_at - run.began_at) / interval_s
    return round(members * members * refutations)


SCENARIO = Scenario(
    name="forger",
    summary="members with the cluster key forge, replay, equivocate, flood, or hold streams open",
    promises=(
        "no forged word is held by anybody",
        "whoever forges is convicted",
        "no healthy member is held failed or left by a healthy one",
        "nobody healthy is suspected, but by the accusations of a flooder",
    ),
    draw=draw,
    judge=judge,
    sizes=(5, 20),
    spared=Spared.UNHARMED,
    reached=("attack_forgeries", "convictions", "attack_pairs", "attack_pings", "attack_streams", "attack_records"),
    options={
        "kind": f"one of {', '.join(sorted(PACES))} (drawn)",
        "for_s": "virtual seconds for which they attack (12)",
        "pace": "datagrams, or streams, a second (by kind)",
    },
)
