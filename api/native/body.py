"""JSON out of a request's body, whatever its Content-Type says."""

from typing import TypeVar

import msgspec
from quart import request

from protocol.error import InvalidRequest

Wanted = TypeVar("Wanted", bound=msgspec.Struct)


async def read_body(wanted: type[Wanted], empty: Wanted | None = None) -> Wanted:
    """Read the body of the request in hand; an empty one is `empty`, where that is given.

    Raises:
        InvalidRequest: not JSON, not UTF-8, nested beyond reason, or another shape.
    """
    body = await request.get_data(as_text=False)
    if empty is not None and not body.strip():
        return empty
    try:
        return msgspec.json.decode(body, type=wanted)
    except (msgspec.DecodeError, ValueError, RecursionError) as wrong:
        raise InvalidRequest(f"the body is not what this route reads: {wrong}") from None
