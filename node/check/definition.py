"""How a check is run, as it was registered."""

from dataclasses import dataclass, replace
from typing import Self

from node.check.outcome import OUTPUT_SIZE_MAX
from protocol.catalog.check import Check, CheckKind, CheckStatus
from protocol.error import InvalidRequest

INTERVAL_MIN_S = 1.0
"""A check in a shorter interval is run once a second: a slip of the pen must not keep a machine busy."""
DEREGISTER_MIN_S = 60.0
"""A service that restarts must not vanish meanwhile."""
DURATION_MAX_S = 100 * 365 * 86_400.0
URL_LENGTH_MAX = 4_096


@dataclass(frozen=True, slots=True)
class CheckDefinition:
    """A check as its owner wants it; exactly one of ttl_s, http, tcp, docker_container and (alone) args is given."""

    id: str = ""
    name: str = ""
    notes: str = ""
    status: CheckStatus | None = None
    """The initial one; None: critical."""
    service_id: str = ""
    """Empty: it is about the whole node."""
    ttl_s: float = 0.0
    interval_s: float = 0.0
    timeout_s: float = 0.0
    """0: by the kind of check."""
    http: str = ""
    """URL."""
    method: str = "GET"
    headers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tls_skip_verify: bool = False
    tcp: str = ""
    """host:port."""
    args: tuple[str, ...] = ()
    docker_container: str = ""
    """Then `args` are run in it."""
    deregister_after_s: float = 0.0
    """0: never."""
    body: str = ""
    """Of an HTTP request."""
    success_before_passing: int = 0
    """How many runs in a row must pass or warn before the check does; 0 and 1: each counts. Not for TTL."""
    failures_before_critical: int = 0
    """How many runs in a row must fail before the check is critical; 0 and 1: each counts. Not for TTL."""
    output_max_size: int = 0
    """Bytes of an output that are kept, if fewer than 4,096; 0: those."""

    @property
    def kind(self) -> CheckKind:
        """How it comes to its status; NONE: nothing is given that says so."""
        if self.ttl_s:
            return CheckKind.TTL
        if self.http:
            return CheckKind.HTTP
        if self.tcp:
            return CheckKind.TCP
        if self.docker_container:
            return CheckKind.DOCKER
        return CheckKind.SCRIPT if self.args else CheckKind.NONE

    @property
    def output_size(self) -> int:
        """Bytes of an output that are kept, 1 to 4,096."""
        return min(self.output_max_size or OUTPUT_SIZE_MAX, OUTPUT_SIZE_MAX)

    @property
    def runs_programs(self) -> bool:
        """Whether it needs `enable_script_checks`."""
        return bool(self.args) or bool(self.docker_container)

    def checked(self) -> Self:
        """Return it with its times raised to the smallest that are served, if it can be run.

        Raises:
            InvalidRequest: one sentence, what is missing or out of bounds.
        """
        ways = [self.ttl_s != 0, bool(self.http), bool(self.tcp), bool(self.docker_container or self.args)]
        if ways.count(True) != 1:
            raise InvalidRequest(
                f"check {self.id!r} must have exactly one of a TTL, an HTTP address, a TCP address, or a program"
            )
        for what, value in (
            ("TTL", self.ttl_s),
            ("interval", self.interval_s),
            ("timeout", self.timeout_s),
            ("time until its service is deregistered", self.deregister_after_s),
        ):
            if not 0 <= value <= DURATION_MAX_S:  # NaN too
                raise InvalidRequest(f"check {self.id!r}: its {what} is not a time of 0 to 100 years")
        for what, count in (
            ("successes before it passes", self.success_before_passing),
            ("failures before it is critical", self.failures_before_critical),
            ("size of its output", self.output_max_size),
        ):
            if count < 0:
                raise InvalidRequest(f"check {self.id!r}: the {what} is {count}, at least 0")
        if self.kind is not CheckKind.TTL and not self.interval_s:
            raise InvalidRequest(f"check {self.id!r} must have an interval")
        if self.docker_container and not self.args:
            raise InvalidRequest(f"check {self.id!r} must say what to run in the container")
        if len(self.http) > URL_LENGTH_MAX:
            raise InvalidRequest(f"check {self.id!r}: a URL of {len(self.http)} characters, at most {URL_LENGTH_MAX}")
        return replace(
            self,
            interval_s=0.0 if self.kind is CheckKind.TTL else max(self.interval_s, INTERVAL_MIN_S),
            deregister_after_s=max(self.deregister_after_s, DEREGISTER_MIN_S) if self.deregister_after_s else 0.0,
        )

    def begin(self) -> Check:
        """Give the check as it stands before anything was heard.

        Raises:
            InvalidRequest: its texts are out of bounds.
        """
        status = self.status or CheckStatus.CRITICAL
        return Check(self.id, self.name, status, self.notes, "", self.service_id, self.kind).checked()

    def runs_like(self, other: "CheckDefinition") -> bool:
        """Tell whether another is run in the same way, whatever it is called."""
        return replace(self, name="", notes="", status=None) == replace(other, name="", notes="", status=None)
