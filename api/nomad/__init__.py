"""Nomad's agent API, as its page of 2017 and its clients know it.

`member` shapes the list, `config` and `stats` the answer of /v1/agent/self, `metric` /v1/metrics;
`agent` has the routes, `service` those of service discovery, with `selection` for its filters and pages; `region` is
what a request may be for. A node is both halves of a Nomad, client and server.
"""

from api.nomad.agent import add_nomad_routes

__all__ = ["add_nomad_routes"]
