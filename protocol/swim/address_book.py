"""Whom we have ever met: outlives the list, so that a partition of any length heals.

Failed members and those reaped are tried again for ever, with decay. A goodbye, a prune or a
revocation takes a contact off the book.
"""

from collections.abc import Mapping

from protocol.swim.deadline import DeadlineQueue, Timer
from protocol.swim.effect import Contact
from protocol.swim.layered import LayeredDict
from protocol.ulid import MemberId

CONTACTS_MAX = 32_768
"""Twice the members one node is sized for; the contact that has been silent longest goes first."""
RETRY_FIRST_INTERVALS = 2
"""Probe intervals until a member that failed is tried again; doubles with each attempt."""
RETRY_LONGEST_INTERVALS = 60
"""The decay ends here (a minute at lan), so that two nodes alone heal within that after any partition."""
RETRY_LONGEST_ON_LIST_INTERVALS = 10
"""The decay of members still on the list as failed: most partitions are short."""
NOBODY: Mapping[MemberId, Contact] = {}


class AddressBook:
    """Contacts by id, and when each of those not live is tried next (seconds, engine's clock)."""

    def __init__(self, base: Mapping[MemberId, Contact] = NOBODY) -> None:
        """Begin with contacts that others may begin with too; the first is the one heard of longest ago."""
        self._contacts: LayeredDict[MemberId, Contact] = LayeredDict(base)
        """The one heard of last at the end."""
        self._attempts: dict[MemberId, int] = {}
        self._failed_at: dict[MemberId, float] = {}
        self._due = DeadlineQueue()

    def __len__(self) -> int:
        return len(self._contacts)

    def get(self, id: MemberId) -> Contact | None:
        """Find a contact."""
        return self._contacts.get(id)

    def put(self, contact: Contact) -> MemberId | None:
        """Write a contact down, as the one heard of last; give the id of one that had to go for it."""
        self._contacts.pop(contact.id, None)
        self._contacts[contact.id] = contact
        if len(self._contacts) <= CONTACTS_MAX:
            return None
        oldest = next(iter(self._contacts))
        self.remove(oldest)
        return oldest

    def remove(self, id: MemberId) -> bool:
        """Strike a contact off; tell whether it was there."""
        self.rest(id)
        return self._contacts.pop(id, None) is not None

    def rest(self, id: MemberId) -> None:
        """Stop trying: the contact is live."""
        self._attempts.pop(id, None)
        self._failed_at.pop(id, None)
        self._due.disarm(Timer.RETRY, id)

    def try_from(self, id: MemberId, at: float) -> None:
        """Begin to try a contact at a time, with no decay yet."""
        self._attempts[id] = 0
        self._due.arm(at, Timer.RETRY, id)

    def mark_failed(self, id: MemberId, now: float, probe_interval_s: float) -> None:
        """Note that a member failed just now; it is tried again soon, and still gets gossip for a while."""
        self._failed_at[id] = now
        self.try_from(id, now + RETRY_FIRST_INTERVALS * probe_interval_s)

    def failed_since(self, at: float) -> list[MemberId]:
        """Give the members that failed at or after a time."""
        for id in [id for id, failed_at in self._failed_at.items() if failed_at < at]:
            del self._failed_at[id]
        return list(self._failed_at)

    def next_due_at(self) -> float | None:
        """Tell when the next attempt is due."""
        return self._due.next_at()

    def take_due(self, now: float) -> tuple[Contact, int] | None:
        """Take the contact that is due first, with how many attempts went before."""
        while (due := self._due.pop_due(now)) is not None:
            (_, id), _ = due
            contact = self._contacts.get(id)  # type: ignore[arg-type]  # only ids are armed here
            if contact is not None:
                return contact, self._attempts.get(contact.id, 0)
        return None

    def try_again(self, id: MemberId, now: float, probe_interval_s: float, *, on_list: bool) -> None:
        """Plan the next attempt, twice as far away as the last."""
        attempts = self._attempts.get(id, 0) + 1
        self._attempts[id] = attempts
        longest = RETRY_LONGEST_ON_LIST_INTERVALS if on_list else RETRY_LONGEST_INTERVALS
        intervals = min(float(longest), RETRY_FIRST_INTERVALS * 2.0 ** min(attempts, 16))
        self._due.arm(now + intervals * probe_interval_s, Timer.RETRY, id)
