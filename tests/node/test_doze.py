"""Serving where Trio would sleep: datagrams and timers are served, and Trio misses nothing of its own."""

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from node import Config, Node, doze, open_node
from node.datagram_socket import DatagramSocket
from node.doze import Doze
from node.new_key_file import write_key_file
from protocol.address import Address
from protocol.swim.deadline import Timer
from protocol.swim.effect import Effect

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="epoll is Linux's")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Give a directory with a key file."""
    write_key_file(tmp_path / "cluster.key")
    return tmp_path


@contextlib.asynccontextmanager
async def running(directory: Path, name: str, *seeds: str) -> AsyncIterator[Node]:
    """Run a node in this process."""
    key = directory / "cluster.key"
    places = {"data_dir": directory / name, "key_file": key, "join": seeds}
    config = Config.local(name=name, bind="127.0.0.1:0", http="off", log_level="error", **places)
    with trio.fail_after(20):
        async with open_node(config) as node:
            yield node


@contextlib.asynccontextmanager
async def pair(directory: Path) -> AsyncIterator[tuple[Node, Node]]:
    """Run two that know each other."""
    async with running(directory, "n1") as first, running(directory, "n2", str(first.local.address)) as second:
        await until(lambda: len(first.members()) == len(second.members()) == 2)
        yield first, second


async def until(is_so: Callable[[], object]) -> None:
    """Wait, some seconds at most."""
    with trio.fail_after(10):
        while not is_so():
            await trio.sleep(0.01)


def dozing() -> int:
    """Count the instruments that doze in this run."""
    instruments = trio._core._run.GLOBAL_RUN_CONTEXT.runner.instruments
    return sum(isinstance(one, Doze) for one in instruments["_all"])


def slow_seven() -> int:
    """Take a while."""
    time.sleep(0.05)
    return 7


def test_trio_still_lets_its_place_be_taken(directory: Path) -> None:
    """With the Trio that is locked the first node dozes; a second in the same run is served by tasks, as well."""

    async def main() -> tuple[int, int]:
        async with pair(directory) as nodes:
            await until(lambda: all(node.engine.counters.probes > 1 for node in nodes))
            return dozing(), sum(node.engine.counters.probe_failures for node in nodes)

    assert trio.run(main) == (1, 0)


def test_under_a_clock_of_tests_tasks_serve(directory: Path) -> None:
    """There nothing may sleep but Trio."""

    async def main() -> int:
        async with running(directory, "n1"):
            return dozing()

    assert trio.run(main, clock=MockClock(rate=1.0)) == 0


def test_without_a_place_tasks_serve(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Trio that looks different inside costs nothing but the gain."""
    monkeypatch.setattr(doze, "_trio_loop", lambda: None)

    async def main() -> tuple[int, int]:
        async with pair(directory) as (_, second):
            return dozing(), len(second.members())

    assert trio.run(main) == (0, 2)


def test_deadlines_of_tasks_are_kept(directory: Path) -> None:
    """A sleep in a task ends when it should, though this node has nobody to probe."""

    async def main() -> list[float]:
        async with running(directory, "n1"):
            late = []
            for _ in range(21):
                at = trio.current_time() + 0.03
                await trio.sleep_until(at)
                late.append(trio.current_time() - at)
            return sorted(late)

    assert trio.run(main)[10] < 0.03  # it would be minutes


def test_all_others_blocked_is_noticed(directory: Path) -> None:
    """A task that waits for that goes on, again and again."""

    async def main() -> int:
        async with running(directory, "n1"):
            await until(dozing)
            for _ in range(20):
                await trio.testing.wait_all_tasks_blocked(0.005)
            return dozing()

    assert trio.run(main) == 1


def test_threads_and_sockets_wake_trio(directory: Path) -> None:
    """What comes from a thread, and what comes by a socket of another task."""

    async def main() -> tuple[int, bytes]:
        async with running(directory, "n1"):
            value = await trio.to_thread.run_sync(slow_seven)
            left, right = socket.socketpair()
            with left, trio.socket.from_stdlib_socket(right) as receiver:
                threading.Timer(0.05, left.send, (b"x",)).start()
                return value, await receiver.recv(1)

    assert trio.run(main) == (7, b"x")


def test_signals_wake_trio(directory: Path) -> None:
    """A signal is received while the node dozes."""

    async def main() -> int:
        async with running(directory, "n1"):
            with trio.open_signal_receiver(signal.SIGUSR1) as signals:
                threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
                return await anext(signals)

    assert trio.run(main) == signal.SIGUSR1


