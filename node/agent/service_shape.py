"""A node's services and checks as the façade sees them: one shape for its own and for the whole catalog's.

The indexes are those of the changes in the catalog that made a value and changed it last; 0 where an answer has none.
"""

from typing import Final

from api.service_view import CheckStatus, CheckView, ServiceView
from node.service_naming import NODE_MAINTENANCE_ID, SERVICE_MAINTENANCE_PREFIX
from protocol.catalog.check import Check, CheckKind
from protocol.catalog.service import Service

MAINTENANCE_KIND: Final = "maintenance"


def show_service(service: Service, create_index: int = 0, modify_index: int = 0) -> ServiceView:
    """Show a service."""
    return ServiceView(
        service.id,
        service.name,
        service.tags,
        service.address,
        service.port,
        dict(service.meta),
        service.enable_tag_override,
        service.weights,
        {name: (address, port) for name, address, port in service.tagged_addresses},
        create_index,
        modify_index,
    )


def show_check(
    check: Check, node: str, service: Service | None, create_index: int = 0, modify_index: int = 0
) -> CheckView:
    """Show a check of the node with that shown name; `service` is the one it is of, None where there is none (yet)."""
    return CheckView(
        node,
        check.id,
        check.name,
        CheckStatus(check.status.value),
        check.notes,
        check.output,
        check.service_id,
        "" if service is None else service.name,
        () if service is None else service.tags,
        _kind(check),
        create_index,
        modify_index,
    )


def _kind(check: Check) -> str:
    """Name how a check comes to its status; a record carries no kind of what a maintenance made, but its id."""
    if check.kind is CheckKind.NONE and _is_maintenance(check.id):
        return MAINTENANCE_KIND
    return check.kind.value


def _is_maintenance(check_id: str) -> bool:
    return check_id == NODE_MAINTENANCE_ID or check_id.startswith(SERVICE_MAINTENANCE_PREFIX)
