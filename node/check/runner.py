"""Run checks in their intervals, a bounded number at once.

A check's first run comes after a random part of its interval, so that a thousand checks registered at once do not run
at once ever after; the next an interval after the last has ended. Checks that ask over the network and checks that
run programs have a lane each: hung programs must not keep the others waiting.
"""

from collections.abc import Awaitable, Callable
from random import Random

import trio

from node.check.definition import CheckDefinition
from node.check.outcome import Outcome
from node.check.perform import perform
from node.check.schedule import Schedule
from protocol.catalog.check import CheckKind

NETWORK_RUNS_MAX = 128
"""Each waits 10 s, unless its check says otherwise, and costs a socket: 128 silent hosts are asked in each 10 s."""
PROGRAM_RUNS_MAX = 32
"""Each costs a process. What is due beyond that waits."""

Report = Callable[[CheckDefinition, Outcome], None]
Perform = Callable[[CheckDefinition], Awaitable[Outcome]]


class CheckRunner:
    """The checks that this node runs; the outcome of each run is given to `report`, unless it was stopped."""

    def __init__(self, report: Report, rng: Random, perform: Perform = perform) -> None:
        self._rng = rng
        self._network = _Lane(NETWORK_RUNS_MAX, report, perform)
        self._programs = _Lane(PROGRAM_RUNS_MAX, report, perform)

    def start(self, definition: CheckDefinition) -> None:
        """Run a check from now on; one of the same id is stopped."""
        self.stop(definition.id)
        lane = self._programs if definition.kind in (CheckKind.SCRIPT, CheckKind.DOCKER) else self._network
        lane.add(definition, self._rng.uniform(0, definition.interval_s))

    def stop(self, id: str) -> None:
        """Run a check no more; a run that is under way ends without a report, and its program with it."""
        self._network.remove(id)
        self._programs.remove(id)

    async def run(self) -> None:
        """Run checks until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._network.run)
            nursery.start_soon(self._programs.run)


class _Lane:
    """Checks of which at most some run at once."""

    def __init__(self, runs_max: int, report: Report, perform: Perform) -> None:
        self._report = report
        self._perform = perform
        self._definitions: dict[str, CheckDefinition] = {}
        self._schedule = Schedule()
        self._running: dict[str, trio.CancelScope] = {}
        self._room = trio.Semaphore(runs_max)

    def add(self, definition: CheckDefinition, first_s: float) -> None:
        self._definitions[definition.id] = definition
        self._schedule.arm(definition.id, trio.current_time() + first_s)

    def remove(self, id: str) -> None:
        self._definitions.pop(id, None)
        self._schedule.disarm(id)
        scope = self._running.pop(id, None)
        if scope is not None:
            scope.cancel()

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                await self._room.acquire()
                id = await self._schedule.next_due()
                scope = self._running[id] = trio.CancelScope()
                nursery.start_soon(self._run_once, self._definitions[id], scope)

    async def _run_once(self, definition: CheckDefinition, scope: trio.CancelScope) -> None:
        try:
            with scope:
                outcome = await self._perform(definition)
        finally:
            self._room.release()
        if self._running.get(definition.id) is not scope:  # stopped, and maybe started anew
            return
        del self._running[definition.id]
        self._schedule.arm(definition.id, trio.current_time() + definition.interval_s)
        self._report(definition, outcome)
