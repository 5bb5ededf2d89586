"""kill -9 while services, checks, their states and maintenance change: what was registered is there, nothing else is.

A slice of the rounds runs with the suite; SHOAL_CRASH_ROUNDS=100 runs the campaign.
"""

import os
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from tests.end_to_end.agent_process import AgentProcess, wait_until
from tests.end_to_end.consul_cluster import CONSUL, consul, get, put, running_consul_cluster, tell
from tests.end_to_end.test_crash import Cell

pytestmark = pytest.mark.end_to_end

ROUNDS = int(os.environ.get("SHOAL_CRASH_ROUNDS", "12"))
KILLED_WITHIN_S = 0.15
SERVICES = [f"web/{number} #{number}" for number in range(8)]
CHECKS = [f"disk {number}" for number in range(6)]
TTL_ID = "pulse"
"""A check that is never removed, whose state changes."""
STATUSES = {"pass": "passing", "warn": "warning", "fail": "critical"}


class Killed(Exception):
    """The node is gone amid a request; whether it had an effect is not known."""


@dataclass(slots=True)
class Model:
    """What one node must remember: by id, what was answered and what was asked for."""

    chance: Random
    agent: AgentProcess
    witness: AgentProcess
    """Another node, which is never killed: what it knew of the former life must not stay."""
    services: dict[str, Cell] = field(default_factory=lambda: {id: Cell() for id in SERVICES})
    """Port and tags of each; None where there is none."""
    checks: dict[str, Cell] = field(default_factory=lambda: {id: Cell() for id in CHECKS})
    """Notes."""
    maintenance: Cell = field(default_factory=Cell)
    """The reason."""
    status: Cell = field(default_factory=lambda: Cell("critical"))
    """Of the TTL check: what it was told last stands."""
    states: list[tuple[str, str]] = field(default_factory=lambda: [("critical", "")])
    """Status and output: as it was at the start, and what was told since. An output may be a second old."""
    answered: int = 0
    _counter: int = 0

    def put(self, path: str, body: Any = None, **params: str) -> None:
        """Make a change; any answer but 200 is a failure of the test."""
        try:
            reply = consul(self.agent, "PUT", path, params, body)
        except OSError:
            raise Killed from None
        except Exception as wrong:
            if type(wrong).__module__ == "http.client":
                raise Killed from None
            raise
        assert reply.status == 200, f"{path}: {reply}"
        self.answered += 1

    # --- changing: each in a thread of its own, until the node is killed -------------------------

    def change_services(self) -> None:
        """Register a service with its check, replace it, or remove it."""
        id = self.chance.choice(SERVICES)
        cell = self.services[id]
        if cell.settled is not None and self.chance.random() < 0.4:
            cell.ask(None)
            self.put(f"agent/service/deregister/{quote(id, safe='')}")
        else:
            self._counter += 1
            tags = self.chance.sample(["a", "b", "c"], 2)
            cell.ask((self._counter, tuple(tags)))
            body = {"ID": id, "Name": "web", "Port": self._counter, "Tags": tags, "Check": {"TTL": "1h"}}
            self.put("agent/service/register", body)
        cell.settle()

    def change_checks(self) -> None:
        """Register a check, or remove it."""
        id = self.chance.choice(CHECKS)
        cell = self.checks[id]
        if cell.settled is not None:
            cell.ask(None)
            self.put(f"agent/check/deregister/{quote(id)}")
        else:
            cell.ask(f"{self.chance.random()}")
            self.put("agent/check/register", {"ID": id, "Name": id, "Notes": cell.asked, "TTL": "1h"})
        cell.settle()

    def change_maintenance(self) -> None:
        """Switch the node's maintenance, with a new reason each time."""
        cell = self.maintenance
        cell.ask(f"{self.chance.random()}" if cell.settled is None else None)
        enable = "false" if cell.asked is None else "true"
        self.put("agent/maintenance", enable=enable, reason=cell.asked or "")
        cell.settle()

    def change_state(self) -> None:
        """Tell the check's state."""
        verb = self.chance.choice(sorted(STATUSES))
        self.status.ask(STATUSES[verb])
        self.states.append((STATUSES[verb], f"{self.chance.random()}"))
        self.put(f"agent/check/{verb}/{TTL_ID}", note=self.states[-1][1])
        self.status.settle()

    # --- checking -------------------------------------------------------------------------------

    def check(self) -> None:
        """Compare all of it with what the node shows after its restart, also in its catalog."""
        services, checks = get(self.agent, "agent/services"), get(self.agent, "agent/checks")
        assert set(services) <= set(SERVICES)
        for id, cell in self.services.items():
            row = services.get(id)
            cell.check(id, None if row is None else (row["Port"], tuple(row["Tags"])))
            assert (f"service:{id}" in checks) is (row is not None), f"{id} and its check are one"
        for id, cell in self.checks.items():
            cell.check(id, checks.get(id, {}).get("Notes"))
        self.maintenance.check("maintenance", checks.get("_node_maintenance", {}).get("Notes"))
        state = (checks[TTL_ID]["Status"], checks[TTL_ID]["Output"])
        self.status.check("the TTL check's status", state[0])
        assert state in self.states, f"{state} was never told, or is older than what was there before: {self.states}"
        self.states = [state]
        wanted = {id: (row["Port"], tuple(row["Tags"])) for id, row in services.items()}
        wanted_checks = {id: (row["Status"], row["Notes"]) for id, row in checks.items()}
        for agent in (self.agent, self.witness):
            wait_until(
                f"{agent.name} shows what n1 has: {wanted} {wanted_checks}",
                partial(_shows, agent, (wanted, wanted_checks)),
            )


