"""The cluster's keys in a world of sealed bytes: what an operator does to them, and how a change spreads."""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from node.driver import OFFER_AHEAD_MAX_MS
from node.keyring_keeper import ASK_BATCH, ASK_PAUSE_S, ASK_ROUNDS_MAX
from protocol.error import InvalidRequest, MalformedMessage
from protocol.security.identity import Entropy
from protocol.security.keyring import CLUSTER_KEY_SIZE, Keyring
from protocol.ulid import MemberId
from simulations.world.node import Node
from simulations.world.sealed_guard import Guard
from simulations.world.world import EPOCH_MS

if TYPE_CHECKING:
    from simulations.world.world import World


class SealedKeys:
    """Does at a node what node/keyring_keeper.py does, stamped with that node's wall clock."""

    def __init__(self, world: "World", guard_of: Callable[[Node], Guard], entropy: Entropy) -> None:
        self._world = world
        self._guard_of = guard_of
        self._entropy = entropy
        self._key_file = Keyring.generate(EPOCH_MS, entropy)
        self._asking: dict[tuple[int, int], int] = {}
        """Rounds of asking done, by node and life: one that added a key wants it shown by all."""
        self.cluster_id = self._key_file.cluster_id
        self.counts: Counter[str] = Counter()
        """What became of offers that differ: `merged`, `known`, `refused`, `over budget`."""

    def copy_key_file(self) -> Keyring:
        """Give what an operator hands a machine without a data directory: all its rotations are in it."""
        return Keyring.from_offer(self._key_file.encode_offer())

    # --- what an operator does ------------------------------------------------------------------

    def add(self, node: Node, key: bytes | None = None) -> bytes:
        """Hold one more key, a drawn one if none is given, and spread it; gives its id.

        Raises:
            InvalidRequest: as Keyring.add, or the process does not run.
        """
        keyring = self._keyring_of(node)
        key_id = keyring.add(self._entropy(CLUSTER_KEY_SIZE) if key is None else key, self._wall_ms(node))
        self._changed(node)
        life = (node.index, node.life)
        is_asking = life in self._asking
        self._asking[life] = 0
        if not is_asking:
            self._world.schedule.plan(self._world.now, self._ask, (node, life))
        return key_id

    def use(self, node: Node, key_id: bytes, *, force: bool = False) -> None:
        """Put a key in use everywhere.

        Raises:
            InvalidRequest: not held; without `force`, not shown yet by every live member, who are asked; or the
                process does not run.
        """
        keyring = self._keyring_of(node)
        if key_id not in keyring.key_ids:
            raise InvalidRequest(f"no key {key_id.hex()} is held")
        missing = self.not_shown_by(node, key_id)
        if missing and not force:
            self._ping(node, missing)
            live_count = node.engine.membership.live_count
            raise InvalidRequest(f"{len(missing)} of {live_count} live members have not shown key {key_id.hex()} yet")
        keyring.use(key_id, self._wall_ms(node))
        self._changed(node)

    def retire(self, node: Node, key_id: bytes) -> None:
        """Remove a key from the whole cluster.

        Raises:
            InvalidRequest: not held, the one in use, or the process does not run.
        """
        self._keyring_of(node).retire(key_id, self._wall_ms(node))
        self._changed(node)

    # --- what is known of it --------------------------------------------------------------------

    def not_shown_by(self, node: Node, key_id: bytes) -> list[MemberId]:
        """Give the live members that have not shown this node a key: it, or one added later."""
        guard, membership = self._guard_of(node), node.engine.membership
        stamps = {held.key_id: held.stamp for held in guard.keyring.listing()}
        wanted = stamps.get(key_id, 0)
        missing = []
        for id in membership.live_ids():
            newest = guard.keyring.newest_key_id if id == membership.own_id else guard.gate.shown_key(id)
            if newest is None or (newest != key_id and stamps.get(newest, -1) < wanted):
                missing.append(id)
        return missing

    def holders(self) -> dict[bytes, tuple[int, ...]]:
        """Give for each key id which running nodes hold it, by index; a node of another cluster too."""
        found: dict[bytes, tuple[int, ...]] = {}
        for node in self._world.nodes:
            if node.running:
                for key_id in self._guard_of(node).keyring.key_ids:
                    found[key_id] = (*found.get(key_id, ()), node.index)
        return found

    # --- how it spreads -------------------------------------------------------------------------

    def merge(self, node: Node, sender: MemberId, blob: bytes) -> None:
        """Take what a member offers, as node/driver.py does, and pass on what was new."""
        guard, now = self._guard_of(node), node.now(self._world.now)
        if blob == guard.keyring.encode_offer():
            return
        if not guard.offers.take(now, sender):
            self.counts["over budget"] += 1
            return
        try:
            changed = guard.keyring.merge_offer(blob, self._wall_ms(node) + OFFER_AHEAD_MAX_MS)
        except MalformedMessage:
            self.counts["refused"] += 1
            return
        self.counts["merged" if changed else "known"] += 1
        if changed:
            self._offer(node)

    def _offer(self, node: Node) -> None:
        keyring, now = self._guard_of(node).keyring, node.now(self._world.now)
        effects = node.engine.offer_keyring(now, keyring.encode_offer(), keyring.digest, changed=True)
        self._world.do(node, "keyring", effects)

    def _changed(self, node: Node) -> None:
        keyring = self._guard_of(node).keyring
        if keyring.cluster_id == self.cluster_id:
            self._key_file.merge(keyring)
        self._offer(node)

    def _ask(self, asked: tuple[Node, tuple[int, int]]) -> None:
        """Have the members ping back that have not shown the newest key, until all have."""
        node, life = asked
        missing = []
        if node.running and life == (node.index, node.life):
            missing = self.not_shown_by(node, self._guard_of(node).keyring.newest_key_id)
        if not missing or self._asking[life] >= ASK_ROUNDS_MAX:
            del self._asking[life]
            return
        self._asking[life] += 1
        now = self._world.now
        if now >= node.paused_until:
            self._ping(node, missing)
        self._world.schedule.plan(max(now + ASK_PAUSE_S, node.paused_until), self._ask, asked)

    def _ping(self, node: Node, members: list[MemberId]) -> None:
        for id in members[:ASK_BATCH]:
            self._world.do(node, "ask", node.engine.ask(node.now(self._world.now), id))

    def _keyring_of(self, node: Node) -> Keyring:
        if not node.running:
            raise InvalidRequest(f"{node.name} does not run: nobody is there to change its keys")
        return self._guard_of(node).keyring

    def _wall_ms(self, node: Node) -> int:
        return EPOCH_MS + int((self._world.now + node.clock.wall_offset_s) * 1000)
