"""Serving datagrams and timers where Trio would sleep, without waking it.

An idle node wakes two or three times a second: for another's ping, for the ack of its own, and where nobody's ping came
in time to begin that, for its probe. Through tasks each of these costs a round of Trio's loop, a task switch or two,
and for a timer a cancelled scope: as much again as all that the node itself does. So the first node in a run of Trio
hooks into the loop right before it sleeps (`before_io_wait`), sleeps there in its stead, on the UDP socket and on
Trio's own epoll object together, and serves what is its own on the spot. Whatever else happens goes on in Trio: the
hook returns when one of Trio's descriptors is ready (sockets, and the one that signals and threads write to), when a
deadline of Trio's is due, and when serving has done anything but send datagrams, for a task may wait for that.

While tasks run, the hook looks at the socket and the clock once in each round of the loop: however many HTTP requests
wait their turn, the failure detector does not wait behind them.

Where this cannot be (no epoll, a clock that is not the system's, Trio as a guest of another loop, a second node in the
same run, a Trio that looks different inside) tasks serve instead, with the same effect.
"""

import select
from collections.abc import Callable, Sized
from dataclasses import dataclass

import trio

from node.datagram_socket import DatagramSocket
from node.driver import Driver

EVENTS_MAX = 2
"""Descriptors that can be ready, the node's and Trio's: without a bound each look makes room for a thousand."""

_dozing: trio.lowlevel.RunVar[bool] = trio.lowlevel.RunVar("shoal-dozing", default=False)


async def serve(driver: Driver, datagrams: DatagramSocket) -> None:
    """Handle a node's datagrams and timers until cancelled."""
    loop = _trio_loop()
    if loop is None or _dozing.get():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(datagrams.receive_forever, driver.handle_datagram)
            nursery.start_soon(driver.run_timer)
        return
    with select.epoll() as epoll:
        epoll.register(loop.fileno, select.EPOLLIN)
        epoll.register(datagrams.fileno, select.EPOLLIN)
        doze = Doze(driver, datagrams, epoll, loop)
        _dozing.set(True)
        trio.lowlevel.add_instrument(doze)
        try:
            await doze.failed.wait()
        finally:
            _dozing.set(False)
            trio.lowlevel.remove_instrument(doze)
        if doze.error is not None:
            raise doze.error


@dataclass(frozen=True, slots=True)
class _Loop:
    """What is needed of Trio's loop, and has no public name."""

    fileno: int
    """Of its epoll object."""
    waiting_for_idle: Sized
    """Tasks that wait until all others are blocked: those count the loop's rounds without an event."""


def _trio_loop() -> _Loop | None:
    """Find Trio's loop; None where its place cannot be taken, or it looks otherwise. A test sees that it is found."""
    try:
        runner = trio._core._run.GLOBAL_RUN_CONTEXT.runner
        if runner.is_guest or type(runner.clock).__name__ != "SystemClock":
            return None
        return _Loop(runner.io_manager._epoll.fileno(), runner.waiting_for_idle)
    except AttributeError:
        return None


class Doze(trio.abc.Instrument):
    """Sleeps in Trio's stead."""

    def __init__(self, driver: Driver, datagrams: DatagramSocket, epoll: select.epoll, loop: _Loop) -> None:
        self._driver = driver
        self._datagrams = datagrams
        self._poll: Callable[[float, int], list[tuple[int, int]]] = epoll.poll
        self._trio_fileno = loop.fileno
        self._waiting_for_idle = loop.waiting_for_idle
        self._wake = trio.lowlevel.current_trio_token().run_sync_soon
        self.failed = trio.Event()
        """Set when serving has raised `error`."""
        self.error: BaseException | None = None

    def before_io_wait(self, timeout: float) -> None:
        """Serve what is due, and sleep until Trio has something to do, `timeout` seconds at most."""
        if self.error is not None:
            return
        driver = self._driver
        driver.has_stirred = False
        try:
            if timeout <= 0:
                self._serve(self._poll(0, EVENTS_MAX))
            elif self._waiting_for_idle:
                self._serve(self._poll(0, EVENTS_MAX))
                if driver.has_stirred:
                    self._wake(_nothing, idempotent=True)
            elif self._sleep(driver.clock() + timeout):
                self._wake(_nothing, idempotent=True)  # time has passed, or a task can run: Trio must not sleep now
        except BaseException as wrong:  # also what a handler of signals raises: Trio would go on without this hook
            self.error = wrong
            self._wake(self.failed.set)

    def _sleep(self, until: float) -> bool:
        """Serve until Trio has something to do; False if its own descriptors tell it so.

        They do not once serving has stirred: that may have ended the wait for the very one that was ready.
        """
        driver = self._driver
        while (now := driver.clock()) < until:
            ready = self._poll(max(0.0, min(until, driver.next_deadline) - now), EVENTS_MAX)
            self._serve(ready)
            if driver.has_stirred:
                return True
            for fileno, _ in ready:
                if fileno == self._trio_fileno:
                    return False
        return True

    def _serve(self, ready: list[tuple[int, int]]) -> None:
        driver = self._driver
        for fileno, _ in ready:
            if fileno != self._trio_fileno:
                self._datagrams.receive(driver.handle_datagram, driver.clock())
        if driver.next_deadline <= driver.clock():
            driver.serve_timers()


def _nothing() -> None:
    pass
