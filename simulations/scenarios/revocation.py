"""revocation: some members are put out while datagrams are lost, and keep trying; some are taken in again.

One operator signs, or several at once at different members; others crash, return and join meanwhile. Who is out tries
to come back as a process may: by joining, by starting again with its disk or without it, or, its code changed, by going
on as if nothing had been said. A member whose code is changed may go on to tell of those that are out; it is nobody's
seed.
"""

from collections.abc import Callable, Iterator

from simulations.attack import Gauge
from simulations.deed import Attack, Crash, Invite, Join, Lose, Reinstate, Restart, Revoke, Start
from simulations.run import Run
from simulations.scenario import Draft, Scenario, Spared
from simulations.scenarios.account import done
from simulations.scenarios.setting import settle
from simulations.world import Node

LOSS_MAX = 0.05
SECOND_SHARE = 0.4
"""Of the revocations another member signs too, at the same moment or a little later."""
STUBBORN_PACE = 10.0
TRIES_S = 12.0
"""Probe intervals for which who is out keeps trying."""

Fate = Callable[[Draft, int, float, float, int], None]


def draw(draft: Draft) -> None:
    """Put out up to a third, each at its moment and with its fate, while one crashes and one comes."""
    interval_s = settle(draft, 4)
    subjects = draft.choose(max(1, round(draft.nodes * draft.between(0.1, 0.34))))
    crasher = draft.one(*subjects) if draft.nodes - len(subjects) > 3 else None
    steady = [index for index in range(draft.nodes) if index not in (*subjects, crasher)]
    loyal = steady.pop() if len(steady) > 4 and draft.rng.random() < 0.3 else None
    at = 0.0
    for subject in subjects:
        at += draft.rng.choice((0.0, draft.between(0.0, 3.0))) * interval_s
        draft.at(at, Revoke(draft.rng.choice(steady), subject))
        if draft.rng.random() < SECOND_SHARE:
            draft.at(at + draft.rng.choice((0.0, draft.between(0.0, 2.0))), Revoke(draft.rng.choice(steady), subject))
        draft.rng.choice(FATES)(draft, subject, at, interval_s, draft.rng.choice(steady))
    if crasher is not None:
        down = draft.between(0.0, at + interval_s)
        draft.at(down, Crash(crasher))
        draft.at(down + draft.between(0.2, 12.0) * interval_s, Restart(crasher, seed=draft.rng.choice(steady)))
    draft.at(draft.between(0.0, at + interval_s), Start(draft.rng.choice(steady)))
    if loyal is not None:
        draft.at(draft.between(0.0, at), Attack(loyal, "stubborn", TRIES_S * interval_s, STUBBORN_PACE))
    draft.lasts_s = at + (TRIES_S + 4.0) * interval_s
    if draft.rng.random() < 0.6:
        draft.at(0.0, Lose(draft.lasts_s, (), draft.between(0.01, LOSS_MAX)))


def _submits(draft: Draft, subject: int, at: float, interval_s: float, seed: int) -> None:
    """Stay out."""
    del draft, subject, at, interval_s, seed


def _joins(draft: Draft, subject: int, at: float, interval_s: float, seed: int) -> None:
    """Be told to join, in vain."""
    for _ in range(2):
        draft.at(at + draft.between(0.0, TRIES_S) * interval_s, Join(subject, seed))


def _restarts(draft: Draft, subject: int, at: float, interval_s: float, seed: int) -> None:
    """Start again, with or without what its disk says, before or after it could hear that it is out."""
    down = max(0.0, at + draft.between(-2.0, 3.0) * interval_s)
    keeps = draft.rng.random() < 0.6
    back = down + draft.between(0.2, TRIES_S) * interval_s
    draft.at(down, Crash(subject))
    draft.at(back, Restart(subject, keep_disk=keeps, seed=seed if draft.rng.random() < 0.7 else None))


def _ignores(draft: Draft, subject: int, at: float, interval_s: float, seed: int) -> None:
    """Go on as a member; what others would do about it is nothing to it."""
    del seed
    draft.at(max(0.0, at - 0.1), Attack(subject, "stubborn", TRIES_S * interval_s, STUBBORN_PACE))


def _returns(draft: Draft, subject: int, at: float, interval_s: float, seed: int) -> None:
    """Be taken in again, and invited, or told to join."""
    again = at + draft.between(4.0, TRIES_S) * interval_s
    draft.at(again, Reinstate(seed, subject))
    after = again + draft.rng.choice((0.0, draft.between(0.0, 4.0))) * interval_s
    draft.at(after, Invite(seed, subject) if draft.rng.random() < 0.6 else Join(subject, seed))


FATES: tuple[Fate, ...] = (_submits, _joins, _restarts, _ignores, _returns, _returns)


def judge(run: Run) -> Iterator[str]:
    """Who is out is on no list, and knows it if it is honest and was ever answered; who was asked in is in."""
    run.recorder.counts.update(Gauge.of(run.world).counts())
    words, members = run.world.words, run.members
    modified = {deed.concerns[0] for _, deed in done(run, Attack)}
    for index in sorted({deed.concerns[0] for _, deed in done(run, Revoke)}):
        subject = run.nodes[index]
        if words.is_out(subject.id):
            yield from _judge_out(run, subject, index in modified)
        elif _was_asked(run, index) and subject.running and subject not in members:
            yield f"{subject.name} was reinstated and asked in, and is no member"


def _judge_out(run: Run, subject: Node, is_modified: bool) -> Iterator[str]:
    for observer in run.members:
        if observer is subject:
            yield f"{subject.name} counts as a member, and is out"
            continue
        if observer.engine.membership.get(subject.id) is not None:
            yield f"{observer.name} has {subject.name} on its list, which is out"
        if not observer.engine.membership.revocations.bars(subject.id):
            yield f"{observer.name} does not know that {subject.name} is out"
    knows = subject.engine.membership.revocations.bars(subject.id)
    if knows and subject.running and not is_modified and not subject.engine.local.goodbye:
        yield f"{subject.name} was told that it is out, and goes on as a member"


def _was_asked(run: Run, index: int) -> bool:
    """Tell whether something was done by which a reinstated node returns."""
    reinstated = [at for at, deed in done(run, Reinstate) if deed.concerns == (index,)]
    for at, deed in done(run, Invite, Join):
        asked = deed.subject if isinstance(deed, Invite) else deed.concerns[0]
        if asked == index and reinstated and at >= min(reinstated):
            return True
    return False


SCENARIO = Scenario(
    name="revocation",
    summary="some members are revoked and keep trying; some are reinstated and invited",
    promises=(
        "who is out is on no member's list, whatever it does, and all members know it",
        "an honest one that hears of it falls silent",
        "one that is reinstated, and invited or told to join, is a member again",
        "nobody else is removed",
    ),
    draw=draw,
    judge=judge,
    sizes=(5, 20),
    spared=Spared.UNHARMED,
    reached=(
        "words_out",
        "words_in",
        "expulsions",
        "refused_revoked",
        "attack_smuggled",
        "attack_streams",
        "deed_invite",
        "restart",
    ),
)
