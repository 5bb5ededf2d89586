"""How many services and checks one node may have, and how large they may be in all."""

from collections.abc import Mapping
from typing import NamedTuple

from node.check.definition import CheckDefinition
from node.store_services import encode_definition
from protocol.catalog.check import Check
from protocol.catalog.key import check_key, service_key
from protocol.catalog.service import Service
from protocol.error import InvalidRequest

SERVICES_MAX = 2_048
CHECKS_MAX = 4_096
"""Maintenance counts. Together with the services that leaves as much room again for tombstones of those that went."""
FACTS_SIZE_MAX = 3_500 * 1_024
"""Bytes of all that is told to others; each member keeps as much of each other, at most 4 MiB."""
FACT_OVERHEAD = 128
"""Bytes of a fact beside key and value: owner, version, signature, heads."""
DEFINITION_SIZE_MAX = 16 * 1_024
"""Bytes of a check's definition as JSON: its arguments and headers stay on this node."""
DEFINITIONS_SIZE_MAX = 16 * 1_024 * 1_024


class Need(NamedTuple):
    """What one service or check takes, in the order of `_LIMITS`."""

    services: int
    checks: int
    facts_size: int
    definitions_size: int


NOTHING = Need(0, 0, 0, 0)
_LIMITS = (
    ("services", SERVICES_MAX),
    ("checks", CHECKS_MAX),
    ("bytes of services and checks", FACTS_SIZE_MAX),
    ("bytes of definitions of checks", DEFINITIONS_SIZE_MAX),
)


def service_need(service: Service) -> Need:
    """Tell what a service takes."""
    return Need(1, 0, len(service_key(service.id)) + len(service.encode()) + FACT_OVERHEAD, 0)


def check_need(check: Check, definition: CheckDefinition | None) -> Need:
    """Tell what a check takes, with the longest output that is told.

    Raises:
        InvalidRequest: its definition is too large.
    """
    size = 0 if definition is None else len(encode_definition(definition))
    if size > DEFINITION_SIZE_MAX:
        raise InvalidRequest(f"check {check.id!r} has a definition of {size} bytes, at most {DEFINITION_SIZE_MAX}")
    return Need(0, 1, len(check_key(check.id)) + check.size_max + FACT_OVERHEAD, size)


class ServiceRoom:
    """What is taken, by key."""

    def __init__(self) -> None:
        self._needs: dict[bytes, Need] = {}
        self._taken = NOTHING

    def check(self, wanted: Mapping[bytes, Need]) -> None:
        """Tell whether there is room for what is wanted in place of what is there.

        Raises:
            InvalidRequest: one sentence, what there is too much of; what only shrinks is never refused.
        """
        for number, (what, most) in enumerate(_LIMITS):
            grown = sum(need[number] - self._needs.get(key, NOTHING)[number] for key, need in wanted.items())
            if grown > 0 and self._taken[number] + grown > most:
                raise InvalidRequest(f"this node would have {self._taken[number] + grown} {what}, at most {most}")

    def take(self, key: bytes, need: Need) -> None:
        """Note what a service or check takes from now on; `NOTHING`: it is gone."""
        before = self._needs.pop(key, NOTHING)
        if need != NOTHING:
            self._needs[key] = need
        self._taken = Need(*(taken - old + new for taken, old, new in zip(self._taken, before, need, strict=True)))
