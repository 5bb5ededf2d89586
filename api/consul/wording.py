"""Sentences that Consul's clients and their tests know by heart."""

from typing import Final

from api.answer import ECHO_LENGTH_MAX, Problem
from protocol.escape import escape

TTL_MISSING: Final = "Invalid check: TTL must be > 0 for TTL checks"
INTERVAL_MISSING: Final = "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"
OUTPUT_SIZE_BAD: Final = "Invalid check: MaxOutputMaxSize must be positive"
GRPC_UNSERVED: Final = "Invalid check: gRPC checks are not run by this agent: use HTTP, TCP, TTL or a script"
ALIAS_UNSERVED: Final = "Invalid check: alias checks are not run by this agent: use HTTP, TCP, TTL or a script"
NAME_MISSING: Final = "Missing check name"
STATUS_BAD: Final = "Bad check status"
SERVICE_NAME_MISSING: Final = "Missing service name"
SERVICE_STATUS_BAD: Final = "Status for checks must 'passing', 'warning', 'critical'"
SERVICE_ADDRESS_BAD: Final = "Invalid service address"
SERVICE_ID_MISSING: Final = "Missing service ID"
ENABLE_MISSING: Final = "Missing value for enable"
NODE_NAME_MISSING: Final = "Missing node name"
STATE_MISSING: Final = "Missing check state"
CONFLICTING: Final = "Cannot specify ?stale with ?consistent, conflicting semantics."
NO_PATH: Final = "No path to datacenter"


def quote(text: str) -> str:
    """Quote a piece of a request as Go's %q does: between double quotes, on one line, and short."""
    cut = text if len(text) <= ECHO_LENGTH_MAX else text[:ECHO_LENGTH_MAX] + "..."
    return '"{}"'.format(one_line(cut).replace('"', '\\"'))


def one_line(text: str) -> str:
    """Return a text with escapes for each letter that would end a line, move a cursor, or shows nowhere."""
    return escape(text)


def failed(sentence: str) -> Problem:
    """Refuse as a Consul does whose handler returned an error: 500 with its text."""
    return Problem(500, "FAILED", sentence)
