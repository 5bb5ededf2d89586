"""The life of the agent's process: start, serve, obey signals, stop."""

import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import trio

from node import log
from node.config import Config
from node.node import Node, NodeEnded
from node.notify import Notifier
from node.open import bring_up
from node.seeds import Outcast
from node.setting_value import ConfigError
from node.state import KEY_FILE_NAME
from node.store_error import StoreError
from protocol.error import InvalidRequest
from protocol.escape import escape
from protocol.ulid import format_ulid

if TYPE_CHECKING:
    from node.agent.http import Listening

EXIT_DONE = 0
EXIT_FAILED = 1
ANSWER_GRACE_S = 0.3
"""After a leave asked by HTTP: its answer is still to be sent."""
IMPATIENT_EXIT = 130

_log = logging.getLogger("shoal.agent")


class AgentFailed(Exception):
    """The agent cannot run; the text is one sentence for the operator."""


async def run_agent(config: Config, reload: Callable[[], Config] | None = None) -> int:
    """Run until told to stop; the exit code. `reload` reads the configuration anew, for SIGHUP."""
    log.configure(config.log_level, as_json=config.log_json)
    failure: BaseException | None = None
    try:
        if config.http is not None or config.consul_http is not None:
            import_module("node.agent.http")  # takes 0.4 s, in which a node that spoke already would be deaf
        async with bring_up(config) as node:
            await _Agent(node, config, reload).run()
    except* (AgentFailed, InvalidRequest, StoreError, NodeEnded, Outcast) as group:
        failure = _first(group)
    if failure is None:
        return EXIT_DONE
    _log.error("%s", failure)
    if config.log_json:
        sys.stderr.write(f"shoal: {escape(str(failure))}\n")
    return EXIT_FAILED


@dataclass(slots=True)
class _Reloadable:
    """What SIGHUP reads anew beside the node: the certificate in use."""

    reload_tls: Callable[[Config], None] | None = None


class _Agent:
    """One run."""

    def __init__(self, node: Node, config: Config, reload: Callable[[], Config] | None) -> None:
        self._node = node
        self._config = config
        self._reload = reload
        self._reloadable = _Reloadable()
        self._notifier = Notifier.from_environ()
        self._shutdown = trio.Event()

    async def run(self) -> None:
        node = self._node
        async with trio.open_nursery() as nursery:
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
                nursery.start_soon(self._obey, nursery, signals)
                listening = await self._start_http(nursery)
                self._announce(listening)
                self._start_seeds(nursery)
                nursery.start_soon(self._watch)
                await node.ending.wait()
                self._notifier.stopping()
                self._shutdown.set()
                with trio.CancelScope(shield=True):
                    await trio.sleep(ANSWER_GRACE_S if listening is not None else 0)
                nursery.cancel_scope.cancel()
        if node.ended is not None:
            raise node.ended

    # --- starting -------------------------------------------------------------------------------

    async def _start_http(self, nursery: trio.Nursery) -> "Listening | None":
        """Start the façade; its libraries are imported only here, so a node without HTTP stays small."""
        if self._config.http is None and self._config.consul_http is None:
            return None
        from node.agent.http import start_http

        listening = await start_http(
            nursery,
            self._node,
            self._config,
            self._shutdown,
            lambda: self._node.seeds.unjoined_reason,
            self._reload_config,
        )
        self._reloadable.reload_tls = listening.reload_tls
        return listening

    def _announce(self, listening: "Listening | None") -> None:
        """Say where we listen, for people and for programs that chose port 0."""
        node = self._node
        scheme = "https" if self._config.http_tls_cert else "http"
        shown = {"http": "off"}
        if listening is not None and listening.http is not None:
            shown["http"] = f"{scheme}://{listening.http}"
        if listening is not None and listening.consul_http is not None:
            shown["consul_http"] = f"{scheme}://{listening.consul_http}"
        log.log_event(
            _log,
            logging.INFO,
            "listening",
            name=node.config.name,
            id=format_ulid(node.local.id),
            gossip=str(node.driver.datagrams.address),
            advertise=str(node.address),
            **shown,
            cluster=format_ulid(node.driver.keyring.cluster_id),
            data_dir=str(node.config.data_dir),
        )
        self._notifier.ready(f"{node.config.name} at {node.address}")

    def _start_seeds(self, nursery: trio.Nursery) -> None:
        node = self._node
        seeds = node.choose_seeds()
        if node.is_leaving and not seeds:
            _log.info("%s, and stays out; `shoal join`, or a start with --join, returns", node.away_reason)
        elif not seeds and not node.knows_anybody:
            _log.info(
                "alone: others join with `--join %s --key-file %s`",
                node.address,
                node.config.data_dir / KEY_FILE_NAME,
            )
        nursery.start_soon(node.run_seeds)

    # --- running --------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Tell the service manager that the engine lives."""
        interval_s = self._notifier.watchdog_interval_s
        while interval_s is not None:
            if self._node.is_live():
                self._notifier.watchdog()
            await trio.sleep(interval_s)

    async def _obey(self, nursery: trio.Nursery, signals: AsyncIterator[int]) -> None:
        stopping = False
        async for number in signals:
            if number == signal.SIGHUP:
                nursery.start_soon(self._reload_config)  # a slow disk must not hold up the next signal
            elif stopping:
                _log.warning("a second signal: exiting at once")
                os._exit(IMPATIENT_EXIT)  # loses no more than kill -9 does; SystemExit would wait for every task
            else:
                stopping = True
                nursery.start_soon(self._stop, number == signal.SIGINT or self._config.leave_on_terminate)

    async def _stop(self, leaves: bool) -> None:
        if leaves:
            _log.info("leaving")
            await self._node.leave()
        self._node.ending.set()

    async def _reload_config(self) -> None:
        """Read license, tags, log level and TLS files anew; what is wrong is said, and changes nothing."""
        if self._reload is None:
            return
        self._notifier.reloading()
        try:
            await self._take_over(self._reload())
            _log.info("configuration read anew")
        except (ConfigError, InvalidRequest, AgentFailed) as wrong:
            _log.error("the configuration stays as it was: %s", wrong)
        self._notifier.ready()

    async def _take_over(self, config: Config) -> None:
        """Take over what may change while the node runs: all of it, or nothing.

        Raises:
            InvalidRequest: some of it cannot be; nothing changed.
        """
        node = self._node
        async with node.record_turn:
            take_license = node.licensing.prepare_reload(config)
            take_tags = node.prepare_tags(config.tags)
            if self._reloadable.reload_tls is not None:
                self._reloadable.reload_tls(config)  # the last that may refuse, so none has to be undone
            take_license()
            take_tags()
            log.set_level(config.log_level)
            node.config = node.config.replace(log_level=config.log_level, tags=dict(config.tags))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
