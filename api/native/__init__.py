"""Our own routes, on every listener: what no dialect has words for.

`cluster` shows the node and its members and changes its tags, `event` streams changes, `key` rotates the
keyring, `revocation` says who is out, `license` shows and renews the license, `token` says who may call,
`service` lists the services of the cluster, `probe` answers supervisors. Errors are JSON:
{"error": sentence, "code": CODE}.
"""

from quart_trio import QuartTrio

from api.access import Access
from api.fast_path import FastPath
from api.middleware import RequestCounter
from api.native.cluster import add_cluster_routes
from api.native.event import add_event_route
from api.native.key import add_key_routes
from api.native.license import add_license_routes
from api.native.probe import add_probe_routes
from api.native.revocation import add_revocation_routes
from api.native.service import add_service_routes
from api.native.token import add_token_routes
from api.view import NodeView

__all__ = ["add_native_routes"]


def add_native_routes(
    app: QuartTrio, view: NodeView, access: Access, counter: RequestCounter, fast_path: FastPath
) -> None:
    """Add them to an app; `access` reads tokens as that app's dialect does."""
    add_cluster_routes(app, view, access, fast_path)
    add_event_route(app, view, access)
    add_key_routes(app, view, access)
    add_revocation_routes(app, view, access)
    add_license_routes(app, view, access)
    add_token_routes(app, view, access)
    add_service_routes(app, view, access)
    add_probe_routes(app, view, access, counter, fast_path)