def test_interrupt_ends_a_dozing_node(directory: Path) -> None:
    """Ctrl-C reaches the main task, as ever."""

    async def main() -> None:
        async with running(directory, "n1"):
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
            await trio.sleep_forever()

    with pytest.raises((KeyboardInterrupt, BaseExceptionGroup)) as caught:
        trio.run(main)
    assert isinstance(caught.value, KeyboardInterrupt) or caught.group_contains(KeyboardInterrupt)


def test_what_serving_raises_ends_the_node(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the engine is not swallowed by Trio's care for instruments."""

    def fail(now: float) -> list[Effect]:
        raise LookupError("broken")

    async def main() -> None:
        async with running(directory, "n1") as node:
            await until(dozing)
            monkeypatch.setattr(node.engine, "handle_timer", fail)
            node.engine.core.timers.arm(node.driver.now, Timer.GOSSIP)
            await trio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as caught:
        trio.run(main)
    assert caught.group_contains(LookupError, match="broken")


def test_tasks_that_never_sleep_do_not_keep_the_detector_waiting(directory: Path) -> None:
    """Probes go out on time."""

    async def main() -> tuple[int, int]:
        async with pair(directory) as (first, second):
            before, begun = first.engine.counters.probes, time.monotonic()
            while time.monotonic() - begun < 3.0:
                time.sleep(0.001)
                await trio.lowlevel.checkpoint()
            return first.engine.counters.probes - before, second.engine.counters.suspicions

    probes, suspicions = trio.run(main)
    assert (probes >= 2, suspicions) == (True, 0)


class Served:
    """What `doze.serve` serves, without an engine: each datagram goes to `handle`."""

    def __init__(self, handle: Callable[[bytes], None]) -> None:
        self.clock = trio.current_time
        self.next_deadline = float("inf")
        self.has_stirred = False
        self.handle = handle

    def handle_datagram(self, datagram: bytes) -> None:
        """Let a task have it."""
        self.has_stirred = True
        self.handle(datagram)


@contextlib.asynccontextmanager
async def served(handle: Callable[[bytes], None]) -> AsyncIterator[DatagramSocket]:
    """Doze over one socket."""
    datagrams = DatagramSocket(Address("127.0.0.1", 0))
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(doze.serve, Served(handle), datagrams)  # type: ignore[arg-type]
            await until(dozing)
            yield datagrams
            nursery.cancel_scope.cancel()
    finally:
        datagrams.close()


def test_task_that_a_datagram_wakes_is_not_slept_over_when_trio_has_something_too() -> None:
    """The datagram ends the wait for a socket that has become readable with it: Trio finds nothing there any more."""

    async def main() -> bool:
        ended = trio.Event()
        left, right = socket.socketpair()
        scope = trio.CancelScope()

        async def wait() -> None:
            with scope:
                await trio.lowlevel.wait_readable(right)
            ended.set()

        with left, right, trio.move_on_after(3):
            async with served(lambda _: scope.cancel()) as datagrams, trio.open_nursery() as nursery:
                nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked()
                begun = trio.current_time()
                datagrams.send(b"x", datagrams.address)
                left.send(b"x")
                await ended.wait()
                return trio.current_time() - begun < 1
        return False

    assert trio.run(main)


def test_task_that_a_datagram_wakes_is_not_slept_over_while_another_waits_for_all_to_block() -> None:
    """However long that one wants the others to be blocked."""

    async def main() -> float:
        woken = trio.Event()
        async with served(lambda _: woken.set()) as datagrams, trio.open_nursery() as nursery:
            nursery.start_soon(trio.testing.wait_all_tasks_blocked, 2.0)
            await trio.sleep(0)
            begun = trio.current_time()
            datagrams.send(b"x", datagrams.address)
            await woken.wait()
            nursery.cancel_scope.cancel()
            return trio.current_time() - begun

    assert trio.run(main) < 1


def test_exit_in_a_signal_handler_ends_a_dozing_node(directory: Path) -> None:
    """As a program's own handler may do; the node must not live on, deaf."""

    def leave(_number: int, _frame: object) -> None:
        raise SystemExit(3)

    async def main() -> None:
        async with running(directory, "n1"):
            await until(dozing)
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            await trio.sleep(3)

    before = signal.signal(signal.SIGUSR1, leave)
    try:
        with pytest.raises(BaseException) as caught:
            trio.run(main)
    finally:
        signal.signal(signal.SIGUSR1, before)
    wrong = caught.value
    assert isinstance(wrong, SystemExit) or (isinstance(wrong, BaseExceptionGroup) and wrong.subgroup(SystemExit))
