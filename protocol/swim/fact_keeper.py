"""Facts as they come and go: this node's own, which it alone writes, and what follows from others'."""

from protocol.budget import Budget
from protocol.error import InvalidRequest
from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.swim.effect import FactTaken
from protocol.swim.facts import FACTS_MAX, FACTS_SIZE_MAX, FactOutcome
from protocol.swim.local import LocalMember, Sign
from protocol.ulid import MemberId
from protocol.wire.fact import FACT_KEY_SIZE_MAX, FACT_SIZE_MAX, FACT_VERSION_MAX, HORIZON_KEY, Fact, encode_fact
from protocol.wire.message import Claim
from protocol.wire.statement import decode_statement

OWN_FACTS_MAX = FACTS_MAX // 2
"""Facts that may stand at once; as many places are left for tombstones and for what is written anew."""
OWN_FACTS_SIZE_MAX = FACTS_SIZE_MAX // 2
TOMBSTONES_MIN = 64
"""Tombstones that are not worth to write the rest anew."""
HORIZON_INTERVALS = 30
"""Probe intervals between writing what stands anew and the horizon: it is small, and would else be ahead of it."""
FACTS_BURST = 2_048
FACTS_PERIOD = 0.0625
"""News of one owner's taken from gossip at once, and the probe intervals between two after that; a sync brings the
rest."""


