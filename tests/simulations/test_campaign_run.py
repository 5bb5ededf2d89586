"""Campaigns: the same results whoever computes them, and no run that is lost goes unnoticed."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

import pytest

from protocol.error import InvalidRequest
from simulations.campaign import Campaign, Pool, Tally, Trial, open_pool, run_trial, stream_results
from simulations.campaign.pool import AHEAD_FACTOR, Placed
from simulations.campaign.process_pool import ProcessPool
from simulations.campaign.trial import EXCEPTION, LOST, describe
from simulations.result import Result
from simulations.scenario import Draft
from simulations.scenarios import SCENARIOS

NAMES = ("crash", "lossy_links", "steady")
SEEDS = range(1, 4)


def carry_out(pool: Pool) -> tuple[list[Result], str]:
    """Carry out a small campaign; give its results but for wall time, and the digest of all."""
    campaign = Campaign([SCENARIOS[name] for name in NAMES], SEEDS)
    tally = Tally(campaign.scenarios)
    results = [replace(result, wall_s=0.0) for result in campaign.carry_out(pool, tally)]
    return results, tally.digest


@pytest.fixture(scope="module")
def alone() -> tuple[list[Result], str]:
    """What one process computes."""
    with open_pool(0) as pool:
        return carry_out(pool)


def test_campaign_has_the_same_results_with_two_jobs(alone: tuple[list[Result], str]) -> None:
    """Neither the number of processes nor who is done first changes anything, not even the order."""
    with open_pool(2) as pool:
        assert carry_out(pool) == alone
    assert len(alone[0]) == len(NAMES) * len(SEEDS)


def test_campaign_has_the_same_results_on_a_dask_cluster(alone: tuple[list[Result], str]) -> None:
    """The workers of a cluster compute what this machine does."""
    distributed = pytest.importorskip("distributed", reason="dask.distributed is an optional extra")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        open_pool(0, cluster.scheduler_address) as pool,
    ):
        assert carry_out(pool) == alone


def test_campaign_without_dask_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra is named, with the command that brings it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InvalidRequest, match=r"pip install 'shoal\[dask\]'"):
        open_pool(0, "tcp://127.0.0.1:8786")


@pytest.mark.parametrize("address", ["nowhere", "tcp://", "tcp://host", "udp://127.0.0.1:8786", "127.0.0.1:8786"])
def test_campaign_refuses_what_is_no_address_of_a_scheduler(address: str) -> None:
    """It is said at once, and nothing is dialled."""
    pytest.importorskip("distributed", reason="dask.distributed is an optional extra")
    with pytest.raises(InvalidRequest, match="is no address of a scheduler"):
        open_pool(0, address)


def test_process_pool_reports_the_run_whose_worker_died() -> None:
    """The run that was being computed is lost and says how; the next one is computed all the same."""
    with ProcessPool(1) as pool:
        pool.submit(0, Trial("steady", 1, 5))
        pool.submit(1, Trial("steady", 2, 5))
        (worker,) = pool.workers
        os.kill(worker.process.pid or 0, signal.SIGKILL)
        results = dict(pool.collect())
        while len(results) < 2:
            results.update(pool.collect())
    (violation,) = results[0].violations
    assert (violation.checker, violation.text) == (LOST, "the process that ran this died (SIGKILL)")
    assert results[0].command == "python -m simulations run steady --nodes 5 --seed 1"
    assert replace(results[1], wall_s=0.0) == replace(run_trial(Trial("steady", 2, 5)), wall_s=0.0)


class LastFirstPool:
    """Computes nothing until it holds all it may, and gives the last first."""

    in_flight_max = 4

    def __init__(self) -> None:
        self.held: list[tuple[int, Trial]] = []
        self.held_most = 0
        self.submitted = 0

    def submit(self, place: int, trial: Trial) -> None:
        """Keep it."""
        self.held.append((place, trial))
        self.submitted += 1
        self.held_most = max(self.held_most, len(self.held))

    def collect(self) -> list[Placed]:
        """Give the latest; the first only when there is no other."""
        place, trial = self.held.pop()
        return [(place, result_of(trial))]


def result_of(trial: Trial) -> Result:
    """Give a result that shows whose it is."""
    return Result(trial.scenario, trial.seed, trial.nodes, "lan", "", (), {}, 0.0, 0.0, 0, "")


def trials() -> Iterator[Trial]:
    """Give trials without end."""
    return (Trial("steady", seed, 3) for seed in count())


def test_stream_results_come_in_order_whoever_is_done_first() -> None:
    """Law: the order is that of the trials."""
    pool = LastFirstPool()
    assert [result.seed for result in stream_results(pool, islice(trials(), 200))] == list(range(200))


def test_stream_results_bounds_what_is_in_flight_and_what_waits() -> None:
    """Of trials without end only so many are handed out, and only so many results are kept for the one that lags."""
    pool = LastFirstPool()
    results = stream_results(pool, trials())
    assert next(results).seed == 0
    assert pool.held_most == pool.in_flight_max
    assert pool.submitted <= pool.in_flight_max * AHEAD_FACTOR


def test_stream_results_of_no_trials_is_empty() -> None:
    """Nothing to do is done at once."""
    assert list(stream_results(LastFirstPool(), [])) == []


def test_trial_whose_plan_cannot_be_drawn_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario that raises while it draws is shown, and does not end the campaign."""

    def draw(draft: Draft) -> None:
        raise KeyError(draft.seed)

    monkeypatch.setitem(SCENARIOS, "steady", replace(SCENARIOS["steady"], draw=draw))
    result = run_trial(Trial("steady", 7, 3, encode=True))
    (violation,) = result.violations
    assert violation.checker == EXCEPTION
    assert violation.text.startswith("raised KeyError: 7 (tests/simulations/test_campaign_run.py:")
    assert result.command == "python -m simulations run steady --nodes 3 --seed 7 --encode"


def test_describe_bounds_what_an_exception_says() -> None:
    """One line, not too long, whatever was raised."""
    text = describe(ValueError("a\nb " * 500))
    assert text.startswith("raised ValueError: a b a b")
    assert len(text) < 400
    assert "\n" not in text
