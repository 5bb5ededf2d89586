"""What the façade needs of a node to serve Consul's agent API: the services and checks that the node owns itself.

All text is UTF-8. Ids may hold any character, slashes and spaces too. Times are seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class CheckStatus(Enum):
    """What a check says."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class CheckDefinition:
    """How a check is run; exactly one of ttl_s, http, tcp, script and docker_container is given."""

    id: str = ""
    """Empty: the name's, or of a service's check `service:<id>` or `service:<id>:<n>`."""
    name: str = ""
    notes: str = ""
    status: CheckStatus | None = None
    """The initial one; None: critical."""
    service_id: str = ""
    ttl_s: float = 0.0
    interval_s: float = 0.0
    """Below 1 s it is raised to 1 s."""
    timeout_s: float = 0.0
    """0: by the kind of check. It may be longer than the interval."""
    http: str = ""
    method: str = "GET"
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tls_skip_verify: bool = False
    tcp: str = ""
    """host:port."""
    args: Sequence[str] = ()
    """A program with its arguments; or, from `Script`, ("/bin/sh", "-c", text)."""
    docker_container: str = ""
    """Then `args` run in it."""
    deregister_after_s: float = 0.0
    """0: never; below 60 s it is raised to 60 s. Only for checks of a service."""
    body: str = ""
    """Of an HTTP request."""
    success_before_passing: int = 0
    """How many runs in a row must pass or warn before the check does; 0 and 1: each counts. Not for TTL."""
    failures_before_critical: int = 0
    """How many runs in a row must fail before the check is critical; 0 and 1: each counts. Not for TTL."""
    output_max_size: int = 0
    """Bytes of an output that are kept, if fewer than 4,096; 0: those."""


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """A service to be registered."""

    id: str
    """Empty: the name."""
    name: str
    tags: tuple[str, ...] = ()
    address: str = ""
    port: int = 0
    meta: Mapping[str, str] = field(default_factory=dict)
    enable_tag_override: bool = False
    weights: tuple[int, int] = (1, 1)
    """Passing, warning."""
    tagged_addresses: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Address and port as they are from elsewhere, by the name of where (`lan`, `wan` or any other)."""
    checks: tuple[CheckDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service as it stands."""

    id: str
    name: str
    tags: tuple[str, ...]
    address: str
    port: int
    meta: Mapping[str, str]
    enable_tag_override: bool
    weights: tuple[int, int]
    tagged_addresses: Mapping[str, tuple[str, int]]
    create_index: int = 0
    modify_index: int = 0


@dataclass(frozen=True, slots=True)
class CheckView:
    """A check as it stands."""

    node: str
    """The node's shown name."""
    id: str
    name: str
    status: CheckStatus
    notes: str
    output: str
    service_id: str
    service_name: str
    service_tags: tuple[str, ...]
    kind: str
    """ttl, http, tcp, script, docker, maintenance, or empty (serfHealth)."""
    create_index: int = 0
    modify_index: int = 0


class NoSuchService(Exception):
    """There is no service of that id here."""


class NotTtl(Exception):
    """There is no check of that id here, or it is no TTL check."""


class ServicesView(Protocol):
    """The node's own services and checks. What an `async` method returned from is on disk.

    `token_id` is the id of the token that something is registered with, kept beside it; empty: none was asked for.
    """

    @property
    def script_checks_enabled(self) -> bool:
        """Whether checks may run programs (`enable_script_checks`)."""
        ...

    def services(self) -> Mapping[str, ServiceView]:
        """Give the services by id."""
        ...

    def service(self, service_id: str) -> ServiceView | None:
        """Give one service; None: there is none of that id."""
        ...

    def checks(self) -> Mapping[str, CheckView]:
        """Give the checks by id, maintenance among them."""
        ...

    async def register_service(self, service: ServiceDefinition, *, replace_checks: bool, token_id: str) -> None:
        """Register a service with its checks, or replace it; checks of the same id keep their state.

        With `replace_checks` its checks that are not named any more go.

        Raises:
            InvalidRequest: out of bounds (count, size of one, bytes in all), or scripts are not enabled.
            Problem: 500 NOT_STORED. So in all that follow.
        """
        ...

    async def deregister_service(self, service_id: str) -> bool:
        """Remove a service with all its checks; False: there is none."""
        ...

    async def register_check(self, check: CheckDefinition, *, token_id: str) -> None:
        """Register a check, or replace it.

        Raises:
            NoSuchService: its service_id names none.
            InvalidRequest: as `register_service`.
        """
        ...

    async def deregister_check(self, check_id: str) -> bool:
        """Remove a check; False: there is none."""
        ...

    async def update_ttl(self, check_id: str, status: CheckStatus, output: str) -> None:
        """Take what a TTL check's owner says, and begin its time anew; of a long output the first bytes are kept.

        A status that it repeats may be on the disk a second later.

        Raises:
            NotTtl: as it says.
            Problem: 500 NOT_STORED; it counts all the same.
        """
        ...

    async def set_maintenance(self, service_id: str | None, *, enabled: bool, reason: str, token_id: str) -> None:
        """Put a service, or with None the node, into maintenance or out of it; a second enable keeps the first reason.

        Raises:
            NoSuchService: as it says.
        """
        ...
