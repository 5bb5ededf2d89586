"""mass_restart: half of all processes, or all, end at once and start again, as after an upgrade pushed everywhere.

In the field some then stayed dead for ever (memberlist#311), or alone, because only the living had been written down
(serf#333). Here each finds its way back from its address book, or, where its disk was lost too, through a seed; and
nothing that was said before the restart is left over.
"""

from collections.abc import Iterator

from simulations.deed import Crash, Restart
from simulations.run import Run
from simulations.scenario import Draft, Scenario
from simulations.scenarios.account import done, not_renewed
from simulations.scenarios.setting import settle
from simulations.world.world import EPOCH_MS


def draw(draft: Draft) -> None:
    """End half of them, or all, and start each again, some without their disks."""
    interval_s = settle(draft, 2)
    all_of_them = draft.rng.random() < 0.5
    count = draft.nodes if all_of_them else max(1, draft.nodes // 2)
    chosen = draft.choose(count)
    began, down_s, spread_s = draft.between(0.0, 5.0), draft.between(0.5, 20.0), draft.between(0.0, 5.0) * interval_s
    keeper = chosen[0] if all_of_them else draft.one(*chosen)
    for node in chosen:
        draft.at(began, Crash(node))
        keep_disk = node == keeper or draft.rng.random() < 0.8
        seed = None if keep_disk else keeper
        draft.at(began + down_s + draft.between(0.0, spread_s), Restart(node, keep_disk=keep_disk, seed=seed))
    draft.lasts_s = began + down_s + spread_s


def judge(run: Run) -> Iterator[str]:
    """Each is back at a larger incarnation, and nobody holds anything older of it."""
    for at, deed in done(run, Restart):
        node = run.nodes[deed.concerns[0]]
        if not node.running:
            yield f"{node.name} was started again, and does not run"
            continue
        yield from not_renewed(run, node)
        least = EPOCH_MS + int((at + node.clock.wall_offset_s) * 1000) - 1
        if node.engine.local.incarnation < least:
            yield f"{node.name} is back at incarnation {node.engine.local.incarnation}, below its start at {least}"


SCENARIO = Scenario(
    name="mass_restart",
    summary="half of all processes, or all, end at once and start again",
    promises=("each is back at a larger incarnation", "no record from before its restart is held by anybody"),
    draw=draw,
    judge=judge,
    reached=("crash", "restart", "retries", "failures", "restarts_seen"),
)
