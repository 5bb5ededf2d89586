"""What the façade sees of a node's own services: `api.service_view.ServicesView` over `node.service_keeper`."""

from collections.abc import Mapping

from api import service_view
from api.service_view import CheckView, ServiceDefinition, ServiceView
from node import service_keeper
from node.agent.service_shape import show_check, show_service
from node.agent.stored import stored
from node.check.definition import CheckDefinition
from node.node import Node
from protocol.catalog.check import CheckStatus
from protocol.catalog.service import Service


class AgentServices:
    """The services and checks that one node owns."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._keeper = node.services

    @property
    def script_checks_enabled(self) -> bool:
        """Whether checks may run programs."""
        return self._keeper.scripts_enabled

    def services(self) -> Mapping[str, ServiceView]:
        """Give the services by id."""
        return {id: show_service(service) for id, service in self._keeper.services().items()}

    def service(self, service_id: str) -> ServiceView | None:
        """Give one service; None: there is none of that id."""
        service = self._keeper.service(service_id)
        return None if service is None else show_service(service)

    def checks(self) -> Mapping[str, CheckView]:
        """Give the checks by id."""
        node, services = self._node, self._keeper.services()
        name = node.membership.shown_name(node.local)
        checks = self._keeper.checks()
        return {id: show_check(check, name, services.get(check.service_id)) for id, check in checks.items()}

    async def register_service(self, service: ServiceDefinition, *, replace_checks: bool, token_id: str) -> None:
        """Register a service with its checks, or replace it."""
        wanted = Service(
            service.id,
            service.name,
            tuple(service.tags),
            service.address,
            service.port,
            tuple(sorted(service.meta.items())),
            service.enable_tag_override,
            service.weights,
            tuple((name, address, port) for name, (address, port) in sorted(service.tagged_addresses.items())),
        )
        checks = [_definition(check) for check in service.checks]
        await stored(self._keeper.register_service(wanted, checks, replace_checks=replace_checks, token_id=token_id))

    async def deregister_service(self, service_id: str) -> bool:
        """Remove a service with all its checks."""
        return await stored(self._keeper.deregister_service(service_id))

    async def register_check(self, check: service_view.CheckDefinition, *, token_id: str) -> None:
        """Register a check, or replace it."""
        try:
            await stored(self._keeper.register_check(_definition(check), token_id=token_id))
        except service_keeper.NoSuchService as wrong:
            raise service_view.NoSuchService(*wrong.args) from None

    async def deregister_check(self, check_id: str) -> bool:
        """Remove a check."""
        return await stored(self._keeper.deregister_check(check_id))

    async def update_ttl(self, check_id: str, status: service_view.CheckStatus, output: str) -> None:
        """Take what a TTL check's owner says."""
        try:
            await stored(self._keeper.update_ttl(check_id, CheckStatus(status.value), output))
        except service_keeper.NotTtl as wrong:
            raise service_view.NotTtl(*wrong.args) from None

    async def set_maintenance(self, service_id: str | None, *, enabled: bool, reason: str, token_id: str) -> None:
        """Put a service or the node into maintenance or out of it."""
        try:
            await stored(self._keeper.set_maintenance(service_id, enabled=enabled, reason=reason, token_id=token_id))
        except service_keeper.NoSuchService as wrong:
            raise service_view.NoSuchService(*wrong.args) from None


def _definition(check: service_view.CheckDefinition) -> CheckDefinition:
    return CheckDefinition(
        id=check.id,
        name=check.name,
        notes=check.notes,
        status=None if check.status is None else CheckStatus(check.status.value),
        service_id=check.service_id,
        ttl_s=check.ttl_s,
        interval_s=check.interval_s,
        timeout_s=check.timeout_s,
        http=check.http,
        method=check.method,
        headers=tuple((name, tuple(values)) for name, values in check.headers.items()),
        tls_skip_verify=check.tls_skip_verify,
        tcp=check.tcp,
        args=tuple(check.args),
        docker_container=check.docker_container,
        deregister_after_s=check.deregister_after_s,
        body=check.body,
        success_before_passing=check.success_before_passing,
        failures_before_critical=check.failures_before_critical,
        output_max_size=check.output_max_size,
    )
