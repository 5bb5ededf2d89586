"""The services, checks and nodes that the table of filters was asked over: the same for a real Consul and a fake node.

`n1` is the agent that is asked, `n2` another one of the cluster; `rack` is metadata of both nodes.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView

RACKS: Final = {"n1": "r1", "n2": "r2"}

_WEB: Final[Sequence[dict[str, Any]]] = (
    {
        "Name": "web",
        "ID": "w1",
        "Tags": ["v1", "primary", "a b", "10"],
        "Address": "10.0.0.1",
        "Port": 80,
        "Meta": {"team": "red", "a-b": "c", "version": "1.20", "true": "false"},
        "TaggedAddresses": {
            "lan": {"Address": "10.0.0.1", "Port": 80},
            "wan": {"Address": "192.0.2.1", "Port": 8443},
        },
        "Weights": {"Passing": 10, "Warning": 2},
        "EnableTagOverride": True,
        "Check": {"TTL": "24h", "Status": "passing", "Notes": "asks / and /health"},
    },
    {"Name": "web", "ID": "w2", "Port": 8080, "Check": {"TTL": "24h", "Status": "critical"}},
)
_DB: Final[Sequence[dict[str, Any]]] = (
    {
        "Name": "db",
        "ID": "db1",
        "Tags": ["Master", "v1"],
        "Port": 5432,
        "Meta": {"team": "blue"},
        "Checks": [{"TTL": "24h", "Status": "passing"}, {"TTL": "24h", "Status": "warning", "Name": "lag"}],
    },
)
SERVICES: Final = {
    "n1": (*_WEB, *_DB),
    "n2": (
        {
            "Name": "web",
            "ID": "w3",
            "Tags": ["v2"],
            "Port": 80,
            "Meta": {"team": "blue"},
            "Check": {"TTL": "24h", "Status": "passing"},
        },
        {"Name": "cache", "ID": "cache"},
    ),
}
CHECKS: Final = (
    {"Name": "disk", "ID": "disk", "TTL": "24h", "Status": "critical", "Notes": "root and home"},
    {"Name": "load", "ID": "load", "TTL": "24h", "Status": "passing"},
)
"""Of `n1` itself."""
OUTPUT: Final = ("disk", "92% full\n/home 14% \u00e9\u00e8 \\d")
"""A check that passes by now, and what it put out; without a new status, the output would spread minutes later."""


def entries(answer: Any) -> list[str]:
    """Return the sorted names of what an answer lists; each route's entries have other names."""
    if isinstance(answer, dict):
        inner = answer.get("Services", answer)
        answer = [{"ID": id} for id in inner] if isinstance(inner, dict) else inner
    return sorted(_entry(one) for one in answer or ())


def _entry(one: dict[str, Any]) -> str:
    if "Checks" in one:
        return f"{one['Node']['Node']}/{one['Service']['ID']}"
    names = [one.get(key) for key in ("Node", "ServiceID", "CheckID")] if "Service" not in one else [one["ID"]]
    if "CheckID" in one:
        names = [one["Node"], one["CheckID"]]
    return "/".join(name for name in names if name) or one["ID"]


async def make_view() -> FakeView:
    """Build the fake node `n1` with all of it."""
    view = FakeView(2)
    for body in SERVICES["n1"]:
        await ask_consul(view, "PUT", "/v1/agent/service/register", body)
    for check in CHECKS:
        await ask_consul(view, "PUT", "/v1/agent/check/register", check)
    check_id, output = OUTPUT
    update = {"Status": "passing", "Output": output}
    await ask_consul(view, "PUT", f"/v1/agent/check/update/{check_id}", update)
    other = FakeView(1)
    for body in SERVICES["n2"]:
        await ask_consul(other, "PUT", "/v1/agent/service/register", body)
    checks = other.services.checks().values()
    for service in other.services.services().values():
        own = [replace(check, node="n2") for check in checks if check.service_id == service.id]
        view.catalog.add_remote("n2", service, *own)
    return view
