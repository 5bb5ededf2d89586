"""A data directory with services, and nodes that live in it one after the other."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import trio

from node import service_keeper
from node.check.definition import CheckDefinition
from node.check.outcome import Outcome
from node.config import Config
from node.service_keeper import ServiceKeeper
from node.service_restore import open_services
from node.store import Statement, Store, _Batch
from node.store_error import StoreError
from protocol.catalog.check import Check, CheckStatus
from protocol.catalog.key import check_key
from protocol.catalog.service import Service

WEB = Service("web1", "web", ("a",), "10.0.0.1", 80, tagged_addresses=(("lan", "10.1.0.1", 81),))


def ttl(id: str = "", ttl_s: float = 10.0, **fields: Any) -> CheckDefinition:
    """Make a TTL check."""
    return CheckDefinition(id=id, name=id, ttl_s=ttl_s, **fields)


def tcp(id: str = "", **fields: Any) -> CheckDefinition:
    """Make a check that is run."""
    given: dict[str, Any] = {"tcp": "10.0.0.1:80", "interval_s": 10.0, **fields}
    return CheckDefinition(id=id, name=id, **given)


class House:
    """A data directory whose node is started again and again, without a goodbye in between; checks are not really run.

    `outcomes` has what each check comes to when it is run, `told` what others hold, `news` all that was published.
    """

    def __init__(self, directory: Path, nursery: trio.Nursery, monkeypatch: Any) -> None:
        self.directory = directory
        self.store: Store | None = None
        self.outcomes: dict[str, Outcome] = {}
        self.runs: list[str] = []
        self.told: dict[bytes, bytes] = {}
        self.news: list[tuple[bytes, bytes | None]] = []
        self.changed: list[bytes] = []
        self.scripts_enabled = False
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self._began = trio.current_time()
        for name in ("_save", "_save_unsynced"):
            monkeypatch.setattr(Store, name, _save_at_once)
        monkeypatch.setattr(service_keeper.ServiceKeeper.__init__, "__kwdefaults__", self._defaults())

    def _defaults(self) -> dict[str, Any]:
        return {**(service_keeper.ServiceKeeper.__init__.__kwdefaults__ or {}), "perform": self._perform}

    def unix_time(self) -> float:
        """Tell the time: it goes with Trio's clock, also while no node runs."""
        return 1_700_000_000.0 + trio.current_time() - self._began

    async def start(self) -> ServiceKeeper:
        """Start as after a kill -9: nothing of the former node is written any more."""
        self.stop()
        self.store = Store.open(self.directory)
        config = Config(data_dir=self.directory, enable_script_checks=self.scripts_enabled)
        keeper = await open_services(config, self.store, Random(1), self.unix_time)
        keeper.publish = self.publish
        keeper.on_change = self.changed.append
        self.told.clear()
        self._scope = trio.CancelScope()
        self._nursery.start_soon(self._run, keeper, self._scope)
        return keeper

    async def _run(self, keeper: ServiceKeeper, scope: trio.CancelScope) -> None:
        with scope:
            await keeper.run()

    def stop(self) -> None:
        """End without writing anything more."""
        self._scope.cancel()
        if self.store is not None:
            self.store.close()

    async def end(self) -> None:
        """End as a node does."""
        self._scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        self.stop()

    async def _perform(self, definition: CheckDefinition) -> Outcome:
        await trio.lowlevel.checkpoint()
        self.runs.append(definition.id)
        return self.outcomes.get(definition.id, Outcome(CheckStatus.PASSING, "fine"))

    def publish(self, key: bytes, value: bytes | None) -> None:
        """Hear what is told."""
        self.news.append((key, value))
        if value is None:
            del self.told[key]
        else:
            self.told[key] = value

    def told_check(self, id: str) -> Check:
        """Give a check as others hold it."""
        return Check.decode(id, self.told[check_key(id)])


async def _save_at_once(store: Store, *statements: Statement) -> None:
    """Write in this thread: a clock that jumps does not know of others."""
    await trio.lowlevel.checkpoint()
    batch = _Batch(list(statements))
    store._commit(batch)
    if batch.failure:
        raise StoreError(batch.failure)


def refusing(reason: str) -> Callable[..., None]:
    """Give a `_commit` that stands in for a disk that refuses."""

    def commit(store: Store, batch: Any) -> None:
        batch.failure, batch.done = reason, True

    return commit
