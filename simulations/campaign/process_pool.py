"""Worker processes of this machine. One that dies takes one run with it, and that run is known."""

import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from simulations.campaign.pool import Placed
from simulations.campaign.trial import LOST, Trial, failed_result, run_trial

HANDED_OUT_PER_WORKER = 3
"""One that is computed, one that waits so that no worker does, and one more while this process writes."""
FAREWELL_S = 2.0
"""How long a worker that was told to end may take before it is killed."""


@dataclass(slots=True, eq=False)
class Worker:
    """A process, and what it was given, in the order in which it computes it."""

    process: SpawnProcess
    pipe: Connection
    trials: deque[tuple[int, Trial]] = field(default_factory=deque)


class ProcessPool:
    """Starts workers when there is work for them; each has a pipe of its own."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self.workers: list[Worker] = []
        self._done: list[Placed] = []

    @property
    def in_flight_max(self) -> int:
        """A few for each worker."""
        return self._jobs * HANDED_OUT_PER_WORKER

    def __enter__(self) -> "ProcessPool":
        return self

    def __exit__(self, *_: object) -> None:
        """End the workers, whatever they are at."""
        for worker in self.workers:
            worker.process.terminate()
        for worker in self.workers:
            worker.process.join(FAREWELL_S)
            if worker.process.is_alive():
                worker.process.kill()
            worker.pipe.close()
        self.workers.clear()

    def submit(self, place: int, trial: Trial) -> None:
        """Give it to the worker with the least to do; a new one while there may be more."""
        worker = min(self.workers, key=lambda worker: len(worker.trials), default=None)
        if worker is None or (worker.trials and len(self.workers) < self._jobs):
            worker = self._start()
        self._give(worker, place, trial)

    def collect(self) -> list[Placed]:
        """Wait for results; of a worker that died, the run it was at is lost, and the others are done again."""
        if not self._done:
            pipes: dict[object, Worker] = {worker.pipe: worker for worker in self.workers if worker.trials}
            for ready in wait(list(pipes)):  # type: ignore[arg-type]  # they are pipes
                self._read(pipes[ready])
        done, self._done = self._done, []
        return done

    def _start(self) -> Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs,), daemon=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited: Ctrl-C is this process's to handle
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()
        worker = Worker(process, ours)
        self.workers.append(worker)
        return worker

    def _give(self, worker: Worker, place: int, trial: Trial) -> None:
        worker.trials.append((place, trial))
        with suppress(BrokenPipeError, ConnectionResetError):  # it died: collect finds out
            worker.pipe.send(trial)

    def _read(self, worker: Worker) -> None:
        try:
            result = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._bury(worker)
            return
        place, _ = worker.trials.popleft()
        self._done.append((place, result))

    def _bury(self, worker: Worker) -> None:
        worker.process.join(FAREWELL_S)
        self.workers.remove(worker)
        worker.pipe.close()
        place, trial = worker.trials.popleft()
        text = f"the process that ran this died ({_end(worker.process.exitcode)})"
        self._done.append((place, failed_result(trial, LOST, text)))
        if worker.trials:
            heir = self._start()
            for orphan in worker.trials:
                self._give(heir, *orphan)


def _end(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"


def serve(pipe: Connection) -> None:
    """Compute trials until the pipe ends, as it does when the campaign's own process dies."""
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(run_trial(pipe.recv()))
