"""liar: one member that holds the cluster key lies without pause; it ends nobody, and takes nobody's place."""

from collections.abc import Iterator

from protocol.status import Status
from simulations.attack import Gauge
from simulations.attack.attacker import FOCUS
from simulations.deed import Attack, Crash, Lose, Start
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared

BEGINS_S = 2.0
FOR_S = (8.0, 16.0)
LOSSES = (0.0, 0.0, 0.02, 0.05)
PACE = 60.0


def draw(draft: Draft) -> None:
    """Let one node lie; meanwhile another dies, and one joins. The liar is honest again in the end, or crashes.

    It is nobody's seed: whoever joins through a liar alone learns of nobody else, and nobody of it.
    """
    liar = draft.one()
    dead = draft.one(liar)
    for_s = draft.option("for_s", draft.between(*FOR_S))
    loss = draft.option("loss", draft.rng.choice(LOSSES))
    draft.at(BEGINS_S, Attack(liar, "liar", for_s, draft.option("pace", PACE), int(draft.option("focus", FOCUS))))
    draft.at(BEGINS_S + draft.between(0.1, 0.8) * for_s, Crash(dead))
    draft.at(BEGINS_S + draft.between(0.1, 0.8) * for_s, Start(draft.one(liar, dead)))
    if loss:
        draft.at(BEGINS_S, Lose(for_s, (), loss))
    if draft.rng.random() < 0.5:
        draft.at(BEGINS_S + for_s, Crash(liar))
    draft.lasts_s = BEGINS_S + for_s


def judge(run: Run) -> Iterator[str]:
    """Nobody healthy was removed or moved at a healthy one; the dead are known as dead; records are the signed ones."""
    gauge = Gauge.of(run.world)
    run.recorder.counts.update(gauge.counts())
    yield from gauge.harms
    yield from hijacks(run)
    for dead in (node for node in run.nodes if not node.running):
        for observer in run.members:
            held = observer.engine.membership.get(dead.id)
            if held is not None and held.status not in (Status.FAILED, Status.LEFT):
                yield f"{observer.name} holds {dead.name} {held.status.value}, which is dead"


def hijacks(run: Run) -> Iterator[str]:
    """Tell of each row that is not what its subject signed last, or that holds a forgery."""
    forged = Gauge.of(run.world).forged
    for observer in run.members:
        for subject in run.members:
            held = observer.engine.membership.get(subject.id)
            if held is not None and held.record.raw != subject.engine.local.record.raw:
                yield f"{observer.name} holds a record of {subject.name} that is not its last"
        for member in observer.engine.membership:
            entry = member.entry
            held_words = (entry.record, *entry.accusations, *((entry.eviction,) if entry.eviction else ()))
            if any(word.raw in forged for word in held_words):
                yield f"{observer.name} holds a forgery about {member.record.name}"


SCENARIO = Scenario(
    name="liar",
    summary="one member with the cluster key lies without pause: accuses, evicts, claims the dead alive",
    promises=(
        "no healthy member is held failed or left by a healthy one",
        "every record held is the one that its subject signed last",
        "who died meanwhile is held failed, or is off the list",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.UNHARMED,
    sizes=(5, 16),
    reached=("attack_accusations", "attack_evictions", "attack_suspicions", "refutations", "attack_relays_lied_about"),
    options={
        "for_s": "virtual seconds for which it lies (8 to 16)",
        "pace": "datagrams it sends a second (60)",
        "focus": "members it is after at a time, others every 15 s (12)",
        "loss": "share of all datagrams lost meanwhile (0 to 0.05)",
    },
)
