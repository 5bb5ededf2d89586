"""The UDP socket: bounded batches, datagrams that are too long, addresses that are taken."""

import socket
from collections.abc import AsyncIterator

import pytest
import trio

from node.datagram_socket import BATCH_MAX, READ_SIZE, DatagramSocket, bind_pair
from protocol.address import Address
from protocol.error import InvalidRequest

ANY = Address("127.0.0.1", 0)


@pytest.fixture
async def datagrams() -> AsyncIterator[DatagramSocket]:
    """Bind a socket to any port of loopback."""
    bound = DatagramSocket(ANY)
    yield bound
    bound.close()


def _send(to: Address, *texts: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for text in texts:
            sender.sendto(text, to)


async def test_drain_takes_at_most_a_batch(datagrams: DatagramSocket) -> None:
    """However many datagrams wait, one call handles a batch, in order; the next goes on where it ended."""
    count = BATCH_MAX + 10
    _send(datagrams.address, *(b"%d" % number for number in range(count)))
    heard: list[bytes] = []
    assert datagrams.drain(heard.append) == BATCH_MAX
    assert datagrams.drain(heard.append) == 10
    assert datagrams.drain(heard.append) == 0
    assert heard == [b"%d" % number for number in range(count)]
    assert datagrams.traffic.datagrams_in == count
    assert datagrams.traffic.bytes_in == sum(map(len, heard))


async def test_too_long_datagram_is_seen_to_be(datagrams: DatagramSocket) -> None:
    """One byte more than is allowed is read, so that the gate can count it; the rest is cut off."""
    _send(datagrams.address, bytes(9_000), b"next")
    heard: list[bytes] = []
    assert datagrams.drain(heard.append) == 2
    assert list(map(len, heard)) == [READ_SIZE, 4]


async def test_answer_that_nobody_listens_is_no_end(datagrams: DatagramSocket) -> None:
    """An ICMP refusal of something sent before neither ends the task nor hides what follows it."""
    gone = DatagramSocket(ANY)
    address = gone.address
    gone.close()
    for _ in range(3):
        datagrams.send(b"anybody?", address)
    _send(datagrams.address, b"yes")
    heard: list[bytes] = []
    with trio.fail_after(5):
        while not heard:
            await trio.lowlevel.wait_readable(datagrams._socket)
            datagrams.drain(heard.append)
    assert heard == [b"yes"]


async def test_what_cannot_be_sent_is_counted(datagrams: DatagramSocket) -> None:
    """A datagram that the kernel does not take is lost and counted, never an exception."""
    datagrams.send(b"x", Address("::1", 9))
    datagrams.send(bytes(70_000), datagrams.address)
    assert datagrams.traffic.unsent == 2
    assert datagrams.traffic.datagrams_out == 0
    datagrams.send(b"x", datagrams.address)
    assert datagrams.traffic.datagrams_out == 1


async def test_receive_forever_handles_as_they_come(datagrams: DatagramSocket, nursery: trio.Nursery) -> None:
    """The task wakes for what arrives, also after it has slept."""
    heard: list[bytes] = []
    woken = trio.Event()

    def handle(datagram: bytes) -> None:
        heard.append(datagram)
        woken.set()

    nursery.start_soon(datagrams.receive_forever, handle)
    for number in range(3):
        woken = trio.Event()
        _send(datagrams.address, b"%d" % number)
        with trio.fail_after(5):
            await woken.wait()
    assert heard == [b"0", b"1", b"2"]


async def test_close_twice_does_nothing_more() -> None:
    """A socket is closed by whoever comes first."""
    bound = DatagramSocket(ANY)
    bound.close()
    bound.close()


async def test_pair_shares_one_port() -> None:
    """UDP and TCP are bound to one port, chosen by the system where it is 0."""
    datagrams, listener = bind_pair(ANY)
    try:
        assert datagrams.address == Address(*listener.getsockname())
        assert datagrams.address.port > 0
    finally:
        datagrams.close()
        listener.close()


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
async def test_pair_names_a_port_in_use(kind: socket.SocketKind) -> None:
    """A port that either kind of socket holds is refused in one sentence, and nothing stays bound."""
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        address = Address("127.0.0.1", holder.getsockname()[1])
        with pytest.raises(InvalidRequest, match="the port is in use"):
            bind_pair(address)
    datagrams, listener = bind_pair(address)
    datagrams.close()
    listener.close()


async def test_pair_tries_other_ports_where_one_is_taken_for_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    """With port 0 a UDP port whose TCP twin is taken is given back, a bounded number of times."""
    from node import datagram_socket

    tried: list[Address] = []

    def refuse(address: Address) -> socket.socket:
        tried.append(address)
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(datagram_socket, "_bind_stream", refuse)
    with pytest.raises(InvalidRequest):
        bind_pair(ANY, attempts_max=4)
    assert len(tried) == 4


async def test_pair_refuses_an_address_of_another_machine() -> None:
    """An address that is not this machine's is named."""
    with pytest.raises(InvalidRequest, match=r"192\.0\.2\.1"):
        bind_pair(Address("192.0.2.1", 0))
