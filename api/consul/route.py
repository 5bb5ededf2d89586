"""Routes of a Consul: found by prefix, what follows is decoded once, and a head alone is had of the root only."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from quart_trio import QuartTrio
from werkzeug.routing import BaseConverter

from api.fast_path import RawRequest, current_request
from protocol.error import InvalidRequest

GET: Final = ("GET",)
PUT: Final = ("PUT",)
GET_PUT: Final = ("GET", "PUT")
"""What 0.7 served for every method and later versions only for PUT: clients of both ages are in use."""

ANY: Final = ("GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE")
"""Whatever is asked of the root, which says what answers here."""

Handler = Callable[..., Awaitable[Any]]
Row = tuple[str, Sequence[str], Handler]

_UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"


class Rest(BaseConverter):
    """All that follows a prefix: an id may begin with a slash, hold any letter, or be missing."""

    regex = "(?s:.*)"
    part_isolating = False
    weight = 300


class RestOfService(Rest):
    """All that follows /v1/agent/service/ but what other routes take: those refuse every method that is not theirs."""

    regex = r"(?s:(?!register\Z|deregister/|maintenance/).*)"


def prepare_routes(app: QuartTrio) -> None:
    """Teach an app the parts `<rest:...>` and `<rest_of_service:...>` of a rule."""
    app.url_map.converters["rest"] = Rest
    app.url_map.converters["rest_of_service"] = RestOfService


def add_routes(app: QuartTrio, rows: Sequence[Row]) -> None:
    """Add routes for exactly the methods given: werkzeug would add HEAD to GET, which a Consul refuses."""
    for rule, methods, handler in rows:
        endpoint = f"consul {rule} {handler.__name__}"
        made = app.url_rule_class(rule, methods=methods, endpoint=endpoint)
        if made.methods is not None and "HEAD" not in methods:
            made.methods.discard("HEAD")
        app.url_map.add(made)
        app.view_functions[endpoint] = handler


def check_readable(rest: str, raw: RawRequest | None = None) -> str:
    """Return what follows a prefix as it was decoded, in a request or in the one in hand.

    Raises:
        InvalidRequest: it is not UTF-8; replaced by a sign for that, two ids would be one.
    """
    if _UNREADABLE in rest:
        try:
            unquote_to_bytes((raw or current_request()).scope["raw_path"]).decode()
        except UnicodeDecodeError:
            raise InvalidRequest("the path is not percent-encoded UTF-8") from None
    return rest
