"""The HTTP/1.1 server: h11 under an accept loop of ours, for any ASGI app.

Reading order. `listener` binds a socket or says in one sentence why it cannot, and reads TLS files. `serve` accepts
connections, and ends them in order. `places` bounds how many are open, and chooses the one that goes when there are too
many. `transport` moves bytes, in clear or through TLS. `connection` serves one connection: requests that it has
answered before come from `replay`, all others go through h11 and, as an `exchange`, through the app. `wire` has the
bytes of heads, `malformed` the sentences for what is no request.

Hypercorn serves the same app (the tests do it), but not as an API that real programs ask: its status line has no
reason phrase and its header names are in lower case; it closes at 1,000 requests and cannot say which of too many
connections goes; it learns that a client is gone only where the app asks; and nothing can be answered before its
parser. All of that was built here once by overriding its private names, in as many lines as this takes.
"""

from api.server.listener import ListenConfig, ListenFailed, load_tls
from api.server.places import CONNECTIONS_MAX, WAITING_CONNECTIONS_MAX
from api.server.serve import serve

__all__ = ["CONNECTIONS_MAX", "WAITING_CONNECTIONS_MAX", "ListenConfig", "ListenFailed", "load_tls", "serve"]
