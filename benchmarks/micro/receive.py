"""CPU per received datagram on a whole node, with 64 outstanding.

A real node runs with its tasks and its data directory, without HTTP. A peer seals 64 datagrams and puts them
into the node's socket; then the clock of the node's thread runs until they are handled: the wake-up of
Trio, socket, opening, decoding, engine, and where there is an answer sealing and sending it. What
the peer does is in the same thread and not counted.
"""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import thread_time

import trio

from benchmarks.figure import Figure, figure
from benchmarks.micro.material import Author, make_author
from benchmarks.micro.peer import PING_NUMBER, Peer, bound_socket
from benchmarks.micro.scale import Scale
from benchmarks.progress import Progress
from node import Config, Node, open_node
from node.datagram_socket import BATCH_MAX
from protocol.wire.message import Claim, Packet, Ping
from protocol.wire.statement import Record

PINGS_US = 45.0
ONE_RECORD_US = 25.0
SIX_RECORDS_US = 50.0
MEETING_TRIES = 100
WARM_UP_BATCHES = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of datagram."""

    name: str
    packet: Packet
    at_most_us: float | None
    is_answered: bool = False
    is_replayed: bool = False


def measure(scale: Scale) -> Iterator[Figure]:
    """Measure each kind of datagram."""
    with TemporaryDirectory(prefix="shoal-") as directory:
        yield from trio.run(_measure, scale, Path(directory))


async def _measure(scale: Scale, directory: Path) -> list[Figure]:
    config = Config.lan(name="n1", bind="127.0.0.1:0", http="off", data_dir=directory, log_level="error")
    async with open_node(config) as node:
        keyring = node.driver.keyring
        connection, address = bound_socket()
        with connection:
            author = replace(make_author(keyring, 0), address=address)
            others = [replace(make_author(keyring, index), address=address) for index in range(1, 7)]
            peer = Peer(author, keyring, connection, node.local.record)
            await meet(node, peer)
            await settle(node, peer, tuple(other.record() for other in others))
            figures = []
            for case in _cases(others):
                Progress("receive").say(case.name)
                figures.append(await _measure_case(node, peer, case, scale.datagram_batches))
            return figures


def _cases(others: list[Author]) -> tuple[Case, ...]:
    known = tuple(Claim(author.record()) for author in others)
    ping = Packet((Ping(PING_NUMBER),))
    return (
        Case("a ping, answered by a sealed ack", ping, PINGS_US, is_answered=True),
        Case("one known record", Packet((), known[:1]), ONE_RECORD_US),
        Case("six known records", Packet((), known), SIX_RECORDS_US),
        Case("a ping and one known record, answered", Packet(ping.messages, known[:1]), None, is_answered=True),
        Case("a replayed datagram, dropped", ping, None, is_replayed=True),
    )


async def meet(node: Node, peer: Peer) -> None:
    """Introduce the peer and wait until the node holds it for a member and its answer was read.

    Raises:
        RuntimeError: the node did not take it in.
    """
    for _ in range(MEETING_TRIES):
        peer.ping()
        await trio.sleep(0.02)
        peer.answer_waiting(node.membership.hash.root)
        if node.membership.is_live(peer.author.id):
            return
    raise RuntimeError("the node did not take the peer in")


async def settle(node: Node, peer: Peer, records: tuple[Record, ...]) -> None:
    """Tell the node of others, let it pass that on, and keep it from probing those who do not exist.

    Raises:
        RuntimeError: rumors are still queued after some seconds.
    """
    for _ in range(MEETING_TRIES):
        if not all(node.membership.is_live(record.id) for record in records):
            peer.send(peer.seal(Packet((), tuple(Claim(record) for record in records))))
        elif not len(node.engine.core.rumors):
            return
        await trio.sleep(0.05)
        peer.answer_waiting(node.membership.hash.root)
        node.engine.prober.rest()
    raise RuntimeError("rumors are still queued")


async def _measure_case(node: Node, peer: Peer, case: Case, batch_count: int) -> Figure:
    """Measure one kind of datagram.

    Raises:
        RuntimeError: not every datagram was handled, or answered as it should be.
    """
    repeated = [peer.seal(case.packet)] * BATCH_MAX if case.is_replayed else None
    samples = []
    gc.collect()
    for index in range(WARM_UP_BATCHES + batch_count):
        datagrams = repeated or [peer.seal(case.packet) for _ in range(BATCH_MAX)]
        taken_us, answer_count = await _time_batch(node, peer, datagrams)
        if index < WARM_UP_BATCHES:
            continue
        if answer_count != (BATCH_MAX if case.is_answered else 0):
            raise RuntimeError(f"{answer_count} answers to {BATCH_MAX} datagrams: {case.name}")
        samples.append(taken_us)
    return figure(case.name, "us", samples, at_most=case.at_most_us)


async def _time_batch(node: Node, peer: Peer, datagrams: list[bytes]) -> tuple[float, int]:
    """Give the CPU microseconds per datagram, and how many answers came."""
    traffic = node.driver.datagrams.traffic
    for datagram in datagrams:
        peer.send(datagram)
    wanted = traffic.datagrams_in + len(datagrams)
    began = thread_time()
    while traffic.datagrams_in < wanted:
        await trio.lowlevel.checkpoint()
    taken_s = thread_time() - began
    return taken_s / len(datagrams) * 1e6, peer.answer_waiting()
