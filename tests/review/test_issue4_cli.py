"""What `shoal peers` says of an agent's refusal, and whom it speaks of."""

from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner

from node.cli.root import shoal
from node.http_client import Answer, Client

ADDRESS = "10.0.0.2:7946"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Answer every request as a node that has left does, and note what was asked."""
    requests: list[tuple[str, str]] = []

    def exchange(_: Client, method: str, path: str, *more: Sequence[Any], **how: Any) -> Answer:
        requests.append((method, path))
        if method == "POST":
            return Answer(409, b'{"error": "this node has left the cluster: join it first", "code": "NOT_ACTIVE"}')
        return Answer(200, b'{"peer_id": "X", "version": 1, "is_active": false, "deactivated_at": "now"}')

    monkeypatch.setattr(Client, "exchange", exchange)
    return requests


def test_add_that_is_refused_is_no_success(asked: list[tuple[str, str]]) -> None:
    """Only ALREADY_EXISTS means that there is nothing to do: NOT_ACTIVE is a 409 too."""
    result = CliRunner().invoke(shoal, ["peers", "add", ADDRESS])
    assert asked == [("POST", "/v1/peers")]
    assert "in the cluster already" not in result.output
    assert result.exit_code == 1


def test_delete_of_self_does_not_make_the_agent_leave(asked: list[tuple[str, str]]) -> None:
    """`delete` takes an id; that a path means something else is not the operator's concern, `remove-self` is there."""
    result = CliRunner().invoke(shoal, ["peers", "delete", "self"])
    assert ("DELETE", "/v1/peers/self") not in asked
    assert result.exit_code != 0
