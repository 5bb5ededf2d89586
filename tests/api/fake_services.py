"""Services and checks that are all memory: satisfies `api.service_view.ServicesView`."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from api.answer import Problem
from api.service_view import (
    CheckDefinition,
    CheckStatus,
    CheckView,
    NoSuchService,
    NotTtl,
    ServiceDefinition,
    ServiceView,
)
from protocol.error import InvalidRequest

SERVICE_COUNT_MAX = 64
NODE = "n1"


def kind_of(check: CheckDefinition) -> str:
    """Name a check's kind; a definition has exactly one, or the test that made it is wrong."""
    given = {
        "ttl": check.ttl_s > 0,
        "http": bool(check.http),
        "tcp": bool(check.tcp),
        "docker": bool(check.docker_container),
        "script": bool(check.args) and not check.docker_container,
    }
    kinds = [kind for kind, is_given in given.items() if is_given]
    assert len(kinds) == 1, check
    assert kinds == ["ttl"] or check.interval_s > 0
    return kinds[0]


class FakeServices:
    """The services of a fake node; `calls` has every change asked for, `definitions` every check as it was given."""

    def __init__(self, calls: list[tuple[object, ...]], changed: Callable[[str], None]) -> None:
        """Note calls, and tell `changed` the name of each service whose answers change."""
        self._calls = calls
        self._changed = changed
        self._services: dict[str, ServiceView] = {}
        self._checks: dict[str, CheckView] = {}
        self.definitions: dict[str, CheckDefinition] = {}
        self.token_ids: list[str] = []
        """What each was registered with, in their order."""
        self.script_checks_enabled = True
        self.disk_is_full = False

    def services(self) -> Mapping[str, ServiceView]:
        """Give all."""
        return self._services

    def service(self, service_id: str) -> ServiceView | None:
        """Give one."""
        return self._services.get(service_id)

    def checks(self) -> Mapping[str, CheckView]:
        """Give all."""
        return self._checks

    def _begin(self, *call: object) -> None:
        if self.disk_is_full:
            raise Problem(500, "NOT_STORED", "state.db cannot be written: the disk is full")
        self._calls.append(call)

    async def register_service(self, service: ServiceDefinition, *, replace_checks: bool, token_id: str) -> None:
        """Register; a script where they are not enabled, and one service too many, are refused."""
        if len(self._services) >= SERVICE_COUNT_MAX:
            raise InvalidRequest(f"{SERVICE_COUNT_MAX} services, that is all there may be")
        self._check_scripts(service.checks)
        self._begin("register_service", service, replace_checks)
        self.token_ids.append(token_id)
        id = service.id or service.name
        self._services[id] = ServiceView(
            id,
            service.name,
            service.tags,
            service.address,
            service.port,
            service.meta,
            service.enable_tag_override,
            service.weights,
            service.tagged_addresses,
            21,
            22,
        )
        names = set()
        for number, check in enumerate(service.checks, 1):
            made = f"service:{id}" if len(service.checks) == 1 else f"service:{id}:{number}"
            name = check.name or f"Service '{service.name}' check"
            names.add(check.id or made)
            self._put(replace(check, id=check.id or made, name=name, service_id=id))
        if replace_checks:
            for check_id in [one.id for one in self._checks.values() if one.service_id == id and one.id not in names]:
                del self._checks[check_id]
        self._changed(service.name)

    async def deregister_service(self, service_id: str) -> bool:
        """Remove with its checks."""
        self._begin("deregister_service", service_id)
        gone = self._services.pop(service_id, None)
        if gone is None:
            return False
        self._checks = {id: check for id, check in self._checks.items() if check.service_id != service_id}
        self._changed(gone.name)
        return True

    async def register_check(self, check: CheckDefinition, *, token_id: str) -> None:
        """Register."""
        if check.service_id and check.service_id not in self._services:
            raise NoSuchService(check.service_id)
        self._check_scripts((check,))
        self._begin("register_check", check)
        self.token_ids.append(token_id)
        self._put(replace(check, id=check.id or check.name))
        self._changed(self._name(check.service_id))

    async def deregister_check(self, check_id: str) -> bool:
        """Remove."""
        self._begin("deregister_check", check_id)
        gone = self._checks.pop(check_id, None)
        if gone is not None:
            self._changed(gone.service_name)
        return gone is not None

    async def update_ttl(self, check_id: str, status: CheckStatus, output: str) -> None:
        """Change the state."""
        held = self._checks.get(check_id)
        if held is None or held.kind != "ttl":
            raise NotTtl(check_id)
        self._begin("update_ttl", check_id, status, output)
        self._checks[check_id] = replace(held, status=status, output=output)
        self._changed(held.service_name)

    async def set_maintenance(self, service_id: str | None, *, enabled: bool, reason: str, token_id: str) -> None:
        """Add or remove the check that says so."""
        if service_id is not None and service_id not in self._services:
            raise NoSuchService(service_id)
        self._begin("set_maintenance", service_id, enabled, reason)
        self.token_ids.append(token_id)
        id = "_node_maintenance" if service_id is None else f"_service_maintenance:{service_id}"
        name = "Node Maintenance Mode" if service_id is None else "Service Maintenance Mode"
        service_name = self._name(service_id or "")
        if not enabled:
            self._checks.pop(id, None)
        elif id not in self._checks:
            self._checks[id] = CheckView(
                NODE,
                id,
                name,
                CheckStatus.CRITICAL,
                reason,
                "",
                service_id or "",
                service_name,
                (),
                "maintenance",
                23,
                24,
            )
        self._changed(service_name)

    def _check_scripts(self, checks: tuple[CheckDefinition, ...]) -> None:
        if not self.script_checks_enabled and any(check.args for check in checks):
            raise InvalidRequest("Scripts are disabled on this agent")

    def _name(self, service_id: str) -> str:
        return self._services[service_id].name if service_id else ""

    def _put(self, check: CheckDefinition) -> None:
        held = self._checks.get(check.id)
        service = self._services.get(check.service_id)
        self.definitions[check.id] = check
        self._checks[check.id] = CheckView(
            node=NODE,
            id=check.id,
            name=check.name,
            status=held.status if held else check.status or CheckStatus.CRITICAL,
            notes=check.notes,
            output=held.output if held else "",
            service_id=check.service_id,
            service_name=service.name if service else "",
            service_tags=service.tags if service else (),
            kind=kind_of(check),
            create_index=23,
            modify_index=24,
        )
