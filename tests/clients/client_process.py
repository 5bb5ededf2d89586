"""A Consul client in a process of its own, as a test drives it: one call a line."""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

HERE = Path(__file__).resolve().parent
CLIENTS = HERE.parents[1] / ".clients"
"""Where `make clients` puts them."""
MODULES: Final = {
    "py-consul": "consul",
    "python-consul": "consul",
    "python-consul2": "consul",
    "consulate": "consulate",
}
"""The Python clients: package and top-level module."""
NPM: Final = "npm-consul"
ANSWER_TIMEOUT_S = 20.0
"""For one call, with the start of its interpreter."""


class ClientError(Exception):
    """A call raised in its client: the exception's class, and its text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


class ClientProcess:
    """One client, asked over its standard input and output."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environ}, text=True
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def call(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method and wait for what it returns.

        Raises:
            ClientError: the client raised.
        """
        self.begin(path, *args, **kwargs)
        return self.finish()

    def begin(self, path: str, *args: Any, **kwargs: Any) -> None:
        """Call a method and do not wait: for a query that blocks."""
        self.send({"call": path, "args": args, "kwargs": kwargs})

    def finish(self, timeout_s: float = ANSWER_TIMEOUT_S) -> Any:
        """Wait for what the method called last returns."""
        answer = self.next_line(timeout_s)
        if "error" in answer:
            raise ClientError(answer["error"], answer["text"])
        return answer["value"]

    def send(self, order: dict[str, Any]) -> None:
        """Write a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def next_line(self, timeout_s: float = ANSWER_TIMEOUT_S) -> dict[str, Any]:
        """Wait for a line."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise AssertionError(f"the client said nothing within {timeout_s:g} s") from None
        assert line, "the client's process ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def wait_line(self, timeout_s: float, is_it: Any) -> list[dict[str, Any]]:
        """Wait for a line of which something is so; all lines up to it."""
        until, lines = time.monotonic() + timeout_s, []
        while True:
            lines.append(self.next_line(max(0.01, until - time.monotonic())))
            if is_it(lines[-1]):
                return lines

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()


@contextmanager
def running_client(name: str, port: int) -> Iterator[ClientProcess]:
    """Run a client of the agent at a port of loopback; skip the test where the client is not installed."""
    if name == NPM:
        if shutil.which("node") is None:
            pytest.skip("node is not on this machine")
        folder = _folder(name) / "node_modules"
        command, environ = ["node", str(HERE / "npm_driver.js"), str(port)], {"NODE_PATH": str(folder)}
    else:
        folder = _folder(name)
        command = [sys.executable, str(HERE / "python_driver.py"), MODULES[name], str(port)]
        environ = {"PYTHONPATH": str(folder), "PYTHONWARNINGS": "ignore"}
    client = ClientProcess(command, environ)
    try:
        yield client
    finally:
        client.close()


def _folder(name: str) -> Path:
    if not (CLIENTS / name).is_dir():
        pytest.skip(f"{name} is not installed: `make clients` does it")
    return CLIENTS / name
