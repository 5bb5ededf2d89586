"""When checks are run, how many at once, and what becomes of one that is stopped amid a run."""

from itertools import pairwise
from random import Random

import pytest
import trio
from trio.testing import MockClock

from node.check.definition import CheckDefinition
from node.check.outcome import Outcome
from node.check.perform import perform
from node.check.runner import NETWORK_RUNS_MAX, PROGRAM_RUNS_MAX, CheckRunner
from protocol.catalog.check import CheckStatus
from tests.node.check.sample import definition


class House:
    """A runner whose runs take as long as their check's timeout says."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, float]] = []
        self.cancelled: list[str] = []
        self.reports: list[tuple[str, float]] = []
        self.at_once = self.at_once_most = 0
        self.runner = CheckRunner(self._report, Random(7), self._perform)

    async def _perform(self, definition: CheckDefinition) -> Outcome:
        self.begun.append((definition.id, trio.current_time()))
        self.at_once += 1
        self.at_once_most = max(self.at_once, self.at_once_most)
        try:
            await trio.sleep(definition.timeout_s)
        except trio.Cancelled:
            self.cancelled.append(definition.id)
            raise
        finally:
            self.at_once -= 1
        return Outcome(CheckStatus.PASSING, "")

    def _report(self, definition: CheckDefinition, outcome: Outcome) -> None:
        self.reports.append((definition.id, trio.current_time()))


async def test_runner_begins_within_the_interval_and_goes_on_behind_each_run(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """The first run after a random part of the interval, the next an interval after the last has ended."""
    house = House()
    nursery.start_soon(house.runner.run)
    start = trio.current_time()
    for number in range(50):
        house.runner.start(definition(f"c{number}", tcp="x:1", interval_s=10.0, timeout_s=2.0))
    await trio.sleep(40)
    firsts = sorted(at - start for _, at in house.begun[:50])
    assert 0 <= firsts[0] < 2
    assert 8 < firsts[-1] <= 10
    own = [at for id, at in house.begun if id == "c7"]
    assert [round(later - earlier, 6) for earlier, later in pairwise(own)] == [12.0] * (len(own) - 1)
    assert len(own) >= 3


async def test_runner_that_is_stopped_reports_nothing(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A run under way is cancelled; a check started anew under its id is run as the new one, alone."""
    house = House()
    nursery.start_soon(house.runner.run)
    for id in ("gone", "again"):
        house.runner.start(definition(id, tcp="x:1", interval_s=1.0, timeout_s=100.0))
    await trio.sleep(5)
    house.runner.stop("gone")
    house.runner.stop("nobody")
    house.runner.start(definition("again", args=("x",), interval_s=50.0, timeout_s=1.0))
    await trio.sleep(500)
    assert sorted(house.cancelled) == ["again", "gone"]
    assert {id for id, _ in house.reports} == {"again"}
    times = [at for _, at in house.reports]
    assert all(later - earlier == pytest.approx(51.0) for earlier, later in pairwise(times))


async def test_runner_runs_a_bounded_number_at_once(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Hung programs fill their own lane; the checks of the network go on."""
    house = House()
    nursery.start_soon(house.runner.run)
    for number in range(100):
        house.runner.start(definition(f"s{number}", args=("x",), interval_s=1.0, timeout_s=1e6))
    await trio.sleep(5)
    assert house.at_once_most == PROGRAM_RUNS_MAX
    house.runner.start(definition("net", tcp="x:1", interval_s=1.0, timeout_s=0.5))
    await trio.sleep(5)
    assert [id for id, _ in house.reports] == ["net"] * 3
    for number in range(300):
        house.runner.start(definition(f"n{number}", tcp="x:1", interval_s=1.0, timeout_s=3.0))
    await trio.sleep(20)
    assert house.at_once_most == PROGRAM_RUNS_MAX + NETWORK_RUNS_MAX
    assert {f"n{number}" for number in range(300)} <= {id for id, _ in house.reports}  # each has its turn


async def test_perform_survives_what_nobody_foresaw(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of one check is that check's outcome, never the node's end; what is no check is one, too."""
    from node.check import tcp

    async def fail(definition: CheckDefinition) -> Outcome:
        raise RuntimeError("secret")

    monkeypatch.setattr(tcp, "check_tcp", fail)
    outcome = await perform(definition(tcp="x:1"))
    assert outcome == Outcome(CheckStatus.CRITICAL, "the check could not be run: RuntimeError")
    assert (await perform(definition(ttl_s=1.0))).status is CheckStatus.CRITICAL
    assert caplog.text.count("Traceback") == 2
