"""What the socket alone costs: datagrams of 200 bytes drained in batches, and sent back."""

import socket
from collections.abc import Callable, Iterator
from time import thread_time

import trio

from benchmarks.figure import Figure, figure
from benchmarks.micro.scale import Scale
from node.datagram_socket import BATCH_MAX, DatagramSocket
from protocol.address import Address

DATAGRAM_SIZE = 200


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure receiving, and receiving with an answer, at 64 outstanding."""
    server = DatagramSocket(Address("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.setblocking(False)
        home = Address(*client.getsockname())
        try:
            for title, handle in (
                ("receive and drop", _drop),
                ("receive and echo", lambda datagram: server.send(datagram, home)),
            ):
                samples = [_batch(server, client, handle) for _ in range(scale.datagram_batches)]
                yield figure(f"{title} {DATAGRAM_SIZE} B, {BATCH_MAX} outstanding", "us", samples)
        finally:
            trio.run(_close, server)


async def _close(server: DatagramSocket) -> None:
    server.close()  # it tells Trio's tasks, so it needs a Trio to tell


def _drop(datagram: bytes) -> None:
    del datagram


def _batch(server: DatagramSocket, client: socket.socket, handle: Callable[[bytes], None]) -> float:
    """Give the CPU microseconds per datagram of one batch; what the client does is not counted."""
    datagram = bytes(DATAGRAM_SIZE)
    for _ in range(BATCH_MAX):
        client.sendto(datagram, server.address)
    began = thread_time()
    count = server.drain(handle)
    taken_s = thread_time() - began
    discard_waiting(client)
    return taken_s / count * 1e6


def discard_waiting(client: socket.socket) -> None:
    """Throw away what waits in a non-blocking socket."""
    while True:
        try:
            client.recv(2_048)
        except BlockingIOError:
            return
