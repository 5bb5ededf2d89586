"""last_seat: a license has one seat left, or two, and several newcomers want it at once, through different members.

Each door sees a seat that is free; what comes of it has to be one view with no member too many. Afterwards the license
may be renewed with a seat more, which one more newcomer takes, or expire, which turns one more away.
"""

from collections.abc import Iterator

from protocol.refusal import Refusal
from protocol.swim.effect import SteppedDown
from simulations.deed import Join, Lose, Renew, Start
from simulations.deed.joining import PASSING_REFUSALS_S
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import done
from simulations.scenarios.setting import need, settle
from simulations.world import Node

LOSS_MAX = 0.03
RACE_S = 3.0
SETTLED_S = 15.0
"""Probe intervals after which the race is over, at the latest."""


def draw(draft: Draft) -> None:
    """Start newcomers that know nobody, and let them join within a moment, or within seconds."""
    need(draft, 3)
    interval_s = settle(draft, 3)
    spare = draft.rng.choice((1, 1, 2))
    draft.settings = {"seats": draft.nodes + spare}
    newcomers = tuple(range(draft.nodes, draft.nodes + draft.rng.randint(spare + 1, 6)))
    seeds = draft.choose(len(newcomers))
    for newcomer in newcomers:
        draft.at(0.0, Start(newcomer))
    spread_s = draft.rng.choice((0.0, 0.02, 0.3, 2.0)) * interval_s
    for place, newcomer in enumerate(draft.rng.sample(newcomers, len(newcomers))):
        draft.at(RACE_S + draft.between(0.0, spread_s), Join(newcomer, seeds[place % len(seeds)]))
    over = RACE_S + spread_s + max(PASSING_REFUSALS_S + 3.0, SETTLED_S * interval_s)
    story = draft.rng.choice(("", "", "renewed", "expired"))
    if story:
        more = draft.nodes + spare + (story == "renewed")
        for node in (*range(draft.nodes), *newcomers):
            draft.at(over + draft.between(0.0, 1.0), Renew(node, more, expired=story == "expired"))
        draft.at(over + 2.0, Start(draft.one()))
        over += 2.0 + PASSING_REFUSALS_S
    draft.lasts_s = over + 3.0
    if draft.rng.random() < 0.5:
        draft.at(0.0, Lose(draft.lasts_s, (), draft.between(0.005, LOSS_MAX)))


def judge(run: Run) -> Iterator[str]:
    """As many as there are seats are in; who is not was told so, and gave way to an older one."""
    members, newcomers = run.members, run.nodes[run.plan.nodes :]
    renewals = [deed for _, deed in done(run, Renew) if isinstance(deed, Renew)]
    seats = renewals[-1].seats if renewals else run.settings.seats
    if seats is not None and len(members) != min(seats, len(run.nodes)):
        yield f"{len(members)} are members, of {len(run.nodes)} that wanted to be, and there are {seats} seats"
    late = newcomers[-1] if renewals else None
    for node in run.nodes[: run.plan.nodes]:
        if node not in members:
            yield f"{node.name} was a member before the race, and is none"
    for node in newcomers:
        if node not in members:
            yield from _judge_loser(node)
    if late is not None:
        yield from _judge_late(late, members, expired=renewals[-1].expired)


def _judge_loser(node: Node) -> Iterator[str]:
    gave_way = any(isinstance(refusal, SteppedDown) for refusal in node.refusals)
    refusals = {join.refusal for join in node.joins if join.refusal is not None}
    if not gave_way and not refusals & {Refusal.NODE_LIMIT, Refusal.LICENSE_EXPIRED}:
        yield f"{node.name} is no member, and was not told why: {refusals}"


def _judge_late(late: Node, members: list[Node], *, expired: bool) -> Iterator[str]:
    if expired and late in members:
        yield f"{late.name} was let in, though the license had expired"
    if not expired and late not in members:
        yield f"{late.name} was not let in, though the license had been renewed with a seat more"


SCENARIO = Scenario(
    name="last_seat",
    summary="several newcomers want the license's last seat at once, through different members",
    promises=(
        "in the end all seats are taken, by as many members as there are seats, in one view",
        "who did not get one was told so, at the door or after it",
        "nobody who was a member before gives way",
        "a renewed license lets one more in, an expired one nobody",
    ),
    draw=draw,
    judge=judge,
    sizes=(3, 16),
    spared=Spared.ALL,
    reached=("deed_join", "stepped_down", "refused_node_limit", "refused_license_expired", "renew"),
)
