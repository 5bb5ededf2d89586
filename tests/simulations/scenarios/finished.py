"""Runs that are over, and false accounts of them."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind
from simulations.run import Run
from simulations.scenarios import SCENARIOS
from simulations.world import Node


def carry_out(name: str, seed: int, nodes: int, options: dict[str, str] | None = None, **changes: object) -> Run:
    """Draw a plan, change what is asked for, and run it."""
    scenario = SCENARIOS[name]
    plan = msgspec.structs.replace(scenario.plan(seed, nodes, options), **changes)
    run = Run(plan, scenario)
    run.carry_out("")
    return run


def verdict(run: Run) -> str:
    """Give all that the scenario's judge finds wrong."""
    judge = run.scenario.judge
    return "" if judge is None else "\n".join(judge(run))


def tell_falsely(run: Run, observer: Node, subject: Node, kind: ChangeKind, status: Status = Status.FAILED) -> None:
    """Let an observer have told what it never did."""
    at = observer.now(run.world.now)
    incarnation = subject.engine.local.incarnation
    observer.changes.append(Change(kind, subject.id, subject.name, subject.address, incarnation, status, at))


def unsay(run: Run, *kinds: ChangeKind) -> None:
    """Let nobody have told changes of some kinds."""
    for node in run.nodes:
        node.changes[:] = [change for change in node.changes if change.kind not in kinds]


def delay(run: Run, kind: ChangeKind, by_s: float) -> None:
    """Let all have told changes of a kind later."""
    for node in run.nodes:
        node.changes[:] = [replace(c, at=c.at + by_s) if c.kind is kind else c for c in node.changes]


def revive(run: Run) -> None:
    """Let every member have forgotten whom it holds failed or left, without a word from these."""
    for observer, subject in pairs(run):
        member = observer.engine.membership.get(subject.id)
        if member is not None:
            member.failed_incarnation = -1
            member.entry = replace(member.entry, record=replace(member.record, goodbye=False))


def pairs(run: Run) -> Iterator[tuple[Node, Node]]:
    """Give each member with each other node."""
    for observer in run.members:
        for subject in run.nodes:
            if observer is not subject:
                yield observer, subject
