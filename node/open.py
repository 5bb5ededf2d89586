"""Bringing a node up, and taking it down: files first, then sockets, then the engine, then tasks."""

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import trio

from node.bind import advertise_address
from node.config import Config
from node.datagram_socket import DatagramSocket, bind_pair
from node.driver import Driver
from node.keyring_keeper import KeyringKeeper
from node.node import Node
from node.state import State, open_state
from node.stream_server import StreamServer
from node.version import VERSION
from protocol.address import Address
from protocol.security.datagram import DatagramGate
from protocol.security.identity import StatementSigner
from protocol.security.verifier import Verifier
from protocol.swim.engine import Engine
from protocol.swim.local import Profile, first_incarnation
from protocol.ulid import MemberId

logging.getLogger("shoal").addHandler(logging.NullHandler())
"""An embedding program that sets up no logging hears nothing, instead of bare event names on its stderr."""


@asynccontextmanager
async def open_node(config: Config) -> AsyncIterator[Node]:
    """Run a node for as long as the block lasts; it stops without a goodbye unless `leave` was called.

    It joins through the seeds of the configuration, or those of its former life, while the block runs.

    Raises, in an exception group once the block has begun:
        InvalidRequest: an address cannot be bound or advertised, or the record would be too large.
        StoreError: the data directory cannot be used.
        Outcast: every seed refused this node for good, and no member is known.
        NodeEnded: the node cannot go on; a copy of its data directory is in use.
    """
    async with bring_up(config) as node, trio.open_nursery() as nursery:
        nursery.start_soon(node.run_seeds)
        nursery.start_soon(node.raise_end)
        try:
            yield node
        finally:
            nursery.cancel_scope.cancel()


@asynccontextmanager
async def bring_up(config: Config) -> AsyncIterator[Node]:
    """Run a node that does not look for its seeds: the agent sees to them once its HTTP listens.

    Raises:
        InvalidRequest, StoreError: as `open_node`.
    """
    state = await open_state(config)
    try:
        datagrams, listener = bind_pair(config.bind)
        try:
            advertised = advertise_address(datagrams.address, config.advertise)
            node = await _make_node(config, state, datagrams, advertised)
            stream_listener = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(state.run)
                nursery.start_soon(datagrams.receive_forever, node.driver.handle_datagram)
                nursery.start_soon(node.driver.run_timer)
                await nursery.start(node.streams.run, stream_listener)  # else a join made at once finds no dialler
                nursery.start_soon(node.keyring.run)
                try:
                    yield node
                finally:
                    nursery.cancel_scope.cancel()
        finally:
            datagrams.close()
            listener.close()
    finally:
        await state.aclose()


async def _make_node(config: Config, state: State, datagrams: DatagramSocket, advertised: Address) -> Node:
    """Wire the parts together, and start the engine once its incarnation is reserved on disk."""
    identity, keyring = state.identity, state.keyring
    incarnation = first_incarnation(state.reserve, time.time_ns() // 1_000_000)
    await state.reserve_incarnation(incarnation)
    profile = Profile(
        id=identity.id,
        public_key=identity.public_key,
        name=config.name,
        address=advertised,
        start=int.from_bytes(os.urandom(8), "big"),
        version=VERSION,
        display_name=config.display_name,
        tags=config.replace(tags=state.changed_tags(config.tags)).record_tags(),
    )
    signer = StatementSigner(identity, keyring.cluster_id)

    def lookup_key(id: MemberId) -> bytes | None:
        return engine.public_key(id)

    verifier = Verifier(keyring.cluster_id, lookup_key)
    gate = DatagramGate(identity, keyring, verifier, incarnation, os.urandom, lookup_key)

    def room(peer: MemberId, introduce: bool) -> int:
        if introduce:
            gate.forget_answer(peer)
        return gate.payload_max(peer, len(engine.local.record.raw))

    engine = Engine(
        profile,
        config.engine_settings(),
        incarnation=incarnation,
        sign=signer.sign,
        rng=Random(int.from_bytes(os.urandom(16), "big")),
        room=room,
    )
    driver = Driver(engine, gate, verifier, keyring, datagrams)
    node = Node(config, state, driver, StreamServer(driver, identity), KeyringKeeper(driver, state))
    stays_out = state.left and not config.rejoin_after_leave
    driver.perform(engine.start(driver.now, state.contacts, left=stays_out))
    if state.left and not stays_out:
        state.put_presence(left=False)
    driver.offer_keyring(changed=False)
    return node
