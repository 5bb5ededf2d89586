"""What a program inside a Docker container says: an exec is made, started, and asked for its exit code."""

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import trio

from node.check.definition import CheckDefinition
from node.check.exchange import Ask, Exchange, NoHttp
from node.check.outcome import Outcome, Tail, critical, exit_status, reason_of, show_duration
from node.check.script import program_timeout_s

DEFAULT_SOCKET = "/var/run/docker.sock"
SOCKET_VARIABLE = "DOCKER_HOST"
_UNIX = "unix://"
_FRAME_HEAD_SIZE = 8
"""Which stream (1 byte), three zeros, and the size of what follows (4 bytes, big-endian)."""
ANSWER_SIZE_MAX = 65_536


class DockerRefused(Exception):
    """Docker did not do what it was asked; the text is one sentence."""


async def check_docker(definition: CheckDefinition) -> Outcome:
    """Run the check's program in its container once: exit code 0 passing, 1 warning, else critical.

    A program whose time is up runs on in its container: Docker has no word to end it.
    """
    timeout_s = program_timeout_s(definition)
    try:
        with trio.fail_after(timeout_s):
            return await _run(definition)
    except trio.TooSlowError:
        return critical(f"Timed out ({show_duration(timeout_s)}) running check")
    except DockerRefused as wrong:
        return critical(str(wrong))
    except (OSError, NoHttp, trio.BrokenResourceError) as wrong:
        return critical(f"Docker cannot be asked: {reason_of(wrong)}")


async def _run(definition: CheckDefinition) -> Outcome:
    container = quote(definition.docker_container, safe="")
    wanted = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(definition.args)}
    made = await _call("POST", f"/containers/{container}/exec", wanted, (201,))
    id = made.get("Id")
    if not isinstance(id, str) or not id.isalnum():
        raise DockerRefused("Docker made an exec without an id")
    tail = Tail(definition.output_size)
    frames = _Frames(tail)
    await _talk("POST", f"/exec/{id}/start", {"Detach": False, "Tty": False}, (200, 101), frames.take, float("inf"))
    found = await _call("GET", f"/exec/{id}/json", None, (200,))
    code = found.get("ExitCode")
    if type(code) is not int:
        raise DockerRefused("Docker does not tell the exit code")
    return Outcome(exit_status(code), tail.text())


async def _call(method: str, path: str, body: object, wanted: tuple[int, ...]) -> dict[str, Any]:
    """Ask for a JSON object.

    Raises:
        DockerRefused: another status, or something else came.
    """
    answer = bytearray()
    await _talk(method, path, body, wanted, answer.extend, ANSWER_SIZE_MAX)
    try:
        return msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.DecodeError:
        raise DockerRefused("what Docker answered is no JSON object") from None


async def _talk(
    method: str,
    path: str,
    body: object,
    wanted: tuple[int, ...],
    take_body: Callable[[bytes], None],
    received_max: float,
) -> None:
    data = b"" if body is None else msgspec.json.encode(body)
    headers = [("Host", "docker"), ("Connection", "close")]
    if data:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
    exchange = Exchange(Ask(method, path.encode(), headers, data))
    said = bytearray()

    def take(part: bytes) -> None:
        if exchange.reply.status in wanted:
            take_body(part)
        else:
            said.extend(part[: ANSWER_SIZE_MAX - len(said)])

    stream = await trio.open_unix_socket(_socket_path())
    try:
        await exchange.run(stream, take, received_max=received_max)
    finally:
        await trio.aclose_forcefully(stream)
    if exchange.reply.status not in wanted:
        raise DockerRefused(f"Docker answered {exchange.reply.status}: {_message(bytes(said))}")


def _socket_path() -> str:
    """Give the path of Docker's socket.

    Raises:
        DockerRefused: `DOCKER_HOST` names something else than a Unix socket.
    """
    host = os.environ.get(SOCKET_VARIABLE, "")
    if host and not host.startswith(_UNIX):
        raise DockerRefused(
            f"{SOCKET_VARIABLE} is {host}: only a Unix socket is spoken to, as in unix://{DEFAULT_SOCKET}"
        )
    return host.removeprefix(_UNIX) or DEFAULT_SOCKET


def _message(answer: bytes) -> str:
    try:
        return str(msgspec.json.decode(answer, type=dict[str, Any]).get("message", ""))
    except msgspec.DecodeError:
        return answer[:200].decode(errors="replace")


class _Frames:
    """Take the frames apart in which Docker sends what a program writes to its two outputs."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._head = bytearray()
        self._left = 0

    def take(self, data: bytes) -> None:
        """Take what came next, wherever it was cut."""
        while data:
            if self._left:
                part = data[: self._left]
                self._tail.add(part)
                self._left -= len(part)
                data = data[len(part) :]
                continue
            missing = _FRAME_HEAD_SIZE - len(self._head)
            self._head += data[:missing]
            data = data[missing:]
            if len(self._head) == _FRAME_HEAD_SIZE:
                self._left = int.from_bytes(self._head[4:], "big")
                self._head.clear()
