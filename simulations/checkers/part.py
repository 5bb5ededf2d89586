"""One engine's parts agree: what is kept twice, for speed, says the same twice."""

from hashlib import blake2b

from protocol.status import Status
from protocol.swim.deadline import Timer
from protocol.swim.member import Member
from protocol.swim.rumor import RumorQueue
from protocol.swim.view_hash import BUCKET_COUNT, entry_mark
from protocol.ulid import MemberId
from protocol.wire.fact import Fact, fact_id
from protocol.wire.statement import Record, Revocation
from simulations.checkers.checker import Checker, Report
from simulations.world import Node, Step, World

_MASK = (1 << 64) - 1
MARKS_MAX = 20_000


class PartsAgree(Checker):
    """View hash, live list, index of names, ring, timers and rumors are as the rows, and each other, say."""

    name = "parts-agree"
    law = "view hash, live list, names, ring, timers and rumors of an engine are what its rows say"

    def __init__(self, world: World, report: Report) -> None:
        super().__init__(world, report)
        self._marks: dict[tuple[bytes, bool, bool], int] = {}
        self._word_marks: dict[bytes, int] = {}
        self._fact_marks: dict[bytes, tuple[MemberId, int]] = {}
        self._left_at: dict[tuple[int, int], float] = {}
        """Own clock at which a node last left, or returned: those suspect before have no timer until accused anew."""

    def see_own_record(self, step: Step, before: Record | None, now: Record) -> None:
        """Note who leaves and returns."""
        if now.goodbye or (before is not None and before.goodbye):
            self._left_at[step.node.index, step.node.life] = step.node.now(step.at)

    def audit(self, node: Node) -> None:
        """Derive anew what can be derived."""
        members = list(node.engine.membership)
        for text in (
            self._hash(node, members),
            _live(node, members),
            _names(node, members),
            _ring(node),
            _rumors(node.engine.core.rumors),
            _rumors(node.engine.core.fact_rumors),
            _facts(node),
            self._timers(node, members),
        ):
            if text:
                self.violate(self.world.now, node, text)

    # --- the view hash --------------------------------------------------------------------------

    def _mark(self, member: Member) -> int:
        entry = member.entry
        key = (entry.record.raw, bool(entry.accusations), entry.is_left_by_word)
        mark = self._marks.get(key)
        if mark is None:
            if len(self._marks) >= MARKS_MAX:
                self._marks.clear()
            mark = self._marks[key] = entry_mark(entry)
        return mark

    def _hash(self, node: Node, members: list[Member]) -> str:
        sums = [0] * BUCKET_COUNT
        for member in members:
            mark = self._mark(member)
            if mark != member.mark:
                return f"{member.record.name}'s mark is not that of its entry"
            sums[member.entry.record.id[-1]] += mark
        for word in node.engine.membership.revocations.listing():
            sums[word.subject[-1]] += self._word_mark(word)
        for fact in node.engine.membership.facts:
            id, mark = self._fact_mark(fact)
            sums[id[-1]] += mark
        hash = node.engine.membership.hash
        if hash.root != sum(sums) & _MASK:
            return "the view hash is not the sum of the marks of members, revocations and facts"
        if list(hash._sums) != [part & _MASK for part in sums]:
            return "the parts of the view hash are not the sums of their marks"
        return ""

    def _word_mark(self, word: Revocation) -> int:
        """Make a revocation's share again, as PROTOCOL.md has it."""
        mark = self._word_marks.get(word.raw)
        if mark is None:
            if len(self._word_marks) >= MARKS_MAX:
                self._word_marks.clear()
            digest = blake2b(word.raw, digest_size=8, person=b"shoal-revocation").digest()
            mark = self._word_marks[word.raw] = int.from_bytes(digest, "big")
        return mark

    def _fact_mark(self, fact: Fact) -> tuple[MemberId, int]:
        """Make a fact's id and share again, as PROTOCOL.md has them."""
        known = self._fact_marks.get(fact.raw)
        if known is None:
            if len(self._fact_marks) >= MARKS_MAX:
                self._fact_marks.clear()
            digest = blake2b(fact.raw, digest_size=8, person=b"shoal-fact").digest()
            known = self._fact_marks[fact.raw] = fact_id(fact.owner, fact.key), int.from_bytes(digest, "big")
        return known

    # --- timers ---------------------------------------------------------------------------------

    def _timers(self, node: Node, members: list[Member]) -> str:
        """Look for suspects without a verdict to come, the gone without a time to be reaped, and the reverse."""
        core = node.engine.core
        left_at = self._left_at.get((node.index, node.life), float("-inf"))
        suspects: set[MemberId] = set()
        gone: set[MemberId] = set()
        for member in members:
            status = member.status
            if status is Status.ALIVE or member.id == core.own_id:
                continue
            if status is not Status.SUSPECT:
                gone.add(member.id)
            elif not node.engine.local.goodbye and member.since > left_at:
                suspects.add(member.id)
        armed = core.timers._armed
        judged = {MemberId(about) for timer, about in armed if timer is Timer.SUSPICION and isinstance(about, bytes)}
        reaped = {MemberId(about) for timer, about in armed if timer is Timer.REAP and isinstance(about, bytes)}
        asked = {ping.target for ping in node.engine.pinger._outstanding.values()}
        if not suspects <= judged | asked:
            return f"{_name(node, suspects - judged - asked)} is suspect, and no verdict is to come"
        if strange := {id for id in judged if _status(node, id) is not Status.SUSPECT}:
            return f"{_name(node, strange)} is not suspect, and a verdict is to come"
        if gone != reaped:
            return f"{_name(node, gone ^ reaped)} is gone and will not be reaped, or the reverse"
        return ""


