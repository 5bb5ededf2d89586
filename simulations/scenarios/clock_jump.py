"""clock_jump: wall clocks jump by days either way, monotonic ones forwards (a suspended machine), some nodes restart.

Nothing here reads the wall clock but a start, which never goes below the incarnations reserved on disk; so a clock
set back by days costs nothing. One that restarts without its disk and with a clock set back begins below its own past,
meets it, and rises above it. A monotonic clock that jumped is a process that stood still: it accuses nobody.
"""

from collections.abc import Iterator

from protocol.swim.settings import DAY_S
from simulations.deed import Crash, Jump, Restart
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import accused, done, not_renewed
from simulations.scenarios.setting import settle

WALL_DAYS_MAX = 30.0


def draw(draft: Draft) -> None:
    """Let clocks of one, some or all jump, once or twice; restart some of these soon after."""
    settle(draft, 3)
    count = draft.rng.choice((1, max(1, draft.nodes // 3), draft.nodes))
    restart_count = 0
    for node in draft.choose(count):
        at = draft.between(0.0, 15.0)
        wall_s = round(draft.between(-WALL_DAYS_MAX, WALL_DAYS_MAX) * DAY_S)
        monotonic_s = draft.rng.choice((0.0, 0.0, draft.between(0.05, 5.0), draft.between(5.0, 3_600.0)))
        draft.at(at, Jump(node, wall_s, monotonic_s))
        if restart_count < max(1, draft.nodes // 4) and draft.rng.random() < 0.5:
            restart_count += 1
            keep_disk = draft.rng.random() < 0.8
            draft.at(at + 1.0, Crash(node))
            seed = None if keep_disk else draft.one(node)
            draft.at(at + 1.0 + draft.between(0.1, 2.5), Restart(node, keep_disk=keep_disk, seed=seed))
    draft.lasts_s = 25.0


def judge(run: Run) -> Iterator[str]:
    """Nobody accused one that runs because of a clock; who restarted is held at its new start."""
    restarted = {deed.concerns[0] for _, deed in done(run, Restart)}
    for index in sorted(restarted):
        node = run.nodes[index]
        yield from not_renewed(run, node)
        if node.cloned:
            yield f"{node.name} took its own past for a copy of itself"
    for node in run.nodes:
        wrongly = [name for name in accused(node) if int(name.removeprefix("n")) not in restarted]
        if wrongly:
            yield f"{node.name} accused {', '.join(wrongly)}, which ran all the time"


SCENARIO = Scenario(
    name="clock_jump",
    summary="wall clocks jump by days, monotonic ones forwards, and some nodes restart",
    promises=(
        "nobody who runs is held failed, and who ran all the time is not even accused",
        "who restarts with a clock set back is held at its new start, with its disk or without",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    reached=("deed_jump", "restart", "restarts_seen", "stalls"),
)
