"""JSON out of a request's body, whatever its Content-Type says."""

import re
from typing import Final, TypeVar, cast

import msgspec
from quart import request

from protocol.error import InvalidRequest

Wanted = TypeVar("Wanted", bound=msgspec.Struct)

JSON_TYPES: Final = {
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "dict": "object",
    "list": "array",
    "None": "null",
}
"""What the decoder calls by its Python names."""

_TYPES: Final = re.compile(r"\A(Expected `)([^`]*)(`, got `)([^`]*)(`)")


def speak_json(sentence: str) -> str:
    """Put JSON's names of types for Python's in a sentence of the decoder; what it quotes of a body stays."""

    def name(types: str) -> str:
        return " | ".join(dict.fromkeys(JSON_TYPES.get(one, one) for one in types.split(" | ")))

    return _TYPES.sub(lambda found: found[1] + name(found[2]) + found[3] + name(found[4]) + found[5], sentence)


async def read_body(wanted: type[Wanted], empty: Wanted | None = None) -> Wanted:
    """Read the body of the request in hand; an empty one is `empty`, where that is given.

    Raises:
        InvalidRequest: not JSON, not UTF-8, nested beyond reason, or another shape.
    """
    body = cast(bytes, await request.get_data(as_text=False))
    if not body.strip():
        if empty is not None:
            return empty
        raise InvalidRequest("the body is empty, and this route reads JSON")
    try:
        body.decode()
        return msgspec.json.decode(body, type=wanted)
    except msgspec.ValidationError as wrong:
        found = speak_json(str(wrong))
        raise InvalidRequest(f"the body is not what this route reads: {found[:1].lower()}{found[1:]}") from None
    except msgspec.DecodeError:  # its words are of the parser, and some are wrong: "\ud800" is called truncated
        raise InvalidRequest("the body is not JSON") from None
    except UnicodeError:
        raise InvalidRequest("the body is not UTF-8") from None
    except RecursionError:
        raise InvalidRequest("the body is nested too deeply") from None
