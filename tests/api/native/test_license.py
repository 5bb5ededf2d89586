"""The license over HTTP."""

from dataclasses import replace

import pytest

from tests.api.asker import ADMIN, ask
from tests.api.fake_license import LICENSE
from tests.api.fake_view import FakeView

SHOWN = {
    "license_id": "acme",
    "identity": "acme@0d6677f06a8a3db0",
    "issuer": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "max_nodes": 5,
    "issued_at": "2023-11-14T22:13:20.000Z",
    "expires_at": "2027-01-15T08:00:00.500Z",
    "seats_taken": 3,
    "warnings": [],
}


def licensed() -> FakeView:
    """Give a node that runs under a license."""
    view = FakeView()
    view.licensing.license = LICENSE
    return view


async def test_license_of_an_open_node_is_null() -> None:
    """There is an answer, and nothing in it."""
    answer = await ask(FakeView(), "GET", "/v1/cluster/license")
    assert (answer.status, answer.json) == (200, {"license": None})


async def test_license_shown() -> None:
    """With seats and warnings; one that never expires has null there."""
    view = licensed()
    assert (await ask(view, "GET", "/v1/cluster/license")).json == {"license": SHOWN}
    view.licensing.license = replace(LICENSE, expires_at=None)
    view.licensing.said = ("7 members on license acme for 5",)
    shown = (await ask(view, "GET", "/v1/cluster/license?pretty")).json["license"]
    assert (shown["expires_at"], shown["warnings"]) == (None, ["7 members on license acme for 5"])


async def test_license_renewed() -> None:
    """The body is handed on as it is, spaces and all; the answer has the shape of the listing."""
    view = licensed()
    answer = await ask(view, "PUT", "/v1/cluster/license", ADMIN, b'renewal {"payload": "\xc3\xa4"}\n ')
    assert (answer.status, answer.json) == (200, {"license": SHOWN | {"max_nodes": 10}})
    assert view.licensing.applied == ['renewal {"payload": "\u00e4"}\n ']


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"renewal \xff", "not UTF-8"),
        (b'{"payload": 1}', "damaged or was edited"),
    ],
)
async def test_license_refused(body: bytes, sentence: str) -> None:
    """One sentence with 400, and nothing changes."""
    view = licensed()
    answer = await ask(view, "PUT", "/v1/cluster/license", ADMIN, body)
    assert (answer.status, answer.json["code"]) == (400, "INVALID_REQUEST")
    assert sentence in answer.json["error"]
    assert view.licensing.license == LICENSE


async def test_license_that_the_disk_does_not_take() -> None:
    """It is not in force, and the client is told why."""
    view = licensed()
    view.licensing.disk_is_full = True
    answer = await ask(view, "PUT", "/v1/cluster/license", ADMIN, b"renewal")
    assert (answer.status, answer.json["code"]) == (500, "NOT_STORED")
    assert view.licensing.license == LICENSE


async def test_license_is_renewed_by_an_admin_only() -> None:
    """Without a token 401, and the body is not looked at."""
    view = licensed()
    assert (await ask(view, "PUT", "/v1/cluster/license", body=b"renewal")).status == 401
    assert view.licensing.applied == []
