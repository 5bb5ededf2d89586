"""The scenarios liar and forger, over a few seeds."""

import pytest

from protocol.error import InvalidRequest
from simulations.plan import decode_plan, encode_plan
from simulations.result import Result
from simulations.run import Run
from simulations.scenarios.forger import PACES
from simulations.scenarios.forger import SCENARIO as FORGER
from simulations.scenarios.liar import SCENARIO as LIAR


def carry_out(name: str, seed: int, nodes: int, **options: str) -> Result:
    """Run one seed of a scenario."""
    scenario = {"forger": FORGER, "liar": LIAR}[name]
    return Run(scenario.plan(seed, nodes, options), scenario).carry_out("")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_liar_harms_nobody(seed: int) -> None:
    """It lies for 15 s, while one dies and one joins."""
    result = carry_out("liar", seed, 6 + seed, for_s="15")
    assert result.violations == ()
    assert all(result.counts[count] > 0 for count in LIAR.reached if count != "attack_relays_lied_about")


@pytest.mark.parametrize("kind", sorted(PACES))
def test_forger_and_its_kin_harm_nobody(kind: str) -> None:
    """Each kind for some seconds, while one restarts and one leaves."""
    result = carry_out("forger", 5, 7, kind=kind, for_s="6")
    assert result.violations == ()
    assert result.counts["attack"] == 1


def test_forger_draws_what_it_is_from_its_seed() -> None:
    """Over some seeds every kind comes, and a plan survives being written down."""
    plans = [FORGER.plan(seed, 9) for seed in range(20)]
    kinds = {getattr(planned.deed, "kind", "") for plan in plans for planned in plan.deeds}
    assert kinds >= set(PACES)
    assert decode_plan(encode_plan(plans[0])) == plans[0]


def test_forger_of_no_known_kind_is_refused() -> None:
    """The words that are known are named."""
    with pytest.raises(InvalidRequest, match="kind is one of equivocator, flooder, forger"):
        FORGER.plan(1, 9, {"kind": "angel"})
