"""Ports for agents: free ones, this process's own, and the same again only after all others."""

import socket
import subprocess
import sys

import pytest

from simulations.processes import port_block
from simulations.processes.port_block import BLOCK_PORTS, free_port

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere blocks are not locked")


def test_port_comes_round_again_after_all_others() -> None:
    """A whole block of others lies between, less those that somebody has."""
    first = free_port()
    others = [free_port() for _ in range(BLOCK_PORTS // 2)]
    assert first not in others
    assert len(set(others)) == len(others)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_port_that_somebody_has_is_passed_by(kind: socket.SocketKind) -> None:
    """By UDP or by TCP."""
    with socket.socket(socket.AF_INET, kind) as holder:
        taken = free_port() + 1
        holder.bind(("127.0.0.1", taken))
        assert taken not in [free_port() for _ in range(3)]


@LINUX
def test_another_process_has_another_block() -> None:
    """As long as this one lives."""
    own = free_port()
    code = "from simulations.processes.port_block import free_port; print(free_port())"
    other = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout)
    first = port_block.FIRST_PORT
    assert (own - first) // BLOCK_PORTS != (other - first) // BLOCK_PORTS


@LINUX
def test_more_runs_than_blocks_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one sentence."""
    free_port()
    monkeypatch.setattr(port_block, "_held", [])
    monkeypatch.setattr(port_block, "BLOCKS_MAX", 0)
    with pytest.raises(OSError, match="all 0 blocks of ports are taken by other runs"):
        free_port()
