"""Consul's HTTP API: its agent API as the page of 0.7 has it, and the read side of catalog, health and status.

Reading order. `route` finds a handler by prefix, `wording` has the sentences, `refusal` answers what no route takes.
The agent: `agent` (self, members, join, force-leave and the like), `service`, `check`, `maintenance`, `local_health`,
`host` and `monitor`; `definition` reads what is registered, out of the `body`. The catalog: `option` reads what all its
routes take, `directory` is what there is to list under such options, `block` waits for news, `listing` puts an answer
together; `catalog`, `health`, `coordinate`, `mesh` and `status` are the routes; `vacancy` answers for what a Consul
stores and a node here does not, `acl` for its tokens. `shape` makes Consul's JSON of the node's values.

What is accepted follows 0.7 (GET where it says so, unknown keys ignored), what is answered follows 1.x.
"""

from quart_trio import QuartTrio

from api.access import Access
from api.consul.acl import add_acl_routes
from api.consul.agent import Reload, add_agent_routes
from api.consul.catalog import add_catalog_routes
from api.consul.check import add_check_routes
from api.consul.coordinate import add_coordinate_routes
from api.consul.health import add_health_routes
from api.consul.host import add_host_route
from api.consul.listing import Lister
from api.consul.local_health import add_local_health_routes
from api.consul.maintenance import add_maintenance_routes
from api.consul.mesh import add_mesh_routes
from api.consul.monitor import add_monitor_route
from api.consul.route import prepare_routes
from api.consul.service import add_service_routes
from api.consul.status import add_status_routes
from api.consul.vacancy import add_vacancy_routes
from api.fast_path import FastPath
from api.middleware import RequestCounter
from api.view import NodeView

__all__ = ["add_consul_routes"]


def add_consul_routes(
    app: QuartTrio,
    view: NodeView,
    access: Access,
    counter: RequestCounter,
    fast_path: FastPath,
    reload: Reload | None = None,
) -> None:
    """Add the dialect to an app; `reload` reads the node's configuration again."""
    lister = Lister(view, access)
    prepare_routes(app)
    add_agent_routes(app, view, access, counter, fast_path, reload)
    add_host_route(app, access)
    add_monitor_route(app, access)
    add_service_routes(app, view, access)
    add_check_routes(app, view, access)
    add_maintenance_routes(app, view, access)
    add_local_health_routes(app, view, access)
    add_catalog_routes(app, view, access, lister, fast_path)
    add_health_routes(app, view, lister, fast_path)
    add_coordinate_routes(app, view, access, lister)
    add_mesh_routes(app, view, lister)
    add_vacancy_routes(app, view, lister)
    add_acl_routes(app, access)
    add_status_routes(app, view)
