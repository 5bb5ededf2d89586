"""Names with the times at which they are due."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from node.check.schedule import STALE_MIN, Schedule


async def _take(schedule: Schedule, count: int) -> list[tuple[str, float]]:
    return [(await schedule.next_due(), trio.current_time()) for _ in range(count)]


async def test_schedule_gives_names_in_their_time(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    """The earliest first, moved and dropped ones where they are now; one that is armed while it is waited, too."""
    schedule = Schedule()
    start = trio.current_time()
    for name, at in (("a", 5.0), ("b", 3.0), ("c", 9.0), ("d", 1.0)):
        schedule.arm(name, start + at)
    schedule.arm("a", start + 7.0)
    schedule.disarm("d")
    schedule.disarm("nobody")
    assert schedule.due_at("a") == start + 7.0
    assert len(schedule) == 3

    async def arm_later() -> None:
        await trio.sleep(4)
        schedule.arm("e", start + 6.0)
        schedule.arm("c", start + 6.5)

    nursery.start_soon(arm_later)
    taken = [(name, at - start) for name, at in await _take(schedule, 4)]
    assert taken == [("b", 3.0), ("e", 6.0), ("c", 6.5), ("a", 7.0)]
    assert len(schedule) == 0


async def test_schedule_without_names_waits(autojump_clock: MockClock) -> None:
    """Nothing is due until something is armed."""
    schedule = Schedule()
    with trio.move_on_after(1000) as scope:
        await schedule.next_due()
    assert scope.cancelled_caught


@pytest.mark.parametrize("forth_and_back", [False, True])
async def test_schedule_name_that_is_armed_again_and_again_costs_one_entry(
    autojump_clock: MockClock, forth_and_back: bool
) -> None:
    """A TTL that is renewed ten times a second for years must not fill the memory, nor come twice."""
    schedule = Schedule()
    start = trio.current_time()
    for number in range(10_000):
        schedule.arm("a", start + 1e9 + (number % 2 if forth_and_back else number))
    assert len(schedule._heap) <= STALE_MIN + 3
    schedule.arm("a", start + 1.0)
    assert await _take(schedule, 1) == [("a", start + 1.0)]
    with trio.move_on_after(1e10) as scope:
        await schedule.next_due()
    assert scope.cancelled_caught


deeds = st.lists(st.tuples(st.sampled_from("abcde"), st.one_of(st.none(), st.integers(0, 20))), max_size=80)


@given(deeds)
def test_schedule_is_what_was_armed_last(deeds: list[tuple[str, int | None]]) -> None:
    """Whatever was armed and disarmed, each name comes once, at its last time."""
    wanted: dict[str, int] = {}
    got: list[tuple[str, float]] = []

    async def main() -> None:
        schedule = Schedule()
        for name, at in deeds:
            if at is None:
                schedule.disarm(name)
                wanted.pop(name, None)
            else:
                schedule.arm(name, at)
                wanted[name] = at
        got.extend(await _take(schedule, len(wanted)))

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert sorted(got) == sorted(wanted.items())
    assert [at for _, at in got] == sorted(wanted.values())
