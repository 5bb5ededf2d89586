"""Which region a request is for: a Nomad passes it on to another's servers, and refuses it where there are none."""

from typing import Final

from api.answer import Problem
from api.query import Query
from api.view import NodeView

NO_PATH: Final = "No path to region"


def check_region(view: NodeView, query: Query) -> None:
    """Refuse a request for a region that no member is in; a region of a member is answered from here, as all are.

    Raises:
        Problem: 500.
    """
    wanted = query.first("region")
    if wanted and wanted != view.local().region and all(member.region != wanted for member in view.members()):
        raise Problem(500, "FAILED", NO_PATH)
