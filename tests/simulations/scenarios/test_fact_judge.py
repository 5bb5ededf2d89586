"""The judge of the scenario about facts, and the comparison in the end, find what is wrong in runs made false."""

import pytest

from protocol.wire.fact import Fact
from simulations.attack.voice import own_voice
from simulations.deed import AnyDeed, Crash, PutFact, PutFacts, RemoveFact, RemoveFacts, Revoke
from simulations.plan import Plan, Planned
from simulations.run import Run
from simulations.scenarios import SCENARIOS
from simulations.scenarios.account import done
from simulations.world import Node
from tests.simulations.scenarios.finished import carry_out, verdict


def finished() -> Run:
    """Give a run of five in which one died, one was put out, and all said something."""
    deeds = [Planned(0.0, PutFact(index, "web", 30)) for index in range(5)]
    deeds += [Planned(1.0, PutFact(1, "large", 2_500)), Planned(4.0, Revoke(0, 3)), Planned(4.0, Crash(4))]
    plan = Plan(scenario="facts", seed=1, nodes=5, deeds=tuple(deeds), lasts_s=8.0)
    run = Run(plan, SCENARIOS["facts"])
    result = run.carry_out("")
    assert result.violations == ()
    return run


def forge(run: Run, observer: Node, subject: Node, key: bytes, value: bytes) -> Fact:
    """Let an observer hold what a subject never said."""
    fact = own_voice(run.world, subject).fact(key, 1 << 60, value)
    observer.engine.membership.facts.merge(fact)
    return fact


def test_judge_sees_what_was_taken_back_and_stands() -> None:
    """And what stands otherwise than its owner says, and what is missing."""
    for key, value, wrong in (
        (b"old", b"v", "which took it back"),
        (b"web", b"v", "another word"),
        (b"web", b"", "n2 does not hold b'web' of n1"),
    ):
        run = finished()
        forge(run, run.nodes[2], run.nodes[1], key, value)
        assert wrong in verdict(run)
        assert "not what it says" in run.disagreement()


def test_judge_sees_facts_of_one_who_is_out() -> None:
    """Whoever holds them."""
    run = finished()
    forge(run, run.nodes[2], run.nodes[3], b"web", b"v")
    assert "n2 holds facts of n3, which is out" in verdict(run)


def test_judge_sees_different_facts_of_the_dead() -> None:
    """It cannot be asked which are right; all hold the same."""
    run = finished()
    forge(run, run.nodes[2], run.nodes[4], b"web", b"v")
    assert "different facts of n4, which is gone" in verdict(run)


def test_comparison_does_not_ask_one_who_plays_false() -> None:
    """What it says is not what it was told to say."""
    run = finished()
    forge(run, run.nodes[2], run.nodes[1], b"old", b"v")
    run.world.equivocators.add(1)
    assert "not what it says" not in run.disagreement()


def test_deeds_that_make_no_sense_do_nothing() -> None:
    """A shrunk plan may hold them: of keys never put, beyond what may be said, of the dead."""
    deeds: list[AnyDeed] = [RemoveFact(1, "web"), RemoveFacts(1, 5), PutFact(2, "web", 5_000), PutFact(2, "", 5)]
    deeds += [Crash(3), PutFacts(3, 4)]
    plan = Plan(scenario="facts", seed=1, nodes=4, deeds=tuple(Planned(1.0, deed) for deed in deeds), lasts_s=2.0)
    run = Run(plan, SCENARIOS["facts"])
    assert run.carry_out("").violations == ()
    assert run.recorder.counts["fact-refused"] == 2
    assert [node.disk.facts for node in run.nodes] == [{}] * 4


def test_burst_says_and_takes_back_many() -> None:
    """Each anew; the disk has what is left."""
    deeds = (Planned(0.0, PutFacts(1, 30, 50)), Planned(1.0, PutFacts(1, 30, 50)), Planned(2.0, RemoveFacts(1, 28)))
    run = Run(Plan(scenario="facts", seed=1, nodes=4, deeds=deeds, lasts_s=4.0), SCENARIOS["facts"])
    assert run.carry_out("").violations == ()
    assert set(run.nodes[1].disk.facts) == {b"many/28", b"many/29"}
    assert {len(value) for value in run.nodes[1].disk.facts.values()} == {50}


def test_restart_says_again_what_the_disk_says() -> None:
    """With it all, without it nothing."""
    for keep, expected in ((True, {b"web"}), (False, set())):
        run = finished()
        one = run.nodes[1]
        run.world.put_fact(one, b"large", None)
        run.world.crash(one)
        run.world.restart(one, keep_disk=keep)
        assert set(one.disk.facts) == expected
        own = one.engine.membership.facts.of(one.id)
        assert {key for key, fact in own.items() if fact.value} == expected


@pytest.mark.parametrize("deed", ["PutFacts", "RemoveFacts", "Crash", "Restart", "Cut", "Revoke", "Invite", "Jump"])
def test_facts_draws_all_its_troubles(deed: str) -> None:
    """Within some seeds each."""
    plans = [SCENARIOS["facts"].plan(seed, 10) for seed in range(1, 30)]
    assert any(type(planned.deed).__name__ == deed for plan in plans for planned in plan.deeds)


def test_facts_hold_when_sealed() -> None:
    """Through codec, seals and the signed handshake, with real signatures."""
    run = carry_out("facts", 3, 5, encode=True)
    assert not run.watch.violations
    assert verdict(run) == ""
    assert any(True for _ in done(run, PutFacts))
    assert all(len(node.engine.membership.facts) for node in run.members)
