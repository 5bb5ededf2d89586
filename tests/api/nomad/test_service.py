"""Nomad's service discovery, as Prometheus reads it."""

import pytest

from api.token_view import Scope
from tests.api.asker import ask
from tests.api.fake_catalog import remote_service
from tests.api.fake_tokens import token_of
from tests.api.fake_view import FakeView

QUERY = "?namespace=default&region=global&stale="


def _with_services() -> FakeView:
    view = FakeView()
    view.catalog.add_remote("n2", remote_service("db1", "db", ("v1",)))
    view.catalog.add_remote("n3", remote_service("db1", "db", ("v2",), port=9_001))
    view.catalog.add_remote("n3", remote_service("a/b"))
    return view


async def test_services_as_prometheus_asks() -> None:
    """One namespace, each service with all its tags; none where nothing is registered."""
    answer = await ask(_with_services(), "GET", f"/v1/services{QUERY}")
    assert answer.json == [
        {
            "Namespace": "default",
            "Services": [{"ServiceName": "a/b", "Tags": []}, {"ServiceName": "db", "Tags": ["v1", "v2"]}],
        }
    ]
    assert (await ask(FakeView(), "GET", "/v1/services")).json == []


async def test_service_instances() -> None:
    """Every key a client reads; an address that was not given is the node's, and the ids differ."""
    instances = (await ask(_with_services(), "GET", f"/v1/service/db{QUERY}")).json
    assert instances[0] == {
        "ID": instances[0]["ID"],
        "ServiceName": "db",
        "Namespace": "default",
        "NodeID": instances[0]["NodeID"],
        "Datacenter": "dc1",
        "JobID": "",
        "AllocID": "",
        "Tags": ["v1"],
        "Address": "127.0.0.1",
        "Port": 9_000,
        "CreateIndex": 31,
        "ModifyIndex": 32,
    }
    assert len({one["ID"] for one in instances}) == 2
    assert [one["Port"] for one in instances] == [9_000, 9_001]


@pytest.mark.parametrize(("path", "count"), [("a%2Fb", 1), ("nobody", 0), ("db?namespace=*", 2), ("db?namespace=x", 0)])
async def test_service_by_name(path: str, count: int) -> None:
    """A name is decoded once; an unknown one, or another namespace, is an empty list."""
    answer = await ask(_with_services(), "GET", f"/v1/service/{path}")
    assert (answer.status, len(answer.json)) == (200, count)


async def test_other_namespace_has_nothing() -> None:
    """There is one namespace."""
    assert (await ask(_with_services(), "GET", "/v1/services?namespace=x")).json == []
    assert len((await ask(_with_services(), "GET", "/v1/services?namespace=*")).json) == 1


async def test_service_without_name() -> None:
    """The prefix alone is 400."""
    assert (await ask(FakeView(), "GET", "/v1/service/")).status == 400


@pytest.mark.parametrize("path", ["/v1/services", "/v1/service/db"])
async def test_headers_and_parameters(path: str) -> None:
    """The headers of a Nomad; parameters that mean nothing here are let pass, and nothing waits."""
    for query in ("", "index=5&wait=60000ms", "filter=x&choose=1|a&prefix=d", "stale="):
        answer = await ask(_with_services(), "GET", f"{path}?{query}")
        assert answer.status == 200
        assert int(answer.headers["x-nomad-index"]) > 0
        assert answer.headers["x-nomad-lastcontact"] == "0"
        assert answer.headers["x-nomad-knownleader"] == "true"
    assert (await ask(_with_services(), "GET", f"{path}?wait=x")).status == 400
    assert (await ask(_with_services(), "POST", path)).status == 405


async def test_right() -> None:
    """With access control lists reading services is a right, and without it nothing is listed."""
    assert (await ask(_with_services(), "GET", "/v1/services", acl=True)).status == 403
    headers = {"X-Nomad-Token": token_of(Scope.SERVICE_READ)}
    assert (await ask(_with_services(), "GET", "/v1/services", headers, acl=True)).status == 200
