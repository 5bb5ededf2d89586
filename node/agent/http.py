"""The agent's HTTP listener: imported only where HTTP is on, for its libraries cost 18 MiB."""

import logging
import ssl
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from typing import cast

import trio

from api.app import HttpSettings, build_http_app
from api.guard import App
from api.server import ListenConfig, ListenFailed, load_tls, serve
from node.agent.view import AgentView
from node.config import Config
from node.node import Node
from protocol.address import Address
from protocol.error import InvalidRequest

_log = logging.getLogger("shoal.http")


async def start_http(
    nursery: trio.Nursery,
    node: Node,
    config: Config,
    shutdown: trio.Event,
    reason_not_ready: Callable[[], str],
) -> tuple[Address, Callable[[Config], None]]:
    """Listen; gives the bound address, and what reads the certificate anew.

    Raises:
        InvalidRequest: one sentence: the port is in use, beyond loopback, or TLS cannot be used.
    """
    if config.http is None:
        raise InvalidRequest("HTTP is off")
    view = AgentView(node, config.http, reason_not_ready)
    app = build_http_app(view, HttpSettings(frozenset(config.http_allowed_hosts), config.acl))
    tls: ssl.SSLContext | None = None
    try:
        if config.http_tls_cert is not None and config.http_tls_key is not None:
            tls = load_tls(str(config.http_tls_cert), str(config.http_tls_key))
        listen = ListenConfig(config.http, tls, beyond_loopback=config.acl or config.http_allow_open)
        address = await nursery.start(partial(serve, cast(App, app), listen, shutdown))
    except ListenFailed as wrong:
        raise InvalidRequest(str(wrong)) from None
    view.http = address
    if tls is None and config.acl and not ip_address(address.host).is_loopback:
        _log.warning("HTTP listens on %s without TLS: tokens can be read on their way (http_tls_cert)", address)

    def reload_tls(fresh: Config) -> None:
        if tls is None or fresh.http_tls_cert is None or fresh.http_tls_key is None:
            return
        try:
            load_tls(str(fresh.http_tls_cert), str(fresh.http_tls_key), tls)
        except ListenFailed as wrong:
            raise InvalidRequest(str(wrong)) from None

    return address, reload_tls
