"""Consul's access control lists: there are none of its kind, and those that there are have routes of their own."""

from typing import Final

from quart import Response
from quart_trio import QuartTrio

from api.access import Access
from api.answer import Problem
from api.consul.route import add_routes

METHODS: Final = ("GET", "PUT", "DELETE", "POST")
DISABLED: Final = "ACL support disabled"
ELSEWHERE: Final = "tokens are made, listed and revoked at /v1/cluster/tokens, by an admin's token"


def add_acl_routes(app: QuartTrio, access: Access) -> None:
    """Refuse all that is under /v1/acl."""

    async def refuse(rest: str) -> Response:
        """Refuse as a Consul without access control lists; with them, as one that has not this kind.

        Raises:
            Problem: 401 or 404.
        """
        del rest
        if access.enforces:
            raise Problem(404, "NOT_FOUND", f"there are no policies and roles here: {ELSEWHERE}")
        raise Problem(401, "DISABLED", DISABLED)

    add_routes(app, (("/v1/acl/<rest:rest>", METHODS, refuse),))
