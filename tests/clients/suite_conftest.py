"""The fixtures of py-consul's own tests, with an agent of ours where theirs starts a container.

`run_py_consul_suite` lays this beside a copy of those tests as their conftest.py, so it imports nothing of this project
(whose tests are a package of the same name). Each test gets an agent without a past, on port 8500: two tests ask there.
"""

import collections
import http.client
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Instance = collections.namedtuple("Instance", ["port", "version"])
PORT = 8500
START_TIMEOUT_S = 20.0


@pytest.fixture
def consul_instance(tmp_path: Path) -> Iterator[Instance]:
    """Run an agent for one test."""
    with _running(tmp_path) as instance:
        yield instance


@pytest.fixture
def acl_consul(tmp_path: Path) -> Iterator[Any]:
    """Run an agent with access control for one test; a client, the admin token, and the version."""
    consul = importlib.import_module("consul")
    with _running(tmp_path, "--acl") as instance:
        token = (tmp_path / "data" / "admin.token").read_text().strip()
        yield consul.Consul(port=instance.port), token, instance.version


@contextmanager
def _running(tmp_path: Path, *more: str) -> Iterator[Instance]:
    options = ("--bind", "127.0.0.1:0", "--http", "off", "--consul-http", f"127.0.0.1:{PORT}", "--profile", "local")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "agent", "--name", "n1", *options, "--enable-script-checks",
             "--data-dir", str(tmp_path / "data"), *more],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=os.environ["ROOT_OF_SHOAL"],
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        )  # fmt: skip
    try:
        yield Instance(PORT, _wait_version(process))
    finally:
        process.kill()
        process.wait()


def _wait_version(process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=2)
            connection.request("GET", "/v1/agent/self")
            answer = connection.getresponse()
            return str(json.loads(answer.read())["Config"]["Version"]) if answer.status == 200 else ""
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the agent did not start: is port 8500 taken?")


@pytest.fixture
def consul_port(consul_instance: Any) -> Any:
    """Give the port and the version, as the tests take them."""
    return consul_instance


@pytest.fixture
def consul_obj(consul_port: Any) -> Any:
    """Give a client, and the version."""
    consul = importlib.import_module("consul")
    port, version = consul_port
    return consul.Consul(port=port), version
