"""Services amid kill -9: what a registration, a deregistration or a maintenance was answered outlives it."""

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
import trio

from node import lifeline
from node.config import Config
from node.service_keeper import ServiceKeeper
from node.service_restore import open_services
from node.store import Store

pytestmark = pytest.mark.end_to_end

ROUNDS = 15
KILL_WITHIN_S = 0.05
"""A change takes about a millisecond: some dozens are done, and the kill comes amid one."""
START_WITHIN_S = 30.0


@dataclass
class Ledger:
    """What was answered, and the one change of the last life that was not."""

    stands: dict[str, int] = field(default_factory=dict)
    """Version by id: 0 for a maintenance."""
    undecided: str = ""
    change_count: int = 0
    gone_count: int = 0

    def read(self, words: list[str | int]) -> None:
        """Take one line."""
        match words:
            case ["begin", str(id)]:
                self.undecided = id
            case ["stands", str(id), int(version)]:
                self.stands[id] = version
                self.undecided = ""
                self.change_count += 1
            case ["gone", str(id)]:
                self.drop(id)
                self.undecided = ""
                self.gone_count += 1

    def drop(self, id: str) -> None:
        """Take that something is gone; a service takes its maintenance along."""
        self.stands.pop(id, None)
        self.stands.pop(f"m:{id}", None)

    def settle(self, keeper: ServiceKeeper) -> None:
        """Believe the disk where nothing was answered."""
        id, services = self.undecided, keeper.services()
        if id.startswith("m:"):
            self.stands.pop(id, None)
            if f"_service_maintenance:{id[2:]}" in keeper.checks():
                self.stands[id] = 0
        elif id in services:
            self.stands[id] = services[id].port
        else:
            self.drop(id)
        self.undecided = ""

    def check(self, keeper: ServiceKeeper) -> None:
        """See that the next life has exactly what was answered, each service with the checks it was given."""
        held = {id: service.port for id, service in keeper.services().items()}
        checks = set()
        for id, version in self.stands.items():
            if id.startswith("m:"):
                checks.add(f"_service_maintenance:{id[2:]}")
            elif version % 2:
                checks.add(f"service:{id}")
        assert held == {id: version for id, version in self.stands.items() if not id.startswith("m:")}
        assert set(keeper.checks()) == checks


def test_services_are_what_was_answered_through_kills(tmp_path: Path) -> None:
    """15 lives of one data directory, each killed at a random moment amid its changes."""
    rng, ledger = Random(11), Ledger()
    data_dir = tmp_path / "data"
    for number in range(ROUNDS):
        _live_and_die(data_dir, number, rng.random() * KILL_WITHIN_S, ledger)
        trio.run(_check_disk, data_dir, ledger)
    assert ledger.change_count > ROUNDS
    assert ledger.gone_count


async def _check_disk(data_dir: Path, ledger: Ledger) -> None:
    with Store.open(data_dir) as store:
        keeper = await open_services(Config(data_dir=data_dir), store)
        ledger.settle(keeper)
        ledger.check(keeper)


def _live_and_die(data_dir: Path, seed: int, life_s: float, ledger: Ledger) -> None:
    """Run one process until it was killed, and take down what it answered."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.end_to_end.service_process", str(data_dir), str(seed)],
        stdout=subprocess.PIPE,
        env=os.environ | {lifeline.VARIABLE: str(os.getpid())},
    )
    assert process.stdout is not None
    try:
        assert select.select([process.stdout], [], [], START_WITHIN_S)[0], "it did not begin"
        time.sleep(life_s)
    finally:
        process.kill()
        said = process.stdout.read()
        process.wait()
        process.stdout.close()
    for line in said.split(b"\n")[:-1]:  # the last may be cut
        ledger.read(json.loads(line))
