"""An agent that cannot start: one plain sentence on stderr, and the exit code."""

import os
import socket
import sqlite3
from pathlib import Path

import pytest

from node.new_key_file import write_key_file
from node.store import DATABASE_NAME
from tests.end_to_end.agent_process import AgentProcess, run_shoal

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def agent(tmp_path: Path) -> AgentProcess:
    """Prepare an agent of a cluster of its own."""
    return AgentProcess("n1", tmp_path, ("--profile", "local"))


def _refusal(agent: AgentProcess, *more: str) -> tuple[int, str]:
    """Start an agent that must end; its exit code and the one line it said to people."""
    agent.spawn(*more)
    try:
        code = agent.wait_end()
    finally:
        agent.kill()
    lines = agent.stderr().strip().splitlines()
    assert len(lines) == 1, agent.last_words()
    assert lines[0].startswith("shoal: ")
    return code, lines[0]


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def test_gossip_port_in_use_is_said(agent: AgentProcess, kind: int) -> None:
    """A gossip port that another socket holds, TCP or UDP, is named."""
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        agent.bind = f"127.0.0.1:{holder.getsockname()[1]}"
        code, line = _refusal(agent)
    assert code == 1
    assert f"gossip cannot listen on {agent.bind}: the port is in use" in line


def test_http_port_in_use_is_said(agent: AgentProcess) -> None:
    """An HTTP port that another socket holds is named."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        agent.http_bind = f"127.0.0.1:{holder.getsockname()[1]}"
        code, line = _refusal(agent)
    assert code == 1
    assert agent.http_bind in line
    assert "in use" in line


def test_http_beyond_loopback_is_refused(agent: AgentProcess) -> None:
    """HTTP on all addresses without access control is refused, unless the configuration says so."""
    agent.http_bind = "0.0.0.0:0"
    code, line = _refusal(agent)
    assert code == 1
    assert "loopback" in line
    agent.start("--http-allow-open")
    agent.kill()


def test_address_of_another_machine_is_refused(agent: AgentProcess) -> None:
    """An address that this machine does not have cannot be bound."""
    agent.bind = "192.0.2.1:0"
    code, line = _refusal(agent)
    assert code == 1
    assert "no such address" in line


def test_missing_key_file_is_said(agent: AgentProcess, tmp_path: Path) -> None:
    """A key file that is not there is named."""
    code, line = _refusal(agent, "--key-file", str(tmp_path / "nowhere.key"))
    assert code == 1
    assert "nowhere.key" in line


def test_unreadable_key_file_is_said(agent: AgentProcess, tmp_path: Path) -> None:
    """A key file that cannot be read (here: a directory, which root cannot read either) is named."""
    (tmp_path / "dir.key").mkdir()
    code, line = _refusal(agent, "--key-file", str(tmp_path / "dir.key"))
    assert code == 1
    assert "dir.key" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_forbidden_key_file_is_said(agent: AgentProcess, tmp_path: Path) -> None:
    """A key file of another user is named."""
    key_file = tmp_path / "cluster.key"
    write_key_file(key_file)
    key_file.chmod(0)
    code, line = _refusal(agent, "--key-file", str(key_file))
    assert code == 1
    assert "cluster.key" in line


def test_damaged_key_file_is_said(agent: AgentProcess, tmp_path: Path) -> None:
    """A key file in which one letter changed is refused by its check."""
    key_file = tmp_path / "cluster.key"
    write_key_file(key_file)
    key_file.write_text(key_file.read_text().replace("cluster: 0", "cluster: 1"))
    code, line = _refusal(agent, "--key-file", str(key_file))
    assert code == 1
    assert "damaged or was edited" in line


def test_key_file_of_another_cluster_is_refused(agent: AgentProcess, tmp_path: Path) -> None:
    """A data directory stays with its cluster: another key file is refused, and both are named."""
    agent.start()
    agent.kill()
    other = tmp_path / "other.key"
    write_key_file(other)
    code, line = _refusal(agent, "--key-file", str(other))
    assert code == 1
    assert "belongs to cluster" in line
    agent.start()
    agent.kill()


def test_corrupt_database_is_said(agent: AgentProcess) -> None:
    """A database that is no database is named, and is not replaced."""
    agent.data_dir.mkdir()
    database = agent.data_dir / DATABASE_NAME
    database.write_bytes(b"no database at all " * 300)
    code, line = _refusal(agent)
    assert code == 1
    assert DATABASE_NAME in line
    assert database.read_bytes().startswith(b"no database at all")


def test_newer_database_is_refused(agent: AgentProcess) -> None:
    """A database written by a later version is not touched."""
    agent.start()
    agent.kill()
    with sqlite3.connect(agent.data_dir / DATABASE_NAME) as database:
        database.execute("PRAGMA user_version = 9999")
    database.close()
    code, line = _refusal(agent)
    assert code == 1
    assert DATABASE_NAME in line


def test_data_directory_in_use_is_said(agent: AgentProcess, tmp_path: Path) -> None:
    """A second agent on one data directory is refused while the first one runs on."""
    agent.start()
    second = AgentProcess("n2", tmp_path, ("--data-dir", str(agent.data_dir), "--profile", "local"))
    try:
        code, line = _refusal(second, "--data-dir", str(agent.data_dir))
        assert code == 1
        assert "in use" in line
        assert str(agent.pid) in line
        assert agent.statuses() == {"n1": "alive"}
    finally:
        agent.kill()


def test_data_directory_that_is_a_file_is_said(agent: AgentProcess) -> None:
    """A file where the data directory should be is named."""
    agent.data_dir.write_text("a file")
    code, line = _refusal(agent)
    assert code == 1
    assert str(agent.data_dir) in line


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--profile", "lann"), "lan"),
        (("--bind", "127.0.0.1:99999"), "99999"),
        (("--tag", "no-equals-sign"), "tag"),
        (("--name", "~"), "name"),
        (("--log-level", "loud"), "log"),
        (("--join", "[::1"), "join"),
        (("--config", "/nowhere/shoal.toml"), "/nowhere/shoal.toml"),
    ],
)
def test_bad_setting_is_a_usage_error(tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    """A setting that is wrong is said in one sentence with the exit code 2, before anything is made."""
    run = run_shoal("agent", "--data-dir", str(tmp_path / "data"), *flags)
    assert run.returncode == 2
    assert said in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_unknown_setting_in_a_file_names_the_nearest(tmp_path: Path) -> None:
    """A mistyped key of a configuration file is an error that says what was meant."""
    config = tmp_path / "shoal.toml"
    config.write_text('profil = "local"\n')
    run = run_shoal("agent", "--data-dir", str(tmp_path / "data"), "--config", str(config))
    assert run.returncode == 2
    assert "profile" in run.stderr


def test_wildcard_with_nothing_to_advertise_is_refused(agent: AgentProcess) -> None:
    """--advertise 0.0.0.0 is no address that others could use."""
    agent.bind = "0.0.0.0:0"
    code, line = _refusal(agent, "--advertise", "0.0.0.0:0")
    assert code == 1
    assert "--advertise" in line


def test_record_too_large_is_refused(agent: AgentProcess) -> None:
    """Tags that do not fit a record are refused with the sizes."""
    tags = [part for number in range(8) for part in ("--tag", f"key{number}={'x' * 200}")]
    code, line = _refusal(agent, *tags)
    assert code == 1
    assert "at most 640" in line
