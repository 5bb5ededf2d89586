"""How a partition heals: those who failed, and those long off the list, are tried for ever."""

from protocol.swim.address_book import AddressBook
from protocol.swim.core import Core
from protocol.swim.deadline import Timer
from protocol.swim.effect import Contact, ForgetContact, PersistContact
from protocol.swim.ping import Answered, Pinger
from protocol.swim.stream import Streams
from protocol.ulid import MemberId
from protocol.wire.statement import Record

ALONE_PACE = 0.1
"""While no member is known at all, attempts follow each other this much faster than one an interval."""
STREAM_EACH = 4
"""Each fourth attempt at a contact also tries a stream: its datagrams may be blocked."""


class Retrier:
    """Pings the address book's contacts that are not live, one at a time; their silence means nothing."""

    def __init__(self, core: Core, pinger: Pinger, streams: Streams) -> None:
        self._core = core
        self._pinger = pinger
        self._streams = streams
        self._last_at = float("-inf")

    @property
    def _book(self) -> AddressBook:
        return self._core.book

    def restore(self, now: float, contacts: list[Contact]) -> None:
        """Take over the address book from the disk; all not live by a census are tried, the first at once."""
        for contact in contacts:
            membership = self._core.membership
            if contact.id == self._core.own_id or membership.revocations.bars(contact.id):
                continue
            if not membership.is_live(contact.id):
                self._book.put(contact)
                self._book.try_from(contact.id, now)
        self.arm(now)

    def meet(self, now: float, record: Record) -> None:
        """Write down a live member, and stop trying it."""
        self._write_down(record)
        self._book.rest(record.id)
        self.arm(now)

    def _write_down(self, record: Record) -> None:
        contact = Contact.of(record)
        held = self._book.get(record.id)
        dropped = self._book.put(contact)
        if dropped is not None:
            self._core.emit(ForgetContact(dropped))
        if held is None or (held.address, held.name) != (contact.address, contact.name):
            self._core.emit(PersistContact(contact))

    def part(self, id: MemberId) -> None:
        """Strike off a member that left of its own will, or was pruned."""
        if self._book.remove(id):
            self._core.emit(ForgetContact(id))

    def handle_failed(self, now: float, id: MemberId) -> None:
        """Begin to try a member that failed, though others have displaced it from the book meanwhile."""
        member = self._core.membership.get(id)
        if member is not None and self._book.get(id) is None:
            self._write_down(member.record)
        self._book.mark_failed(id, now, self._core.settings.probe_interval_s)
        self.arm(now)

    def arm(self, now: float) -> None:
        """Arm the next attempt: when one is due, and at most one per probe interval."""
        core = self._core
        due = self._book.next_due_at()
        if due is None or core.silent:
            core.timers.disarm(Timer.RETRY)
            return
        pace = core.settings.probe_interval_s * (ALONE_PACE if core.membership.live_count <= 1 else 1.0)
        core.timers.arm(max(due, self._last_at + pace, now), Timer.RETRY)

    def handle_timer(self, now: float) -> None:
        """Try the contact that is due first."""
        due = self._book.take_due(now)
        if due is not None:
            contact, attempts = due
            self._last_at = now
            self._try(now, contact, attempts)
        self.arm(now)

    def _try(self, now: float, contact: Contact, attempts: int) -> None:
        core = self._core
        if core.membership.is_live(contact.id):
            self._book.rest(contact.id)
            return
        core.counters.retries += 1
        on_list = core.membership.get(contact.id) is not None
        self._book.try_again(contact.id, now, core.settings.probe_interval_s, on_list=on_list)
        charges = core.charges(now, contact.id)
        wait_s = core.settings.probe_interval_s
        self._pinger.ask(now, contact.id, wait_s, self._answered(contact.id), claims=charges, introduce=True)
        by_stream = attempts % STREAM_EACH == STREAM_EACH - 1
        if attempts == 1 and core.membership.live_count <= 1:  # silence by datagram may have a reason, said on streams
            by_stream = True
        if by_stream and core.settings.stream_fallback:
            self._streams.dial_sync(now, contact.id)

    def _answered(self, id: MemberId) -> Answered:
        def done(now: float, answered: bool) -> None:
            if answered:
                self._core.urge(now, id)
                self._streams.dial_sync(now, id)

        return done
