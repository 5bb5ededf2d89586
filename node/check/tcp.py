"""Whether a TCP connection can be made."""

import trio

from node.check.definition import CheckDefinition
from node.check.outcome import Outcome, critical, reason_of
from protocol.address import split_host_port
from protocol.catalog.check import CheckStatus

NETWORK_TIMEOUT_S = 10.0


def network_timeout_s(definition: CheckDefinition) -> float:
    """Give how long a check waits: its timeout if that is below its interval, else the interval, at most 10 s."""
    if 0 < definition.timeout_s < definition.interval_s:
        return definition.timeout_s
    return min(definition.interval_s, NETWORK_TIMEOUT_S)


async def check_tcp(definition: CheckDefinition) -> Outcome:
    """Connect, by IPv6 and IPv4 alike, and hang up."""
    text = definition.tcp
    try:
        host, port = split_host_port(text)
    except ValueError as wrong:
        return critical(f"dial tcp {text}: {wrong}")
    try:
        with trio.fail_after(network_timeout_s(definition)):
            stream = await trio.open_tcp_stream(host, port)
    except trio.TooSlowError:
        return critical(f"dial tcp {text}: i/o timeout")
    except (OSError, ValueError) as wrong:
        return critical(f"dial tcp {text}: connect: {reason_of(wrong)}")
    await trio.aclose_forcefully(stream)
    return Outcome(CheckStatus.PASSING, f"TCP connect {text}: Success")
