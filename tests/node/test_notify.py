"""What the service manager hears, over a real unix socket."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.notify import STATUS_LENGTH_MAX, Notifier


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Stand in for systemd."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        yield listener


def _notifier(manager: socket.socket, **environ: str) -> Notifier:
    name = manager.getsockname()
    shown = "@" + name[1:].decode() if isinstance(name, bytes) else name
    return Notifier.from_environ({"NOTIFY_SOCKET": shown, **environ})


def test_notifier_says_what_systemd_expects(manager: socket.socket) -> None:
    """Each call is one datagram of KEY=VALUE lines."""
    notifier = _notifier(manager)
    assert notifier.ready("5 members")
    assert notifier.status("two\nlines " + "x" * 999)
    assert notifier.watchdog()
    assert notifier.stopping()
    assert manager.recv(4096) == b"READY=1\nSTATUS=5 members"
    assert manager.recv(4096) == b"STATUS=" + ("two lines " + "x" * 999)[:STATUS_LENGTH_MAX].encode()
    assert [manager.recv(4096), manager.recv(4096)] == [b"WATCHDOG=1", b"STOPPING=1"]


def test_notifier_reload_carries_the_time(manager: socket.socket) -> None:
    """RELOADING=1 needs MONOTONIC_USEC beside it, else systemd takes no notice."""
    _notifier(manager).reloading()
    first, second = manager.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdecimal()


@pytest.mark.skipif(sys.platform != "linux", reason="abstract names are Linux's")
def test_notifier_reaches_an_abstract_socket() -> None:
    """A name that begins with @ has a zero byte there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0shoal-test-{os.getpid()}")
        listener.settimeout(5)
        assert _notifier(listener).ready()
        assert listener.recv(4096) == b"READY=1"


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all", "/" + "x" * 300, "vsock:2:1"])
def test_notifier_without_a_manager_says_nothing(name: str) -> None:
    """No variable, one that cannot be meant, or a socket that is gone: no error."""
    assert not Notifier.from_environ({"NOTIFY_SOCKET": name} if name else {}).ready()


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({}, None),
    ],
)
def test_notifier_watchdog_is_due_at_half_the_managers_patience(
    environ: dict[str, str], interval_s: float | None, manager: socket.socket
) -> None:
    """Half of WATCHDOG_USEC, if it is meant for this process."""
    assert _notifier(manager, **environ).watchdog_interval_s == interval_s
