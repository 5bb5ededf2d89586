"""steady: nothing happens. Nobody may be suspected, and what it costs is what idle costs."""

from collections.abc import Iterator

from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared


def draw(draft: Draft) -> None:
    """Begin settled, and let a minute pass."""
    draft.beginning = "settled"
    draft.drift = 0.0001
    draft.lasts_s = draft.option("lasts_s", 60.0)


def judge(run: Run) -> Iterator[str]:
    """Nothing was suspected, and each member was asked for a sign of life in each interval."""
    counts = run.recorder.counts
    if counts["suspicions"]:
        yield f"{counts['suspicions']} suspicions, where nothing was wrong"


SCENARIO = Scenario(
    name="steady",
    summary="nothing happens for a minute",
    promises=("nobody is suspected",),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("probes",),
    options={"lasts_s": "virtual seconds (60)"},
)
