"""What is registered, out of a request's body: every spelling of every age of Consul's clients.

Where a check names several kinds, the first of TTL, HTTP, TCP, Docker and script counts, as in 0.7, whose page shows
all of them in one example; but no kind counts that lacks its interval.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from api.consul.body import Fields
from api.consul.meta import read_meta
from api.consul.wording import (
    ALIAS_UNSERVED,
    GRPC_UNSERVED,
    INTERVAL_MISSING,
    NAME_MISSING,
    OUTPUT_SIZE_BAD,
    SERVICE_ADDRESS_BAD,
    SERVICE_NAME_MISSING,
    SERVICE_STATUS_BAD,
    STATUS_BAD,
    TTL_MISSING,
    quote,
)
from api.service_view import CheckDefinition, CheckStatus, ServiceDefinition
from protocol.address import PORT_MAX
from protocol.error import InvalidRequest

SHELL: Final = "/bin/sh"
WEIGHT_MAX: Final = 65_535
_ANY_ADDRESSES: Final = frozenset({"0.0.0.0", "::", "[::]"})
"""Where a service listens, and nobody finds it; exactly these are refused."""

_STATUSES: Final = {status.value: status for status in CheckStatus}


def read_status(text: str) -> CheckStatus | None:
    """Read a status, exactly as written; None: it is none."""
    return _STATUSES.get(text)


def read_check(fields: Fields) -> CheckDefinition:
    """Read the body of /v1/agent/check/register.

    Raises:
        InvalidRequest: what Consul says, in its order: no name, a bad status, no usable kind.
    """
    name = fields.name("name")
    if not name:
        raise InvalidRequest(NAME_MISSING)
    check = _read_status_and_kind(fields, STATUS_BAD)
    return replace(check, id=fields.first_name("id", "checkid"), name=name, service_id=fields.name("serviceid"))


def read_service(fields: Fields) -> ServiceDefinition:
    """Read the body of /v1/agent/service/register; the checks are those of `Checks`, then `Check`.

    Raises:
        InvalidRequest: what Consul says: no name, an address that is none, a check's status or kind.
    """
    name = fields.name("name")
    if not name:
        raise InvalidRequest(SERVICE_NAME_MISSING)
    address = fields.text("address")
    if address in _ANY_ADDRESSES:
        raise InvalidRequest(SERVICE_ADDRESS_BAD)
    parts = fields.parts("checks")
    single = fields.part("check")
    if single is not None and not single.is_empty:
        parts.append(single)
    return ServiceDefinition(
        id=fields.name("id"),
        name=name,
        tags=fields.texts("tags"),
        address=address,
        port=_read_port(fields),
        meta=read_meta(fields.text_map("meta")),
        enable_tag_override=fields.flag("enabletagoverride"),
        weights=_read_weights(fields.part("weights")),
        tagged_addresses={
            name: (part.text("address"), _read_port(part)) for name, part in fields.part_map("taggedaddresses").items()
        },
        checks=tuple(_read_service_check(part) for part in parts),
    )


def _read_service_check(fields: Fields) -> CheckDefinition:
    check = _read_status_and_kind(fields, SERVICE_STATUS_BAD)
    return replace(check, id=fields.first_name("checkid", "id"), name=fields.name("name"))


def _read_status_and_kind(fields: Fields, bad_status: str) -> CheckDefinition:
    wanted = fields.text("status")
    status = read_status(wanted)
    if wanted and status is None:
        raise InvalidRequest(bad_status)
    if fields.text("grpc"):
        raise InvalidRequest(GRPC_UNSERVED)
    if fields.text("aliasservice") or fields.text("aliasnode"):
        raise InvalidRequest(ALIAS_UNSERVED)
    output_max_size = fields.integer("outputmaxsize")
    if output_max_size < 0:
        raise InvalidRequest(OUTPUT_SIZE_BAD)
    check = CheckDefinition(
        notes=fields.text("notes"),
        status=status,
        timeout_s=max(0.0, fields.duration_s("timeout")),
        deregister_after_s=max(0.0, fields.duration_s("deregistercriticalserviceafter")),
        success_before_passing=max(0, fields.integer("successbeforepassing")),
        failures_before_critical=max(0, fields.integer("failuresbeforecritical")),
        output_max_size=output_max_size,
    )
    return _with_kind(check, fields)


def _with_kind(check: CheckDefinition, fields: Fields) -> CheckDefinition:
    """Fill in the one kind that counts."""
    ttl_s = fields.duration_s("ttl")
    interval_s = fields.duration_s("interval")
    http, tcp, docker = fields.text("http"), fields.text("tcp"), fields.text("dockercontainerid")
    args = _read_args(fields)
    headers = fields.texts_map("header")
    method = fields.text("method") or "GET"
    skips_verify = fields.flag("tlsskipverify")
    body = fields.text("body")
    if ttl_s > 0:
        return replace(check, ttl_s=ttl_s)
    if interval_s > 0:
        if http:
            check = replace(check, interval_s=interval_s, http=http, method=method, headers=headers, body=body)
            return replace(check, tls_skip_verify=skips_verify)
        if tcp:
            return replace(check, interval_s=interval_s, tcp=tcp)
        if args:
            return replace(check, interval_s=interval_s, args=args, docker_container=docker)
    raise InvalidRequest(INTERVAL_MISSING if http or tcp or args else TTL_MISSING)


def _read_args(fields: Fields) -> Sequence[str]:
    args = fields.texts("args") or fields.texts("scriptargs")
    script = fields.text("script")
    if args or not script:
        return args
    shell = fields.text("shell") if fields.text("dockercontainerid") else ""
    return (shell or SHELL, "-c", script)


def _read_port(fields: Fields) -> int:
    port = fields.integer("port")
    if not 0 <= port <= PORT_MAX:
        raise InvalidRequest(f"Invalid service port {port}: give 0 to {PORT_MAX}")
    return port


def _read_weights(fields: Fields | None) -> tuple[int, int]:
    if fields is None:
        return (1, 1)
    passing, warning = fields.integer("passing"), fields.integer("warning")
    if passing < 1:
        raise InvalidRequest("Invalid Weights: Passing must be greater than 0")
    if warning < 0:
        raise InvalidRequest("Invalid Weights: Warning must be greater or equal than 0")
    if max(passing, warning) > WEIGHT_MAX:
        raise InvalidRequest(f"Invalid Weights: DNS Weight must be between 0 and {WEIGHT_MAX}")
    return passing, warning


def reserved_id(service_id: str) -> str:
    """Word the refusal of the id that every node's own service has."""
    return f"The service ID {quote(service_id)} is this node's own"
