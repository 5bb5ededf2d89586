"""Whether a TCP connection can be made."""

import trio

from node.check.definition import CheckDefinition
from node.check.dial import DialError, dial
from node.check.outcome import Outcome, critical
from protocol.catalog.check import CheckStatus

NETWORK_TIMEOUT_S = 10.0


def network_timeout_s(definition: CheckDefinition) -> float:
    """Return how long a check waits, also beyond its interval: the next run comes an interval after this one."""
    return definition.timeout_s or NETWORK_TIMEOUT_S


async def check_tcp(definition: CheckDefinition) -> Outcome:
    """Connect, and hang up."""
    text = definition.tcp
    try:
        with trio.fail_after(network_timeout_s(definition)):
            stream = await dial(text)
    except trio.TooSlowError:
        return critical(f"dial tcp {text}: i/o timeout")
    except DialError as wrong:
        return critical(str(wrong))
    await trio.aclose_forcefully(stream)
    return Outcome(CheckStatus.PASSING, f"TCP connect {text}: Success")
