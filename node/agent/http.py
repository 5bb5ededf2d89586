"""The agent's HTTP listeners: imported only where one is on, for their libraries cost 18 MiB."""

import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import cast

import trio

from api.app import HttpSettings, build_consul_app, build_http_app
from api.middleware import App, RequestCounter
from api.server import WAITING_CONNECTIONS_MAX, ListenConfig, ListenFailed, load_tls, serve
from node.agent.view import AgentView
from node.config import Config
from node.node import Node
from protocol.address import Address
from protocol.error import InvalidRequest

_log = logging.getLogger("shoal.http")


@dataclass(frozen=True, slots=True)
class Listening:
    """What is served where, as bound."""

    http: Address | None
    consul_http: Address | None
    reload_tls: Callable[[Config], None]
    """Reads the certificate anew.

    Raises:
        InvalidRequest: a file cannot be used; the certificate stays.
    """


async def start_http(
    nursery: trio.Nursery,
    node: Node,
    config: Config,
    shutdown: trio.Event,
    reason_not_ready: Callable[[], str],
    reload: Callable[[], Awaitable[None]],
) -> Listening:
    """Listen on all listeners that are configured; `reload` is what SIGHUP does, for Consul's route of that name.

    Raises:
        InvalidRequest: one sentence: a port is in use, beyond loopback, or TLS cannot be used.
    """
    view = AgentView(node, config.http, reason_not_ready)
    settings, counter = HttpSettings(frozenset(config.http_allowed_hosts), config.acl), RequestCounter()
    try:
        tls = _open_tls(config)

        async def listen(address: Address | None, build: Callable[..., object]) -> Address | None:
            if address is None:
                return None
            app = cast(App, build(view, settings, counter))
            wanted = ListenConfig(
                address,
                tls,
                beyond_loopback=config.acl or config.http_allow_open,
                connections_max=WAITING_CONNECTIONS_MAX,
            )
            bound: Address = await nursery.start(partial(serve, app, wanted, shutdown))
            if tls is None and config.acl and not ip_address(bound.host).is_loopback:
                _log.warning("HTTP listens on %s without TLS: tokens can be read on their way (http_tls_cert)", bound)
            return bound

        view.http = await listen(config.http, build_http_app)
        consul_http = await listen(config.consul_http, partial(build_consul_app, reload=reload))
    except ListenFailed as wrong:
        raise InvalidRequest(str(wrong)) from None

    def reload_tls(fresh: Config) -> None:
        if tls is None or fresh.http_tls_cert is None or fresh.http_tls_key is None:
            return
        try:
            load_tls(str(fresh.http_tls_cert), str(fresh.http_tls_key), tls)
        except ListenFailed as wrong:
            raise InvalidRequest(str(wrong)) from None

    return Listening(view.http, consul_http, reload_tls)


def _open_tls(config: Config) -> ssl.SSLContext | None:
    if config.http_tls_cert is None or config.http_tls_key is None:
        return None
    return load_tls(str(config.http_tls_cert), str(config.http_tls_key))
