"""The region that a request of Nomad's dialect names."""

from typing import Final

from api.answer import Problem
from api.query import Query
from api.view import NodeView

NO_PATH: Final = "No path to region"


def check_region(view: NodeView, query: Query) -> None:
    """Refuse a request for a region that no member is of, as a Nomad does that cannot pass it on.

    This node knows the members of all regions, so it answers for each of them itself.

    Raises:
        Problem: 500, as above.
    """
    region = query.first("region")
    if not region or region == view.local().region:
        return
    if all(member.region != region for member in view.members()):
        raise Problem(500, "FAILED", NO_PATH)
