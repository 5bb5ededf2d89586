"""What the checks of a service are called, and those that a node makes itself."""

from collections.abc import Sequence
from dataclasses import replace

from node.check.definition import CheckDefinition
from node.check.outcome import clip_words
from protocol.catalog.check import Check
from protocol.catalog.service import Service
from protocol.error import InvalidRequest

NODE_MAINTENANCE_ID = "_node_maintenance"
SERVICE_MAINTENANCE_PREFIX = "_service_maintenance:"
SERF_HEALTH_ID = "serfHealth"
"""Of the check that the catalog shows of each member: whether it is alive."""
_NO_REASON = "Maintenance mode is enabled for this {}, but no reason was provided. This is a default message."


def name_service(service: Service) -> Service:
    """Give a service its name as id where it has none, if it is within bounds.

    Raises:
        InvalidRequest: it is not.
    """
    if not service.name:
        raise InvalidRequest("a service must have a name")
    return replace(service, id=service.id or service.name, meta=tuple(sorted(service.meta))).checked()


def name_checks(service: Service, checks: Sequence[CheckDefinition]) -> list[CheckDefinition]:
    """Return a service's checks with ids and names, where they bring none of their own, and long notes clipped.

    Of two checks with one id the last counts, as in Consul.

    Raises:
        InvalidRequest: one is not within bounds.
    """
    ids = [f"service:{service.id}" + (f":{number}" if len(checks) > 1 else "") for number in range(1, len(checks) + 1)]
    named = [
        replace(
            definition,
            id=definition.id or id,
            name=definition.name or f"Service '{service.name}' check",
            notes=clip_words(definition.notes),
            service_id=service.id,
        )
        for id, definition in zip(ids, checks, strict=True)
    ]
    return list({definition.id: check_definition(definition) for definition in named}.values())


def check_definition(definition: CheckDefinition) -> CheckDefinition:
    """Give a check its name as id where it has none, and its times raised to what is served, if it is within bounds.

    Raises:
        InvalidRequest: it is not, or it has an id that is the node's own to give.
    """
    if not definition.name:
        raise InvalidRequest("a check must have a name")
    named = replace(definition, id=definition.id or definition.name)
    if named.id in (NODE_MAINTENANCE_ID, SERF_HEALTH_ID) or named.id.startswith(SERVICE_MAINTENANCE_PREFIX):
        raise InvalidRequest(f"the node itself makes the check {named.id!r}: give this one another id")
    named.begin()
    return named.checked()


def maintenance_id(service_id: str | None) -> str:
    """Give the id of the maintenance of a service, or (None) of the node."""
    return NODE_MAINTENANCE_ID if service_id is None else SERVICE_MAINTENANCE_PREFIX + service_id


def maintenance_check(service_id: str | None, reason: str) -> Check:
    """Return the check that stands while a service, or (None) the node, is in maintenance: critical.

    Raises:
        InvalidRequest: the reason is no Unicode text.
    """
    what = "node" if service_id is None else "service"
    check = Check(
        maintenance_id(service_id),
        f"{what.capitalize()} Maintenance Mode",
        notes=reason or _NO_REASON.format(what),
        service_id=service_id or "",
    )
    return check.checked()
