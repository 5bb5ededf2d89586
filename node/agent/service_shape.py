"""A node's services and checks as the façade sees them: one shape for its own and for the whole catalog's.

The indexes are those of the changes in the catalog that made a value and changed it last; 0 where an answer has none.
"""

from api.service_view import CheckStatus, CheckView, ServiceView
from protocol.catalog.check import Check
from protocol.catalog.service import Service


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
        check.kind.value,
        create_index,
        modify_index,
    )
