"""What of this node's services and checks others are told, and when.

A registration, a definition, a status is told at once. Where only a check's output changed it is told at most every
10 s: a check whose output has a time or a load in it would else have every member hear of every run. Consul defers
these by 5 minutes because each is a write of its Raft log; here it is a few hundred bytes of gossip, and who looks at a
failing check from another machine wants to read what it says now.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import trio

from node.check.schedule import Schedule
from protocol.catalog.check import Check
from protocol.catalog.key import check_key, service_key
from protocol.catalog.service import Service
from protocol.error import InvalidRequest

OUTPUT_EVERY_S = 10.0

_log = logging.getLogger("shoal.service")

Publish = Callable[[bytes, bytes | None], None]
"""Takes a key, and the value that stands there now or None for nothing any more (`protocol.catalog`)."""


@dataclass(frozen=True, slots=True)
class _Told:
    check: Check
    value: bytes
    at: float


class ServicePublisher:
    """Tells `publish` of what stands under which key, each news once."""

    def __init__(self) -> None:
        self.publish: Publish = _tell_nobody
        self._services: dict[str, bytes] = {}
        self._checks: dict[str, _Told] = {}
        self._waiting: dict[str, Check] = {}
        self._schedule = Schedule()

    def publish_all(self) -> None:
        """Tell of everything that stands, whether it was told or not: `publish` is new, or was asked to forget."""
        for id in list(self._checks):
            self._tell_check(self._waiting.get(id, self._checks[id].check))
        for id, value in self._services.items():
            self._tell(service_key(id), value)

    def put_service(self, service: Service) -> None:
        """Take a service as it is now."""
        value = service.encode()
        if self._services.get(service.id) != value:
            self._services[service.id] = value
            self._tell(service_key(service.id), value)

    def drop_service(self, id: str) -> None:
        """Take that a service is no more."""
        if self._services.pop(id, None) is not None:
            self._tell(service_key(id), None)

    def put_check(self, check: Check) -> None:
        """Take a check as it is now."""
        told = self._checks.get(check.id)
        if told is None or replace(told.check, output=check.output) != check:
            self._tell_check(check)
        elif told.value == check.encode():
            self._forget_waiting(check.id)
        elif told.at + OUTPUT_EVERY_S <= trio.current_time():
            self._tell_check(check)
        else:
            self._waiting[check.id] = check
            self._schedule.arm(check.id, told.at + OUTPUT_EVERY_S)

    def drop_check(self, id: str) -> None:
        """Take that a check is no more."""
        self._forget_waiting(id)
        if self._checks.pop(id, None) is not None:
            self._tell(check_key(id), None)

    async def run(self) -> None:
        """Tell of outputs once their time has come, until cancelled."""
        while True:
            self._tell_check(self._waiting[await self._schedule.next_due()])

    def _tell_check(self, check: Check) -> None:
        self._forget_waiting(check.id)
        value = check.encode()
        self._checks[check.id] = _Told(check, value, trio.current_time())
        self._tell(check_key(check.id), value)

    def _tell(self, key: bytes, value: bytes | None) -> None:
        try:
            self.publish(key, value)
        except InvalidRequest as wrong:  # the change is made and stored: that others do not hear of it must not undo it
            _log.warning("%s cannot be told to the others: %s", ascii(key.decode(errors="replace")), wrong)

    def _forget_waiting(self, id: str) -> None:
        self._waiting.pop(id, None)
        self._schedule.disarm(id)


def _tell_nobody(key: bytes, value: bytes | None) -> None:
    """Stand in where nobody is to be told: a node's parts on their own."""
