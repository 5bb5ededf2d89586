"""The Peers API: who is in the cluster, brought in and put out by their addresses and ids.

`peer` has the routes. Tokens are read from `Authorization: Bearer` alone and always asked for; errors are JSON:
{"error": sentence, "code": CODE}.
"""

from api.peers.peer import add_peer_routes

__all__ = ["add_peer_routes"]
