"""The node's UDP socket: plain, non-blocking, drained in bounded batches.

A batch costs one wake-up of Trio however many datagrams wait (37 us against 1.5 us each), and its bound
lets timers and streams have their turn when somebody floods.
"""

import errno
import math
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass

import trio

from node.bind import bind_sentence
from protocol.address import Address
from protocol.error import InvalidRequest
from protocol.wire.codec import PACKET_SIZE_MAX

BATCH_MAX = 64
"""Datagrams handled before other tasks run: about 2 ms of work."""
BUFFER_SIZE = 4 * 1024 * 1024
"""Asked of the kernel for what arrives while the process is stalled; it may give less."""
QUIET_S = 0.01
"""After so long without a datagram the next one is read alone."""
SO_MEMINFO = 55
"""<asm-generic/socket.h>; nine counters, the last is how many datagrams found no room."""
MEMINFO = struct.Struct("9I")
READ_SIZE = PACKET_SIZE_MAX + 1
"""One byte more than is allowed, so that what is too long is seen to be."""


@dataclass(slots=True)
class Traffic:
    """What crossed the socket since the start."""

    datagrams_in: int = 0
    datagrams_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    unsent: int = 0
    """Given up because the kernel took no more, or knows no route."""


class DatagramSocket:
    """A bound socket; the caller closes it."""

    def __init__(self, address: Address) -> None:
        """Bind.

        Raises:
            OSError: the port is taken, or the address is not this machine's.
        """
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_SIZE)
            if family == socket.AF_INET6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.bind((address.host, address.port))
        except OSError:
            self._socket.close()
            raise
        self.traffic = Traffic()
        self._received_at = -math.inf

    @property
    def fileno(self) -> int:
        """The descriptor, to wait for."""
        return self._socket.fileno()

    @property
    def address(self) -> Address:
        """Where it is bound."""
        host, port = self._socket.getsockname()[:2]
        return Address(host, port)

    def close(self) -> None:
        """Close; a second time does nothing."""
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()

    def send(self, datagram: bytes, to: Address) -> None:
        """Send, or lose: UDP promises nothing, and the protocol expects nothing."""
        try:
            self._socket.sendto(datagram, to)
        except OSError:
            self.traffic.unsent += 1
            return
        self.traffic.datagrams_out += 1
        self.traffic.bytes_out += len(datagram)

    def drain(self, handle: Callable[[bytes], None], batch_max: int = BATCH_MAX) -> int:
        """Handle what waits, at most one batch; tell how many there were."""
        receive, traffic = self._socket.recv, self.traffic
        for count in range(batch_max):
            try:
                datagram = receive(READ_SIZE)
            except BlockingIOError:
                return count
            except OSError as wrong:
                if wrong.errno in (errno.ECONNREFUSED, errno.ECONNRESET):
                    continue  # an ICMP message about something sent before
                raise
            traffic.datagrams_in += 1
            traffic.bytes_in += len(datagram)
            handle(datagram)
        return batch_max

    async def receive_forever(self, handle: Callable[[bytes], None]) -> None:
        """Handle datagrams as they come, until cancelled."""
        while True:
            await trio.lowlevel.wait_readable(self._socket)
            self.receive(handle, trio.current_time())

    def receive(self, handle: Callable[[bytes], None], now: float) -> None:
        """Handle what waits in a socket that is readable; `now` in seconds of one clock.

        After a quiet time one datagram is read, for it is alone; to look for a second costs an exception.
        """
        self.drain(handle, 1 if now - self._received_at > QUIET_S else BATCH_MAX)
        self._received_at = now

    @property
    def kernel_drops(self) -> int | None:
        """Datagrams lost for want of buffer since the start; None where the system does not tell."""
        if sys.platform != "linux":
            return None
        try:
            counts = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size)
            return int(MEMINFO.unpack(counts)[-1])
        except (OSError, struct.error):
            return None


def bind_pair(address: Address, attempts_max: int = 16) -> tuple[DatagramSocket, socket.socket]:
    """Bind UDP and TCP to one port; with port 0, to one that is free for both.

    Raises:
        InvalidRequest: one sentence: the port is in use, or the address is not this machine's.
    """
    while True:
        attempts_max -= 1
        try:
            datagrams = DatagramSocket(address)
        except OSError as error:
            raise InvalidRequest(bind_sentence(error, address, "gossip")) from None
        try:
            return datagrams, _bind_stream(datagrams.address)
        except OSError as error:
            datagrams.close()
            if address.port != 0 or attempts_max <= 0:
                raise InvalidRequest(bind_sentence(error, address, "gossip")) from None


def _bind_stream(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address.host, address.port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener
