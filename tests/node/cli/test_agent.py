"""`shoal agent`: what reaches the node, and how its end reaches the shell."""

import os
import subprocess
import sys
import tomllib
import types
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from node import lifeline
from node.cli.root import COMMANDS
from node.config import Config
from node.version import VERSION
from tests.node.cli.conftest import Run
from tests.node.cli.fake_node import is_running, wait_for_end

ROOT = Path(__file__).parents[3]


@pytest.fixture
def configs(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """Stand in for the node: note the config, as given and as read again, and exit with code 3."""
    seen: list[Config] = []

    async def run_agent(config: Config, reload: Callable[[], Config]) -> int:
        seen.extend((config, reload()))
        return 3

    fake = types.ModuleType("node.agent")
    fake.run_agent = run_agent  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "node.agent", fake)
    monkeypatch.delenv("SHOAL_HTTP_ADDR")
    return seen


def test_agent_passes_settings_on_and_gives_the_nodes_exit_code(
    run: Run, configs: list[Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flags go before the environment; what the node returns is the exit code."""
    monkeypatch.setenv("SHOAL_NAME", "from-environ")
    monkeypatch.setenv("SHOAL_REGION", "north")

    result = run("agent", "--name", "n7", "--bind", "127.0.0.1:0", "--http", "off", "--data-dir", str(tmp_path),
                 "--join", "a:1", "--join", "b:2", "--tag", "k=v", "--log-json")  # fmt: skip

    assert result.exit_code == 3
    config, read_again = configs
    assert read_again == config
    assert (config.name, config.region, config.http) == ("n7", "north", None)
    assert config.join == ("a:1", "b:2")
    assert dict(config.tags) == {"k": "v"}
    assert config.log_json


@pytest.mark.parametrize(
    "words", [["--bind", "nowhere"], ["--profile", "moon"], ["--nope"], ["--tag", "x"], ["--config", "/no/such.toml"]]
)
def test_agent_refuses_wrong_settings_with_exit_code_2(run: Run, configs: list[Config], words: list[str]) -> None:
    """A sentence on stderr, nothing is started."""
    result = run("agent", *words)

    assert result.exit_code == 2
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr
    assert configs == []


def test_agent_refuses_an_unknown_variable(run: Run, configs: list[Config], monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the nearest known one."""
    monkeypatch.setenv("SHOAL_NAMEE", "x")

    result = run("agent")

    assert result.exit_code == 2
    assert "SHOAL_NAME" in result.stderr
    assert configs == []


def test_agent_path_imports_no_http_client_and_no_tables() -> None:
    """An agent without HTTP pays for click and the node alone."""
    program = (
        "import sys, types\n"
        "fake = types.ModuleType('node.agent')\n"
        "async def run_agent(config, reload): return 0\n"
        "fake.run_agent = run_agent\n"
        "sys.modules['node.agent'] = fake\n"
        "from node.cli.root import run\n"
        "try:\n"
        "    run(['agent', '--http', 'off', '--bind', '127.0.0.1:0'])\n"
        "finally:\n"
        "    unwanted = {'rich', 'http.client', 'quart', 'hypercorn', 'asyncio', 'urllib.request'}\n"
        "    print(sorted(unwanted & set(sys.modules)))\n"
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SHOAL_")}

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ)

    assert done.stdout.strip() == "[]"


def test_lifeline_ends_a_process_whose_parent_is_gone() -> None:
    """A parent that ended before the line was tied is noticed too: the process ends at once."""
    program = "from node import lifeline; lifeline.hold(); print('alive')"
    environ = os.environ | {lifeline.VARIABLE: "1" if os.getpid() != 1 else "2"}

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environ)

    assert (done.returncode, done.stdout) == (1, "")


def test_lifeline_ties_a_process_to_its_parent() -> None:
    """When the parent is killed, the child is gone; nobody had to tell it."""
    child = "from node import lifeline; import time; lifeline.hold(); print('held', flush=True); time.sleep(300)"
    parent = (
        "import os, subprocess, sys, time\n"
        f"environ = os.environ | {{{lifeline.VARIABLE!r}: str(os.getpid())}}\n"
        f"process = subprocess.Popen([sys.executable, '-c', {child!r}], env=environ, stdout=subprocess.PIPE)\n"
        "process.stdout.readline()\n"
        "print(process.pid, flush=True)\n"
        "time.sleep(300)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_running(pid)
        process.kill()
        process.wait()
        process.stdout.read()

    wait_for_end(pid)


def test_lifeline_does_nothing_where_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that a person starts outlives the shell."""
    environ = {"OTHER": "1"}
    monkeypatch.setattr(os, "_exit", pytest.fail)

    lifeline.hold(environ)

    assert environ == {"OTHER": "1"}


def test_every_command_of_the_table_exists() -> None:
    """The table's names and those of the commands are the same, and so is the first line of their help."""
    from node.cli.root import shoal

    for name in COMMANDS:
        command = shoal.get_command(click.Context(shoal), name)
        assert command is not None
        assert command.name == name
        assert command.help


def test_version_is_the_packages() -> None:
    """What the program prints is what is released."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project.get("version", VERSION) == VERSION
