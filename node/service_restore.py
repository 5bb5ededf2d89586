"""The services and checks of a node's former life, brought back at its start.

Checks begin critical: nobody knows how the service is now. Only what a TTL check's owner said last counts on, if its
time is not up, and that time begins anew. What cannot be brought back is dropped with a line in the log: one damaged or
outdated definition must not keep a node from starting.
"""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TypeVar

from node.check.definition import CheckDefinition
from node.config import Config
from node.service_keeper import ServiceKeeper
from node.service_naming import check_definition, maintenance_check, name_service
from node.store import Store
from node.store_services import NODE, Edit, ServiceStore, StoredServices, StoredState
from protocol.catalog.check import CheckKind, CheckStatus
from protocol.catalog.service import Service
from protocol.error import InvalidRequest

Filed = TypeVar("Filed", Service, CheckDefinition)

_log = logging.getLogger("shoal.service")


async def open_services(
    config: Config, store: Store, rng: Random | None = None, unix_time: Callable[[], float] = time.time
) -> ServiceKeeper:
    """Make the keeper of a node's services, with those that are on the disk. Its `run` is yet to be started.

    Raises:
        StoreError: the database cannot be read or written.
    """
    services = ServiceStore(store)
    chance = rng if rng is not None else Random(int.from_bytes(os.urandom(16), "big"))
    keeper = ServiceKeeper(services, chance, scripts_enabled=config.enable_script_checks, unix_time=unix_time)
    found = services.load()
    dropped = _restore(keeper, found, unix_time())
    if dropped:
        await services.save(dropped)
    return keeper


def _restore(keeper: ServiceKeeper, found: StoredServices, now: float) -> Edit:
    """Bring back what can be; give what is to be dropped."""
    dropped = found.broken
    for what, ids in (("service", dropped.services), ("check", dropped.checks), ("state", dropped.states)):
        for id in ids:
            _warn(what, id, "its row cannot be read")
    keeper.hold_token_ids(found.token_ids)
    for id, service in found.services.items():
        try:
            keeper.hold_service(_filed(id, name_service(service)))
        except InvalidRequest as wrong:
            _warn("service", id, wrong)
            dropped.services[id] = None
    for id, definition in found.checks.items():
        try:
            _restore_check(keeper, _filed(id, check_definition(definition)), found.states.get(id), now)
        except InvalidRequest as wrong:
            _warn("check", id, wrong)
            dropped.checks[id] = None
    for id, state in found.states.items():
        if id not in found.checks or state.expires_at <= now:
            dropped.states[id] = None
    for id, reason in found.maintenance.items():
        try:
            _check_service(keeper, id)
            keeper.hold_check(maintenance_check(None if id == NODE else id, reason), None)
        except InvalidRequest as wrong:
            _warn("maintenance", id, wrong)
            dropped.maintenance[id] = None
    return dropped


def _restore_check(keeper: ServiceKeeper, definition: CheckDefinition, state: StoredState | None, now: float) -> None:
    _check_service(keeper, definition.service_id)
    keeper.check_scripts([definition])
    check = replace(definition.begin(), status=CheckStatus.CRITICAL)
    if state is not None and state.expires_at > now and definition.kind is CheckKind.TTL:
        check = replace(check, status=state.status, output=state.output)
    keeper.hold_check(check, definition, check.output)


def _check_service(keeper: ServiceKeeper, id: str) -> None:
    if id and id not in keeper.services():
        raise InvalidRequest("its service is not there")


def _filed(id: str, found: Filed) -> Filed:
    if found.id != id:
        raise InvalidRequest("it is filed under another id")
    return found


def _warn(what: str, id: str, reason: object) -> None:
    _log.warning("%s %s cannot be restored, and is dropped: %s", what, ascii(id), reason)
