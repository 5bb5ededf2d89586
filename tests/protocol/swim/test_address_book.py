"""Whom we have ever met: tried for ever, ever less often, and bounded."""

import pytest

from protocol.address import Address
from protocol.swim import address_book
from protocol.swim.address_book import AddressBook
from protocol.swim.effect import Contact
from protocol.ulid import MemberId
from tests.protocol.wire.sample import author


def contact(id: MemberId) -> Contact:
    """Give a contact."""
    return Contact(id, bytes(32), "n", Address("10.0.0.1", 1), 1)


ONE, TWO = contact(author(1).id), contact(author(2).id)


def gaps(*, on_list: bool) -> list[float]:
    """Retry one failed contact thirteen times, each when it is due; give the waits, in probe intervals."""
    book, now = AddressBook(), 0.0
    book.put(ONE)
    book.mark_failed(ONE.id, now, 1.0)
    waits = []
    for _ in range(13):
        due = book.next_due_at()
        assert due is not None
        waits.append(due - now)
        now = due
        assert book.take_due(now) is not None
        book.try_again(ONE.id, now, 1.0, on_list=on_list)
    return waits


def test_address_book_retries_decay_and_never_end() -> None:
    """2, 4, 8 ... 60 intervals off the list; at most 10 while still on it."""
    assert gaps(on_list=False) == [2, 4, 8, 16, 32, *[60] * 8]
    assert gaps(on_list=True) == [2, 4, 8, *[10] * 10]


def test_address_book_live_contact_rests() -> None:
    """One that came back is not tried, and no longer counts as failed of late."""
    book = AddressBook()
    book.put(ONE)
    book.mark_failed(ONE.id, 0.0, 1.0)
    assert book.failed_since(0.0) == [ONE.id]
    book.rest(ONE.id)
    assert book.next_due_at() is None
    assert book.failed_since(0.0) == []


def test_address_book_gossips_to_the_failed_for_a_while_only() -> None:
    """Defect 21: what is dead is not told for ever."""
    book = AddressBook()
    for number, held in enumerate((ONE, TWO)):
        book.put(held)
        book.mark_failed(held.id, float(number), 1.0)
    assert book.failed_since(0.5) == [TWO.id]
    assert book.failed_since(5.0) == []


def test_address_book_struck_off_is_not_tried() -> None:
    """A goodbye ends it."""
    book = AddressBook()
    book.put(ONE)
    book.try_from(ONE.id, 0.0)
    assert book.remove(ONE.id)
    assert not book.remove(ONE.id)
    assert book.take_due(100.0) is None


def test_address_book_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one heard of least lately goes; it is told which, so that the disk forgets it too."""
    monkeypatch.setattr(address_book, "CONTACTS_MAX", 2)
    book = AddressBook()
    assert [book.put(held) for held in (ONE, TWO, ONE)] == [None, None, None]
    assert book.put(contact(author(3).id)) == TWO.id
    assert len(book) == 2
