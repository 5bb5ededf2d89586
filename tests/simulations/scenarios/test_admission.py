"""The judges of who may be a member find what is wrong in runs whose account was made false."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from protocol.swim.admission import Terms
from protocol.swim.effect import ChangeKind, JoinEnded, SteppedDown
from simulations.deed import AnyDeed, Invite, Renew, Revoke
from simulations.run import Run
from simulations.scenarios import SCENARIOS
from simulations.scenarios.account import done
from tests.simulations.scenarios.finished import carry_out, tell_falsely, verdict

Doctor = Callable[[Run], None]


def seed_with(name: str, nodes: int, *deeds: str) -> int:
    """Find a seed whose plan has deeds of these kinds, and perhaps others."""
    for seed in range(1, 100):
        if {type(planned.deed).__name__ for planned in SCENARIOS[name].plan(seed, nodes).deeds} >= set(deeds):
            return seed
    raise LookupError(name)


def is_out(run: Run, deed: AnyDeed) -> bool:
    """Tell whether whom a deed was about is out in the end."""
    return run.world.words.is_out(run.nodes[deed.concerns[0]].id)


def test_revocation_sees_one_who_is_out_on_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is out counts as a member where nobody asks, and is on lists, and bars nobody."""
    run = carry_out("revocation", seed_with("revocation", 8, "Revoke"), 8)
    assert verdict(run) == ""
    subject = next(run.nodes[deed.concerns[0]] for _, deed in done(run, Revoke) if is_out(run, deed))
    observer = run.members[0]
    observer.engine.membership.revocations._held.pop(subject.id)
    assert "does not know that" in verdict(run)
    monkeypatch.setattr(Run, "members", property(lambda self: self.nodes))
    assert "counts as a member, and is out" in verdict(run)


def test_revocation_sees_one_who_knows_that_it_is_out_and_goes_on() -> None:
    """Its own list of words says so."""
    for seed in range(1, 60):
        run = carry_out("revocation", seed, 8)
        for _, deed in done(run, Revoke):
            subject = run.nodes[deed.concerns[0]]
            if is_out(run, deed) and subject.running and subject.engine.local.goodbye and not subject.joins[1:]:
                assert verdict(run) == ""
                subject.engine.local.goodbye = False
                if "goes on as a member" in verdict(run):
                    return
    raise LookupError("nobody was put out")


def test_revocation_sees_one_who_was_asked_in_and_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reinstated member whose invitation came to nothing."""
    run = carry_out("revocation", seed_with("revocation", 8, "Revoke", "Reinstate", "Invite"), 8)
    assert verdict(run) == ""
    back = {deed.subject for _, deed in done(run, Invite) if isinstance(deed, Invite)}
    inside = [node for node in run.members if node.index not in back]
    monkeypatch.setattr(Run, "members", property(lambda self: inside))
    assert "is no member" in verdict(run)


def end_newcomers(run: Run) -> None:
    """Let no newcomer run."""
    for node in run.nodes[run.plan.nodes :]:
        node.running = False


def end_first(run: Run) -> None:
    """Let one that was there from the beginning not run."""
    run.nodes[0].running = False


def remove_one(run: Run) -> None:
    """Let one have told that another left."""
    tell_falsely(run, run.members[0], run.members[1], ChangeKind.LEAVE)


def give_way(run: Run) -> None:
    """Let a member have stepped down."""
    run.members[0].refusals.append(SteppedDown())


def forget_refusals(run: Run) -> None:
    """Let nobody have been told anything."""
    for node in run.nodes:
        node.refusals.clear()
        node.joins[:] = [replace(join, refusal=None) for join in node.joins]


def let_in_last(run: Run) -> None:
    """Let the last to come have been let in."""
    run.nodes[-1].joins.append(JoinEnded(9, run.nodes[0].id))


def miscount(run: Run) -> None:
    """Let one go by another license."""
    run.members[0].engine.change_terms(Terms(seats=1))


SEATS: list[tuple[str, Doctor, str]] = [
    ("last_seat", end_newcomers, "are members, of"),
    ("last_seat", end_first, "was a member before the race"),
    ("last_seat", forget_refusals, "was not told why"),
    ("seats_partition", end_newcomers, "were on either side"),
    ("seats_partition", forget_refusals, "was not told that there is no seat"),
    ("seats_partition", let_in_last, "was let in, though there was no seat"),
    ("seats_partition", miscount, "beyond"),
    (
        "seats_partition",
        remove_one,
        "after the cut had healed",
    ),
    ("seats_partition", give_way, "gave its seat up"),
]


@pytest.mark.parametrize(("name", "doctor", "wrong"), SEATS)
def test_seats_are_judged(name: str, doctor: Doctor, wrong: str) -> None:
    """In both scenarios about seats."""
    run = carry_out(name, seed_with(name, 6, "Start"), 6)
    assert verdict(run) == ""
    doctor(run)
    assert wrong in verdict(run)


@pytest.mark.parametrize(("expired", "wrong"), [(True, "though the license had expired"), (False, "had been renewed")])
def test_last_seat_sees_a_license_that_is_not_heeded(expired: bool, wrong: str) -> None:
    """Let in by an expired one, or kept out by one with a seat more."""
    for seed in range(1, 60):
        plan = SCENARIOS["last_seat"].plan(seed, 6)
        renewals = [planned.deed for planned in plan.deeds if isinstance(planned.deed, Renew)]
        if renewals and renewals[0].expired is expired:
            run = carry_out("last_seat", seed, 6)
            assert verdict(run) == ""
            late = run.nodes[-1]
            late.running = expired
            if expired:
                late.engine.local.goodbye = False
            assert wrong in verdict(run)
            return
    raise LookupError("no license was renewed")
