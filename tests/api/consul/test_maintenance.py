"""Maintenance of the node and of its services, and the order in which a request is looked at."""

import pytest

from tests.api.asker import ask_consul
from tests.api.fake_view import FakeView

NODE = "/v1/agent/maintenance"
SERVICE = "/v1/agent/service/maintenance"


async def _with_service() -> FakeView:
    view = FakeView()
    await ask_consul(view, "PUT", "/v1/agent/service/register", {"Name": "web", "ID": "w/1"})
    view.calls.clear()
    return view


@pytest.mark.parametrize("word", ["1", "t", "T", "TRUE", "true", "True"])
async def test_maintenance_begins(word: str) -> None:
    """Clients write booleans in Go's and in Python's way; the reason is text."""
    view = await _with_service()
    assert (await ask_consul(view, "PUT", f"{NODE}?enable={word}&reason=a%20b")).status == 200
    answer = await ask_consul(view, "PUT", f"{SERVICE}/w%2F1?enable={word}")
    assert (answer.status, answer.body) == (200, b"")
    assert view.calls == [("set_maintenance", None, True, "a b"), ("set_maintenance", "w/1", True, "")]
    checks = (await ask_consul(view, "GET", "/v1/agent/checks")).json
    assert set(checks) == {"_node_maintenance", "_service_maintenance:w/1"}


@pytest.mark.parametrize("word", ["0", "f", "F", "FALSE", "false", "False"])
async def test_maintenance_ends(word: str) -> None:
    """And it ends the same way."""
    view = await _with_service()
    assert (await ask_consul(view, "PUT", f"{NODE}?enable={word}")).status == 200
    assert (await ask_consul(view, "PUT", f"{SERVICE}/w%2F1?enable={word}")).status == 200
    assert view.calls == [("set_maintenance", None, False, ""), ("set_maintenance", "w/1", False, "")]


@pytest.mark.parametrize("acl", [False, True])
@pytest.mark.parametrize(
    ("target", "status", "text"),
    [
        (NODE, 400, "Missing value for enable"),
        (f"{NODE}?enable=", 400, 'Invalid value for enable: ""'),
        (f"{NODE}?enable=yes", 400, 'Invalid value for enable: "yes"'),
        (f"{SERVICE}/", 400, "Missing service ID"),
        (f"{SERVICE}/?enable=x", 400, "Missing service ID"),
        (f"{SERVICE}/w", 400, "Missing value for enable"),
        (f"{SERVICE}/w?enable=tRue", 400, 'Invalid value for enable: "tRue"'),
    ],
)
async def test_maintenance_arguments_come_before_the_right(target: str, status: int, text: str, acl: bool) -> None:
    """What is wrong with the request is told to everybody."""
    view = await _with_service()
    answer = await ask_consul(view, "PUT", target, acl=acl)
    assert (answer.status, answer.text) == (status, text)
    assert view.calls == []


@pytest.mark.parametrize("word", ["true", "false"])
async def test_maintenance_right_comes_before_existence(word: str) -> None:
    """Whether there is such a service is told only to those who may know; 404 also to end what never began."""
    answer = await ask_consul(FakeView(), "PUT", f"{SERVICE}/x?enable={word}", acl=True)
    assert (answer.status, answer.text) == (403, "Permission denied")
    answer = await ask_consul(FakeView(), "PUT", f"{SERVICE}/x?enable={word}")
    assert (answer.status, answer.text) == (404, 'No service registered with ID "x"')


async def test_maintenance_takes_put_alone() -> None:
    """GET is 405 before anything else."""
    for target in (NODE, f"{SERVICE}/", f"{SERVICE}/x?enable=true"):
        answer = await ask_consul(FakeView(), "GET", target)
        assert (answer.status, answer.headers["allow"]) == (405, "OPTIONS,PUT")
