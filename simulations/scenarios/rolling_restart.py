"""rolling_restart: one process after the other ends and starts again, as in an upgrade, with a goodbye or without.

Each is back before anybody's suspicion can run out, so nobody is held failed. A restart faster than detection must
not be invisible (scalecube#132), one at a new address must take its name along (consul#733), and a leave is a leave,
not a failure.
"""

from collections.abc import Iterator

from protocol.swim.effect import ChangeKind
from simulations.deed import Crash, Leave, Restart
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import STEP_S, done, not_renewed, told
from simulations.scenarios.setting import settle

LEAVE_S = 6.0
"""A goodbye takes 5 s at most."""
LEARN_S = 5.0
"""Who has just started may meet a member only after it has left and come back."""


def draw(draft: Draft) -> None:
    """Take each in turn, some seconds apart."""
    settle(draft, 2)
    with_goodbye = draft.rng.random() < 0.4
    moves = draft.rng.random() < 0.3
    pause_s = draft.between(0.5, 3.0)
    at = 0.0
    for node in draft.choose(draft.nodes):
        address = f"10.200.0.{node + 1}" if moves else None
        seed = draft.one(node)
        if with_goodbye:
            draft.at(at, Leave(node))
            at += LEAVE_S + draft.between(0.0, 2.0)
            draft.at(at, Restart(node, address=address, seed=seed))
        else:
            draft.at(at, Crash(node))
            at += draft.between(0.1, 2.5)
            draft.at(at, Restart(node, address=address, seed=seed if draft.rng.random() < 0.5 else None))
        at += pause_s
    draft.lasts_s = at


def judge(run: Run) -> Iterator[str]:
    """Each is held at its new start; and who ran all the time was told of each restart or return."""
    restarted = {deed.concerns[0]: at for at, deed in done(run, Restart)}
    for index, at in sorted(restarted.items()):
        subject = run.nodes[index]
        yield from not_renewed(run, subject)
        for observer in run.members:
            if restarted.get(observer.index, 0.0) >= at:  # it learned the new start only, or both at its own
                continue
            returns = told(run, observer, subject, ChangeKind.RESTART, ChangeKind.JOIN)
            if not any(observer.clock.virtual(change.at) >= at - STEP_S for change in returns):
                yield f"{observer.name} was never told that {subject.name} started again"
    for left_at, deed in done(run, Leave):
        subject = run.nodes[deed.concerns[0]]
        for observer in run.members:
            again_at = restarted.get(observer.index, 0.0)
            if again_at >= restarted.get(subject.index, 0.0) or again_at + LEARN_S > left_at > again_at:
                continue
            if next(told(run, observer, subject, ChangeKind.LEAVE), None) is None:
                yield f"{observer.name} was never told that {subject.name} left"


SCENARIO = Scenario(
    name="rolling_restart",
    summary="one process after the other is restarted, with a goodbye or without",
    promises=(
        "nobody is held failed",
        "each is held at its new start and address",
        "every other member is told of the restart, or of the leave and the return",
    ),
    draw=draw,
    judge=judge,
    spared=Spared.ALL,
    sizes=(3, 12),
    reached=("restart", "restarts_seen", "leaves", "joins"),
)
