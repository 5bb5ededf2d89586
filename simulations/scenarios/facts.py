"""facts: services come, change and go on many nodes, while datagrams are lost and nodes crash, return, and are cut off.

Some say so many things that gossip cannot carry them, some such large ones that no datagram does; and some take so much
back that they draw a horizon. Disks are kept or lost, clocks jump back before a start, some are put out and taken in
again.
"""

from collections.abc import Callable, Iterator

from simulations.deed import (
    Crash,
    Cut,
    Invite,
    Jump,
    Lose,
    Pause,
    PutFact,
    PutFacts,
    Reinstate,
    RemoveFact,
    RemoveFacts,
    Restart,
    Revoke,
    Start,
)
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.setting import settle
from simulations.world import Node

KEYS = ("web", "db", "cache", "check/web", "check/db")
"""Few, so that what is put, removed and put again meets what others hold of before."""
SIZES = (20, 100, 250, 250, 1_000, 2_500)
LARGE = 1_200
LOSS_MAX = 0.1
SAYS_S = 25.0
"""Probe intervals for which things are said."""
MANY = (70, 260)

Trouble = Callable[[Draft, int, float, float, int], None]


def draw(draft: Draft) -> None:
    """Let all say something, and go on to; some meet trouble."""
    interval_s = settle(draft, 4)
    rng, lasts_s = draft.rng, SAYS_S * interval_s
    for node in range(draft.nodes):
        for _ in range(rng.randrange(2, 6)):
            at = draft.between(0.0, lasts_s)
            draft.at(rng.choice((0.0, at)), PutFact(node, rng.choice(KEYS), rng.choice(SIZES)))
            if rng.random() < 0.6:
                draft.at(at + draft.between(0.0, 8.0) * interval_s, RemoveFact(node, rng.choice(KEYS)))
    for node in draft.choose(2):
        count, at = rng.randint(*MANY), draft.between(0.0, lasts_s / 2)
        draft.at(at, PutFacts(node, count, rng.choice((20, 100, 250))))
        draft.at(at + draft.between(0.0, 10.0) * interval_s, RemoveFacts(node, rng.randint(MANY[0], count)))
    troubled = draft.choose(max(1, draft.nodes // 3))
    steady = [node for node in range(draft.nodes) if node not in troubled]
    for node in troubled:
        rng.choice(TROUBLES)(draft, node, draft.between(0.0, lasts_s), interval_s, rng.choice(steady))
    if rng.random() < 0.5:
        draft.at(draft.between(0.0, lasts_s), Start(rng.choice(steady)))
    draft.lasts_s = lasts_s + 10.0 * interval_s
    if rng.random() < 0.7:
        draft.at(0.0, Lose(draft.lasts_s, (), draft.between(0.01, LOSS_MAX)))


def _restarts(draft: Draft, node: int, at: float, interval_s: float, seed: int) -> None:
    """Crash and return, with or without a disk, perhaps with a clock behind; and say something at once, or later."""
    back = at + draft.between(0.1, 15.0) * interval_s
    draft.at(at, Crash(node))
    if draft.rng.random() < 0.4:
        draft.at(back, Jump(node, -draft.between(0.0, 60.0)))
    draft.at(back, Restart(node, keep_disk=draft.rng.random() < 0.6, seed=seed))
    draft.at(back + draft.rng.choice((0.0, draft.between(0.0, 10.0))), PutFact(node, draft.rng.choice(KEYS), 50))


def _dies(draft: Draft, node: int, at: float, interval_s: float, seed: int) -> None:
    """Say something last, and crash for good."""
    del seed
    draft.at(at, PutFact(node, "last", 50))
    draft.at(at + draft.rng.choice((0.0, 3.0)) * interval_s, Crash(node))


def _is_cut_off(draft: Draft, node: int, at: float, interval_s: float, seed: int) -> None:
    """Say and take back much while nobody hears it."""
    del seed
    for_s = draft.between(2.0, 25.0) * interval_s
    draft.at(at, Cut(for_s, (node,), ()))
    draft.at(at + for_s / 3, PutFacts(node, draft.rng.randint(*MANY), 40))
    draft.at(at + for_s / 2, RemoveFacts(node, MANY[1]))
    draft.at(at + for_s / 2, PutFact(node, "web", 60))


def _stands_still(draft: Draft, node: int, at: float, interval_s: float, seed: int) -> None:
    """Hear all of it late."""
    del seed
    draft.at(at, Pause(node, draft.between(1.0, 8.0) * interval_s))


def _is_put_out(draft: Draft, node: int, at: float, interval_s: float, seed: int) -> None:
    """Be revoked, and perhaps taken in again, with all that it says."""
    draft.at(at, Revoke(seed, node))
    if draft.rng.random() < 0.6:
        again = at + draft.between(4.0, 10.0) * interval_s
        draft.at(again, Reinstate(seed, node))
        draft.at(again + draft.between(0.0, 2.0) * interval_s, Invite(seed, node))


TROUBLES: tuple[Trouble, ...] = (_restarts, _restarts, _dies, _is_cut_off, _stands_still, _is_put_out)


def judge(run: Run) -> Iterator[str]:
    """Who is out is said nothing of; who is on the list and does not run is said the same of by all."""
    members, counts = run.members, run.recorder.counts
    for observer in members:
        facts = observer.engine.membership.facts
        counts["facts_held"] += len(facts)
        counts["facts_large"] += sum(len(fact.value) >= LARGE for fact in facts)
        for subject in run.nodes:
            held = facts.of(subject.id)
            counts["horizons_held"] += b"" in held
            if subject in members:
                continue
            if held and run.world.words.is_out(subject.id):
                yield f"{observer.name} holds facts of {subject.name}, which is out"
            yield from _compare_of_the_gone(observer, members[0], subject)
        yield from _compare_with_the_said(observer, members)


def _compare_of_the_gone(observer: Node, other: Node, subject: Node) -> Iterator[str]:
    if observer.engine.membership.get(subject.id) is None:
        return
    ours, theirs = (dict(node.engine.membership.facts.of(subject.id)) for node in (observer, other))
    if ours != theirs and other.engine.membership.get(subject.id) is not None:
        yield f"{observer.name} and {other.name} hold different facts of {subject.name}, which is gone"


def _compare_with_the_said(observer: Node, members: list[Node]) -> Iterator[str]:
    for subject in members:
        held = observer.engine.membership.facts.of(subject.id)
        for key in sorted(set(held) | set(subject.disk.facts)):
            value, said = held[key].value if key in held else b"", subject.disk.facts.get(key, b"")
            if value and not said:
                yield f"{observer.name} holds {key!r} of {subject.name}, which took it back"
            elif said and not value:
                yield f"{observer.name} does not hold {key!r} of {subject.name}"
            elif value != said:
                yield f"{observer.name} holds another word under {key!r} than {subject.name} says"


SCENARIO = Scenario(
    name="facts",
    summary="services come, change and go on many nodes, through loss, crashes, lost disks, cuts and revocations",
    promises=(
        "in the end each member holds of each other exactly what that one says",
        "nothing that was taken back stands anywhere, and nothing of who is out",
        "of who died all hold the same",
    ),
    draw=draw,
    judge=judge,
    sizes=(5, 16),
    spared=Spared.UNHARMED,
    reached=(
        "deed_putfacts",
        "deed_removefacts",
        "facts_large",
        "horizons_held",
        "restart",
        "words_out",
        "words_in",
        "failures",
    ),
)
