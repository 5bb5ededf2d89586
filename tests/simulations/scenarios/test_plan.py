"""Plans of scenarios: drawn from the seed alone, refused in a sentence, stored, and carried out alike everywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from protocol.error import InvalidRequest
from simulations.plan import decode_plan, encode_plan
from simulations.run import Run
from simulations.scenarios import SCENARIOS

ROOT = Path(__file__).resolve().parents[3]
OWN = sorted(set(SCENARIOS) - {"liar", "forger"})
EVERYTHING = """
import msgspec
from simulations.deed import AddKey, Disorder, Jump, RetireKeys, Stutter, UseKey
from simulations.plan import Planned
from simulations.run import Run
from simulations.scenarios import SCENARIOS

plan = SCENARIOS["name_reuse"].plan(12, 9)
more = tuple(p for name in ("graceful_leave", "lossy_links", "mass_restart", "flip_flop", "udp_blocked")
             for p in SCENARIOS[name].plan(3, 9).deeds)
own = (Planned(0.5, Disorder(9.0, 0.1, 0.1, 0.2)), Planned(1.0, Stutter(2, 0.4, 0.2, 5.0)),
       Planned(1.5, Jump(3, -86400.0, 2.0)), Planned(2.0, AddKey(4)), Planned(4.0, UseKey(4)),
       Planned(9.0, RetireKeys(4)))
plan = msgspec.structs.replace(plan, deeds=tuple(sorted((*plan.deeds, *more, *own), key=lambda p: p.at)),
                               encode={encode}, drift=0.0001)
print(Run(plan, SCENARIOS["name_reuse"]).carry_out("").digest)
"""


@pytest.mark.parametrize("name", OWN)
def test_plan_survives_json(name: str) -> None:
    """Written and read again it is the same plan."""
    for seed in range(1, 20):
        plan = SCENARIOS[name].plan(seed, 8)
        assert decode_plan(encode_plan(plan)) == plan


@pytest.mark.parametrize("name", OWN)
def test_plan_follows_from_the_seed(name: str) -> None:
    """The same seed draws the same plan, another one another."""
    scenario = SCENARIOS[name]
    assert scenario.plan(7, 9) == scenario.plan(7, 9)
    assert len({encode_plan(scenario.plan(seed, 9)) for seed in range(1, 9)}) == 8


@pytest.mark.parametrize("name", OWN)
def test_plan_concerns_nodes_that_there_are(name: str) -> None:
    """No deed names a node that was neither there at the beginning nor started before."""
    for seed in range(1, 60):
        plan = SCENARIOS[name].plan(seed, 7)
        known = plan.nodes
        for planned in plan.deeds:
            known += type(planned.deed).__name__ == "Start"
            assert all(0 <= index < known for index in planned.deed.concerns), (seed, planned)


@pytest.mark.parametrize("name", OWN)
def test_same_plan_has_the_same_digest(name: str) -> None:
    """Carried out twice it is the same run, event by event."""
    plan = SCENARIOS[name].plan(2, 5)
    one, other = (Run(plan, SCENARIOS[name]).carry_out("") for _ in range(2))
    assert (one.digest, one.events, one.counts) == (other.digest, other.events, other.counts)


@pytest.mark.parametrize("encode", [False, True])
def test_digest_does_not_depend_on_the_hash_seed(encode: bool) -> None:
    """One run with everything in it, in processes that order their sets differently."""
    script = EVERYTHING.replace("{encode}", str(encode))
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 32


@pytest.mark.parametrize(
    ("name", "nodes", "options", "sentence"),
    [
        ("partition_heal", 3, {}, "partition_heal needs at least 4 nodes, not 3"),
        ("partition_heal", 6, {"cut_s": "0"}, "cut_s is a number above 0, not '0'"),
        ("partition_heal", 6, {"cut_s": "soon"}, "cut_s is a number, not 'soon'"),
        ("lossy_links", 6, {"loss": "nan"}, "loss is a number above 0, not 'nan'"),
        ("lossy_links", 6, {"loss": "1.5"}, "loss is a share of at most 1, not '1.5'"),
        ("steady", 6, {"lasts_s": "inf"}, "lasts_s is a number above 0, not 'inf'"),
        ("flip_flop", 6, {"off_s": "-1"}, "off_s is a number above 0, not '-1'"),
        ("crash", 6, {"speed": "1"}, "crash has no option 'speed'; it has: none"),
        ("crash", 1, {}, "crash needs at least 2 nodes, not 1"),
        ("crash", 0, {}, "a run has at least 1 node, not 0"),
        ("key_rotation", 1, {}, "key_rotation needs at least 2 nodes, not 1"),
    ],
)
def test_plan_is_refused_in_a_sentence(name: str, nodes: int, options: dict[str, str], sentence: str) -> None:
    """What was asked for, and what is allowed."""
    with pytest.raises(InvalidRequest) as refused:
        SCENARIOS[name].plan(1, nodes, options)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("name", OWN)
def test_smallest_cluster_has_a_plan_or_a_reason(name: str) -> None:
    """Any number of nodes gives a plan that can be carried out, or InvalidRequest."""
    for nodes in range(1, 6):
        try:
            plan = SCENARIOS[name].plan(5, nodes)
        except InvalidRequest as refused:
            assert "needs at least" in str(refused)
        else:
            assert plan.nodes <= nodes
