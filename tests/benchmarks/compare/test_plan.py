"""The order of turns: all products in each repetition, another one first each time."""

from benchmarks.compare.cycle import STAGES
from benchmarks.compare.kinship import Kinship
from benchmarks.compare.plan import Turn, Wish, make_plan
from benchmarks.compare.scale import Scale
from benchmarks.compare.serf import Serf
from benchmarks.compare.shoal import Shoal

PRODUCTS = [Shoal(), Serf(), Kinship()]


def _plan(*stages: str, starts: int = 0, hog_s: float = 0.0, repetitions: int = 2) -> list[Turn]:
    return make_plan(PRODUCTS, Wish((5, 20), stages, repetitions, starts, hog_s, seed=1), Scale())


def test_plan_rotates_the_products() -> None:
    """In the second repetition the second product is the first one."""
    turns = [(turn.number, turn.node_count, turn.product.name) for turn in _plan("start")]
    order = ["shoal", "serf", "kinship", "serf", "kinship", "shoal"]
    assert [name for _, _, name in turns] == [*order[:3], *order[:3], *order[3:], *order[3:]]
    assert [(number, size) for number, size, _ in turns[::3]] == [(1, 5), (1, 20), (2, 5), (2, 20)]


def test_plan_has_plain_clusters_of_peers_only() -> None:
    """Shoal has no unencrypted form."""
    plain = [turn.product.name for turn in _plan(*STAGES) if turn.kind == "plain"]
    assert plain == ["serf", "kinship"] * 4


def test_plan_of_starts_and_load_comes_without_cycles() -> None:
    """Starts are of the largest cluster; the time under load is cut into slices that all products take in turn."""
    plan = _plan(starts=2, hog_s=90.0)
    assert [turn.node_count for turn in plan if turn.kind == "starts"] == [20] * 6
    hogs = [turn for turn in plan if turn.kind == "hog"]
    assert [turn.duration_s for turn in hogs] == [60.0] * 3 + [30.0] * 3
    assert {turn.kind for turn in plan} == {"starts", "hog"}
    for product in PRODUCTS:
        assert sum(turn.duration_s for turn in hogs if turn.product is product) == 90.0
