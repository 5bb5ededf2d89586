"""name_reuse: a newcomer, with an identity of its own, brings a name that another member has or had.

Same name and another address after a restart was a conflict (consul#733, #4806, #4879, #6897, #3902). Four stories:

* `taken`: its holder lives. The newcomer is refused, tries for 30 s, and its process ends.
* `dead`: its holder died a moment ago, or long ago. The newcomer gets in and has the name, though nobody may have
  noticed the death yet: the responder asks the holder, and puts it aside when it does not answer.
* `apart`: two newcomers of one name come to both sides of a partition. Healed, the older id keeps the name, the
  other is shown beside it with a suffix, and everybody who was there is told of the conflict.
* `taken_apart`: the newcomer comes to the side that cannot reach the holder, which lives on the other.
"""

from collections.abc import Iterator

from protocol.refusal import Refusal
from protocol.status import Status
from protocol.swim.effect import ChangeKind
from simulations.deed import Crash, Cut, Start
from simulations.run import Run
from simulations.scenario import Draft, Scenario
from simulations.scenarios.account import done, status_at, told
from simulations.scenarios.setting import settle
from simulations.world import Node

CUT_S = 20.0
NAME = "twin"


def draw(draft: Draft) -> None:
    """Draw one of the stories."""
    settle(draft, 4)
    story = draft.rng.choice((_draw_taken, _draw_dead, _draw_apart, _draw_taken_apart))
    story(draft)


def _draw_taken(draft: Draft) -> None:
    seed, holder = draft.choose(2)
    draft.at(draft.between(0.0, 3.0), Start(draft.rng.choice((seed, seed, holder)), name=f"n{holder}"))
    draft.lasts_s = 5.0


def _draw_dead(draft: Draft) -> None:
    seed, holder = draft.choose(2)
    at = draft.between(0.0, 2.0)
    draft.at(at, Crash(holder))
    draft.at(at + draft.between(0.1, draft.rng.choice((2.0, 30.0))), Start(seed, name=f"n{holder}"))
    draft.lasts_s = 5.0


def _draw_apart(draft: Draft) -> None:
    """Start a newcomer on either side; each is cut off from the other side, in the moment of its start."""
    one, other = _part(draft)
    first, second = draft.nodes, draft.nodes + 1
    at = draft.between(1.0, 5.0)
    draft.at(at, Start(one[0], name=NAME))
    draft.at(at, Cut(CUT_S - at, (first,), other))
    at += draft.between(0.1, 5.0)
    draft.at(at, Start(other[0], name=NAME))
    draft.at(at, Cut(CUT_S - at, (second,), (*one, first)))
    draft.lasts_s = CUT_S


def _draw_taken_apart(draft: Draft) -> None:
    one, other = _part(draft)
    at = draft.between(1.0, 10.0)
    draft.at(at, Start(other[0], name=f"n{one[0]}"))
    draft.at(at, Cut(CUT_S - at, (draft.nodes,), one))
    draft.lasts_s = CUT_S


def _part(draft: Draft) -> tuple[tuple[int, ...], tuple[int, ...]]:
    nodes = draft.choose(draft.nodes)
    place = draft.rng.randint(2, draft.nodes - 2)
    one, other = nodes[:place], nodes[place:]
    draft.at(0.0, Cut(CUT_S, one, other))
    return one, other


def judge(run: Run) -> Iterator[str]:
    """Judge by the story that the plan tells."""
    newcomers = run.nodes[run.plan.nodes :]
    if len(newcomers) == 1 and next(done(run, Cut), None) is None:
        holder = next(node for node in run.nodes if node.name == newcomers[0].name)
        yield from _judge_one(run, holder, newcomers[0])
    elif newcomers:
        bearers = [node for node in run.nodes if node.name == newcomers[0].name]
        yield from _judge_apart(run, bearers[0], bearers[1])


def _judge_one(run: Run, holder: Node, newcomer: Node) -> Iterator[str]:
    if not holder.running:
        if not newcomer.running:
            yield f"{newcomer.name} was refused, though the holder of its name was dead"
        for observer in run.members:
            held = status_at(observer, holder)
            if held not in (Status.FAILED, Status.LEFT):
                yield f"{observer.name} holds the former {holder.name} {held.value if held else 'not at all'}"
            yield from _judge_names(observer, newcomer, holder)
        return
    if newcomer.running or status_at(run.members[0], newcomer) is not None:
        yield f"a newcomer got in as {newcomer.name}, whose name was in use"
    refusals = [join.refusal for join in newcomer.joins]
    if not refusals or set(refusals) != {Refusal.NAME_IN_USE}:
        yield f"the newcomer {newcomer.name} was told {refusals}, not that its name was in use"
    for observer in run.members:
        if any(told(run, observer, holder, ChangeKind.SUSPECT, ChangeKind.LEAVE, ChangeKind.CONFLICT)):
            yield f"{observer.name} doubted {holder.name}, whose name somebody wanted"


def _judge_apart(run: Run, keeper: Node, rival: Node) -> Iterator[str]:
    for observer in run.members:
        yield from _judge_names(observer, keeper, rival)
        conflict = any(any(told(run, observer, bearer, ChangeKind.CONFLICT)) for bearer in (keeper, rival))
        if not conflict:
            yield f"{observer.name} was never told that two members are called {keeper.name}"


def _judge_names(observer: Node, keeper: Node, other: Node) -> Iterator[str]:
    membership = observer.engine.membership
    kept, beside = membership.get(keeper.id), membership.get(other.id)
    if kept is not None and membership.shown_name(kept) != keeper.name:
        yield f"{observer.name} shows the keeper of {keeper.name} as {membership.shown_name(kept)}"
    if beside is not None and not membership.shown_name(beside).startswith(f"{keeper.name}~"):
        yield f"{observer.name} shows the other {keeper.name} as {membership.shown_name(beside)}"


SCENARIO = Scenario(
    name="name_reuse",
    summary="a newcomer brings a name that another member has or had",
    promises=(
        "the name of a live member is refused, and its holder is not doubted",
        "the name of a dead one is given away at once, noticed or not",
        "of two members named alike in a healed partition the older keeps the name, and all are told",
    ),
    draw=draw,
    judge=judge,
    sizes=(4, 16),
    reached=("deed_start", "crash", "conflicts", "joins", "leaves"),
)