def _live(node: Node, members: list[Member]) -> str:
    membership, own = node.engine.membership, node.engine.core.own_id
    live = {member.entry.record.id for member in members if member.is_live}
    if set(membership.live_ids()) != live or membership.live_count != len(live):
        return f"the live list has {membership.live_count}, and {len(live)} are alive or suspect"
    gone = {member.id for member in members if not member.is_live and member.id != own}
    if set(membership._gone) != gone:
        return f"the list of the gone has {len(membership._gone)}, and {len(gone)} are failed or left"
    failed = {member.id for member in members if member.status is Status.FAILED and member.id != own}
    if membership._failed != failed:
        return f"{len(membership._failed)} are counted as failed, and {len(failed)} are"
    return ""


def _names(node: Node, members: list[Member]) -> str:
    """Compare the index with the records; who is live was compared before."""
    bearers: dict[str, list[tuple[bool, MemberId]]] = {}
    is_live = node.engine.membership.is_live
    for member in members:
        record = member.entry.record
        right = (not is_live(record.id), record.id)
        if record.name in bearers:
            bearers[record.name].append(right)
        else:
            bearers[record.name] = [right]
    index = node.engine.membership.names._bearers
    for name, rights in bearers.items():
        if list(index.get(name, ())) != (rights if len(rights) == 1 else sorted(rights)):
            return f"the index of names is wrong about {name!r}"
    if len(index) != len(bearers):
        return f"the index has {len(index)} names, and {len(bearers)} are borne"
    return ""


def _ring(node: Node) -> str:
    """Look for live members that will never be probed."""
    ring, own = node.engine.prober._ring, node.engine.core.own_id
    for id in node.engine.membership.live_ids():
        if id not in ring and id != own:
            return f"{_name(node, {id})} is live, and not on the ring: nobody here will probe it"
    return ""


def _facts(node: Node) -> str:
    """Look for facts that are counted wrongly, found nowhere, or below their owner's horizon."""
    facts, membership = node.engine.membership.facts, node.engine.membership
    count = 0
    for owner, owned in facts._owned.items():
        if membership.get(owner) is None and owned.facts:
            return f"facts of {owner.hex()} are held, who is not on the list"
        if owned.size != sum(len(fact.raw) for fact in owned.facts.values()):
            return f"{_name(node, {owner})}'s facts are {owned.size} bytes by count, and others by their bytes"
        for key, fact in owned.facts.items():
            if facts.find(fact_id(owner, key)) is not fact:
                return f"{_name(node, {owner})}'s fact {key!r} is not found by its id"
            if key and fact.version <= owned.horizon:
                return f"{_name(node, {owner})}'s fact {key!r} is held, and below the horizon"
        count += len(owned.facts)
    if count != len(facts) or count != sum(len(bucket) for bucket in facts._by_id):
        return f"{len(facts)} facts are counted, and {count} are held"
    own, keeper = facts.of(node.engine.core.own_id), node.engine.facts
    standing = [fact for fact in own.values() if fact.value]
    if (keeper._standing, keeper._size) != (len(standing), sum(len(fact.raw) for fact in standing)):
        return f"{keeper._standing} own facts of {keeper._size} bytes are counted, and {len(standing)} stand"
    return ""


def _rumors(queue: RumorQueue) -> str:
    if not queue._sent and not queue.size:
        return ""
    sizes = {key: size for group in queue._classes for key, (_, size) in group.items()}
    if sizes.keys() != queue._sent.keys() or sum(sizes.values()) != queue.size:
        return f"{len(queue._sent)} rumors of {queue.size} bytes are counted, and {len(sizes)} are queued"
    known = {key for keys in queue._by_subject.values() for key in keys}
    return "" if known == sizes.keys() else "the rumors by subject are not those that are queued"


def _status(node: Node, id: MemberId) -> Status | None:
    member = node.engine.membership.get(id)
    return member.status if member is not None else None


def _name(node: Node, ids: set[MemberId]) -> str:
    id = min(ids)
    member = node.engine.membership.get(id)
    return member.record.name if member is not None else id.hex()
