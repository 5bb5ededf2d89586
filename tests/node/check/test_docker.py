"""Docker checks against a socket that speaks as Docker's does."""

import json
from pathlib import Path

import pytest
import trio

from node.check.docker import check_docker
from node.check.outcome import Outcome
from protocol.catalog.check import CheckStatus
from tests.node.check.sample import Answer, definition, serving

CHECK = definition(docker_container="web/1", args=("/bin/check", "-v"))


def _json(status: str, body: object) -> bytes:
    data = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def _frame(stream: int, text: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(text).to_bytes(4, "big") + text


def _docker(**answers: bytes) -> Answer:
    """Answer as Docker does: `create`, `start` and `inspect` may be given."""
    stream_head = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
    usual = {
        "create": _json("201 Created", {"Id": "abc1"}),
        "start": stream_head + _frame(1, b"out ") + _frame(2, b"err"),
        "inspect": _json("200 OK", {"ExitCode": 0, "Running": False}),
    }
    wanted = {
        b"POST /containers/web%2F1/exec HTTP/1.1": "create",
        b"POST /exec/abc1/start HTTP/1.1": "start",
        b"GET /exec/abc1/json HTTP/1.1": "inspect",
    }

    async def answer(stream: trio.abc.Stream, head: bytes) -> None:
        name = wanted[head.split(b"\r\n")[0]]
        data = (usual | answers)[name]
        for start in range(0, len(data), 7):  # frames are cut anywhere
            await stream.send_all(data[start : start + 7])

    return answer


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name a socket as Docker's."""
    path = str(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


@pytest.mark.parametrize(
    ("code", "status"), [(0, CheckStatus.PASSING), (1, CheckStatus.WARNING), (126, CheckStatus.CRITICAL)]
)
async def test_docker_exit_code_decides(path: str, code: int, status: CheckStatus) -> None:
    """Both outputs are kept, in their order, without Docker's frames."""
    async with serving(_docker(inspect=_json("200 OK", {"ExitCode": code})), path=path) as server:
        assert await check_docker(CHECK) == Outcome(status, "out err")
    assert json.loads(server.bodies[0]) == {"AttachStdout": True, "AttachStderr": True, "Cmd": ["/bin/check", "-v"]}
    assert json.loads(server.bodies[1]) == {"Detach": False, "Tty": False}


async def test_docker_long_output_is_kept_to_its_end(path: str) -> None:
    """As that of a script."""
    start = b"HTTP/1.1 200 OK\r\n\r\n" + _frame(1, b"a" * 5_000) + _frame(1, b"b" * 4_000)
    async with serving(_docker(start=start), path=path):
        outcome = await check_docker(CHECK)
    assert outcome.output == "Captured 4096 of 9000 bytes\n...\n" + "a" * 96 + "b" * 4_000


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"create": _json("404 Not Found", {"message": "No such container: web/1"})}, "404: No such container: web/1"),
        ({"create": _json("201 Created", {"Id": "../../x"})}, "without an id"),
        ({"create": _json("201 Created", [])}, "no JSON object"),
        ({"start": b"HTTP/1.1 409 Conflict\r\n\r\npaused"}, "409: paused"),
        ({"inspect": _json("200 OK", {"ExitCode": None})}, "exit code"),
        ({"inspect": b"SMTP"}, "Docker cannot be asked"),
        ({"inspect": _json("200 OK", {"x": "y" * 200_000})}, ""),
    ],
    ids=str,
)
async def test_docker_refusal_is_critical(path: str, answers: dict[str, bytes], words: str) -> None:
    """Its reason is the output."""
    async with serving(_docker(**answers), path=path):
        outcome = await check_docker(CHECK)
    assert outcome.status is CheckStatus.CRITICAL
    assert words in outcome.output


async def test_docker_is_not_there(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket, or one that is not spoken to: critical, with the reason."""
    outcome = await check_docker(CHECK)
    assert outcome == Outcome(CheckStatus.CRITICAL, "Docker cannot be asked: no such file or directory")
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
    assert "only a Unix socket" in (await check_docker(CHECK)).output


async def test_docker_program_that_hangs_is_critical(path: str) -> None:
    """Its timeout ends the waiting."""

    async def hang(stream: trio.abc.Stream, head: bytes) -> None:
        await trio.sleep_forever()

    async with serving(hang, path=path):
        outcome = await check_docker(definition(docker_container="web/1", args=("x",), timeout_s=0.1))
    assert outcome == Outcome(CheckStatus.CRITICAL, "Timed out (100ms) running check")
