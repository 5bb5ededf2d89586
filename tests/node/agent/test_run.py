"""The agent's process: what is done before the node speaks, and how each failure ends."""

import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest

from node.agent import run
from node.config import Config
from node.node import Node, NodeEnded
from node.seeds import Outcast
from node.store_error import StoreError
from protocol.error import InvalidRequest


def _raising(error: Exception) -> object:
    @asynccontextmanager
    async def bring_up(config: Config) -> AsyncIterator[Node]:
        raise error
        yield  # type: ignore[unreachable]

    return bring_up


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("the port is in use"),
        StoreError("the disk is full"),
        NodeEnded("its data directory was copied"),
        Outcast("the peer refuses"),
        ExceptionGroup("tasks", [ExceptionGroup("more", [Outcast("the peer refuses")])]),
    ],
)
async def test_known_failure_is_one_sentence_and_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    """What a node may end with is said in one line, however deep in groups; nothing is a traceback."""
    monkeypatch.setattr(run, "bring_up", _raising(error))
    config = Config.local(name="n1", data_dir=tmp_path, http="off", log_json=True)
    assert await run.run_agent(config) == 1
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("shoal: the ") or captured.err.startswith("shoal: its ")
    assert "Traceback" not in captured.out + captured.err


async def test_unknown_failure_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours comes out as it is."""
    monkeypatch.setattr(run, "bring_up", _raising(KeyError("a bug")))
    with pytest.raises(KeyError, match="a bug"):
        await run.run_agent(Config.local(name="n1", data_dir=tmp_path, http="off"))


@pytest.mark.parametrize("http", ["off", "127.0.0.1:0"])
async def test_http_is_imported_before_the_node_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, http: str
) -> None:
    """Importing takes 0.4 s: a stall, if the node had spoken before. Without HTTP nothing is imported."""
    imported: list[str] = []

    def import_module(name: str) -> ModuleType:
        imported.append(name)
        return importlib.import_module(name)

    monkeypatch.setattr(run, "import_module", import_module)
    monkeypatch.setattr(run, "bring_up", _raising(StoreError("here the node would speak")))
    await run.run_agent(Config.local(name="n1", data_dir=tmp_path, http=http))
    assert imported == ([] if http == "off" else ["node.agent.http"])
    assert http == "off" or "node.agent.http" in sys.modules
