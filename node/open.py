"""Bringing a node up, and taking it down: files first, then sockets, then the engine, then tasks."""

import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import trio

from node import doze
from node.bind import advertise_address
from node.config import Config
from node.datagram_socket import DatagramSocket, bind_pair
from node.driver import Driver
from node.keyring_keeper import KeyringKeeper
from node.license_keeper import LicenseKeeper, open_licensing
from node.node import Node
from node.peer_keeper import operator_key
from node.service_restore import open_services
from node.state import State, open_state
from node.store_error import StoreError, damage_sentence
from node.stream_server import StreamServer
from node.version import VERSION
from protocol.address import Address
from protocol.error import BadSignature, MalformedMessage
from protocol.security.datagram import DatagramGate
from protocol.security.identity import StatementSigner
from protocol.security.license import License
from protocol.security.verifier import Verifier
from protocol.swim.admission import Terms
from protocol.swim.engine import Engine
from protocol.swim.local import Profile, first_incarnation
from protocol.ulid import MemberId
from protocol.wire.statement import Revocation

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
                nursery.start_soon(state.tokens.run)
                nursery.start_soon(node.services.run)
                nursery.start_soon(doze.serve, node.driver, datagrams)
                await nursery.start(node.streams.run, stream_listener)  # else a join made at once finds no dialler
                nursery.start_soon(node.keyring.run)
                nursery.start_soon(node.licensing.run, lambda: node.membership.seats_taken)
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
    licensing, services = open_licensing(config, state.store), await open_services(config, state.store)
    license_id = licensing.current.identity if licensing.current is not None else ""
    incarnation = first_incarnation(state.reserve, _unix_ms())
    await state.reserve_incarnation(incarnation)
    profile = _compose_profile(config, state, advertised, license_id)
    signer = StatementSigner(identity, keyring.cluster_id)

    def lookup_key(id: MemberId) -> bytes | None:
        return engine.public_key(id)

    def bars(id: MemberId) -> bool:
        return engine.membership.revocations.bars(id)

    verifier = Verifier(keyring.cluster_id, lookup_key, unix_ms=_unix_ms, operator_key=operator_key(config))
    gate = DatagramGate(identity, keyring, verifier, incarnation, os.urandom, lookup_key, bars)

    def room(peer: MemberId, introduce: bool) -> int:
        if introduce:
            gate.forget_answer(peer)
        return gate.payload_max(peer, len(engine.local.record.raw))

    engine = Engine(
        profile,
        config.engine_settings(license_id=license_id),
        incarnation=incarnation,
        sign=signer.sign,
        rng=Random(int.from_bytes(os.urandom(16), "big")),
        room=room,
    )

    _follow_license(licensing, engine)
    driver = Driver(engine, gate, verifier, keyring, datagrams)
    streams, keyring_keeper = StreamServer(driver, identity), KeyringKeeper(driver, state)
    node = Node(config, state, driver, streams, keyring_keeper, licensing, services=services)
    stays_out = state.left and not config.rejoin_after_leave
    words = _open_revocations(state, verifier)
    driver.perform(engine.start(driver.now, state.contacts, left=stays_out, revocations=words))
    services.publish_all()
    if state.left and not engine.local.goodbye:
        state.put_presence(left=False)
    driver.offer_keyring(changed=False)
    return node


def _compose_profile(config: Config, state: State, advertised: Address, license_id: str) -> Profile:
    """Say what this node is, from its configuration and what was changed while it ran."""
    changed_name = state.store.load_display_name()
    return Profile(
        id=state.identity.id,
        public_key=state.identity.public_key,
        name=config.name,
        address=advertised,
        start=int.from_bytes(os.urandom(8), "big"),
        version=VERSION,
        license_id=license_id,
        display_name=config.display_name if changed_name is None else changed_name,
        tags=config.replace(tags=state.changed_tags(config.tags)).record_tags(),
    )


def _follow_license(licensing: LicenseKeeper, engine: Engine) -> None:
    """Have the engine go by the license in force, now and whenever it is renewed or expires."""

    def change_terms(license: License) -> None:
        expired = licensing.has_expired(time.time())
        engine.change_terms(Terms(license.identity, license.max_nodes, expired=expired))

    licensing.on_change = change_terms
    if licensing.current is not None:
        change_terms(licensing.current)


def _open_revocations(state: State, verifier: Verifier) -> list[Revocation]:
    """Read what was signed about who is out; what is not heeded here any more (another operator's key) stays on disk.

    Raises:
        StoreError: the database holds something else.
    """
    try:
        found = [verifier.open_statement(raw) for raw in state.store.load_revocations()]
    except (MalformedMessage, BadSignature) as wrong:
        raise StoreError(damage_sentence(f"a revocation in it: {wrong}", state.store.path)) from None
    return [statement for statement in found if isinstance(statement, Revocation)]


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000
