"""Asking a peer's HTTP address where it gossips: one bounded GET of /v1/cluster/identity.

The answer is believed only as far as an address goes: whoever answers the handshake there proves who it is.
"""

import h11
import msgspec
import trio

from node.stream_server import connect
from node.version import VERSION
from protocol.address import PORT_MAX, Address, parse_address

PATH = "/v1/cluster/identity"
LOOKUP_TIMEOUT_S = 4.0
"""For the whole of it: connection, request and answer, however it drips."""
HEAD_SIZE_MAX = 16_384
BODY_SIZE_MAX = 16_384
"""An identity takes some 300 bytes."""
RECEIVE_SIZE = 4_096


class LookupFailed(Exception):
    """No identity was found there; the text is one sentence."""


class _Identity(msgspec.Struct, frozen=True):
    address: str


async def look_up_gossip_address(address: Address) -> Address:
    """Ask an HTTP address for the gossip address of the node behind it.

    Raises:
        LookupFailed: nobody answers in time, not HTTP, not 200, over 16 KiB, or not an identity.
    """
    try:
        with trio.fail_after(LOOKUP_TIMEOUT_S):
            stream = await connect(address, LOOKUP_TIMEOUT_S)
            async with stream:
                body = await _get(stream, address)
    except trio.TooSlowError:
        raise LookupFailed(f"{address} did not give an HTTP answer within {LOOKUP_TIMEOUT_S:g} s") from None
    except (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
        raise LookupFailed(f"{address} broke the connection") from None
    except h11.RemoteProtocolError:
        raise LookupFailed(f"{address} does not speak HTTP") from None
    try:
        found = parse_address(msgspec.json.decode(body, type=_Identity).address)
    except (msgspec.DecodeError, ValueError, RecursionError):  # a ValidationError is a DecodeError
        found = Address("", 0)
    if not 0 < found.port <= PORT_MAX:
        raise LookupFailed(f"{address} answers HTTP, but is no node of Shoal's")
    return found


async def _get(stream: trio.SocketStream, address: Address) -> bytes:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_SIZE_MAX)
    headers = [("Host", str(address)), ("User-Agent", f"shoal/{VERSION}"), ("Connection", "close")]
    request = h11.Request(method="GET", target=PATH, headers=headers)
    await stream.send_all((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive_some(RECEIVE_SIZE))
        elif isinstance(event, h11.Response) and event.status_code != 200:
            raise LookupFailed(f"{address} answers HTTP with {event.status_code}, and is no node of Shoal's")
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > BODY_SIZE_MAX:
                raise LookupFailed(f"{address} answers HTTP with over {BODY_SIZE_MAX} bytes")
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED:
            return body