class FactKeeper:
    """Owned by one Engine; `now` in seconds of its clock, `unix_ms` by the wall."""

    def __init__(self, core: Core, local: LocalMember, sign: Sign) -> None:
        self._core = core
        self._local = local
        self._sign = sign
        self._version = local.incarnation
        """The largest that this node has used, or met as its own; incarnations begin at the unix time in ms, too."""
        self._standing = 0
        self._size = 0
        """How many facts of this node's stand, and their bytes."""
        self._below = 0
        """Where the horizon is to be drawn, once its timer is due."""
        self._budget = Budget(core.settings.probe_interval_s * FACTS_PERIOD, FACTS_BURST)

    # --- this node's own ------------------------------------------------------------------------

    def put(self, now: float, unix_ms: int, key: bytes, value: bytes) -> None:
        """Say that under a key stands a value, for all to see; the same value again says nothing.

        Raises:
            InvalidRequest: no key or value, or out of bounds; nothing changed.
        """
        if not 1 <= len(key) <= FACT_KEY_SIZE_MAX or not value:
            raise InvalidRequest(f"a fact has a key of 1 to {FACT_KEY_SIZE_MAX} bytes, and a value")
        held = self._core.membership.facts.get(self._core.own_id, key)
        if held is not None and held.value == value:
            return
        stands = held is not None and bool(held.value)
        fact = self._compose(unix_ms, key, value)
        grown = len(fact.raw) - (len(held.raw) if held is not None and stands else 0)
        if (not stands and self._standing >= OWN_FACTS_MAX) or self._size + grown > OWN_FACTS_SIZE_MAX:
            raise InvalidRequest(
                f"this node tells others of {self._standing} things in {self._size} bytes; it may of {OWN_FACTS_MAX} "
                f"in {OWN_FACTS_SIZE_MAX}"
            )
        if self._is_crowded(fact):
            self._compact(now, unix_ms)
            self.handle_timer(now)
            fact = self._compose(unix_ms, key, value)
        self._say(now, fact)

    def _is_crowded(self, fact: Fact) -> bool:
        """Tell whether tombstones leave no room: others would drop the oldest of what this node says."""
        own = self._core.membership.facts.of(self._core.own_id)
        if len(own) < FACTS_MAX // 2 and self._size < OWN_FACTS_SIZE_MAX // 2:
            return False
        size = sum(len(held.raw) for held in own.values())
        return len(own) + 1 >= FACTS_MAX or size + len(fact.raw) > FACTS_SIZE_MAX

    def remove(self, now: float, unix_ms: int, key: bytes) -> bool:
        """Say that nothing stands under a key any more; False if nothing did."""
        held = self._core.membership.facts.get(self._core.own_id, key)
        if held is None or not held.value or key == HORIZON_KEY:
            return False
        self._say(now, self._compose(unix_ms, key, b""))
        self._compact_if_worth(now, unix_ms)
        return True

    def _compact_if_worth(self, now: float, unix_ms: int) -> None:
        own = self._core.membership.facts.of(self._core.own_id)
        if len(own) - self._standing > max(TOMBSTONES_MIN, self._standing):
            self._compact(now, unix_ms)

    def _compact(self, now: float, unix_ms: int) -> None:
        """Write all that stands anew; a while later the horizon drops what was said before, wherever it is held."""
        timers = self._core.timers
        if timers.deadline(Timer.HORIZON) is not None:
            return
        self._below = self._version
        own = self._core.membership.facts.of(self._core.own_id)
        for fact in [fact for fact in own.values() if fact.value]:
            self._say(now, self._compose(unix_ms, fact.key, fact.value))
        timers.arm(now + HORIZON_INTERVALS * self._core.settings.probe_interval_s, Timer.HORIZON)

    def handle_timer(self, now: float) -> None:
        """Draw the horizon."""
        self._core.timers.disarm(Timer.HORIZON)
        self._say(now, self._sign_fact(HORIZON_KEY, self._below, b""))

    def _compose(self, unix_ms: int, key: bytes, value: bytes) -> Fact:
        return self._sign_fact(key, min(max(unix_ms, self._version + 1), FACT_VERSION_MAX), value)

    def _sign_fact(self, key: bytes, version: int, value: bytes) -> Fact:
        body = encode_fact(self._core.own_id, key, version, value)
        fact = decode_statement(self._sign(body) + body) if len(body) <= FACT_SIZE_MAX - 64 else None
        if not isinstance(fact, Fact):
            raise InvalidRequest(f"{len(body) + 64} bytes of one thing to tell others, at most {FACT_SIZE_MAX}")
        return fact

    def _say(self, now: float, fact: Fact) -> None:
        facts = self._core.membership.facts
        held = facts.get(fact.owner, fact.key)
        self._version = max(self._version, fact.version)
        if facts.merge(fact) is not FactOutcome.NEWS:
            return
        for said, sign in ((held, -1), (fact, 1)):
            if said is not None and said.value:
                self._standing += sign
                self._size += sign * len(said.raw)
        self._core.emit(FactTaken(fact.owner, fact))
        self._core.spread_fact(now, fact)

    # --- others' --------------------------------------------------------------------------------

    def affords(self, now: float, fact: Fact) -> bool:
        """Spend on news of an owner's that gossip brings; what is held already costs nothing."""
        facts = self._core.membership.facts
        held = facts.get(fact.owner, fact.key)
        is_old = (held is not None and held.raw == fact.raw) or facts.beats(fact) is not None
        return is_old or self._budget.take(now, fact.owner)

    def take(self, now: float, fact: Fact) -> Claim | None:
        """Merge a verified fact; give what beats it, where it is stale."""
        core = self._core
        if fact.owner == core.own_id:
            return self._meet(now, fact)
        if core.membership.get(fact.owner) is None:
            return None
        outcome = core.membership.facts.merge(fact)
        if outcome is FactOutcome.NEWS:
            core.emit(FactTaken(fact.owner, fact))
            core.spread_fact(now, fact)
        elif outcome is FactOutcome.STALE:
            better = core.membership.facts.beats(fact)
            return None if better is None else Claim(better)
        elif outcome is FactOutcome.REFUSED:
            core.counters.claims_refused += 1
        return None

    def _meet(self, now: float, fact: Fact) -> Claim | None:
        """Answer a fact of this node's own that others hold: an earlier start's, or a disk's that was lost.

        What this node does not say any more it takes back; what it says otherwise it says again, above.
        """
        facts = self._core.membership.facts
        held = facts.get(fact.owner, fact.key)
        if held is not None and held.raw == fact.raw:
            return None
        better = facts.beats(fact)
        if better is not None:
            return Claim(better)
        self._version = max(self._version, fact.version)
        if fact.key == HORIZON_KEY:
            for old in [old for old in facts.of(fact.owner).values() if old.value and old.version <= fact.version]:
                self._say(now, self._compose(0, old.key, old.value))
            self._say(now, fact)
        elif held is not None and held.value:
            self._say(now, self._compose(0, held.key, held.value))
        else:
            self._say(now, self._compose(0, fact.key, b"") if fact.value else fact)
            self._compact_if_worth(now, 0)
        return None

    def drop(self, owner: MemberId) -> None:
        """Tell whoever listens that a member is gone with all that it said."""
        if self._core.membership.facts.of(owner):
            self._core.emit(FactTaken(owner, None))
