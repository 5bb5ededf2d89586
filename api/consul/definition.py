"""What is registered, out of a request's body: every spelling of every age of Consul's clients.

Where a check names several kinds, the first of TTL, HTTP, TCP, Docker and script counts, as in 0.7, whose page shows
all of them in one example; but no kind counts that lacks its interval.
"""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Final

from api.consul.body import Fields
from api.consul.wording import (
    NAME_MISSING,
    SERVICE_ADDRESS_BAD,
    SERVICE_NAME_MISSING,
    SERVICE_STATUS_BAD,
    STATUS_BAD,
    TYPE_MISSING,
    quote,
)
from api.service_view import CheckDefinition, CheckStatus, ServiceDefinition
from protocol.address import PORT_MAX
from protocol.error import InvalidRequest

SHELL: Final = "/bin/sh"
WEIGHT_MAX: Final = 65_535

_STATUSES: Final = {status.value: status for status in CheckStatus}


def read_status(text: str) -> CheckStatus | None:
    """Read a status, exactly as written; None: it is none."""
    return _STATUSES.get(text)


def read_check(fields: Fields) -> CheckDefinition:
    """Read the body of /v1/agent/check/register.

    Raises:
        InvalidRequest: what Consul says, in its order: no name, a bad status, no usable kind.
    """
    name = fields.text("name")
    if not name:
        raise InvalidRequest(NAME_MISSING)
    check = _read_status_and_kind(fields, STATUS_BAD)
    return replace(check, id=fields.first_text("id", "checkid"), name=name, service_id=fields.text("serviceid"))


def read_service(fields: Fields) -> ServiceDefinition:
    """Read the body of /v1/agent/service/register; the checks are those of `Checks`, then `Check`.

    Raises:
        InvalidRequest: what Consul says: no name, an address that is none, a check's status or kind.
    """
    name = fields.text("name")
    if not name:
        raise InvalidRequest(SERVICE_NAME_MISSING)
    address = fields.text("address")
    if _is_any_address(address):
        raise InvalidRequest(SERVICE_ADDRESS_BAD)
    parts = fields.parts("checks")
    single = fields.part("check")
    if single is not None and not single.is_empty:
        parts.append(single)
    return ServiceDefinition(
        id=fields.text("id"),
        name=name,
        tags=fields.texts("tags"),
        address=address,
        port=_read_port(fields),
        meta=fields.text_map("meta"),
        enable_tag_override=fields.flag("enabletagoverride"),
        weights=_read_weights(fields.part("weights")),
        tagged_addresses={
            name: (part.text("address"), _read_port(part)) for name, part in fields.part_map("taggedaddresses").items()
        },
        checks=tuple(_read_service_check(part) for part in parts),
    )


def _read_service_check(fields: Fields) -> CheckDefinition:
    check = _read_status_and_kind(fields, SERVICE_STATUS_BAD)
    return replace(check, id=fields.first_text("checkid", "id"), name=fields.text("name"))


def _read_status_and_kind(fields: Fields, bad_status: str) -> CheckDefinition:
    wanted = fields.text("status")
    status = read_status(wanted)
    if wanted and status is None:
        raise InvalidRequest(bad_status)
    check = CheckDefinition(
        notes=fields.text("notes"),
        status=status,
        timeout_s=max(0.0, fields.duration_s("timeout")),
        deregister_after_s=max(0.0, fields.duration_s("deregistercriticalserviceafter")),
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
    if ttl_s > 0:
        return replace(check, ttl_s=ttl_s)
    if interval_s > 0:
        if http:
            return replace(
                check, interval_s=interval_s, http=http, method=method, headers=headers, tls_skip_verify=skips_verify
            )
        if tcp:
            return replace(check, interval_s=interval_s, tcp=tcp)
        if args:
            return replace(check, interval_s=interval_s, args=args, docker_container=docker)
    raise InvalidRequest(TYPE_MISSING)


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
    passing, warning = fields.integer("passing", 1), fields.integer("warning", 1)
    if not (1 <= passing <= WEIGHT_MAX and 0 <= warning <= WEIGHT_MAX):
        raise InvalidRequest(
            f"Invalid weights {passing} and {warning}: passing is 1 to {WEIGHT_MAX}, warning 0 to {WEIGHT_MAX}"
        )
    return passing, warning


def _is_any_address(text: str) -> bool:
    try:
        return ip_address(text).is_unspecified
    except ValueError:
        return False


def reserved_id(service_id: str) -> str:
    """Word the refusal of the id that every node's own service has."""
    return f"The service ID {quote(service_id)} is this node's own"