def _shown_by(agent: AgentProcess) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the first node's services and checks as an agent's catalog has them."""
    services = get(agent, "catalog/node/n1")["Services"]
    checks = {check["CheckID"]: check for check in get(agent, "health/node/n1")}
    return (
        {id: (row["Port"], tuple(row["Tags"])) for id, row in services.items() if id != "consul"},
        {id: (row["Status"], row["Notes"]) for id, row in checks.items() if id != "serfHealth"},
    )


def _shows(agent: AgentProcess, wanted: tuple[dict[str, Any], dict[str, Any]]) -> bool:
    return _shown_by(agent) == wanted


def _play_round(model: Model) -> None:
    began = threading.Event()
    failures: list[BaseException] = []

    def run(change: Callable[[], None]) -> None:
        try:
            while True:
                began.set()
                change()
        except Killed:
            pass
        except BaseException as wrong:
            failures.append(wrong)

    changes = (model.change_services, model.change_checks, model.change_maintenance, model.change_state)
    threads = [threading.Thread(target=run, args=(change,)) for change in changes]
    for thread in threads:
        thread.start()
    began.wait()
    time.sleep(model.chance.uniform(0, KILLED_WITHIN_S))
    model.agent.kill()
    for thread in threads:
        thread.join()
    assert not failures, failures
    model.agent.start(join=[model.witness.gossip])
    model.check()


def test_kill_amid_registrations_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """After each kill -9 at a random moment the node starts with each registration, and another node shows the same."""
    seed = secrets.randbits(64)
    tell(f"seed {seed}")
    with running_consul_cluster(tmp_path, 2) as cluster:
        model = Model(Random(seed), cluster.agent("n1"), cluster.agent("n2"))
        model.put("agent/check/register", {"Name": TTL_ID, "TTL": "1h"})
        for _ in range(ROUNDS):
            _play_round(model)
    tell(f"{model.answered} changes answered in {ROUNDS} rounds")
    assert model.answered > ROUNDS, "the kills came before anything was answered: nothing was shown"


def test_state_told_before_a_kill_is_kept(tmp_path: Path) -> None:
    """What a TTL check's owner said, and was answered 200, stands after a kill -9 at once; so does an expiry."""
    agent = AgentProcess("n1", tmp_path, ("--profile", "local", *CONSUL))
    try:
        agent.start()
        put(agent, "agent/check/register", {"Name": TTL_ID, "TTL": "1h"})
        put(agent, "agent/check/register", {"Name": "short", "TTL": "100ms"})
        put(agent, "agent/check/pass/short", note="well")
        for verb, status in (("warn", "warning"), ("pass", "passing"), ("fail", "critical"), ("warn", "warning")):
            put(agent, f"agent/check/{verb}/{TTL_ID}", note=f"it is to {verb}")
            agent.kill()
            agent.start()
            checks = get(agent, "agent/checks")
            assert (checks[TTL_ID]["Status"], checks[TTL_ID]["Output"]) == (status, f"it is to {verb}")
            assert checks["short"]["Status"] == "critical"
    finally:
        agent.kill()
