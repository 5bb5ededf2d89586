"""The ring of changes: numbers that never go back, gaps that are told, waiting that costs nothing."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from node.journal import RING_MAX, Journal, JournalBatch
from protocol.address import Address
from protocol.status import Status
from protocol.swim.effect import Change, ChangeKind
from protocol.ulid import MemberId

FIRST = 1_000


def _change(number: int) -> Change:
    return Change(
        ChangeKind.UPDATE,
        MemberId(bytes(16)),
        f"n{number}",
        Address("127.0.0.1", 1),
        number,
        Status.ALIVE,
        float(number),
    )


def _filled(count: int) -> Journal:
    journal = Journal(FIRST)
    for number in range(count):
        journal.add(float(number), _change(number))
    return journal


def _indexes(batch: JournalBatch) -> list[int]:
    return [entry.index for entry in batch.entries]


def test_journal_numbers_changes_one_by_one() -> None:
    """The first change is one above the start, each next one above the last."""
    journal = _filled(3)
    assert _indexes(journal.since(FIRST, 10)) == [FIRST + 1, FIRST + 2, FIRST + 3]
    assert journal.index == FIRST + 3


def test_journal_gives_the_oldest_above_an_index() -> None:
    """A limit cuts the newest off; at the end there is nothing, and no gap."""
    journal = _filled(10)
    batch = journal.since(FIRST + 4, 3)
    assert (_indexes(batch), batch.gap) == ([FIRST + 5, FIRST + 6, FIRST + 7], False)
    assert journal.since(journal.index, 5) == JournalBatch((), False)


@pytest.mark.parametrize("index", [0, FIRST - 1, FIRST + 11, 2**60])
def test_index_of_another_life_is_a_gap(index: int) -> None:
    """An index from before the start, or never given, brings all that is held, and says so."""
    batch = _filled(10).since(index, 100)
    assert batch.gap
    assert len(batch.entries) == 10


def test_full_ring_forgets_the_oldest_and_says_so() -> None:
    """Beyond its bound the ring drops the oldest; who stood before them hears of a gap, who stood at them not."""
    journal = _filled(RING_MAX + 5)
    oldest = journal.since(0, 1).entries[0].index
    assert oldest == FIRST + 6
    assert journal.since(FIRST, 1).gap
    assert journal.since(oldest - 2, 1).gap
    assert not journal.since(oldest - 1, 1).gap
    assert len(journal.since(0, 10 * RING_MAX).entries) == RING_MAX


def test_empty_journal_has_no_gap_at_its_start() -> None:
    """Nothing has happened, nothing is lost."""
    assert Journal(FIRST).since(FIRST, 10) == JournalBatch((), False)
    assert Journal(FIRST).since(FIRST - 1, 10).gap


async def test_waiters_are_woken_together(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """Each who waits returns with the first change above its index, and not before."""
    journal = _filled(1)
    woken: list[int] = []

    async def wait(above: int) -> None:
        await journal.wait_above(above)
        woken.append(above)

    for above in (FIRST, FIRST + 1, FIRST + 1, FIRST + 2):
        nursery.start_soon(wait, above)
    await wait_all_tasks_blocked()
    assert woken == [FIRST]
    journal.add(1.0, _change(1))
    await wait_all_tasks_blocked()
    assert woken == [FIRST, FIRST + 1, FIRST + 1]
    journal.add(2.0, _change(2))
    await wait_all_tasks_blocked()
    assert woken[-1] == FIRST + 2


async def test_follower_hears_every_change_once(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """A follower that is slower than the changes gets them in batches, in order, none twice."""
    journal = _filled(0)
    heard: list[int] = []

    async def follow() -> None:
        async for batch in journal.follow(FIRST):
            assert not batch.gap
            heard.extend(_indexes(batch))
            await trio.sleep(1)

    nursery.start_soon(follow)
    for number in range(20):
        journal.add(float(number), _change(number))
        await trio.sleep(0.3)
    await trio.sleep(5)
    assert heard == list(range(FIRST + 1, FIRST + 21))


async def test_follower_that_was_away_too_long_hears_of_the_gap(autojump_clock: MockClock) -> None:
    """More changes than the ring holds while a follower slept are a gap, and what is held follows."""
    journal = _filled(1)
    batches = journal.follow(FIRST)
    assert _indexes(await anext(batches)) == [FIRST + 1]
    for number in range(RING_MAX + 1):
        journal.add(0.0, _change(number))
    batch = await anext(batches)
    assert batch.gap
    assert len(batch.entries) == RING_MAX
    await batches.aclose()  # type: ignore[attr-defined]
